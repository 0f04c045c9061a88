// @ts-check
// Bundles what an application would import, as an application would: for the browser, minified, brotli. Then compares
// with the budgets, and sees that socket.io-client comes in with ./socket-io and with nothing else.
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';
import { entries, importName } from './entries.mjs';
import { report, root } from './run.mjs';

const core = "export { createRealtime } from 'keepwire';";
const websocket = "export { websocket } from 'keepwire/websocket';";
const sse = "export { sse } from 'keepwire/sse';";
const people = "export { presence } from 'keepwire/presence'; export { typing } from 'keepwire/typing';";
const longPoll = "export { longPoll } from 'keepwire/long-poll';";

/**
 * Bytes after brotli; 1 kB is 1,000 bytes. `limit` is the budget. Where it is not met yet, `ceiling` is what the bundle must
 * not grow beyond unnoticed, and the miss is printed each time.
 */
const budgets = [
  { name: 'core + websocket', code: core + websocket, limit: 8000, ceiling: 24_850 },
  { name: 'core + websocket + sse + long-poll', code: core + websocket + sse + longPoll, limit: 11_000, ceiling: 32_100 },
  {
    name: 'tabs, on top of core + websocket',
    code: `${core}${websocket}export { sharedTabs } from 'keepwire/tabs';`,
    onTopOf: core + websocket,
    limit: 2500,
    ceiling: 4110,
  },
  {
    name: 'react (react and keepwire/* apart)',
    code: "export * from 'keepwire/react';",
    limit: 3000,
    apart: ['react', 'keepwire'],
  },
  {
    name: 'presence + typing + live list, on top of core + websocket',
    code: `${core}${websocket}${people}export { liveList } from 'keepwire/live-list';`,
    onTopOf: core + websocket,
    limit: 3000,
    ceiling: 4000,
  },
  { name: 'vanilla (core apart)', code: "export * from 'keepwire/vanilla';", limit: 2000, apart: ['keepwire'] },
];

/**
 * @param {string} code
 * @param {readonly string[]} [apart] - packages that stay outside of the bundle
 */
async function bundle(code, apart = []) {
  const result = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    // a chunk that has nothing but side effects is left out, as it should be
    logLevel: 'error',
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // keeps the `paths` of tsconfig.json, which lead to the source, out of it
    tsconfigRaw: {},
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'what-users-install',
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
            if (kind === 'entry-point') return undefined;
            const entry = entries.find((candidate) => importName(candidate) === path);
            const isPart = entry !== undefined && code.includes(`'${path}'`);
            if (entry !== undefined && (isPart || !apart.includes('keepwire'))) {
              return { path: `${root}dist/${entry.output}.js`, sideEffects: false };
            }
            return apart.some((name) => path === name || path.startsWith(`${name}/`)) ? { path, external: true } : undefined;
          });
        },
      },
    ],
  });
  const bytes = result.outputFiles[0]?.contents ?? new Uint8Array();
  const compressed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  return { minified: bytes.length, brotli: compressed.length, inputs: Object.keys(result.metafile.inputs) };
}

/** @type {string[]} */
const complaints = [];

const widest = Math.max(...budgets.map(({ name }) => name.length));
console.log(`${''.padEnd(widest)}  ${'minified'.padStart(9)}  ${'brotli'.padStart(9)}  ${'budget'.padStart(9)}`);
/** @type {string[]} */
const missed = [];
for (const { name, code, limit, ceiling = limit, apart, onTopOf } of budgets) {
  const whole = await bundle(code, apart);
  const base = onTopOf === undefined ? { minified: 0, brotli: 0 } : await bundle(onTopOf, apart);
  const [minified, brotli] = [whole.minified - base.minified, whole.brotli - base.brotli];
  const numbers = [minified, brotli, limit].map((bytes) => `${bytes.toLocaleString('en')} B`.padStart(9)).join('  ');
  console.log(`${name.padEnd(widest)}  ${numbers}`);
  if (brotli > ceiling) complaints.push(`${name} has ${brotli} bytes, it must not grow beyond ${ceiling}`);
  else if (brotli > limit) missed.push(`${name}: ${brotli} bytes, the budget is ${limit}`);
}

for (const entry of entries) {
  const { inputs } = await bundle(`export * from '${importName(entry)}';`, ['react']);
  const carries = inputs.some((input) => input.includes('node_modules/socket.io-client/'));
  if (carries !== (entry.subpath === './socket-io')) {
    complaints.push(`a bundle of ${importName(entry)} ${carries ? 'contains' : 'does not contain'} socket.io-client`);
  }
  if (entry.subpath !== './devtools' && inputs.some((input) => input.endsWith('dist/devtools.js'))) {
    complaints.push(`a bundle of ${importName(entry)} contains the devtools`);
  }
}

for (const miss of missed) console.log(`! budget NOT met yet: ${miss}`);
report(
  complaints,
  `${missed.length === 0 ? 'every budget is kept' : 'nothing grew'}; socket.io-client is only in a bundle that imports keepwire/socket-io`,
);
