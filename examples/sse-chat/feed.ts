import type { ServerResponse } from 'node:http';

/** One message of the stream: what it is called and what it says. */
export interface Notice {
  readonly type: string;
  readonly data: unknown;
}

/** Who is to get a notice. */
export type Audience = (user: string) => boolean;

/** One open stream, or a poll that is held. */
export interface Listener {
  readonly user: string;
  /** Only what belongs to this channel. */
  readonly channel: string | undefined;
  take(notice: Notice, id: number): void;
}

interface Entry {
  readonly id: number;
  readonly notice: Notice;
  readonly channel: string | undefined;
  readonly audience: Audience;
}

/** Everything that is told, to whom, in one numbering; and who listens. */
export interface Feed {
  readonly last: number;
  readonly listeners: ReadonlySet<Listener>;
  tell(notice: Notice, audience: Audience, channel?: string): void;
  /** What a user has missed after a number. */
  after(id: number, user: string, channel?: string): readonly { readonly id: number; readonly notice: Notice }[];
  add(listener: Listener): () => void;
}

/** So many notices are kept for those who come back. */
const longestLog = 1_000;

export function createFeed(): Feed {
  const listeners = new Set<Listener>();
  let log: Entry[] = [];
  let last = 0;
  const isFor = ({ audience, channel }: Entry, user: string, only: string | undefined): boolean =>
    audience(user) && (only === undefined || only === channel);
  return {
    get last() {
      return last;
    },
    listeners,
    tell(notice, audience, channel) {
      last += 1;
      const entry = { id: last, notice, channel, audience };
      log = [...log, entry].slice(-longestLog);
      for (const listener of [...listeners]) if (isFor(entry, listener.user, listener.channel)) listener.take(notice, last);
    },
    after: (id, user, channel) => log.filter((entry) => entry.id > id && isFor(entry, user, channel)),
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Writes one message of an event stream. */
export function writeEvent(response: ServerResponse, notice: Notice, id?: number): void {
  response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(notice)}\n\n`);
}
