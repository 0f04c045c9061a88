import type { ChaosOptions } from './options.ts';
import { seedOfRun } from './random.ts';
import { type RunResult, runScenario } from './scenario.ts';
import { planOf } from './schedule.ts';
import { createServerPool } from './server-pool.ts';

/** Carries out many runs, some at a time, and tells of each as it ends. */
export async function runSeries(
  { runs, seed, transport, parallel }: Pick<ChaosOptions, 'runs' | 'seed' | 'transport' | 'parallel'>,
  done: (result: RunResult, count: number) => void = () => {},
): Promise<RunResult[]> {
  const pool = createServerPool(Math.min(parallel, runs));
  const results: RunResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < runs) {
      const result = await runScenario(planOf(seedOfRun(seed, next++), transport), pool);
      results.push(result);
      done(result, results.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, runs) }, work));
  } finally {
    pool.close();
  }
  return results;
}
