import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openDatabase } from './database/database.ts';
import type { DashboardFacts, DashboardServerOptions, Trouble } from './server/server.ts';

/** How a server speaks. */
export type Wire = DashboardServerOptions['wire'];

/** What the example consists of beside its page: a database, and a server of each kind, each in a process of its own. */
export interface Processes {
  /** Where each server is; it stays there over restarts. */
  readonly urls: Readonly<Record<Wire, string>>;
  /** Where the database is. */
  databaseUrl(): string;
  /** Runs SQL from outside: past the servers, as `psql` would. */
  sql<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Kills a server: it has no time for anything. */
  kill(wire: Wire): Promise<void>;
  /** Starts a server that was killed, at its old address. */
  revive(wire: Wire): Promise<void>;
  /** Makes trouble, and asks a server what it has done. */
  ask(wire: Wire, trouble?: Trouble): Promise<DashboardFacts>;
  /** Restarts both servers on another database; `undefined` for the embedded one. */
  moveTo(url: string | undefined): Promise<void>;
  close(): Promise<void>;
}

/** How the processes are run. */
export interface ProcessesOptions {
  /** A real PostgreSQL. @defaultValue an embedded one */
  readonly databaseUrl?: string;
  /** Where the embedded database listens. @defaultValue `0`: a free one */
  readonly databasePort?: number;
  /** Changes the table now and then, so that there is something to see. @defaultValue `false` */
  readonly traffic?: boolean;
}

/** Starts them all. */
export async function startProcesses({ databaseUrl, databasePort = 0, traffic }: ProcessesOptions = {}): Promise<Processes> {
  const children = new Map<string, ChildProcess>();
  const wires: readonly Wire[] = ['ws', 'socket-io'];
  const urls: Record<Wire, string> = { ws: '', 'socket-io': '' };
  let embeddedUrl: string | undefined;
  let url = await chosen(databaseUrl);
  let database = openDatabase(url);
  for (const wire of wires) urls[wire] = await startServer(wire);
  if (traffic) launch('traffic', 'traffic.ts', { DATABASE_URL: url });

  return {
    urls,
    databaseUrl: () => url,
    sql: (text, values) => database.query(text, values),
    kill: end,
    async revive(wire) {
      await startServer(wire);
    },
    ask(wire, trouble = {}) {
      const child = children.get(wire);
      if (!child) throw new Error(`the server ${wire} does not run`);
      const facts = told<{ facts: DashboardFacts }>(child, 'facts');
      child.send(trouble);
      return facts.then((message) => message.facts);
    },
    async moveTo(next) {
      for (const wire of wires) await end(wire);
      await database.close();
      url = await chosen(next);
      database = openDatabase(url);
      for (const wire of wires) await startServer(wire);
    },
    async close() {
      await database.close();
      for (const name of [...children.keys()]) await end(name);
    },
  };

  async function chosen(wanted: string | undefined): Promise<string> {
    if (wanted) return wanted;
    if (embeddedUrl === undefined) {
      const child = launch('database', 'database/embedded.ts', { PORT: String(databasePort) });
      embeddedUrl = (await told<{ url: string }>(child, 'ready')).url;
    }
    return embeddedUrl;
  }

  async function startServer(wire: Wire): Promise<string> {
    const port = urls[wire] ? new URL(urls[wire]).port : '0';
    const child = launch(wire, 'server/server.ts', { WIRE: wire, PORT: port, DATABASE_URL: url });
    return (await told<{ url: string }>(child, 'ready')).url;
  }

  function launch(name: string, file: string, env: Record<string, string>): ChildProcess {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const child = fork(path, { execArgv: [], env: { ...process.env, ...env, NODE_NO_WARNINGS: '1' } });
    children.set(name, child);
    child.once('exit', () => children.get(name) === child && children.delete(name));
    return child;
  }

  async function end(name: string): Promise<void> {
    const child = children.get(name);
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

/** The next message of a kind from a process. @throws when the process ends before */
function told<Message>(child: ChildProcess, kind: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const hear = (message: unknown): void => {
      if ((message as { kind?: string }).kind !== kind) return;
      stop();
      resolve(message as Message);
    };
    const fail = (code: number | null): void => {
      stop();
      reject(new Error(`a process of the example ended with ${code} before it said "${kind}"`));
    };
    const stop = (): void => {
      child.off('message', hear).off('exit', fail);
    };
    child.on('message', hear).on('exit', fail);
  });
}
