import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHistogram } from '../../src/monitor/histogram.ts';

test('an empty one has nothing to say', () => {
  expect(createHistogram().read()).toEqual({
    count: 0,
    sum: 0,
    min: undefined,
    max: undefined,
    p50: undefined,
    p90: undefined,
    p99: undefined,
  });
});

test('every quantile is within ten percent of the value of its rank', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.02, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 }), (values) => {
      const histogram = createHistogram();
      for (const value of values) histogram.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const read = histogram.read();
      expect(read).toMatchObject({ count: values.length, min: sorted[0], max: sorted.at(-1) });
      for (const [name, part] of [
        ['p50', 0.5],
        ['p90', 0.9],
        ['p99', 0.99],
      ] as const) {
        const exact = sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1] ?? Number.NaN;
        expect(Math.abs((read[name] ?? Number.NaN) - exact) / exact).toBeLessThan(0.1);
      }
    }),
  );
});

test('what is no number is left out, what is negative is 0, what is too large is still counted', () => {
  const histogram = createHistogram();
  for (const value of [Number.NaN, -5, Number.POSITIVE_INFINITY]) histogram.add(value);
  expect(histogram.read()).toMatchObject({ count: 2, min: 0, max: Number.POSITIVE_INFINITY, p50: 0 });
});
