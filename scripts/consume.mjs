// @ts-check
// Uses the package as users do: packs it, installs the tarball in empty folders, and uses every entry by `import` and by
// `require` on the machine's own Node and on the Node of this repository. One folder has no peers, one has all of them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { entries, importName } from './entries.mjs';
import { output, report, root } from './run.mjs';

const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/**
 * What runs inside of a folder, on one Node, with one module system; `load` is how that system loads a module.
 *
 * Globals first: reading one while an entry is imported is an error, unless a peer of ours does it too.
 */
const body = `
const [names, trapped] = JSON.parse(process.argv[2]);
const doors = [
  'window', 'self', 'document', 'navigator', 'location', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'fetch', 'BroadcastChannel',
  'localStorage', 'sessionStorage', 'indexedDB', 'crypto', 'performance', 'addEventListener', 'requestAnimationFrame',
  'customElements', 'HTMLElement', 'setTimeout', 'setInterval',
];
const touched = [];
for (const door of doors) {
  if (trapped) Object.defineProperty(globalThis, door, { configurable: true, get: () => { touched.push(door); return undefined; } });
  else if (!door.startsWith('set')) delete globalThis[door];
}
const namesBefore = Reflect.ownKeys(globalThis).map(String).sort().join();
const modules = {};
for (const name of names) modules[name] = await load(name);
if (touched.length > 0) throw new Error('the import read the globals ' + touched.join(', '));
if (trapped) {
  const namesAfter = Reflect.ownKeys(globalThis).map(String).sort().join();
  if (namesAfter !== namesBefore) throw new Error('the import changed the globals');
  const busy = process.getActiveResourcesInfo().filter((kind) => /Timeout|Immediate|Socket|TCP|Server/.test(kind));
  if (busy.length > 0) throw new Error('the import left something running: ' + busy.join(', '));
}

for (const name of names) {
  const count = Object.keys(modules[name]).filter((key) => key !== 'default' && key !== '__esModule').length;
  if (count === 0) throw new Error(name + ' exports nothing');
}
const { createRealtime, RealtimeError } = modules['keepwire'];
if (RealtimeError.name !== 'RealtimeError') throw new Error('a console would show errors as ' + RealtimeError.name);
if (typeof createRealtime !== 'function') throw new Error('createRealtime is missing');

const throwing = {
  'keepwire': () => createRealtime({}),
  'keepwire/websocket': (entry) => entry.websocket({ url: '' }),
  'keepwire/sse': (entry) => entry.sse({ url: '' }),
  'keepwire/long-poll': (entry) => entry.longPoll({ url: '' }),
  'keepwire/socket-io': (entry) => entry.socketIo({ url: '' }),
};
for (const [name, call] of Object.entries(throwing)) {
  if (!names.includes(name)) continue;
  let caught;
  try { call(modules[name]); } catch (error) { caught = error; }
  if (!(caught instanceof RealtimeError)) throw new Error(name + ' threw ' + caught + ', which is no instance of the RealtimeError of keepwire');
  if (caught.code !== 'invalid-option') throw new Error(name + ' threw the code ' + caught.code);
}
for (const entry of Object.values(modules)) {
  if (entry.RealtimeError !== undefined && entry.RealtimeError !== RealtimeError) throw new Error('there are two classes RealtimeError');
}

const other = await loadOther('keepwire');
if (!RealtimeError.is(new other.RealtimeError('closed', 'a test'))) throw new Error('RealtimeError.is does not know the other module system');
`;

const programs = {
  'use.mjs': `import { createRequire } from 'node:module';
const load = (name) => import(name);
const loadOther = createRequire(import.meta.url);
${body}`,
  'use.cjs': `const load = require;
const loadOther = (name) => import(name);
(async () => {${body}})().catch((error) => { console.error(error); process.exitCode = 1; });`,
};

/** The newest thing that a consumer may switch off is `skipLibCheck`; our declarations must stand without it. */
const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['types.mts', 'types.cts'],
};

const bare = entries.filter(({ subpath }) => subpath !== './react' && subpath !== './socket-io');
const folders = [
  { name: 'without peers', entries: bare, peers: [], trapped: true },
  { name: 'with peers', entries, peers: ['react', '@types/react', 'socket.io-client'], trapped: false },
];

/** The machine's own Node: the first on PATH that this repository did not bring. */
function systemNode() {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((part) => !/[\\/]node_modules[\\/]/.test(part));
  try {
    return output('node', ['-p', 'process.execPath'], { env: { ...process.env, PATH: path.join(delimiter) } }).trim();
  } catch {
    return undefined;
  }
}

const own = systemNode();
const nodes = [...new Set([...(own === undefined ? [] : [own]), process.execPath])].map((path) => ({
  path,
  version: output(path, ['--version']).trim(),
}));
if (!nodes.some(({ version }) => /^v2[01]\./.test(version))) {
  console.log(`This machine has no Node 20: the check ran on ${nodes.map(({ version }) => version).join(' and ')} only.`);
}

const temporary = mkdtempSync(join(tmpdir(), 'keepwire-consume-'));
/** @type {string[]} */
const complaints = [];

/**
 * @param {string} what
 * @param {() => void} action
 */
function check(what, action) {
  try {
    action();
    console.log(`  ${what}`);
  } catch (error) {
    complaints.push(`${what}: ${error instanceof Error ? error.message : error}`);
  }
}

try {
  const [{ filename }] = JSON.parse(output('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temporary]));
  for (const folder of folders) {
    const cwd = join(temporary, folder.name.replace(' ', '-'));
    const names = folder.entries.map(importName);
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'package.json'), '{ "private": true }');
    for (const [file, text] of Object.entries(programs)) writeFileSync(join(cwd, file), text);
    writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify(tsconfig));
    const imports = names.map((name, index) => `import * as entry${index} from '${name}';`);
    const uses = names.map((_, index) => `entry${index}`).join(', ');
    for (const ending of ['mts', 'cts'])
      writeFileSync(join(cwd, `types.${ending}`), `${imports.join('\n')}\nexport const all = [${uses}];\n`);

    const peers = folder.peers.map((name) => `${name}@${devDependencies[name]}`);
    output(
      'npm',
      ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', join(temporary, filename), ...peers],
      { cwd },
    );
    console.log(`${folder.name}: ${names.length} entries`);
    for (const { path, version } of nodes) {
      for (const program of Object.keys(programs)) {
        check(`${folder.name}, ${program === 'use.mjs' ? 'import' : 'require'} on Node ${version}`, () => {
          output(path, [program, JSON.stringify([names, folder.trapped])], { cwd });
        });
      }
    }
    check(`${folder.name}, types with nodenext and skipLibCheck off`, () => {
      output(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', '.'], { cwd });
    });
  }
} catch (error) {
  complaints.push(error instanceof Error ? error.message : String(error));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

report(complaints, `the packed package works on Node ${nodes.map(({ version }) => version).join(' and ')}`);
