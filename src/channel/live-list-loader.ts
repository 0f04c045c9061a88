import { type Channel, type Gap, RealtimeError } from 'keepwire';
import type { ListStore } from './live-list-store.ts';

/** Which page of history is wanted. */
export interface LoadRange<Item> {
  /** The oldest item that is held: the page ends right before it. `undefined` for the newest page. */
  readonly before: Item | undefined;
  /** How many items it should have. */
  readonly limit: number;
  /** Fires when nobody waits for the page any more, and after 30 seconds. */
  readonly signal: AbortSignal;
}

/** A page of history, the oldest item first; in any order where the list has `compare`. */
export type ListPage<Item> =
  | readonly Item[]
  | {
      /** The items. */
      readonly items: readonly Item[];
      /** There is something older. @defaultValue the page has as many items as were asked for */
      readonly hasMore?: boolean;
    };

/** What the loader is made of. */
export interface LoaderParts<Item> {
  readonly channel: Channel;
  readonly load: ((range: LoadRange<Item>) => Promise<ListPage<Item>>) | undefined;
  readonly store: ListStore<Item>;
  readonly compare: ((a: Item, b: Item) => number) | undefined;
  readonly pageSize: number;
  /** Something has changed. */
  readonly changed: () => void;
}

/** How a list stands, beside its items. */
export interface ListStanding {
  /** `loading` until there is a first page, `failed` when the last load was refused or the server will not let us in. */
  readonly status: 'loading' | 'ready' | 'failed';
  /**
   * What is shown is what the server has: the channel is joined, the list was loaded since, and nothing is missing. Where it is
   * false, the list may be old: show it as such.
   */
  readonly isLive: boolean;
  /** An older page is on its way. */
  readonly isLoadingMore: boolean;
  /** Why the last load failed. */
  readonly error: RealtimeError | undefined;
  /** Messages are missing, and what is held has not been loaded again yet. */
  readonly gap: Gap | undefined;
}

/** Loads history, one request at a time, when the channel calls for it. */
export interface Loader {
  readonly standing: ListStanding;
  /** Follows the channel: the first load comes with the join. */
  follow(): void;
  /** Loads everything that is held again. */
  reload(): void;
  loadMore(): Promise<void>;
  close(): void;
}

