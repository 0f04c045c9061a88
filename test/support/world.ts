import type { Signals } from '../../src/platform/signals.ts';
import { type ManualClock, manualClock } from '../../src/testing/clock.ts';

/** The world around a client: its network, its page, and a time that can stand still. */
export interface World {
  readonly clock: ManualClock;
  readonly signals: Signals;
  /** How many listeners there are. */
  readonly listening: number;
  setOnline(isOnline: boolean): void;
  /** The page is visible again, or resumed. */
  wake(): void;
  /** The page goes into the back-forward cache, or comes back. */
  setAway(isAway: boolean): void;
  /** The device sleeps: both clocks move on, and no timer is called until time moves again. */
  sleep(durationMs: number): void;
}

/** Makes a world that is online, visible and awake. */
export function createWorld(): World {
  const base = manualClock(1_000_000);
  let sleptMs = 0;
  let isOnline = true;
  const network = new Set<() => void>();
  const wakers = new Set<() => void>();
  const away = new Set<(isAway: boolean) => void>();
  const on =
    <T>(set: Set<T>) =>
    (listener: T) => {
      set.add(listener);
      return () => {
        set.delete(listener);
      };
    };
  return {
    clock: {
      ...base,
      now: () => base.now() + sleptMs,
      wallNow: () => base.wallNow() + sleptMs,
      get pending() {
        return base.pending;
      },
    },
    signals: { isOnline: () => isOnline, onOnlineChange: on(network), onWake: on(wakers), onAway: on(away) },
    get listening() {
      return network.size + wakers.size + away.size;
    },
    setOnline(next) {
      isOnline = next;
      for (const listener of [...network]) listener();
    },
    wake() {
      for (const listener of [...wakers]) listener();
    },
    setAway(isAway) {
      for (const listener of [...away]) listener(isAway);
    },
    sleep(durationMs) {
      sleptMs += durationMs;
    },
  };
}
