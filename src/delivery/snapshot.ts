import { RealtimeError } from '../errors.ts';
import type { Readable } from '../events/readable.ts';
import { onAbort, removable } from '../platform/abort.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import type { EventFrame, Position } from '../protocol/frame.ts';
import type { Gap } from './order.ts';

/** What {@link snapshot} needs of the state of a channel. */
export interface SnapshotChannelState {
  /** It loads while the channel is `joined`. */
  readonly status: 'joining' | 'joined' | 'denied' | 'left';
  /** The last hole that was not filled: each new one is a reason to load again. */
  readonly gap: Gap | undefined;
}

/** What {@link snapshot} needs of a channel; every `Channel` has it. */
export interface SnapshotChannel {
  /** Its name. */
  readonly name: string;
  /** How it stands with the server. */
  readonly state: Readable<SnapshotChannelState>;
  /** After which message it stands. */
  readonly position: Position | undefined;
  /** Listens for every event. */
  onAny(handler: (message: EventFrame) => void, options?: { readonly signal?: AbortSignal }): () => void;
}

/** What was loaded, and what of the channel is in it. */
export interface Loaded<T> {
  /** Whatever is shown. */
  readonly data: T;
  /** The last message of the channel that is in it, for servers that number. */
  readonly position?: Position;
  /** The ids of the messages that are in it, for servers that give only ids. */
  readonly ids?: Iterable<string>;
}

/** What {@link snapshot} does with what it gets. */
export interface SnapshotOptions<T> {
  /**
   * Loads the history or the state, usually by REST. It is called when the channel has been joined, so that nothing can
   * fall between; again when it fails, when it is older than the join, after a gap that was not filled, and on `reload`.
   */
  load(context: { readonly signal: AbortSignal; readonly position: Position | undefined }): Promise<Loaded<T>>;
  /** Takes what was loaded; it replaces what was there. */
  loaded(data: T): void;
  /** Takes each later message that is not in what was loaded. */
  event(message: EventFrame): void;
  /**
   * The tries are used up: nothing is shown until the next join, gap or `reload`. Also gets what `loaded` and `event` throw.
   *
   * @defaultValue ignored
   */
  failed?(error: RealtimeError): void;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** How often a load is tried. @defaultValue 4 */
  readonly maxAttempts?: number;
  /** The ceiling of the pause before the second try, doubling with each, in milliseconds; the pause is a random part of it. @defaultValue 500 */
  readonly baseMs?: number;
  /** How long one try may take, in milliseconds. @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** How many messages may wait for a load; with one more it begins again. @defaultValue 1000 */
  readonly maxWaiting?: number;
  /** The source of time. @defaultValue the platform's */
  readonly clock?: Clock;
  /** Jitter. @defaultValue the platform's */
  readonly random?: Random;
}

/** A snapshot that is kept up to date. */
export interface CurrentSnapshot {
  /** Loads anew. */
  reload(): void;
  /** Ends it: nothing is called any more. Calling it twice is harmless. */
  stop(): void;
}

/**
 * Position first, then the snapshot, then what comes live: waits until the channel is joined, keeps what comes live from
 * then on, loads, and goes on with what is not in the loaded yet. So no message falls between a fetch and the stream, and
 * none is shown twice, as far as the server gives numbers or ids: with neither, a message that came during the load may be
 * in both.
 *
 * @example
 * ```ts
 * import { snapshot } from 'keepwire/backfill';
 *
 * const messages = snapshot(realtime.channel('lobby'), {
 *   async load({ signal }) {
 *     const { items, epoch, offset } = await (await fetch('/api/lobby', { signal })).json();
 *     return { data: items, position: { epoch, offset } };
 *   },
 *   loaded: (items) => list.replace(items),
 *   event: ({ data }) => list.append(data),
 *   failed: (error) => banner.show(error.message),
 * });
 * ```
 */