/** One load under way. */
interface Task {
  /** Everything that is held, or the page before it. */
  readonly isAll: boolean;
  /** It began while the channel was joined, and so nothing is missing after it. */
  readonly isAnchored: boolean;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/** The history does not wait longer for the channel: who is offline sees it too. It is loaded again with the join. */
const joinWaitMs = 2_000;
/** A load that fails is tried again after this long, doubling, so many times; then with the next join, gap or call. */
const firstPauseMs = 1_000;
const mostTries = 6;
/** A server that gaps all the time is not asked more often than this. */
const shortestPauseMs = 1_000;
/** A request on a phone may never end by itself. */
const longestLoadMs = 30_000;

/** Makes a loader for a store. */
export function createLoader<Item>({ channel, load, store, compare, pageSize, changed }: LoaderParts<Item>): Loader {
  const { clock } = channel.context.platform;
  let task: Task | undefined;
  /** While a load of everything runs, another one is wanted. */
  let isStale = false;
  let isJoined = false;
  /** What is held was loaded while the channel was joined, and nothing is missing since. */
  let isComplete = !load;
  let status: ListStanding['status'] = load ? 'loading' : 'ready';
  let error: RealtimeError | undefined;
  /** Why the server will not let us in. */
  let refusal: RealtimeError | undefined;
  let gap: Gap | undefined;
  let tries = 0;
  let lastStartMs = Number.NEGATIVE_INFINITY;
  let cancelNext = load ? clock.schedule(loadAll, joinWaitMs) : () => {};
  let removers: (() => void)[] = [];
  let isOpen = true;

  /** Page by page what lies before an item, until there is as much as is wanted. */
  async function fetch(before: Item | undefined, wanted: number, signal: AbortSignal): Promise<readonly [Item[], boolean]> {
    const found: Item[] = [];
    let hasMore = true;
    while (hasMore && !signal.aborted) {
      const answer = (await load?.({ before: found[0] ?? before, limit: pageSize, signal })) ?? [];
      const page = 'items' in answer ? answer : { items: answer };
      const items = [...page.items];
      found.unshift(...(compare ? items.sort(compare) : items));
      hasMore = items.length > 0 && (page.hasMore ?? items.length >= pageSize);
      if (found.length >= wanted) break;
    }
    return [found, hasMore];
  }

  async function run(isAll: boolean, { signal }: AbortController): Promise<void> {
    const tooLate = new Promise<never>((_, reject) => {
      signal.onabort = () => reject(signal.reason);
    });
    store.begin();
    const pages = isAll ? fetch(undefined, store.size, signal) : fetch(store.oldest, 1, signal);
    const [items, hasMore] = await Promise.race([pages, tooLate]);
    if (isAll) store.reset(items, hasMore);
    else store.prepend(items, hasMore);
  }

  /** Begins a load, in the place of the one under way. */
  function start(isAll: boolean): Promise<void> {
    task?.controller.abort();
    const controller = new AbortController();
    const cancel = clock.schedule(
      () => controller.abort(new RealtimeError('timeout', `loading history took more than ${longestLoadMs} ms`)),
      longestLoadMs,
    );
    const end = (failure?: RealtimeError): void => {
      cancel();
      controller.abort();
      if (task !== own) return;
      task = undefined;
      error = failure;
      if (failure) store.abandon();
      if (isAll) endAll(own.isAnchored);
      changed();
    };
    const done = run(isAll, controller).then(
      () => end(),
      (reason) => end(RealtimeError.from(reason, 'refused', 'loading history failed')),
    );
    const own: Task = { isAll, isAnchored: isJoined, controller, done };
    task = own;
    return done;
  }

  function endAll(isAnchored: boolean): void {
    isComplete = isAnchored && !isStale && !error;
    status = error ? 'failed' : 'ready';
    if (error) {
      tries += 1;
      if (tries < mostTries) soon(firstPauseMs * 2 ** (tries - 1));
      return;
    }
    tries = 0;
    if (isStale) soon(0);
    else gap = undefined;
  }

  function loadAll(): void {
    cancelNext();
    isStale = false;
    lastStartMs = clock.now();
    if (status === 'failed') status = 'loading';
    void start(true);
    changed();
  }

  function soon(delayMs: number): void {
    cancelNext();
    const waitMs = Math.max(delayMs, lastStartMs + shortestPauseMs - clock.now());
    if (waitMs > 0) cancelNext = clock.schedule(loadAll, waitMs);
    else loadAll();
  }

  function reload(): void {
    tries = 0;
    if (!load || !isOpen) return;
    if (task?.isAll) isStale = true;
    else soon(0);
  }

  function follow(): void {
    removers = [
      channel.context.onGap((hole) => {
        gap = hole;
        isComplete = false;
        // it is told by a join, or by a link that is joined
        isJoined = true;
        reload();
        changed();
      }),
      channel.state.subscribe((state) => {
        const wasJoined = isJoined;
        isJoined = state.status === 'joined';
        refusal = state.status === 'denied' || state.status === 'left' ? state.error : undefined;
        if (refusal) cancelNext();
        if (isJoined && !wasJoined && !(task?.isAll ? task.isAnchored : isComplete)) reload();
        changed();
      }),
    ];
  }

  return {
    get standing() {
      return {
        status: refusal ? 'failed' : status,
        isLive: isComplete && isJoined,
        isLoadingMore: task?.isAll === false,
        error: refusal ?? error,
        gap,
      };
    },
    follow,
    reload,
    async loadMore() {
      if (task) return task.done;
      if (!load || !isOpen || !store.hasMore) return;
      const done = start(false);
      changed();
      return done;
    },
    close() {
      isOpen = false;
      for (const remove of removers) remove();
      cancelNext();
      task?.controller.abort();
      task = undefined;
    },
  };
}
