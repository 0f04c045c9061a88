import {
  type Channel,
  disposable,
  type EventMessage,
  type EventName,
  type EventOutput,
  type EventSchemas,
  type Frames,
  type Readable,
  RealtimeError,
  systemFrames,
  writable,
} from 'keepwire';
import { createLoader, type ListPage, type ListStanding, type LoadRange } from './live-list-loader.ts';
import { createListStore, type ListEntry } from './live-list-store.ts';

export type { ListPage, ListStanding, LoadRange } from './live-list-loader.ts';
export type { ListEntry } from './live-list-store.ts';

/** For each event name, what it means for the list; `undefined` when this one means nothing. */
export type EventMapping<Schemas extends EventSchemas, Meaning> = {
  readonly [Name in EventName<Schemas>]?: (
    data: EventOutput<Schemas, Name>,
    message: EventMessage<EventOutput<Schemas, Name>>,
  ) => Meaning | undefined;
};

/** How our own sends are shown before the server shows them. */
export interface OptimisticOptions<Item, Data> {
  /** The event that is published. @defaultValue `'message'` */
  readonly event?: string;
  /** The item as it will probably look. With the send's id as its key, nothing else is needed to find it again. */
  readonly item: (data: Data, send: { readonly id: string; readonly at: number }) => Item;
  /**
   * Is an item of the server the one that we sent? Asked where neither the id of the message, its number nor its key tells.
   * @defaultValue no
   */
  readonly matches?: (item: Item, sent: { readonly id: string; readonly item: Item }) => boolean;
  /** Sends in another way, such as by REST, and gives the item if the answer has it. @defaultValue `channel.publish` */
  readonly send?: (data: Data, send: { readonly id: string }) => Promise<Item | undefined>;
}

