import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { commands } from './commands.ts';
import { runModel } from './model-run.ts';

/** `MODEL_RUNS=5000 npx vitest run --project node test/model` is the long form; `MODEL_SEED` repeats one. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 300);
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31);
/** A sequence takes about 10 ms. */
const timeoutMs = 60_000 + numRuns * 200;

test(
  `keeps its promises in ${numRuns} sequences of everything that can happen, from seed ${seed}`,
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { maxLength: 80, size: 'max' }), fc.nat(), async (sequence, jitter) => {
        expect(await runModel([{ kind: 'start' }, ...sequence], jitter)).toEqual([]);
      }),
      { numRuns, seed },
    );
  },
  timeoutMs,
);
