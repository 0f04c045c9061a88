import { observable, type Readable, writable } from '../events/readable.ts';
import type { Clock } from '../platform/clock.ts';
import { disposable } from '../platform/dispose.ts';

/** A Readable that is made when somebody asks, and tells its listeners at most once in a while. */
export interface Conflated<T> {
  readonly readable: Readable<T>;
  /** Something has changed. Costs nothing but a flag, and one timer where somebody listens. */
  changed(): void;
  /** The clock is known now. */
  use(clock: Clock): void;
  /** Takes the timer back; listeners are told a last time. */
  end(): void;
}

/**
 * @param build - makes the value of now
 * @param everyMs - listeners are told at most this often, in milliseconds
 * @param report - gets what a listener throws
 */
export function createConflated<T>(build: () => T, everyMs: number, report: (error: unknown) => void): Conflated<T> {
  const inner = writable(build(), report);
  let isStale = false;
  let fresh = inner.get();
  let listeners = 0;
  let clock: Clock | undefined;
  let cancel: (() => void) | undefined;
  let isOver = false;

  function current(): T {
    if (isStale) fresh = build();
    isStale = false;
    return fresh;
  }

  function schedule(): void {
    if (!clock || cancel || isOver || listeners === 0) return;
    cancel = clock.schedule(() => {
      cancel = undefined;
      inner.set(current());
    }, everyMs);
  }

  function stopTimer(): void {
    cancel?.();
    cancel = undefined;
  }

  const readable = observable<Readable<T>>({
    get: current,
    subscribe(observer) {
      // the first call brings the value of now; the others get it a little early
      inner.set(current());
      const stop = inner.subscribe(observer);
      listeners += 1;
      let isListening = true;
      const remove = (): void => {
        if (!isListening) return;
        isListening = false;
        stop();
        listeners -= 1;
        if (listeners === 0) stopTimer();
      };
      return Object.assign(disposable(remove, remove), { unsubscribe: remove });
    },
  });

  return {
    readable,
    changed() {
      isStale = true;
      schedule();
    },
    use(next) {
      clock = next;
      schedule();
    },
    end() {
      isOver = true;
      stopTimer();
      inner.set(current());
    },
  };
}
