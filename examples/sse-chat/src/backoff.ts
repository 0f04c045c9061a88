import type { RetryPolicy } from 'keepwire';

/** Waits 1 to 2 s first, doubles with each failure, and never waits more than 30 s; by chance, so that not all come at once. */
export const backoff: RetryPolicy = ({ attempt, random }) => Math.min(30_000, 1_000 * 2 ** (attempt - 1) * (1 + random()));
