import { RealtimeError } from '../errors.ts';
import type { Random } from '../platform/random.ts';
import type { DownCause } from '../transport/transport.ts';

/** What a retry policy knows when it decides. */
export interface RetryContext {
  /** The number of failed attempts since the connection last settled; 1 for the first retry. */
  readonly attempt: number;
  /** Why the last link ended. */
  readonly cause: DownCause;
  /** How long the last link was up, in milliseconds; 0 when it never came up. */
  readonly uptimeMs: number;
  /** A number in [0, 1). */
  readonly random: Random;
}

/**
 * Decides when to dial again: milliseconds from now, or `false` to give up. It returns a number and never waits itself, so
 * every wait can be cut short. What the server asks for (Retry-After and the like) is a floor under it.
 */
export type RetryPolicy = (context: RetryContext) => number | false;

/** What a server asks for is cut to this: 1 hour. */
const longestComeBackMs = 3_600_000;

/** When to come back, as the server asks for it: after a time, and then at a random moment of a window. */
export function comeBackMs(
  { retryAfterMs = 0, spreadMs = 0 }: { readonly retryAfterMs?: number; readonly spreadMs?: number },
  random: Random,
): number {
  return Math.min(retryAfterMs + random() * spreadMs, longestComeBackMs);
}

/** The numbers of {@link fullJitter}. */
export interface FullJitterOptions {
  /** The ceiling of the first retry, in milliseconds. @defaultValue 500 */
  readonly baseMs?: number;
  /** The ceiling of every later one, in milliseconds. @defaultValue 30000 */
  readonly maxMs?: number;
  /** By how much the ceiling grows with each attempt. @defaultValue 2 */
  readonly factor?: number;
  /** After so many failed attempts: give up. @defaultValue never */
  readonly maxAttempts?: number;
}

/**
 * The default policy: a random moment between now and a ceiling that doubles, so that clients which lost the same server do
 * not come back together. It never gives up unless asked to.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("full jitter").
 *
 * @throws RealtimeError `invalid-option` for numbers that make no sense
 * @example
 * ```ts
 * createRealtime({ transports, retry: fullJitter({ baseMs: 1_000, maxMs: 30_000 }) });
 * ```
 */
export function fullJitter(options: FullJitterOptions = {}): RetryPolicy {
  const { baseMs = 500, maxMs = 30_000, factor = 2, maxAttempts = Number.POSITIVE_INFINITY } = options;
  if (!(baseMs >= 0 && maxMs >= baseMs && factor >= 1 && maxAttempts >= 0)) {
    throw new RealtimeError('invalid-option', 'fullJitter got numbers that make no sense', {
      hint: 'It needs 0 <= baseMs <= maxMs, factor >= 1 and maxAttempts >= 0.',
    });
  }
  return ({ attempt, random }) => (attempt > maxAttempts ? false : random() * Math.min(maxMs, baseMs * factor ** (attempt - 1)));
}
