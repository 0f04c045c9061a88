import type { Random } from '../platform/random.ts';
import { invalidOption } from '../platform/rules.ts';
import type { DownCause } from '../transport/transport.ts';

/** What a retry policy knows when it decides. */
export interface RetryContext {
  /** The number of failed attempts since the connection last settled; 1 for the first retry. */
  readonly attempt: number;
  /** Why the last link ended. */
  readonly cause: DownCause;
  /** How long the last link was up, in milliseconds; 0 when it never came up. */
  readonly uptimeMs: number;
  /** How long there has been no settled link, in milliseconds; 0 for the first retry. */
  readonly awayMs: number;
  /**
   * Does something on this side explain the end: a network that changed, a device that slept, a path that fell silent, a
   * proxy that cuts at a certain age? Or has the server said that its clients are few? Then the server need not be spared.
   */
  readonly isLocal: boolean;
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
 * Puts together what the policy asks for and what the server does. A window of the server stands in place of the policy,
 * since it knows how many will come; a mere time is a floor, which all of its clients were given, so the policy's own chance
 * comes on top. Who failed before waits as long as the policy says in any case: a server must not make us dial in a loop.
 */
export function nextDelayMs(
  attempt: number,
  asked: number,
  server: { readonly retryAfterMs?: number; readonly spreadMs?: number },
  random: Random,
): number {
  const serverMs = comeBackMs(server, random);
  if (server.spreadMs !== undefined) return Math.max(serverMs, attempt > 1 ? asked : 0);
  return Math.max(0, asked) + serverMs;
}

/** The numbers of {@link spreadRetry}. */
export interface SpreadRetryOptions {
  /** The first retry is made within this time, in milliseconds, unless the cause was local. @defaultValue 3200 */
  readonly firstMs?: number;
  /** How far apart later ones are, in milliseconds, give or take a quarter. @defaultValue 4000 */
  readonly everyMs?: number;
  /** How far apart they become while the server stays away: at most this, in milliseconds. @defaultValue 30000 */
  readonly maxMs?: number;
  /** After so many failed attempts: give up. @defaultValue never */
  readonly maxAttempts?: number;
}

/** The first retry after a local cause is made within this time: 0.2 seconds. It doubles with each failure. */
const localMs = 200;
/** Once the server is away for long, the next try is no later than this part of that time. */
const awayShare = 0.1;

/**
 * The default policy. After a local cause it comes back at once. After any other end the server may have lost all of its
 * clients at the same moment, so the first retry is spread over some seconds, and the later ones come at an even pace: a
 * wait that is never very short keeps the peak down, one that is never very long lets nobody come back late. The pace slows
 * down with the time that the server is away. It never gives up unless asked to.
 *
 * `npm run sim:herd` shows what that means for a server that has lost 10,000 clients.
 *
 * @throws RealtimeError `invalid-option` for numbers that make no sense
 * @example
 * ```ts
 * createRealtime({ transports, retry: spreadRetry({ firstMs: 10_000, everyMs: 15_000 }) });
 * ```
 */
export function spreadRetry(options: SpreadRetryOptions = {}): RetryPolicy {
  const { firstMs = 3_200, everyMs = 4_000, maxMs = 30_000, maxAttempts = Number.POSITIVE_INFINITY } = options;
  if (!(firstMs >= 0 && everyMs > 0 && maxMs >= everyMs && maxAttempts >= 0)) {
    throw invalidOption('a number of spreadRetry()', 'firstMs >= 0, 0 < everyMs <= maxMs, maxAttempts >= 0');
  }
  return ({ attempt, isLocal, awayMs, random }) => {
    if (attempt > maxAttempts) return false;
    if (isLocal) return random() * Math.min(localMs * 2 ** (attempt - 1), firstMs);
    if (attempt === 1) return random() * firstMs;
    return Math.min(Math.max(everyMs, awayMs * awayShare), maxMs) * (0.75 + random() / 2);
  };
}

/**
 * A random moment between now and a ceiling that doubles, so that clients which lost the same server do not come back
 * together. It never gives up unless asked to.
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
    throw invalidOption('a number of fullJitter()', '0 <= baseMs <= maxMs, factor >= 1, maxAttempts >= 0');
  }
  return ({ attempt, random }) => (attempt > maxAttempts ? false : random() * Math.min(maxMs, baseMs * factor ** (attempt - 1)));
}
