import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { until } from './support.ts';

/** A PostgreSQL for tests, with a database that nobody else has. */
export interface Postgres {
  readonly url: string;
  /** What it says of itself, such as `PostgreSQL 15.18`. */
  readonly version: string;
  close(): Promise<void>;
}

/**
 * The server at `DATABASE_URL`, in a database of its own; else a private cluster in a temporary folder, on a socket in there.
 *
 * @returns in words why there is none
 */
export async function startPostgres(): Promise<Postgres | string> {
  const given = process.env['DATABASE_URL'];
  if (given) return borrow(given);
  const programs = findPrograms();
  if (!programs) return 'no initdb was found; install PostgreSQL (Debian: apt-get install postgresql) or set DATABASE_URL';
  const user = process.getuid?.() === 0 ? userOf('postgres') : {};
  if (!user) return 'PostgreSQL does not run as root, and there is no user postgres';
  return await startCluster(programs, user);
}

/** As whom the programs run. */
interface User {
  readonly uid?: number;
  readonly gid?: number;
}

async function startCluster(programs: string, user: User): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'keepwire-pg-'));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  let server: ChildProcess | undefined;
  const close = async (): Promise<void> => {
    const ended = server && server.exitCode === null ? new Promise((resolve) => server?.once('exit', resolve)) : undefined;
    server?.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
    await promisify(execFile)(join(programs, 'initdb'), init, { ...user, cwd: folder });
    const settings = ['-D', data, '-k', folder, '-c', 'listen_addresses='];
    server = spawn(join(programs, 'postgres'), settings, { ...user, cwd: folder, stdio: 'ignore' });
    const url = `postgres://postgres@${encodeURIComponent(folder)}/postgres`;
    let version = '';
    await until('PostgreSQL answers', async () => {
      version = await ask(url, 'show server_version');
      return true;
    });
    return { url, version: `PostgreSQL ${version}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function borrow(given: string): Promise<Postgres> {
  const name = `keepwire_test_${process.pid}_${Date.now()}`;
  await ask(given, `create database ${name}`);
  const url = new URL(given);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    version: `PostgreSQL ${await ask(given, 'show server_version')} at DATABASE_URL`,
    close: async () => void (await ask(given, `drop database ${name} with (force)`)),
  };
}

/** The first value that a statement gives. */
async function ask(connectionString: string, text: string): Promise<string> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query({ text, rowMode: 'array' });
    return String(rows[0]?.[0] ?? '');
  } finally {
    await client.end().catch(() => {});
  }
}

/** The folder with `initdb` and `postgres`. Debian keeps them outside of PATH. */
function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.map((version) => join(debian, version, 'bin'))];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

function userOf(name: string): User | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}
