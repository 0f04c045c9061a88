/** What one answer brought: events and a new position, only one of the two, or neither. */
export type PollYield = 'progress' | 'repeat' | 'nothing';

/** An answer within this many milliseconds was not held by the server. */
const promptMs = 100;
/** So many prompt answers in a row that move no position are let through before the polls are spaced. */
const patience = 5;
/** The space between polls after that; for empty answers it doubles each time, up to the longest. */
const firstSpaceMs = 250;
const longestSpaceMs = 5000;

/**
 * Decides when the next poll follows. A server that holds polls is asked again at once. One that answers everything at
 * once would be asked thousands of times a second: from the fifth such answer on the polls are spaced, by 250 ms after
 * answers with events or a new position but not both, and by 250 ms doubling up to 5 s after those with neither. An
 * answer that was held, or that brought both, ends the spacing.
 *
 * @param minIntervalMs - the least time from the start of a poll with an empty answer to the start of the next
 * @returns from the time that an answer took and what it brought, how long to wait from now
 */
export function createPace(minIntervalMs: number): (tookMs: number, brought: PollYield) => number {
  let inARow = 0;
  return (tookMs, brought) => {
    inARow = tookMs < promptMs && brought !== 'progress' ? inARow + 1 : 0;
    const isEmpty = brought === 'nothing';
    const spaceMs =
      inARow < patience ? 0 : isEmpty ? Math.min(firstSpaceMs * 2 ** (inARow - patience), longestSpaceMs) : firstSpaceMs;
    return Math.max(spaceMs, isEmpty ? minIntervalMs - tookMs : 0);
  };
}
