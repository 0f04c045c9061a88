import { parseArgs } from 'node:util';
import { type TransportName, transportNames } from './schedule.ts';

/** What the command line asks for. */
export interface ChaosOptions {
  readonly runs: number;
  readonly seed: number;
  readonly transport: TransportName | 'all';
  /** So many runs go on at the same time. */
  readonly parallel: number;
  /** Prints what happened in each run that fails. */
  readonly isVerbose: boolean;
}

export const usage = `npm run chaos -- [options]
  --runs N         how many runs (default 20)
  --seed S         where chance begins (default: by the clock); a failing run is told with its own seed,
                   and --runs 1 --seed <that> carries out the same plan again
  --transport X    ${transportNames.join(', ')}, or all of them with switches in the middle (default all)
  --parallel N     runs at the same time (default 4)
  --verbose        the whole story of each run that fails`;

/** @throws Error for an argument that cannot be right */
export function readOptions(args: readonly string[], defaultSeed: number): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(defaultSeed) },
      transport: { type: 'string', default: 'all' },
      parallel: { type: 'string', default: '4' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const { transport } = values;
  if (!isTransport(transport)) throw new Error(`there is no transport ${transport}`);
  return {
    runs: whole('runs', values.runs, 1, 1_000_000),
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1),
    transport,
    parallel: whole('parallel', values.parallel, 1, 64),
    isVerbose: values.verbose,
  };
}

function isTransport(name: string): name is TransportName | 'all' {
  return ['all', ...transportNames].includes(name);
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value > most) throw new Error(`--${name} must be ${least} to ${most}`);
  return value;
}
