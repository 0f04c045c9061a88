import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comeBackMs, fullJitter, nextDelayMs, type RetryContext, spreadRetry } from '../../src/connection/retry.ts';
import { RealtimeError } from '../../src/errors.ts';

const context = (attempt: number, random = 0.5): RetryContext => ({
  attempt,
  cause: { kind: 'lost', error: new RealtimeError('connection-lost', 'x') },
  uptimeMs: 0,
  awayMs: 0,
  isLocal: false,
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

describe('spreadRetry', () => {
  const policy = spreadRetry();
  const ends = (more: Partial<RetryContext>): (number | false)[] =>
    [0, 1 - Number.EPSILON].map((random) => {
      const delayMs = policy({ ...context(1), ...more, random: () => random });
      return delayMs && Math.round(delayMs);
    });

  test('spreads the first retry over 3.2 s', () => {
    expect(ends({})).toEqual([0, 3_200]);
  });

  test('comes back within 0.2 s after a local cause, doubling to what it would be without', () => {
    expect(ends({ isLocal: true })).toEqual([0, 200]);
    expect(ends({ isLocal: true, attempt: 3 })).toEqual([0, 800]);
    expect(ends({ isLocal: true, attempt: 40 })).toEqual([0, 3_200]);
  });

  test('then tries every 4 s, give or take a quarter', () => {
    expect(ends({ attempt: 2 })).toEqual([3_000, 5_000]);
    expect(ends({ attempt: 9, awayMs: 40_000 })).toEqual([3_000, 5_000]);
  });

  test('no later than a tenth of the time that the server is away, and every 30 s at the longest', () => {
    expect(ends({ attempt: 20, awayMs: 100_000 })).toEqual([7_500, 12_500]);
    expect(ends({ attempt: 500, awayMs: 86_400_000 })).toEqual([22_500, 37_500]);
  });

  test('never gives up unless asked to', () => {
    expect(policy({ ...context(1e6), awayMs: 1e12 })).toBeTypeOf('number');
    expect(spreadRetry({ maxAttempts: 2 })(context(2))).toBeTypeOf('number');
    expect(spreadRetry({ maxAttempts: 2 })(context(3))).toBe(false);
    expect(spreadRetry({ maxAttempts: 2 })({ ...context(3), isLocal: true })).toBe(false);
  });

  test.each([{ firstMs: -1 }, { everyMs: 0 }, { everyMs: 10, maxMs: 9 }, { maxAttempts: -1 }, { maxMs: Number.NaN }])(
    'refuses %j',
    (options) => {
      expect(() => spreadRetry(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    },
  );
});

describe('what the server asks for', () => {
  const half = (): number => 0.5;

  test('stands in place of the first wait when it is a window', () => {
    expect(nextDelayMs(1, 3_000, { spreadMs: 100 }, half)).toBe(50);
    expect(nextDelayMs(1, 3_000, { spreadMs: 100, retryAfterMs: 1_000 }, half)).toBe(1_050);
  });

  test('does not make us dial in a loop', () => {
    expect(nextDelayMs(2, 3_000, { spreadMs: 0 }, half)).toBe(3_000);
    expect(nextDelayMs(2, 3_000, { retryAfterMs: 9_000, spreadMs: 0 }, half)).toBe(9_000);
  });

  test('is a floor when it is a time', () => {
    expect(nextDelayMs(1, 200, { retryAfterMs: 5_000 }, half)).toBe(5_200);
    expect(nextDelayMs(7, -1, { retryAfterMs: 5_000 }, half)).toBe(5_000);
    expect(nextDelayMs(1, 200, {}, half)).toBe(200);
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
