/** Where the server's time comes from, so that a test can bring its own. keepwire's `Clock` fits. */
export interface Time {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  wallNow(): number;
  /** Calls back once after a delay in milliseconds; the answer cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** `setTimeout` fires at once for longer delays. */
const longestDelayMs = 2 ** 31 - 1;

/** The time of this machine. Its timers do not keep the process alive: the listening socket does. */
export const systemTime: Time = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(delayMs, longestDelayMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
