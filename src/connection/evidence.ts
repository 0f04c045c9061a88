import type { Clock } from '../platform/clock.ts';
import type { DownCause } from '../transport/transport.ts';

/**
 * Tells what ended a link on this side from what may have ended it for every client of the server. A cut alone tells
 * nothing: a server that crashed and a proxy that dropped one connection look alike. So a cause counts as local only
 * where something speaks for it, or where the server has said that it has so few clients that it makes no difference.
 */
export interface Evidence {
  /** The network has changed, or the page or the device is back. */
  changed(): void;
  /**
   * Does something on this side explain the end of a link?
   *
   * @param uptimeMs - how long it was up, if it came up
   * @param isSettled - it was up for the settle time
   * @param windowMs - how wide the server's clients are to spread, if it has said so
   */
  isLocal(cause: DownCause, uptimeMs: number | undefined, isSettled: boolean, windowMs?: number): boolean;
}

/** What follows a change so closely follows from it: 5 seconds. */
const changeLastsMs = 5_000;
/** Two links that were cut at the same age, to this precision, were cut by a timer on the way: 0.25 seconds. */
const sameAgeMs = 250;
/** A server whose window is no wider than this has few clients, and all of them may come at once: 0.2 seconds. */
const fewMs = 200;

/** Begins to collect. */
export function createEvidence(clock: Clock): Evidence {
  let changedMs = Number.NEGATIVE_INFINITY;
  /** The age at which the last settled link was cut. */
  let lastAgeMs: number | undefined;

  return {
    changed() {
      changedMs = clock.now();
    },
    isLocal(cause, uptimeMs, isSettled, windowMs = Number.POSITIVE_INFINITY) {
      if (uptimeMs !== undefined && windowMs <= fewMs) changedMs = clock.now();
      // a process that dies still has a kernel that says so; only a path that died is silent
      const isSilent = uptimeMs !== undefined && cause.kind === 'lost' && cause.error.code === 'timeout';
      let isSameAge = false;
      if (isSettled && uptimeMs !== undefined) {
        isSameAge = lastAgeMs !== undefined && Math.abs(uptimeMs - lastAgeMs) < sameAgeMs;
        lastAgeMs = uptimeMs;
      }
      return isSilent || isSameAge || clock.now() - changedMs < changeLastsMs;
    },
  };
}