/** The options of {@link liveList}. */
export interface LiveListOptions<Item, Data = unknown, Schemas extends EventSchemas = EventSchemas> {
  /** What makes an item the same one; never used for another. Also asked of the fields that `update` gives. */
  readonly key: (item: Item) => string | number;
  /** Loads a page of history: the newest items, or those right before an item. @defaultValue there is no history */
  readonly load?: (range: LoadRange<Item>) => Promise<ListPage<Item>>;
  /** The events that bring an item, whole: a new one, or one in the place of an old one. */
  readonly insert?: EventMapping<Schemas, Item>;
  /** The events that change fields of an item; the key is among them. */
  readonly update?: EventMapping<Schemas, Partial<Item>>;
  /** The events that take an item away, by its key. */
  readonly remove?: EventMapping<Schemas, string | number>;
  /** How many items are kept; of more the oldest are dropped, and can be paged to again. @defaultValue 500 */
  readonly limit?: number;
  /** How many items a page has. @defaultValue 50 */
  readonly pageSize?: number;
  /** The order of items: negative when the first comes first. @defaultValue that of the pages, and then of arrival */
  readonly compare?: (a: Item, b: Item) => number;
  /**
   * Grows with each change of an item, such as a revision or the time of the change. Where several ways bring the same item
   * (events, pages, polls beside a stream), an older one then never takes the place of a newer one.
   *
   * @defaultValue what comes last counts
   */
  readonly version?: (item: Item) => number;
  /** For sends that are shown at once. */
  readonly optimistic?: OptimisticOptions<Item, Data>;
  /** Tells of changes at most once per picture, or once in so many milliseconds. @defaultValue each change at once */
  readonly per?: 'frame' | number;
  /** What tells of the next picture. @defaultValue `requestAnimationFrame`, with a timer for hidden pages */
  readonly frames?: Frames;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** A live list at one moment. */
export interface ListView<Item> extends ListStanding {
  /** Oldest first; our sends that are not accepted yet come last. */
  readonly items: readonly ListEntry<Item>[];
  /** There is something older than the first item. */
  readonly hasMore: boolean;
}

/** A list that is history and live events in one. Made by {@link liveList}. */
export interface LiveList<Item, Data = unknown> extends Disposable {
  /** The list. */
  readonly view: Readable<ListView<Item>>;
  /**
   * Sends, and shows it at once. What becomes of it is the status of its line.
   *
   * @returns the id of the line and of the send
   * @throws RealtimeError `invalid-option` without the option `optimistic`, `queue-full` when 1,000 sends are not accepted
   */
  send(data: Data): string;
  /** Sends a line that has failed again, under the same id: a server that honours ids applies it once. */
  retry(id: string): void;
  /** Takes a line that has failed away. */
  discard(id: string): void;
  /** Loads the page before the oldest item. Does nothing when there is none, or while it is under way. */
  loadMore(): Promise<void>;
  /** Loads what is held again. */
  reload(): void;
  /** Lets go of what was paged to, down to the limit: when the reader is back at the newest item. */
  trim(): void;
  /** Ends it; sends that are under way go on. Calling it twice is harmless. */
  close(): void;
}

/** More sends that are not accepted are refused. */
const mostSends = 1_000;

/**
 * Keeps a list from history by REST, live events and our own sends: each item once, in order, with its edits and
 * deletions, in whichever order they arrive. The channel is joined first and the history loaded then, so nothing falls
 * between; after a gap it is loaded again. It ends with the handle of the channel, with the signal, or by `close`.
 *
 * @throws RealtimeError `closed` for a handle that was left
 * @example
 * ```ts
 * const list = liveList(channel, {
 *   key: ({ id }: Message) => id,
 *   load: ({ before, limit, signal }) => api.messages({ before: before?.id, limit, signal }),
 *   insert: { message: (message) => message },
 *   remove: { deleted: ({ id }) => id },
 *   optimistic: { item: (text: string, { id, at }) => ({ id, text, at }) },
 * });
 * list.send('hello');
 * ```
 */
export function liveList<Item, Data = unknown, Schemas extends EventSchemas = EventSchemas>(
  channel: Channel<Schemas>,
  options: LiveListOptions<Item, Data, Schemas>,
): LiveList<Item, Data> {
  const { insert, update, remove, limit, pageSize, optimistic, per, frames = systemFrames, signal } = options;
  if (![limit, pageSize].every((count = 1) => count >= 1)) {
    throw new RealtimeError('invalid-option', 'limit or pageSize is under 1');
  }
  const { context } = channel;
  const { clock, newId } = context.platform;
  // the payload types exist at compile time only
  const wire = channel as unknown as Channel;
  const store = createListStore<Item>(options);
  const loader = createLoader<Item>(wire, options, store, changed);
  let cancelShow: (() => void) | undefined;
  let isOpen = true;
  const view = writable(snapshot(), context.report);

  function snapshot(): ListView<Item> {
    return { ...loader.standing, items: store.entries(), hasMore: store.hasMore };
  }

  function show(): void {
    cancelShow = undefined;
    view.set(snapshot());
  }

  function changed(): void {
    if (!isOpen) return;
    if (per === undefined) show();
    else cancelShow ??= per === 'frame' ? frames(show) : clock.schedule(show, per);
  }

  /** Listens to each event of a mapping. */
  function follow<Meaning>(
    mapping: EventMapping<Schemas, Meaning> | undefined,
    apply: (meaning: Meaning, message: EventMessage) => void,
  ): (() => void)[] {
    return Object.entries(mapping ?? {}).map(([event, read]) =>
      wire.on(event, (data, message) => {
        const meaning = (read as (data: unknown, message: EventMessage) => Meaning | undefined)(data, message);
        if (meaning === undefined) return;
        apply(meaning, message);
        changed();
      }),
    );
  }

  async function submit(id: string, item: Item, data: Data, how: OptimisticOptions<Item, Data>): Promise<void> {
    const { event = 'message', send } = how;
    store.sending(id, item, () => void submit(id, item, data, how));
    changed();
    try {
      const answer = send && (await send(data, { id }));
      const offset = send ? undefined : (await wire.publish(event, data, { id })).offset;
      if (store.accepted(id, offset, answer)) loader.reload();
    } catch (error) {
      store.failed(id, RealtimeError.from(error, 'rejected', `sending ${event} failed`));
    }
    changed();
  }

  const removers = [
    ...follow(insert, store.insert),
    ...follow(update, store.patch),
    ...follow(remove, store.remove),
    ...loader.follow(),
  ];
  const close = context.until(() => {
    isOpen = false;
    cancelShow?.();
    loader.close();
    for (const remove of removers) remove();
  }, signal);

  const handle: Omit<LiveList<Item, Data>, typeof Symbol.dispose> = {
    view,
    send(data) {
      if (!optimistic) throw new RealtimeError('invalid-option', 'send() of a live list needs the option `optimistic`');
      if (store.sends >= mostSends) throw new RealtimeError('queue-full', `${mostSends} sends wait to be accepted`);
      const id = newId();
      void submit(id, optimistic.item(data, { id, at: clock.wallNow() }), data, optimistic);
      return id;
    },
    retry: store.retry,
    discard(id) {
      store.discard(id);
      changed();
    },
    loadMore: loader.loadMore,
    reload: loader.reload,
    trim() {
      store.trim();
      changed();
    },
    close,
  };
  return disposable(handle, close);
}
