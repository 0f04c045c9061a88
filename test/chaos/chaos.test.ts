import { describe, expect, test } from 'vitest';
import { readOptions } from './options.ts';
import { chanceOf, seedOfRun } from './random.ts';
import { failureOf, reportOf } from './report.ts';
import { planOf, transportNames } from './schedule.ts';
import { runSeries } from './series.ts';

/** `npm run chaos -- --runs 200` is the long form. */
const fixedSeed = 20_260_101;
const randomSeed = Date.now() % 2 ** 31;
const twoMinutes = 120_000;

describe('chaos, the short form', () => {
  test.each([
    ['a fixed seed', fixedSeed, 3],
    ['a new one', randomSeed, 3],
  ] as const)(
    'breaks no promise, from %s, %i',
    async (_, seed, runs) => {
      const results = await runSeries({ runs, seed, transport: 'all', parallel: 3 });
      const failures = results.filter(({ violations }) => violations.length > 0);
      expect(failures.map((failure) => failureOf(failure, 'all', true)).join('\n')).toBe('');
      expect(results).toHaveLength(runs);
      for (const result of results) expect(result.delivered).toBeGreaterThan(0);
    },
    twoMinutes,
  );
});

describe('a plan', () => {
  test('follows from its seed alone', () => {
    expect(planOf(7, 'all')).toEqual(planOf(7, 'all'));
    expect(planOf(7, 'all')).not.toEqual(planOf(8, 'all'));
  });

  test('of any run can be had alone, by the seed that the run is told with', () => {
    expect(seedOfRun(seedOfRun(5, 3), 0)).toBe(seedOfRun(5, 3));
    expect(new Set(Array.from({ length: 1_000 }, (_, index) => seedOfRun(1, index))).size).toBe(1_000);
  });

  test('keeps to one transport where one is asked for', () => {
    const plans = Array.from({ length: 50 }, (_, seed) => planOf(seed, 'sse'));
    expect(new Set(plans.flatMap(({ clients }) => clients.flatMap(({ transports }) => transports)))).toEqual(new Set(['sse']));
    expect(plans.flatMap(({ steps }) => steps).some(({ kind }) => kind === 'mode')).toBe(false);
  });

  test('has every fault, over enough of them', () => {
    const kinds = new Set(Array.from({ length: 200 }, (_, seed) => planOf(seed, 'all').steps.map(({ kind }) => kind)).flat());
    expect(kinds.size).toBe(25);
    const transports = Array.from({ length: 20 }, (_, seed) =>
      planOf(seed, 'all').clients.map(({ transports }) => transports[0]),
    );
    expect(new Set(transports.flat())).toEqual(new Set(transportNames));
  });
});

test('chance is spread over its whole range', () => {
  const { int } = chanceOf(1);
  const draws = Array.from({ length: 4_000 }, () => int(0, 3));
  for (const value of [0, 1, 2, 3]) expect(draws.filter((draw) => draw === value).length).toBeGreaterThan(900);
});

describe('the command line', () => {
  test('has its defaults', () => {
    expect(readOptions([], 9)).toEqual({ runs: 20, seed: 9, transport: 'all', parallel: 4, isVerbose: false });
  });

  test.each([
    [['--runs', '0'], /--runs/],
    [['--seed', 'x'], /--seed/],
    [['--transport', 'pigeon'], /no transport pigeon/],
    [['--wings'], /wings/],
  ])('refuses %j', (args, message) => {
    expect(() => readOptions(args, 1)).toThrow(message);
  });
});

test('the report counts what was wrong by its kind', () => {
  const result = {
    seed: 4,
    violations: [
      { kind: 'lost', what: 'one' },
      { kind: 'lost', what: 'two' },
      { kind: 'effect', what: 'three' },
    ],
    sent: 10,
    accepted: 9,
    delivered: 30,
    gaps: 1,
    mostEffects: 2,
    faults: new Map([['cut', 3]]),
    recoveriesMs: [100, 200, 900],
    notes: ['a note'],
  } as const;
  const lines = reportOf([result, result]).split('\n');
  expect(lines).toContain(`${'lost'.padEnd(28)} 4`);
  expect(lines).toContain(`${'wrong effects of sends'.padEnd(28)} 2`);
  expect(lines).toContain(`${'duplicated'.padEnd(28)} 0`);
  expect(lines).toContain(`${'faults'.padEnd(28)} cut 6`);
  expect(lines).toContain(`${'effects per send'.padEnd(28)} at most 2`);
  expect(lines).toContain(`${'recovery'.padEnd(28)} p50 200 ms, p99 900 ms, in the time of the clients`);
  expect(failureOf(result, 'sse', false)).toContain('--runs 1 --seed 4 --transport sse');
  expect(failureOf(result, 'sse', false)).not.toContain('a note');
});
