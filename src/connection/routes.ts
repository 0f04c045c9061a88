import type { Clock } from '../platform/clock.ts';
import type { RouteMemory } from '../platform/memory.ts';
import type { Random } from '../platform/random.ts';

/**
 * Keeps what is known of each route, and chooses. A failure is only a suspicion: when nothing gets through, the network or
 * the server is to blame. When another route carries something, this one may be blocked, or the server was away meanwhile:
 * where that may be, it is tried once more soon. Else, and when it fails again, that is a strike; a route with strikes is
 * set aside for a while, the longer the more it has.
 */
export interface Routes {
  /** The route to dial now. */
  pick(): number;
  /** The next best route, beside those that are on their way. */
  beside(busy: readonly number[]): number | undefined;
  /** Only this route from now on; `undefined` for free choice. */
  pin(route: number | undefined): void;
  /**
   * A link of this route ended, or was overtaken, before it carried anything.
   *
   * @param isItsFault - whatever it has carried before: it is cut again and again
   */
  failed(route: number, isItsFault?: boolean): void;
  /**
   * A link of this route has carried something.
   *
   * @param afterMs - how long that took from the dial, if it is the first time
   * @returns the routes that were set aside because of it
   */
  proved(route: number, afterMs?: number): readonly number[];
  /** Is there a route that has failed less often than this one, and so may be tried without waiting? */
  hasFresherThan(route: number): boolean;
  /** When an earlier route than this one is to be tried again, in milliseconds from now; `undefined` where there is none. */
  promoteInMs(route: number): number | undefined;
  /** The network has changed: nothing is known any more. */
  forgive(): void;
  /** How long an attempt may be silent until the next route is dialled beside it; `undefined` where it must go alone. */
  hedgeAfterMs(): number | undefined;
  /** The names of the routes that failed while another one worked. The same array as long as nothing changes. */
  readonly blocked: readonly string[];
  /** Has every route failed since one last carried something? */
  readonly isUnreachable: boolean;
}

/** What {@link createRoutes} needs beside the number of routes. */
export interface RoutesParts {
  readonly clock: Clock;
  readonly random: Random;
  /** The names of the transports, in order. */
  readonly names: readonly string[];
  /** Keeps which routes were blocked, over reloads. */
  readonly memory?: RouteMemory | undefined;
}

/** After this long without a new failure a suspicion is forgotten: 5 minutes. */
const suspicionMs = 300_000;
/** A route is set aside for half a minute after its first strike, doubling to ten minutes, give or take a quarter. */
const firstAsideMs = 30_000;
const longestAsideMs = 600_000;
/** Where the server may have been away, a route is tried again after about 3 s before it counts as blocked. */
const doubtMs = 3_000;
/** `setTimeout` cuts off the fraction of its delay, and clocks are coarse: 2 milliseconds. */
const timerSlackMs = 2;
/** A route that has carried something may fail so often before it is suspected: what ended it is more likely the server. */
const credit = 2;
/** How long an attempt may be silent while nothing is known of the network. */
const firstHedgeMs = 1_000;
/** Where it is known how long an attempt takes: so many times that. */
const hedgeFactor = 3;
const shortestHedgeMs = 250;
const longestHedgeMs = 4_000;

/** What is known of one route. */
interface RouteRecord {
  suspicions: number;
  suspectedMs: number;
  credit: number;
  strikes: number;
  asideUntilMs: number;
  /** It has failed since it last carried something. */
  hasFailed: boolean;
  /** It has carried something in this network. */
  hasWorked: boolean;
  /** It was passed over and is to be tried once more, before that counts. */
  isInDoubt: boolean;
}

