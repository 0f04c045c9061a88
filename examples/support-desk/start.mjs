// @ts-check
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createTokens } from '../shared/tokens.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {import('./server/notices.ts').Statistics} Statistics */
/** @typedef {import('./server/notices.ts').WireMessage} WireMessage */

/**
 * Starts both processes of the desk: the web server, and the one that speaks Socket.IO.
 *
 * @param {object} [options]
 * @param {number} [options.port] - of the web server; 0 for a free one, and a free one as well when it is taken
 * @param {boolean} [options.dev] - with Next's development server
 * @param {string} [options.data] - where the database is kept, in memory when it is empty; `.data` unless the port was taken or 0
 */
export async function start({ port = 3000, dev = false, data } = {}) {
  if (!dev) await build();
  const webPort = await free(port);
  // two of them cannot have the same files
  const files = data ?? (webPort === 0 ? '' : `${folder}.data`);
  const secret = process.env['DESK_SECRET'] || randomBytes(16).toString('hex');
  const tokens = createTokens(secret, 43_200);
  const common = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: dev ? /** @type {const} */ ('development') : /** @type {const} */ ('production'),
    DESK_SECRET: secret,
  };
  const web = await run('web.ts', dev ? ['--dev'] : [], { ...common, DESK_PORT: String(webPort), DESK_DATA: files });
  /** @type {{ child: ChildProcess, url: string } | undefined} */
  let socket;
  let socketPort = await free(port === 0 ? 0 : 4000);

  async function startSocket() {
    if (socket) return;
    socket = await run('socket.ts', [], { ...common, DESK_WEB_URL: web.url, DESK_SOCKET_PORT: String(socketPort) });
    socketPort = Number(new URL(socket.url).port);
  }

  async function stopSocket() {
    const stopped = socket;
    socket = undefined;
    if (stopped) await end(stopped.child, 'SIGKILL');
  }

  /**
   * @param {string} path
   * @param {RequestInit & { user?: string }} [init]
   */
  async function ask(path, { user = 'robin', ...init } = {}) {
    const headers = { authorization: `Bearer ${await tokens.sign(user)}`, 'content-type': 'application/json' };
    const response = await fetch(new URL(path, web.url), { ...init, headers });
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
    return response.json();
  }

  const server = {
    url: web.url,
    get socketUrl() {
      return `http://127.0.0.1:${socketPort}`;
    },
    startSocket,
    stopSocket,
    /** Cuts every connection to the web server without a word. */
    cut: () => void web.child.send({ kind: 'cut' }),
    /** @param {string} user */
    token: (user) => tokens.sign(user),
    /** @returns {Promise<Statistics>} */
    statistics: () => ask('/api/statistics'),
    /**
     * @param {string} channel
     * @returns {Promise<readonly WireMessage[]>}
     */
    messages: async (channel) => (await ask(`/api/chat/channels/${channel}/messages?after=0&limit=1000`)).messages,
    /**
     * @param {string} channel
     * @param {string} user
     * @param {string} text
     * @returns {Promise<WireMessage>}
     */
    say: async (channel, user, text) =>
      (await ask(`/api/chat/channels/${channel}/messages`, { method: 'POST', body: JSON.stringify({ text }), user })).message,
    /** @param {Partial<import('./server/notices.ts').Settings>} settings */
    setSettings: (settings) => ask('/api/settings', { method: 'PUT', body: JSON.stringify(settings) }),
  };
  try {
    await startSocket();
  } catch (error) {
    await end(web.child, 'SIGTERM');
    throw error;
  }
  web.child.send({ kind: 'socket-url', url: server.socketUrl });
  return {
    url: `${web.url}/`,
    server,
    async close() {
      await stopSocket();
      await end(web.child, 'SIGTERM');
    },
  };
}

/**
 * Starts a process that tells its address when it is ready.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ child: ChildProcess, url: string }>}
 */
function run(file, args, env) {
  const child = spawn(process.execPath, [`${folder}${file}`, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ child, url: /** @type {{ url: string }} */ (message).url }));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
}

/**
 * @param {ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function end(child, signal) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(undefined);
    child.once('exit', resolve);
    child.kill(signal);
  });
}

/**
 * The port, if it is free; else any.
 *
 * @param {number} port
 * @returns {Promise<number>}
 */
function free(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}

/** Builds the pages, unless they were built after the last change. */
async function build() {
  const builtMs = statSync(`${folder}.next/BUILD_ID`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = [folder, `${root}examples/shared`, `${root}src`];
  if (sources.every((source) => newest(source) < builtMs)) return;
  console.log('Building the pages of the support desk: this takes about half a minute, once.');
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: /** @type {const} */ ('production') };
  const child = spawn(process.execPath, [`${root}node_modules/next/dist/bin/next`, 'build'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`the pages could not be built:\n${output}`);
}

/**
 * @param {string} path
 * @returns {number}
 */
function newest(path) {
  const entries = readdirSync(path, { withFileTypes: true }).filter(
    ({ name }) => !name.startsWith('.') && name !== 'next-env.d.ts',
  );
  const times = entries.map((entry) => {
    const inside = `${path.replace(/\/$/, '')}/${entry.name}`;
    return entry.isDirectory() ? newest(inside) : statSync(inside).mtimeMs;
  });
  return Math.max(0, ...times);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const desk = await start({ dev: process.argv.includes('--dev') });
  console.log(`\n  The support desk is ready: ${desk.url}\n`);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => void desk.close().finally(() => process.exit(0)));
  }
}
