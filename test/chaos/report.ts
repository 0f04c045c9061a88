import type { ViolationKind } from './ledger.ts';
import type { RunResult } from './scenario.ts';

/** Each kind of violation, as it is printed; a kind with no run is printed as 0. */
const rows: readonly (readonly [ViolationKind, string])[] = [
  ['lost', 'lost'],
  ['duplicated', 'duplicated'],
  ['reordered', 'reordered'],
  ['phantom', 'phantom'],
  ['false-gap', 'false gaps'],
  ['effect', 'wrong effects of sends'],
  ['send-order', 'sends out of order'],
  ['late', 'events after leave or close'],
  ['leak', 'left behind after close'],
  ['failed', 'failed for good'],
  ['not-recovered', 'not recovered'],
];

/** The summary of a series. */
export function reportOf(results: readonly RunResult[]): string {
  const sum = (pick: (result: RunResult) => number): number => results.reduce((total, result) => total + pick(result), 0);
  const faults = new Map<string, number>();
  for (const result of results) for (const [kind, count] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + count);
  const byCount = [...faults].sort(([, one], [, other]) => other - one);
  const recoveries = results.flatMap(({ recoveriesMs }) => recoveriesMs).sort((a, b) => a - b);
  const lines: (readonly [string, string])[] = [
    ['runs', String(results.length)],
    ['sends', `${sum(({ sent }) => sent)}, of which ${sum(({ accepted }) => accepted)} were accepted`],
    ['messages delivered', String(sum(({ delivered }) => delivered))],
    ['gaps', String(sum(({ gaps }) => gaps))],
    ['faults', byCount.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'],
    ...rows.map(([kind, name]) => {
      return [name, String(sum(({ violations }) => violations.filter((violation) => violation.kind === kind).length))] as const;
    }),
    ['effects per send', `at most ${Math.max(0, ...results.map(({ mostEffects }) => mostEffects))}`],
    ['recovery', `p50 ${percentile(recoveries, 0.5)} ms, p99 ${percentile(recoveries, 0.99)} ms, in the time of the clients`],
  ];
  return lines.map(([name, value]) => `${name.padEnd(28)} ${value}`).join('\n');
}

/** What was wrong in one run, and how to see it again. */
export function failureOf(result: RunResult, transport: string, isVerbose: boolean): string {
  const shown = result.violations.slice(0, 12).map(({ kind, what }) => `  ${kind}: ${what}`);
  const more = result.violations.length > 12 ? [`  and ${result.violations.length - 12} more`] : [];
  return [
    `run ${result.seed} FAILED; again: npm run chaos -- --runs 1 --seed ${result.seed} --transport ${transport} --verbose`,
    ...shown,
    ...more,
    ...(isVerbose ? result.notes.map((note) => `  ${note}`) : []),
  ].join('\n');
}

function percentile(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
}
