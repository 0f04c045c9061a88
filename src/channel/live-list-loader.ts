import { type Clock, RealtimeError } from 'keepwire';
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
  readonly load: ((range: LoadRange<Item>) => Promise<ListPage<Item>>) | undefined;
  readonly store: ListStore<Item>;
  readonly compare: ((a: Item, b: Item) => number) | undefined;
  readonly pageSize: number;
  readonly clock: Clock;
  /** Something has changed; `isComplete` when everything that is held was loaded anew. */
  readonly changed: (isComplete?: boolean) => void;
}

/** How loading stands. */
export interface LoaderState {
  readonly status: 'loading' | 'ready' | 'failed';
  readonly error: RealtimeError | undefined;
  readonly isLoadingMore: boolean;
  /** What is held was loaded while the channel was joined, and nothing is missing since. */
  readonly isComplete: boolean;
}

/** Loads history, one request at a time. */
export interface Loader {
  readonly state: LoaderState;
  /** Loads for the first time, if nothing has begun. */
  start(): void;
  /** The channel was joined, or cut off: what was loaded without a join may have a hole behind it. */
  joined(isJoined: boolean): void;
  /** Something is missing before what comes now: everything that is held is loaded again. */
  gap(): void;
  /** Loads everything that is held again. */
  reload(): void;
  loadMore(): Promise<void>;
  close(): void;
}

/** One load under way. */
interface Task {
  readonly kind: 'all' | 'more';
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/** A load that fails is tried again after this long, doubling, so many times; then with the next join, gap or call. */
const firstPauseMs = 1_000;
const mostTries = 6;
/** A server that gaps all the time is not asked more often than this. */
const shortestPauseMs = 1_000;
/** A request on a phone may never end by itself. */
const longestLoadMs = 30_000;

/** Makes a loader for a store. */
export function createLoader<Item>({ load, store, compare, pageSize, clock, changed }: LoaderParts<Item>): Loader {
  let state: LoaderState = { status: load ? 'loading' : 'ready', error: undefined, isLoadingMore: false, isComplete: !load };
  let task: Task | undefined;
  /** While a load of everything runs, another one is wanted. */
  let isStale = false;
  let isJoined = false;
  /** The last load of everything began while the channel was joined, and so nothing is missing after it. */
  let isAnchored = false;
  let tries = 0;
  let lastStartMs = Number.NEGATIVE_INFINITY;
  let cancelNext: (() => void) | undefined;
  let isOpen = true;

  function set(change: Partial<LoaderState>, isComplete = false): void {
    state = { ...state, ...change };
    changed(isComplete);
  }

  async function page(before: Item | undefined, signal: AbortSignal): Promise<{ items: readonly Item[]; hasMore: boolean }> {
    const answer = (await load?.({ before, limit: pageSize, signal })) ?? [];
    const { items, hasMore = items.length >= pageSize } = 'items' in answer ? answer : { items: answer };
    return { items: compare ? [...items].sort(compare) : items, hasMore };
  }

  /** Page by page, until as much is loaded as is held. */
  async function all(signal: AbortSignal): Promise<{ items: readonly Item[]; hasMore: boolean }> {
    const wanted = store.size;
    let { items, hasMore } = await page(undefined, signal);
    while (hasMore && items.length && items.length < wanted && !signal.aborted) {
      const older = await page(items[0], signal);
      if (!older.items.length) return { items, hasMore: false };
      items = [...older.items, ...items];
      hasMore = older.hasMore;
    }
    return { items, hasMore };
  }

  /** Runs one load; a later one of everything takes its place. */
  function run(kind: Task['kind'], work: (signal: AbortSignal) => Promise<void>, failed: (error: RealtimeError) => void): Task {
    const controller = new AbortController();
    const { signal } = controller;
    store.begin();
    const watchdog = new Promise<void>((resolve, reject) => {
      const tooLate = (): void => {
        reject(new RealtimeError('timeout', `loading history took more than ${longestLoadMs} ms`));
        controller.abort();
      };
      const cancel = clock.schedule(tooLate, longestLoadMs);
      signal.onabort = () => {
        cancel();
        resolve();
      };
    });
    const started: Task = {
      kind,
      controller,
      done: Promise.race([work(signal), watchdog])
        .catch((error: unknown) => {
          if (task !== started) return;
          store.abandon();
          failed(RealtimeError.from(error, 'refused', 'loading history failed'));
        })
        .finally(() => {
          controller.abort();
          if (task === started) task = undefined;
        }),
    };
    task = started;
    return started;
  }

  function loadAll(): void {
    cancelNext?.();
    cancelNext = undefined;
    task?.controller.abort();
    isStale = false;
    isAnchored = isJoined;
    lastStartMs = clock.now();
    if (state.status === 'failed') set({ status: 'loading' });
    const { done } = run(
      'all',
      async (signal) => {
        const { items, hasMore } = await all(signal);
        if (signal.aborted) return;
        tries = 0;
        store.reset(items, hasMore);
        const isComplete = isAnchored && !isStale;
        set({ status: 'ready', error: undefined, isLoadingMore: false, isComplete }, !isStale);
      },
      failedAll,
    );
    void done.then(() => {
      if (isStale && isOpen) soon(0);
    });
  }

  function failedAll(error: RealtimeError): void {
    tries += 1;
    set({ status: 'failed', error, isLoadingMore: false });
    if (tries < mostTries) soon(firstPauseMs * 2 ** (tries - 1));
  }

  function soon(delayMs: number): void {
    cancelNext?.();
    cancelNext = clock.schedule(loadAll, Math.max(delayMs, lastStartMs + shortestPauseMs - clock.now()));
  }

  function reload(): void {
    if (!load || !isOpen) return;
    if (task?.kind === 'all') isStale = true;
    else if (clock.now() - lastStartMs >= shortestPauseMs) loadAll();
    else soon(0);
  }

  async function loadMore(): Promise<void> {
    if (task) return task.done;
    if (!load || !isOpen || !store.hasMore) return;
    const { done } = run(
      'more',
      async (signal) => {
        const { items, hasMore } = await page(store.oldest, signal);
        if (signal.aborted) return;
        store.prepend(items, hasMore && items.length > 0);
        set({ error: undefined, isLoadingMore: false });
      },
      (error) => set({ error, isLoadingMore: false }),
    );
    set({ isLoadingMore: true });
    return done;
  }

  return {
    get state() {
      return state;
    },
    start() {
      if (load && !task && state.status === 'loading') loadAll();
    },
    joined(now) {
      isJoined = now;
      if (!now || !load) return;
      tries = 0;
      if (lastStartMs === Number.NEGATIVE_INFINITY) loadAll();
      else if (!isAnchored || state.status === 'failed') reload();
    },
    gap() {
      // it is told by a join, or by a link that is joined
      isJoined = true;
      tries = 0;
      if (load) set({ isComplete: false });
      reload();
    },
    reload() {
      tries = 0;
      reload();
    },
    loadMore,
    close() {
      isOpen = false;
      cancelNext?.();
      task?.controller.abort();
      task = undefined;
    },
  };
}
