// @ts-check
// The whole truth about the project, cheap steps first: `npm test`. Names of steps as arguments run only those.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, howToGetChromium } from './chromium.mjs';
import { run } from './run.mjs';

const hasChromium = findChromium() !== undefined;
const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/**
 * In the order in which they run. Steps from `pub` on look at dist/, which `build` makes.
 *
 * @type {{ name: string, title: string, action: () => boolean }[]}
 */
const steps = [
  { name: 'lint', title: 'biome (format and lint), knip (dead code)', action: () => script('lint') },
  { name: 'types', title: 'tsc over src, tests, examples and scripts', action: () => script('types') },
  { name: 'build', title: 'ESM, CJS and types into dist/', action: () => script('build') },
  { name: 'vitest', title: `tests in Node, type tests${hasChromium ? ', tests in Chromium' : ''}`, action: vitest },
  { name: 'pub', title: 'package shape: publint, attw', action: () => script('pub') },
  { name: 'size', title: 'size budgets', action: () => script('size') },
  { name: 'docs', title: 'reference: every public declaration is documented', action: () => script('docs') },
  { name: 'readme', title: 'code blocks of the README and the guides', action: () => script('readme') },
  { name: 'consume', title: 'the packed package in empty folders, on two Nodes', action: () => script('consume') },
];

/** @param {string} name */
function script(name) {
  return run('npm', ['run', '--silent', name]);
}

function vitest() {
  return run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`]);
}

/** How many tests there were, by vitest's own report; a run that broke off without one has none. */
function counts() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(resultsFile, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(', ')}; the steps are ${steps.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

const temporary = mkdtempSync(join(tmpdir(), 'keepwire-test-'));
const resultsFile = join(temporary, 'vitest.json');

const results = steps
  .filter(({ name }) => chosen.length === 0 || chosen.includes(name))
  .map(({ name, title, action }) => {
    console.log(`\n━━ ${name}: ${title}`);
    const start = performance.now();
    const passed = action();
    return { name, title, passed, seconds: (performance.now() - start) / 1000 };
  });

const tests = counts();
rmSync(temporary, { recursive: true, force: true });

console.log('\n━━ summary');
for (const { name, title, passed, seconds } of results) {
  console.log(`${passed ? '✓' : '✗'} ${name.padEnd(8)} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${title}`);
}

const missesBrowser = !hasChromium && results.some(({ name }) => name === 'vitest');
const checks = results.filter(({ name }) => name !== 'vitest');
// a vitest run can fail with every test passed: an unhandled error, a file that cannot be loaded
const vitestBroke = tests.failed === 0 && results.some(({ name, passed }) => name === 'vitest' && !passed);
const failed =
  tests.failed + (vitestBroke ? 1 : 0) + checks.filter(({ passed }) => !passed).length + (missesBrowser && isCi ? 1 : 0);
const passed = tests.passed + checks.filter((check) => check.passed).length;

console.log(
  `\nCounted below: ${tests.passed + tests.failed} tests of vitest, and each of the ${checks.length} other steps as one.`,
);
if (missesBrowser) {
  console.log(
    `The browser tests were SKIPPED: no Chromium was found.${isCi ? ' In CI that is a failure.' : ''} ${howToGetChromium}`,
  );
}
console.log(`${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
