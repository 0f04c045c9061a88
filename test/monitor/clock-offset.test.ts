import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOffsetEstimator } from '../../src/monitor/clock-offset.ts';

/** Our wall clock is our monotonic one and this. */
const epochMs = 1_700_000_000_000;

test('with nothing dated there is no estimate', () => {
  const estimator = createOffsetEstimator();
  expect(estimator.read(0)).toBeUndefined();
  estimator.answered(20, undefined, epochMs, 0);
  expect(estimator.read(0)).toBeUndefined();
});

test('answers to pings: the true offset is never further away than half of the shortest round trip', () => {
  const delay = fc.integer({ min: 0, max: 400 });
  fc.assert(
    fc.property(
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.array(fc.tuple(delay, delay), { minLength: 1, maxLength: 40 }),
      (trueOffset, trips) => {
        const estimator = createOffsetEstimator();
        let nowMs = 0;
        for (const [outMs, backMs] of trips) {
          const serverMs = epochMs + nowMs + outMs + trueOffset;
          nowMs += outMs + backMs;
          estimator.answered(outMs + backMs, serverMs, epochMs + nowMs, nowMs);
        }
        const { offsetMs, uncertaintyMs, source } = estimator.read(nowMs) ?? {};
        const shortest = Math.min(...trips.map(([outMs, backMs]) => outMs + backMs));
        expect(source).toBe('round-trip');
        expect(uncertaintyMs).toBe(shortest / 2);
        expect(Math.abs((offsetMs ?? Number.NaN) - trueOffset)).toBeLessThanOrEqual(shortest / 2);
      },
    ),
  );
});

test('dated messages alone: the fastest counts, and replays do no harm', () => {
  const estimator = createOffsetEstimator();
  const arrive = (nowMs: number, underWayMs: number): void =>
    estimator.dated(epochMs + nowMs + 5_000 - underWayMs, epochMs + nowMs, nowMs);
  arrive(0, 3_600_000);
  arrive(100, 80);
  arrive(200, 30);
  arrive(300, 90);
  expect(estimator.read(300)).toEqual({ offsetMs: 4_970, uncertaintyMs: undefined, source: 'one-way' });
  // a round trip without a date says how long the fastest took at least
  estimator.answered(60, undefined, epochMs + 400, 400);
  expect(estimator.read(400)).toEqual({ offsetMs: 5_000, uncertaintyMs: 30, source: 'one-way' });
});

test('what is older than ten minutes no longer counts, as clocks drift', () => {
  const estimator = createOffsetEstimator();
  estimator.answered(2, epochMs + 1_001, epochMs, 0);
  estimator.answered(40, epochMs + 600_000 + 1_520, epochMs + 600_000, 600_000);
  expect(estimator.read(600_000)).toMatchObject({ offsetMs: 1_002, uncertaintyMs: 1 });
  estimator.answered(40, epochMs + 700_000 + 1_520, epochMs + 700_000, 700_000);
  expect(estimator.read(700_000)).toMatchObject({ offsetMs: 1_540, uncertaintyMs: 20 });
});

test('when somebody sets our clock, what was measured before is dropped', () => {
  const estimator = createOffsetEstimator();
  estimator.answered(2, epochMs + 1_001, epochMs, 0);
  estimator.answered(200, epochMs + 10_000 + 1_000, epochMs + 10_000 - 3_600_000, 10_000);
  expect(estimator.read(10_000)).toMatchObject({ offsetMs: 3_601_100, uncertaintyMs: 100 });
});

test('the memory is bounded: one sample a minute, for eleven minutes', () => {
  const estimator = createOffsetEstimator();
  // ever worse ones, so that none replaces another within its minute
  for (let nowMs = 0; nowMs < 7_200_000; nowMs += 1_000)
    estimator.answered(nowMs / 1000, epochMs + nowMs, epochMs + nowMs, nowMs);
  const { uncertaintyMs } = estimator.read(7_199_000) ?? {};
  // the best of the oldest minute that still counts
  expect(uncertaintyMs).toBe(6_540 / 2);
});
