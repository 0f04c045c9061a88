import { type Clock, RealtimeError } from 'keepwire';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves time on, and calls what falls due on the way, in order of due time. Between two calls pending promises are let
   * run, so that what a callback started can schedule in time.
   *
   * @param durationMs - how far, in milliseconds
   * @throws RealtimeError `timeout` when 10,000 callbacks fall due at one instant: something schedules itself without a delay, and
   * would go on for ever
   */
  advance(durationMs: number): Promise<void>;
  /** How many callbacks are scheduled now. */
  readonly pending: number;
  /** The due times of what is scheduled, soonest first, in milliseconds from now. */
  dueIn(): number[];
}

/** How many turns of the microtask queue are let pass between two callbacks. */
const settleTurns = 32;
/** More callbacks than that at one instant are a loop. */
const mostAtOnce = 10_000;

/**
 * Makes a {@link ManualClock}.
 *
 * @param startMs - the first value of `now`
 * @example
 * ```ts
 * const clock = manualClock();
 * const realtime = createRealtime({ transports: [memory({ server })], platform: { clock } });
 * await clock.advance(30_000);
 * ```
 */
export function manualClock(startMs = 0): ManualClock {
  let nowMs = startMs;
  let serial = 0;
  const scheduled = new Map<number, { dueMs: number; callback: () => void }>();

  function soonest(untilMs: number): [number, { dueMs: number; callback: () => void }] | undefined {
    let found: [number, { dueMs: number; callback: () => void }] | undefined;
    for (const entry of scheduled) {
      if (entry[1].dueMs <= untilMs && (found === undefined || entry[1].dueMs < found[1].dueMs)) found = entry;
    }
    return found;
  }

  return {
    now: () => nowMs,
    wallNow: () => 1_700_000_000_000 + nowMs,
    schedule(callback, delayMs) {
      const id = serial++;
      scheduled.set(id, { dueMs: nowMs + Math.max(0, delayMs), callback });
      return () => {
        scheduled.delete(id);
      };
    },
    async advance(durationMs) {
      const untilMs = nowMs + durationMs;
      let atOnce = 0;
      await settle();
      for (let next = soonest(untilMs); next !== undefined; next = soonest(untilMs)) {
        const [id, { dueMs, callback }] = next;
        scheduled.delete(id);
        atOnce = dueMs > nowMs ? 0 : atOnce + 1;
        if (atOnce > mostAtOnce) throw standsStill();
        nowMs = Math.max(nowMs, dueMs);
        callback();
        await settle();
      }
      nowMs = untilMs;
    },
    get pending() {
      return scheduled.size;
    },
    dueIn: () => [...scheduled.values()].map(({ dueMs }) => dueMs - nowMs).sort((a, b) => a - b),
  };
}

function standsStill(): RealtimeError {
  return new RealtimeError('timeout', `the clock cannot move on: ${mostAtOnce} callbacks fell due at one instant`, {
    hint: 'Something schedules itself again and again with a delay of 0.',
  });
}

/** Lets promise callbacks run, without real time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < settleTurns; turn++) await Promise.resolve();
}
