import type { Clock } from '../platform/clock.ts';

/**
 * Chooses among the ordered transports. A route that failed before it carried anything has a strike; the route with the
 * fewest strikes is next, the earlier one among equals. A drop after proven health is no strike. Strikes expire.
 */
export interface Routes {
  /** The route to dial now. */
  pick(): number;
  /** Only this route from now on; `undefined` for free choice. */
  pin(route: number | undefined): void;
  /** A link of this route ended before it carried anything. */
  failed(route: number): void;
  /** A link of this route has carried something. */
  proved(route: number): void;
  /** Is there a route that has failed less often than this one, and so may be tried without waiting? */
  hasFresherThan(route: number): boolean;
}

/** After this long without a new failure a route is as good as new: 5 minutes. */
const strikeLifetimeMs = 300_000;

/**
 * @param count - how many transports there are
 * @param clock - for the expiry of strikes
 */
export function createRoutes(count: number, clock: Clock): Routes {
  const strikes = Array.from({ length: count }, () => ({ count: 0, lastMs: 0 }));
  let pinned: number | undefined;

  function strikesOf(route: number): number {
    const record = strikes[route];
    if (record === undefined) return Number.POSITIVE_INFINITY;
    return clock.now() - record.lastMs < strikeLifetimeMs ? record.count : 0;
  }

  function best(): number {
    let chosen = 0;
    for (let route = 1; route < count; route++) if (strikesOf(route) < strikesOf(chosen)) chosen = route;
    return chosen;
  }

  return {
    pick: () => pinned ?? best(),
    pin(route) {
      pinned = route;
    },
    failed(route) {
      strikes[route] = { count: strikesOf(route) + 1, lastMs: clock.now() };
    },
    proved(route) {
      strikes[route] = { count: 0, lastMs: 0 };
    },
    hasFresherThan: (route) => pinned === undefined && strikesOf(best()) < strikesOf(route),
  };
}