/** Makes the routes, with what is remembered of them. */
export function createRoutes({ clock, random, names, memory }: RoutesParts): Routes {
  const records = names.map(
    (): RouteRecord => ({
      suspicions: 0,
      suspectedMs: 0,
      credit: 0,
      strikes: 0,
      asideUntilMs: Number.NEGATIVE_INFINITY,
      hasFailed: false,
      hasWorked: false,
      isInDoubt: false,
    }),
  );
  let pinned: number | undefined;
  /** Nothing has carried anything since the start, or since the network changed. */
  let isCold = true;
  /** How long it took from a dial to the first proof. */
  let proofMs: number | undefined;
  let blocked: readonly string[] = [];
  for (const [name, strikes] of Object.entries(memory?.recall(clock.wallNow()) ?? {})) {
    const record = records[names.indexOf(name)];
    if (!record) continue;
    record.strikes = strikes - 1;
    strike(record);
    blocked = [...blocked, name];
  }

  /** Suspicions, and one more while it is set aside; the lower the better. */
  function costOf({ suspicions, suspectedMs, asideUntilMs }: RouteRecord): number {
    const now = clock.now();
    return (now - suspectedMs < suspicionMs ? suspicions : 0) + (now < asideUntilMs - timerSlackMs ? 1 : 0);
  }

  function best(busy: readonly number[] = []): number | undefined {
    let chosen: number | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (const [route, record] of records.entries()) {
      const cost = costOf(record);
      if (busy.includes(route) || cost >= lowest) continue;
      lowest = cost;
      chosen = route;
    }
    return chosen;
  }

  function strike(record: RouteRecord): void {
    record.strikes += 1;
    record.credit = 0;
    const asideMs = Math.min(firstAsideMs * 2 ** (record.strikes - 1), longestAsideMs);
    record.asideUntilMs = clock.now() + asideMs * (0.75 + random() / 2);
  }

  function reset(record: RouteRecord): void {
    record.suspicions = record.strikes = 0;
    record.asideUntilMs = Number.NEGATIVE_INFINITY;
    record.isInDoubt = false;
  }

  function changed(): void {
    blocked = names.filter((_, route) => records[route]?.strikes);
    memory?.keep(Object.fromEntries(blocked.map((name) => [name, records[names.indexOf(name)]?.strikes ?? 0])), clock.wallNow());
  }

  return {
    pick: () => pinned ?? best() ?? 0,
    beside: (busy) => (pinned === undefined ? best(busy) : undefined),
    pin(route) {
      pinned = route;
    },
    failed(route, isItsFault = false) {
      const record = records[route];
      if (!record) return;
      record.hasFailed = true;
      // it is not the server that was away
      if (isItsFault) record.hasWorked = false;
      if (record.credit > 0 && !isItsFault) {
        record.credit -= 1;
        return;
      }
      record.suspicions = clock.now() - record.suspectedMs < suspicionMs ? record.suspicions + 1 : 1;
      record.suspectedMs = clock.now();
    },
    proved(route, afterMs) {
      isCold = false;
      proofMs = afterMs ?? proofMs;
      const aside: number[] = [];
      const own = records[route];
      for (const [other, record] of records.entries()) {
        // only what comes before it in the list was tried in its place
        if (other < route && record.suspicions > 0) {
          if (!record.isInDoubt && (record.hasWorked || own?.hasFailed)) {
            record.isInDoubt = true;
            record.asideUntilMs = clock.now() + doubtMs * (0.75 + random() / 2);
          } else {
            strike(record);
            aside.push(other);
          }
        }
        record.suspicions = 0;
      }
      const wasBlocked = own !== undefined && own.strikes > 0;
      if (own) {
        reset(own);
        own.credit = credit;
        own.hasWorked = true;
        own.hasFailed = false;
      }
      if (wasBlocked || aside.length > 0) changed();
      return aside;
    },
    hasFresherThan(route) {
      const record = records[route];
      const other = best();
      if (pinned !== undefined || !record || other === undefined) return false;
      return costOf(records[other] as RouteRecord) < costOf(record);
    },
    promoteInMs(route) {
      const earlier = records.slice(0, route);
      if (pinned !== undefined || earlier.length === 0) return undefined;
      const soonestMs = Math.min(...earlier.map(({ asideUntilMs }) => asideUntilMs - clock.now()));
      // an attempt that ended before it was dialled, as without a token, has told nothing of the route: the next one waits as well
      if (earlier.some(({ isInDoubt, strikes }) => isInDoubt && strikes === 0)) {
        return soonestMs > 0 ? soonestMs : doubtMs * (0.75 + random() / 2);
      }
      // one that was not set aside has just been passed over
      return Math.max(soonestMs, firstAsideMs * (0.75 + random() / 2));
    },
    forgive() {
      isCold = true;
      for (const record of records) {
        reset(record);
        record.credit = 0;
        record.hasFailed = record.hasWorked = false;
      }
      changed();
    },
    hedgeAfterMs() {
      if (pinned !== undefined || !isCold || records.length < 2) return undefined;
      if (proofMs === undefined) return firstHedgeMs;
      return Math.min(Math.max(proofMs * hedgeFactor, shortestHedgeMs), longestHedgeMs);
    },
    get blocked() {
      return blocked;
    },
    get isUnreachable() {
      return isCold ? records.every(({ suspicions }) => suspicions > 0) : records.every(({ credit: left }) => left < credit);
    },
  };
}
