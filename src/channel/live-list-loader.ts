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

/** How history is loaded: the part of the options of a live list that its loader reads. */
export interface LoadRules<Item> {
  readonly load?: ((range: LoadRange<Item>) => Promise<ListPage<Item>>) | undefined;
  readonly compare?: ((a: Item, b: Item) => number) | undefined;
  readonly pageSize?: number | undefined;
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
  /**
   * Follows the channel: the first load comes with the join.
   *
   * @returns the removers
   */
  follow(): (() => void)[];
  /** Loads everything that is held again. */
  reload(): void;
  loadMore(): Promise<void>;
  close(): void;
}

/** One load under way. */
interface Task {
  /** Everything that is held, or the page before it. */
  readonly isAll: boolean;
  /** What of all that was wanted it brings: nothing while the channel is not joined, since something may be missing after it. */
  readonly serves: number;
  readonly controller: AbortController;
  done: Promise<void> | undefined;
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

/**
 * Makes a loader for a store.
 *
 * @param changed - called when something has changed
 */
export function createLoader<Item>(
  channel: Channel,
  { load, compare, pageSize = 50 }: LoadRules<Item>,
  store: ListStore<Item>,
  changed: () => void,
): Loader {
  const { clock } = channel.context.platform;
  let task: Task | undefined;
  let isJoined = false;
  /** Grows with everything that calls for a load: the beginning, a gap, a join after a load without one, a wish. */
  let wanted = load ? 1 : 0;
  /** Up to where the loads have brought what was wanted. */
  let served = 0;
  /** Nothing is missing since; a load that is only wished for does not change that. */
  let isComplete = !load;
  let status: ListStanding['status'] = load ? 'loading' : 'ready';
  let error: RealtimeError | undefined;
  /** Why the server will not let us in. */
  let refusal: RealtimeError | undefined;
  let gap: Gap | undefined;
  let tries = 0;
  let lastStartMs = Number.NEGATIVE_INFINITY;
  let cancelNext = load ? clock.schedule(loadAll, joinWaitMs) : () => {};
  let isOpen = true;

  /** Page by page what lies before an item, until there is as much as is asked for. */
  async function collect(before: Item | undefined, count: number, signal: AbortSignal): Promise<readonly [Item[], boolean]> {
    const found: Item[] = [];
    let hasMore = true;
    do {
      const answer = (await load?.({ before: found[0] ?? before, limit: pageSize, signal })) ?? [];
      const page = 'items' in answer ? answer : { items: answer };
      const items = [...page.items];
      found.unshift(...(compare ? items.sort(compare) : items));
      hasMore = items.length > 0 && (page.hasMore ?? items.length >= pageSize);
    } while (hasMore && found.length < count && !signal.aborted);
    return [found, hasMore];
  }

  async function run(own: Task): Promise<void> {
    const { isAll, serves, controller } = own;
    const { signal } = controller;
    const ended = new Promise<never>((_, reject) => {
      const tooLate = new RealtimeError('timeout', `loading history took more than ${longestLoadMs} ms`);
      const cancel = clock.schedule(() => controller.abort(tooLate), longestLoadMs);
      signal.onabort = () => {
        cancel();
        reject(signal.reason);
      };
    });
    store.begin();
    let failure: RealtimeError | undefined;
    try {
      const pages = isAll ? collect(undefined, store.size, signal) : collect(store.oldest, 1, signal);
      const [items, hasMore] = await Promise.race([pages, ended]);
      if (task === own) store.loaded(items, hasMore, isAll);
    } catch (reason) {
      failure = RealtimeError.from(reason, 'refused', 'loading history failed');
    }
    controller.abort();
    // another one has taken its place
    if (task !== own) return;
    task = undefined;
    error = failure;
    if (failure) store.abandon();
    if (isAll && !failure) {
      status = 'ready';
      tries = 0;
      served = serves;
      isComplete = served === wanted;
      if (isComplete) gap = undefined;
      else if (isJoined) soon(0);
    } else if (isAll) {
      status = 'failed';
      tries += 1;
      if (tries < mostTries) soon(firstPauseMs * 2 ** (tries - 1));
    }
    changed();
  }

  /** Begins a load, in the place of the one under way. */
  function start(isAll: boolean): Promise<void> | undefined {
    task?.controller.abort();
    task = { isAll, serves: isJoined ? wanted : 0, controller: new AbortController(), done: undefined };
    task.done = run(task);
    changed();
    return task.done;
  }

  function loadAll(): void {
    cancelNext();
    lastStartMs = clock.now();
    if (status === 'failed') status = 'loading';
    void start(true);
  }

  function soon(delayMs: number): void {
    cancelNext();
    const waitMs = Math.max(delayMs, lastStartMs + shortestPauseMs - clock.now());
    if (waitMs > 0) cancelNext = clock.schedule(loadAll, waitMs);
    else loadAll();
  }

  function reload(): void {
    wanted += 1;
    tries = 0;
    // one that is under way sees at its end that more is wanted
    if (load && isOpen && !task?.isAll) soon(0);
  }

  return {
    get standing() {
      return {
        status: refusal ? 'failed' : status,
        isLive: isJoined && isComplete,
        isLoadingMore: task?.isAll === false,
        error: refusal ?? error,
        gap,
      };
    },
    follow: () => [
      channel.context.onGap((hole) => {
        gap = hole;
        isComplete = false;
        wanted += 1;
        // one that a join tells of is loaded with that join
        if (isJoined) reload();
        changed();
      }),
      channel.state.subscribe((state) => {
        const wasJoined = isJoined;
        isJoined = state.status === 'joined';
        refusal = state.error;
        if (refusal) cancelNext();
        if (isJoined && !wasJoined && (task?.isAll ? task.serves : served) !== wanted) reload();
        changed();
      }),
    ],
    reload,
    async loadMore() {
      if (task) return task.done;
      if (load && isOpen && store.hasMore) return start(false);
    },
    close() {
      isOpen = false;
      cancelNext();
      task?.controller.abort();
      task = undefined;
    },
  };
}
