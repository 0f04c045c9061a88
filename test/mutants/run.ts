// Switches off one safeguard at a time and demands that the tests notice: `npm run mutants`.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

const usage = `npm run mutants -- [options] [words]
  --parallel N     so many at the same time (default 2)
  words            only the mutants whose name or file has one of them`;

/** A mutant that never ends is noticed too: 3 minutes for the tests of one, 30 for all of them without any. */
const deadlineMs = 180_000;
const baselineDeadlineMs = 1_800_000;
const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the tests need of the work tree. */
const parts = [
  'src',
  'test',
  'examples',
  'scripts',
  'bench',
  'package.json',
  'tsconfig.json',
  'tsconfig.test.json',
  'vitest.config.ts',
];

const reportName = 'report.json';

type Outcome = 'passed' | 'failed' | 'hung' | 'broken';
type Verdict = 'killed' | 'hung' | 'SURVIVED' | 'STALE' | 'BROKEN';

const verdicts: Readonly<Record<Outcome, Verdict>> = { failed: 'killed', hung: 'hung', passed: 'SURVIVED', broken: 'BROKEN' };

/** A test that says so is worth more than one that hangs, but both are noticed. */
const noticed: readonly Verdict[] = ['killed', 'hung'];

const { parallel, words } = readArguments();
const chosen = mutants.filter(({ name, file }) => words.length === 0 || words.some((word) => `${name} ${file}`.includes(word)));
if (chosen.length === 0) fail('no mutant has such a name');
const doubled = chosen.filter(({ name }, index) => chosen.findIndex((mutant) => mutant.name === name) !== index);
if (doubled.length > 0) fail(`two mutants have the name ${doubled[0]?.name}`);

const work = mkdtempSync(join(tmpdir(), 'keepwire-mutants-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

console.log('without any mutant:');
const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
const wrong = await testsOf(copyOf('none'), all, baselineDeadlineMs);
if (wrong !== 'passed')
  fail(`the tests fail as they are (${wrong}): ${failuresIn(join(work, 'none')).join(', ') || all.join(' ')}`);
console.log(`the tests pass, ${all.length} files and folders\n`);

const results: { readonly mutant: Mutant; readonly verdict: Verdict }[] = [];
let next = 0;
await Promise.all(Array.from({ length: parallel }, (_, index) => workOn(copyOf(`worker-${index}`))));

const bad = results.filter(({ verdict }) => !noticed.includes(verdict));
console.log(`\n${results.length - bad.length} of ${results.length} mutants were killed`);
for (const { mutant, verdict } of bad) console.log(`${verdict}: ${mutant.name} (${mutant.file})`);
process.exitCode = bad.length === 0 ? 0 : 1;

/** Takes one mutant after the other, in a copy of its own. */
async function workOn(copy: string): Promise<void> {
  for (let mutant = chosen[next++]; mutant !== undefined; mutant = chosen[next++]) {
    const startMs = performance.now();
    const verdict = await judge(mutant, copy);
    results.push({ mutant, verdict });
    const seconds = `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
    console.log(`${verdict.padEnd(9)} ${seconds.padStart(7)}  ${mutant.file.padEnd(26)} ${mutant.name}`);
  }
}

async function judge({ file, find, replace, tests }: Mutant, copy: string): Promise<Verdict> {
  const path = join(copy, 'src', file);
  const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
  // the patch has to fit exactly once, or nobody knows what is tested
  if (source.split(find).length !== 2) return 'STALE';
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  try {
    const outcome = await testsOf(copy, tests);
    return verdicts[outcome];
  } finally {
    writeFileSync(path, source);
  }
}

/** Runs test files; `broken` when there was nothing that could fail. */
function testsOf(copy: string, tests: readonly string[], withinMs = deadlineMs): Promise<Outcome> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const files = tests.map((test) => `test/${test}`);
  const report = join(copy, reportName);
  rmSync(report, { force: true });
  const args = [
    vitest,
    'run',
    '--project',
    'node',
    '--bail',
    '1',
    '--testTimeout',
    '20000',
    '--reporter',
    'json',
    `--outputFile.json=${report}`,
    ...files,
  ];
  // fixed numbers, so that a mutant does not live or die by chance
  const env = { ...process.env, MODEL_SEED: '1', MODEL_RUNS: '300' };
  const child = spawn(process.execPath, args, { cwd: copy, env, stdio: 'ignore', detached: true });
  return new Promise((resolve) => {
    // the group: the workers of vitest go with it
    const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), withinMs);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== null) return resolve('hung');
      const { numTotalTests = 0, numFailedTests = 0 } = reportIn(copy);
      if (code === 0) return resolve(numTotalTests > 0 ? 'passed' : 'broken');
      // a file that cannot even be loaded is a patch that does not compile, and proves nothing
      resolve(numFailedTests > 0 ? 'failed' : 'broken');
    });
  });
}

/** What is read of the report of vitest; a run that broke off has none. */
interface Report {
  readonly numTotalTests?: number;
  readonly numFailedTests?: number;
  readonly testResults?: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function reportIn(copy: string): Report {
  const path = join(copy, reportName);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : {};
}

function failuresIn(copy: string): string[] {
  const tests = (reportIn(copy).testResults ?? []).flatMap(({ assertionResults }) => assertionResults);
  return tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
}

function copyOf(name: string): string {
  const copy = join(work, name);
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function readArguments(): { readonly parallel: number; readonly words: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      options: { parallel: { type: 'string', default: '2' } },
      allowPositionals: true,
    });
    const count = Number(values.parallel);
    if (!Number.isSafeInteger(count) || count < 1 || count > 16) throw new Error('--parallel must be 1 to 16');
    return { parallel: count, words: positionals };
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`);
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
