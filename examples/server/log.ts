/** One event as the log keeps it. */
export interface LogEntry {
  /** The id of the send. */
  readonly id: string;
  readonly event: string;
  /** The payload as JSON; `undefined` when there is none. */
  readonly data: string | undefined;
  /** When it was accepted, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The id of the user who sent it. */
  readonly from: string;
  /** The trace context that the sender gave. */
  readonly traceparent?: string;
}

/** An entry with its number. */
export interface NumberedEntry extends LogEntry {
  readonly offset: number;
}

/** What became of an append. */
export interface Appended {
  readonly epoch: string;
  readonly offset: number;
  /** True when this user's id was in the log already: nothing was added, and the position is the first one's. */
  readonly duplicate: boolean;
}

/** What a channel's log holds. */
export interface Head {
  /** Names this numbering. */
  readonly epoch: string;
  /** The number of the last entry; 0 when there was none. */
  readonly offset: number;
  /** The number of the oldest entry that can be read; `offset + 1` when there is none. */
  readonly oldest: number;
}

/** A part of a log. */
export interface Page {
  readonly epoch: string;
  readonly entries: readonly NumberedEntry[];
}

/** What a log tells those who listen. */
export type News =
  /** An entry was added, on this node or another. */
  | { readonly kind: 'appended'; readonly entry: NumberedEntry }
  /** Something that is not kept. */
  | { readonly kind: 'passing'; readonly entry: LogEntry }
  /** The log is lost and starts anew. */
  | { readonly kind: 'restarted'; readonly epoch: string };

/**
 * The logs of all channels. Everything is asynchronous, so that a store on another machine can stand behind it; the
 * memory log is one implementation. Order of calls is order of application, per channel.
 */
export interface Log {
  /** Adds an entry, unless its sender's id is known already. Listeners hear of it before or after the answer. */
  append(channel: string, entry: LogEntry): Promise<Appended>;
  /** Reads at most `limit` entries after an offset, oldest first; from the oldest kept one if that is later. */
  read(channel: string, after: number, limit: number): Promise<Page>;
  /** Where the log stands. A channel that nobody used yet gets its epoch here. */
  head(channel: string): Promise<Head>;
  /** Tells the listeners of all nodes something that is not kept. */
  pass(channel: string, entry: LogEntry): Promise<void>;
  /** Listens on a channel; the answer ends it. */
  subscribe(channel: string, listener: (news: News) => void): () => void;
}
