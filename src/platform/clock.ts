/**
 * The only source of time. Everything in keepwire that waits, waits here, so a test can bring a clock of its own
 * (see `manualClock` in `keepwire/testing`).
 */
export interface Clock {
  /** Monotonic time in milliseconds, from any origin. Every duration and deadline is computed from it. */
  now(): number;
  /** Wall-clock time in milliseconds since the Unix epoch; only for values that leave this machine or come from another. */
  wallNow(): number;
  /** Calls back once after a delay in milliseconds. The answer cancels it, and may be called at any time. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** `setTimeout` fires at once for delays over 2^31 - 1 ms; such a delay is cut to the longest that works (24.8 days). */
const longestDelayMs = 2 ** 31 - 1;

/** The clock of the platform: `performance.now`, `Date.now` and `setTimeout`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(delayMs, longestDelayMs));
    return () => clearTimeout(timer);
  },
};
