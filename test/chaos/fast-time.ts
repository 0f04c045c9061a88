import type { Clock } from '../../src/platform/clock.ts';

/** So many milliseconds of the clients and of the server pass in one of ours: a run that spans half a minute takes three seconds. */
export const speed = 10;

/** A clock that runs fast, and knows what is pending on it. */
export interface FastClock extends Clock {
  readonly pending: number;
}

/**
 * A clock that runs {@link speed} times as fast. The wall clock of all of them agrees, also in other processes: it is
 * computed from the true one.
 */
export function fastClock(): FastClock {
  const timers = new Set<NodeJS.Timeout>();
  return {
    now: () => performance.now() * speed,
    wallNow: () => Date.now() * speed,
    schedule(callback, delayMs) {
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          callback();
        },
        Math.min(delayMs / speed, 2 ** 31 - 1),
      );
      timers.add(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer);
      };
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Waits, in the clients' milliseconds. */
export function fastDelay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, delayMs) / speed));
}
