import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comeBackMs, fullJitter, type RetryContext } from '../../src/connection/retry.ts';
import { RealtimeError } from '../../src/errors.ts';

const context = (attempt: number, random = 0.5): RetryContext => ({
  attempt,
  cause: { kind: 'lost', error: new RealtimeError('connection-lost', 'x') },
  uptimeMs: 0,
  random: () => random,
});

describe('fullJitter', () => {
  test('doubles its ceiling from 500 ms to 30 s', () => {
    const policy = fullJitter();
    expect([1, 2, 3, 4, 5, 6, 7, 8, 100, 5_000].map((attempt) => policy(context(attempt, 1)))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  test('picks any moment under the ceiling, down to now', () => {
    const policy = fullJitter({ baseMs: 1_000 });
    expect(policy(context(2, 0))).toBe(0);
    expect(policy(context(2, 0.25))).toBe(500);
  });

  test('asks for chance at each call', () => {
    const policy = fullJitter({ baseMs: 100 });
    let serial = 0;
    const random = (): number => {
      serial += 1;
      return serial / 10;
    };
    expect([policy({ ...context(1), random }), policy({ ...context(1), random })]).toEqual([10, 20]);
  });

  test('takes its numbers from its options', () => {
    const policy = fullJitter({ baseMs: 10, maxMs: 100, factor: 3 });
    expect([1, 2, 3, 4].map((attempt) => policy(context(attempt, 1)))).toEqual([10, 30, 90, 100]);
  });

  test('gives up after the last attempt that it is allowed', () => {
    const policy = fullJitter({ maxAttempts: 2 });
    expect([1, 2, 3, 4].map((attempt) => policy(context(attempt)) === false)).toEqual([false, false, true, true]);
    expect(fullJitter({ maxAttempts: 0 })(context(1))).toBe(false);
  });

  test('always gives a number that can be waited for', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 1, max: 10, noNaN: true }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (baseMs, moreMs, factor, attempt, random) => {
          // 0 * Infinity is no number: a base of 0 has no ceiling to grow
          fc.pre(baseMs > 0);
          const maxMs = baseMs + moreMs;
          const delayMs = fullJitter({ baseMs, maxMs, factor })(context(attempt, random));
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(maxMs);
        },
      ),
      { seed: 7 },
    );
  });

  test.each([
    { baseMs: -1 },
    { baseMs: Number.NaN },
    { baseMs: 40_000 },
    { maxMs: 499 },
    { maxMs: Number.NaN },
    { factor: 0.9 },
    { factor: Number.NaN },
    { maxAttempts: -1 },
    { maxAttempts: Number.NaN },
  ])('refuses %j', (options) => {
    expect(() => fullJitter(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('what a server asks for', () => {
  test.each([
    [{}, 0],
    [{ retryAfterMs: 1_000 }, 1_000],
    [{ spreadMs: 1_000 }, 500],
    [{ retryAfterMs: 1_000, spreadMs: 1_000 }, 1_500],
    [{ retryAfterMs: 315_360_000_000 }, 3_600_000],
    [{ spreadMs: 315_360_000_000 }, 3_600_000],
  ])('%j is kept, up to an hour: %i ms', (asked, delayMs) => {
    expect(comeBackMs(asked, () => 0.5)).toBe(delayMs);
  });
});
