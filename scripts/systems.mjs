// @ts-check
// Runs the applications of examples/ in a browser, and prints one line for each thing that they are to show. Fails when
// one does not hold. `npm run systems -- NAME` runs one of them.
import { existsSync, readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { findChromium, howToGetChromium } from './chromium.mjs';
import { root } from './run.mjs';

const folder = `${root}test/systems/`;
const names = readdirSync(folder)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => existsSync(`${folder}${name}.test.ts`));
const chosen = process.argv.slice(2);

const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`there is no system ${unknown.join(', ')}; there is: ${names.join(', ')}`);
if (findChromium() === undefined) throw new Error(`no Chromium was found. ${howToGetChromium}`);

let held = 0;
/** @type {string[]} */
const failures = [];
for (const name of chosen.length > 0 ? chosen : names) {
  /** @type {{ system: import('../test/systems/support.ts').System }} */
  const { system } = await import(pathToFileURL(`${folder}${name}.ts`).href);
  console.log(`\n${name}`);
  const running = await system.start();
  try {
    for (const line of system.lines) {
      const startMs = performance.now();
      try {
        const measured = await running.check(line);
        held += 1;
        const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
        console.log(`  ✓ ${line}${measured ? ` — ${measured}` : ''} (${seconds} s)`);
      } catch (error) {
        failures.push(`${name}: ${line}`);
        console.log(`  ✗ ${line}\n      ${String(error instanceof Error ? error.stack : error).replaceAll('\n', '\n      ')}`);
      }
    }
  } finally {
    await running.close();
  }
}

console.log(`\n${held} of ${held + failures.length} lines hold.`);
for (const failure of failures) console.error(`✗ ${failure}`);
process.exit(failures.length === 0 ? 0 : 1);
