import { RealtimeError } from '../errors.ts';
import { removable } from '../platform/abort.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { disposable } from '../platform/dispose.ts';
import { type Frames, systemFrames } from '../platform/frames.ts';
import { reportUnheard } from '../platform/report.ts';
import { observable, type Readable, writable } from './readable.ts';

/** How often at most. */
export interface CoalesceOptions {
  /** Once for each picture that is painted, or once in so many milliseconds. @defaultValue `'frame'` */
  readonly per?: 'frame' | number;
  /** What tells of the next picture. @defaultValue `requestAnimationFrame`, with a timer for hidden pages */
  readonly frames?: Frames;
  /** What measures the milliseconds. @defaultValue the platform's timers */
  readonly clock?: Clock;
}

/** A {@link Readable} that tells of changes only so often. */
export interface Coalesced<T> extends Readable<T> {
  /** How many changes nobody was told of, because a later one came before the next picture. */
  readonly conflated: number;
}

/**
 * A view of a Readable that tells its listeners at most once per picture, of the newest value. While somebody listens,
 * `get` gives what they were told last, so that everything on one picture agrees. Without listeners it costs nothing and
 * leaves nothing behind.
 *
 * @throws RealtimeError `invalid-option` for a `per` that is neither
 * @example
 * ```ts
 * coalesce(list.view).subscribe(({ items }) => draw(items));
 * ```
 */
export function coalesce<T>(source: Readable<T>, options: CoalesceOptions = {}): Coalesced<T> {
  const wait = paceOf(options);
  const shown = writable(source.get(), reportUnheard);
  let listeners = 0;
  let conflated = 0;
  let cancel: (() => void) | undefined;
  let stop = (): void => {};

  function changed(): void {
    if (cancel) conflated += 1;
    else cancel = wait(tell);
  }

  function tell(): void {
    cancel = undefined;
    shown.set(source.get());
  }

  function follow(): void {
    shown.set(source.get());
    let isFirst = true;
    stop = source.subscribe(() => {
      // the first call brings what is shown already
      if (!isFirst) changed();
      isFirst = false;
    });
  }

  return observable<Coalesced<T>>({
    get: () => (listeners ? shown : source).get(),
    subscribe(listener) {
      listeners += 1;
      if (listeners === 1) follow();
      const inner = shown.subscribe(listener);
      let isListening = true;
      const remove = (): void => {
        if (!isListening) return;
        isListening = false;
        inner();
        listeners -= 1;
        if (listeners) return;
        stop();
        cancel?.();
        cancel = undefined;
      };
      return Object.assign(disposable(remove, remove), { unsubscribe: remove });
    },
    get conflated() {
      return conflated;
    },
  });
}

/** How events are gathered. */
export interface ConflateOptions<T> extends CoalesceOptions {
  /** Of the events with the same key only the newest is delivered. @defaultValue every event is delivered */
  readonly key?: (event: T) => unknown;
  /** How many may wait for the next picture; of more the oldest are dropped, and counted. @defaultValue 10000 */
  readonly limit?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Events on their way to the next picture. */
export interface Conflation extends Disposable {
  /** How many events were not delivered, because a newer one took their place or too many waited. */
  readonly conflated: number;
  /** Delivers what waits at once. */
  flush(): void;
  /** Ends it; what waits is not delivered. Calling it twice is harmless. */
  stop(): void;
}

/**
 * Gathers events and delivers them together, at most once per picture: all of them, or the newest of each key. Each event
 * name is gathered or not as you choose.
 *
 * @param listen - starts to listen, and answers with the remover
 * @param deliver - gets what came since the last picture, in the order of its coming
 * @throws RealtimeError `invalid-option`
 * @example
 * ```ts
 * conflate<Quote>((tick) => channel.on('quote', tick), draw, { key: ({ symbol }) => symbol, signal });
 * ```
 */
export function conflate<T>(
  listen: (listener: (event: T) => void) => () => void,
  deliver: (events: readonly T[]) => void,
  { key, limit = 10_000, signal, ...options }: ConflateOptions<T> = {},
): Conflation {
  const wait = paceOf(options);
  if (!(limit >= 1)) throw new RealtimeError('invalid-option', 'limit is not a number of at least 1');
  const waiting = new Map<unknown, T>();
  let serial = 0;
  let conflated = 0;
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const events = [...waiting.values()];
    waiting.clear();
    if (events.length) deliver(events);
  }

  const forget = listen((event) => {
    const id = key ? key(event) : ++serial;
    // the newest comes last, whenever the one before it came
    if (waiting.delete(id)) conflated += 1;
    if (waiting.size >= limit) {
      conflated += 1;
      waiting.delete(waiting.keys().next().value);
    }
    waiting.set(id, event);
    cancel ??= wait(flush);
  });
  const stop = removable(() => {
    forget();
    cancel?.();
    waiting.clear();
  }, signal);
  const conflation = {
    get conflated() {
      return conflated;
    },
    flush,
    stop,
  };
  return disposable(conflation, stop);
}

/** @throws RealtimeError `invalid-option` */
function paceOf({ per = 'frame', frames = systemFrames, clock = systemClock }: CoalesceOptions): Frames {
  if (per === 'frame') return frames;
  if (!(per >= 0)) throw new RealtimeError('invalid-option', 'per is neither "frame" nor a number of milliseconds');
  return (callback) => clock.schedule(callback, per);
}