export function snapshot<T>(channel: SnapshotChannel, options: SnapshotOptions<T>): CurrentSnapshot {
  const { maxAttempts = 4, baseMs = 500, timeoutMs = 10_000, maxWaiting = 1_000 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  /** What comes while a load is under way. */
  let waiting: EventFrame[] = [];
  /** The load that is under way; replaced by the next one. */
  let loading: AbortController | undefined;
  /** The last numbered message that came. */
  let seen: { readonly epoch: string | undefined; readonly offset: number } | undefined;
  let isLive = false;
  let isStopped = false;
  /** What the snapshot of now covers. */
  let covered: { position: Position | undefined; ids: Set<string> } = { position: undefined, ids: new Set() };
  let { gap } = channel.state.get();
  let cancelPause = (): void => {};

  function begin(): void {
    stopLoading();
    if (channel.state.get().status !== 'joined') {
      isLive = false;
      return;
    }
    isLive = false;
    loading = new AbortController();
    void run(loading);
  }

  function stopLoading(): void {
    cancelPause();
    loading?.abort();
    loading = undefined;
    waiting = [];
  }

  async function run(mine: AbortController): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const result = await tryOnce(mine.signal).catch((error: unknown) => ({ error }));
      if (loading !== mine) return;
      if (!('error' in result)) return goLive(result);
      if (attempt >= maxAttempts) {
        stopLoading();
        return fail(result.error, `loading ${channel.name} failed`);
      }
      await new Promise<void>((resolve) => {
        const cancel = clock.schedule(resolve, random() * baseMs * 2 ** (attempt - 1));
        cancelPause = () => {
          cancel();
          resolve();
        };
      });
      if (loading !== mine) return;
    }
  }

  function fail(cause: unknown, what: string): void {
    options.failed?.(RealtimeError.from(cause, 'handler-failed', what));
  }

  /** Keeps what the application throws away from the rest. */
  function call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      fail(error, `a handler of the snapshot of ${channel.name} threw`);
    }
  }

  /** @throws what the load throws; `timeout`; `protocol` for what is older than the channel's own position */
  function tryOnce(ended: AbortSignal): Promise<Loaded<T>> {
    const position = reached();
    const trying = new AbortController();
    return new Promise<Loaded<T>>((resolve, reject) => {
      const cancelTimeout = clock.schedule(() => {
        const error = new RealtimeError('timeout', `loading ${channel.name} took longer than ${timeoutMs} ms`);
        trying.abort(error);
        reject(error);
      }, timeoutMs);
      const finish = removable(cancelTimeout, ended);
      const forget = onAbort(ended, () => {
        trying.abort(ended.reason);
        reject(ended.reason);
      });
      Promise.resolve()
        .then(() => options.load({ signal: trying.signal, position }))
        .then((result) => {
          if (isOlder(result.position, position)) {
            throw new RealtimeError('protocol', `what was loaded for ${channel.name} is older than the stream`);
          }
          resolve(result);
        })
        .catch(reject)
        .finally(() => {
          finish();
          forget();
        });
    });
  }

  function goLive({ data, position, ids = [] }: Loaded<T>): void {
    covered = { position, ids: new Set(ids) };
    const kept = waiting;
    stopLoading();
    isLive = true;
    call(() => options.loaded(data));
    for (const message of kept) if (isLive && !isCovered(message)) call(() => options.event(message));
  }

  function isCovered({ offset, epoch, id }: EventFrame): boolean {
    const { position } = covered;
    if (id !== undefined && covered.ids.has(id)) return true;
    if (offset === undefined || typeof position !== 'object') return false;
    const current = epoch ?? epochOf(channel.position);
    return current === position.epoch && offset <= position.offset;
  }

  /**
   * What is loaded has to reach at least to where what waits begins. A message whose handlers are being called has reached us
   * before the position of the channel moves.
   */
  function reached(): Position | undefined {
    const { position } = channel;
    if (typeof position !== 'object' || seen?.epoch !== position.epoch) return position;
    return { epoch: position.epoch, offset: Math.max(position.offset, seen.offset) };
  }

  const removeListener = channel.onAny((message) => {
    if (isLive) {
      if (!isCovered(message)) call(() => options.event(message));
    } else if (loading) {
      // what the next load brings includes what has waited until now
      if (waiting.length >= maxWaiting) begin();
      waiting.push(message);
    }
    if (message.offset !== undefined) seen = { epoch: message.epoch ?? epochOf(channel.position), offset: message.offset };
  });
  const unsubscribe = channel.state.subscribe((state) => {
    const isGap = state.gap !== gap;
    gap = state.gap;
    if (isGap || (state.status === 'joined' && !isLive && !loading)) begin();
  });
  const stop = removable(() => {
    isStopped = true;
    isLive = false;
    stopLoading();
    removeListener();
    unsubscribe();
  }, options.signal);
  return {
    reload() {
      if (!isStopped) begin();
    },
    stop,
  };
}

function epochOf(position: Position | undefined): string | undefined {
  return typeof position === 'object' ? position.epoch : undefined;
}

/** Is a snapshot from before the place where the stream goes on? Only numbers of one log can tell. */
function isOlder(loaded: Position | undefined, joined: Position | undefined): boolean {
  if (typeof loaded !== 'object' || typeof joined !== 'object') return false;
  return loaded.epoch !== joined.epoch || loaded.offset < joined.offset;
}
