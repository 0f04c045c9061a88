// @ts-check
// Starts one of the applications in examples/: `npm run example -- NAME`. Prints the one address to open.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { root } from './run.mjs';

const folder = `${root}examples/`;

/** The examples that can be started, by name. */
export const examples = readdirSync(folder).filter((name) => existsSync(`${folder}${name}/start.mjs`));

/**
 * Starts an example: its server, and its page in front of it.
 *
 * @param {string} name
 * @param {object} [options] - of its `start`; `port` is that of the page
 */
export async function startExample(name, options) {
  if (!examples.includes(name)) throw new Error(`There is no example ${JSON.stringify(name)}. There is: ${examples.join(', ')}.`);
  const { start } = await import(pathToFileURL(`${folder}${name}/start.mjs`).href);
  return start(options);
}

async function main() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [name = ''] = process.argv.slice(2);
  if (major < 22 || (major === 22 && minor < 18)) {
    return fail(`The examples need Node 22.18 or newer, this is ${process.versions.node}: start them with "npm run example".`);
  }
  if (!existsSync(`${root}node_modules/vite`)) return fail('The examples need their tools: run "npm install" first.');
  if (!examples.includes(name)) return fail(`Say which: npm run example -- ${examples.join(' | ')}`);
  const example = await startExample(name);
  console.log(`\n  ${name} is ready. Open this in two windows:\n\n    ${example.url}\n\n  Ctrl-C ends it.\n`);
  let isEnding = false;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => {
      // once more does not wait
      if (isEnding) process.exit(1);
      isEnding = true;
      void example.close().finally(() => process.exit(0));
    });
  }
}

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
