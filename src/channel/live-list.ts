import {
  type Channel,
  type ChannelState,
  disposable,
  type EventMessage,
  type EventName,
  type EventOutput,
  type EventSchemas,
  type Frames,
  type Gap,
  type Readable,
  RealtimeError,
  systemFrames,
  writable,
} from 'keepwire';
import { onJoin } from './companion.ts';
import { createLoader, type ListPage, type LoadRange } from './live-list-loader.ts';
import { createListStore, type ListEntry } from './live-list-store.ts';

export type { ListPage, LoadRange } from './live-list-loader.ts';
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
export interface ListView<Item> {
  /** Oldest first; our sends that are not accepted yet come last. */
  readonly items: readonly ListEntry<Item>[];
  /** `loading` until there is a first page, `failed` when the last load was refused or the server will not let us in. */
  readonly status: 'loading' | 'ready' | 'failed';
  /**
   * What is shown is what the server has: the channel is joined, the list was loaded since, and nothing is missing. Where it is
   * false, the list may be old: show it as such.
   */
  readonly isLive: boolean;
  /** There is something older than the first item. */
  readonly hasMore: boolean;
  /** An older page is on its way. */
  readonly isLoadingMore: boolean;
  /** Why the last load failed. */
  readonly error: RealtimeError | undefined;
  /** Messages are missing, and what is held has not been loaded again yet. */
  readonly gap: Gap | undefined;
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
/** The history does not wait longer for the channel: who is offline sees it too. It is loaded again with the join. */
const joinWaitMs = 2_000;

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
  const { key, load, insert, update, remove, limit = 500, pageSize = 50, compare, version, optimistic, per, signal } = options;
  const { frames = systemFrames } = options;
  if (!(limit >= 1 && pageSize >= 1)) throw new RealtimeError('invalid-option', 'limit and pageSize must be at least 1');
  const { context } = channel;
  const { clock, newId } = context.platform;
  // the payload types exist at compile time only
  const wire = channel as unknown as Channel;
  const keyOf = (item: Item): string => String(key(item));
  const store = createListStore<Item>({ keyOf, compare, matches: optimistic?.matches ?? (() => false), version, limit });
  const loader = createLoader<Item>({ load, store, compare, pageSize, clock, changed });
  /** What was sent and is not accepted, for another try. */
  const sent = new Map<string, Data>();
  let gap: Gap | undefined;
  let refusal: RealtimeError | undefined;
  let cancelShow: (() => void) | undefined;
  let isOpen = true;
  const view = writable(snapshot(), context.report);

  function snapshot(): ListView<Item> {
    const { status, error, isLoadingMore, isComplete } = loader.state;
    return {
      items: store.entries(),
      status: refusal ? 'failed' : status,
      isLive: isComplete && !gap && channel.state.get().status === 'joined',
      hasMore: store.hasMore,
      isLoadingMore,
      error: refusal ?? error,
      gap,
    };
  }

  function show(): void {
    cancelShow = undefined;
    view.set(snapshot());
  }

  function changed(isComplete = false): void {
    if (!isOpen) return;
    if (isComplete) gap = undefined;
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

  function showState({ status, error }: ChannelState): void {
    refusal = status === 'denied' || status === 'left' ? error : undefined;
    if (refusal) cancelWait();
    changed();
  }

  async function submit(
    id: string,
    data: Data,
    item: Item,
    { event = 'message', send }: OptimisticOptions<Item, Data>,
  ): Promise<void> {
    store.sending(id, item);
    changed();
    try {
      const answer = send && (await send(data, { id }));
      const offset = send ? undefined : (await wire.publish(event, data, { id })).offset;
      if (store.accepted(id, offset, answer)) loader.reload();
    } catch (error) {
      store.failed(id, RealtimeError.from(error, 'rejected', `sending ${event} failed`));
    }
    if (!store.sent(id)) sent.delete(id);
    changed();
  }

  const cancelWait = clock.schedule(loader.start, joinWaitMs);
  const removers = [
    ...follow(insert, store.insert),
    ...follow(update, store.patch),
    ...follow(remove, (removed) => store.remove(String(removed))),
    context.onGap((hole) => {
      gap = hole;
      loader.gap();
      changed();
    }),
    onJoin(wire, (isJoined) => {
      if (isJoined) cancelWait();
      loader.joined(isJoined);
    }),
    channel.state.subscribe(showState),
  ];
  const close = context.until(() => {
    isOpen = false;
    cancelWait();
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
      const item = optimistic.item(data, { id, at: clock.wallNow() });
      // those that failed and came all the same
      for (const known of sent.keys()) if (!store.sent(known)) sent.delete(known);
      sent.set(id, data);
      void submit(id, data, item, optimistic);
      return id;
    },
    retry(id) {
      const line = store.sent(id);
      if (optimistic && line?.status === 'failed') void submit(id, sent.get(id) as Data, line.item, optimistic);
    },
    discard(id) {
      if (store.sent(id)?.status !== 'failed') return;
      sent.delete(id);
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
