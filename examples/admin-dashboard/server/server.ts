import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { createRoutes, HttpError } from '../../shared/http.ts';
import { openDatabase } from '../database/database.ts';
import { prepare } from '../database/schema.ts';
import type { Command } from '../messages.ts';
import { createDesk } from './desk.ts';
import type { CommandAnswer, Door } from './door.ts';
import { openSocketIo } from './socket-io.ts';
import { openWebSockets } from './web-sockets.ts';

/** How the server is run. */
export interface DashboardServerOptions {
  /** How it speaks to dashboards. */
  readonly wire: 'ws' | 'socket-io';
  readonly databaseUrl: string;
  /** @defaultValue `0`: a free one */
  readonly port?: number;
}

/** What can be asked of a running server, for tests. */
export interface Trouble {
  /** Turns WebSockets away, and ends those that are there. */
  readonly blocks?: boolean;
  /** Commands are answered only after this time, in milliseconds. */
  readonly commandDelayMs?: number;
}

/** What a server has done, for tests. */
export interface DashboardFacts {
  /** The open connections of dashboards. */
  readonly connections: number;
  /** Answers of `GET /api/overview`, with content and without. */
  readonly overviews: number;
  readonly unchanged: number;
  /** Commands by REST. */
  readonly posts: number;
}

/** The dashboards' server. It has never heard of keepwire. */
export interface DashboardServer {
  readonly url: string;
  facts(): DashboardFacts;
  make(trouble: Trouble): void;
  close(): Promise<void>;
}

/** Starts the server. */
export async function createDashboardServer(options: DashboardServerOptions): Promise<DashboardServer> {
  const database = openDatabase(options.databaseUrl);
  await prepare(database);
  const ended = new AbortController();
  const counts = { overviews: 0, unchanged: 0, posts: 0 };
  let trouble: Trouble = {};

  const http = createServer(
    createRoutes({
      'GET /api/overview': async ({ request, response }) => {
        const { overview, etag } = await desk.overview().catch(unavailable);
        response.setHeader('etag', etag);
        if (request.headers['if-none-match'] === etag) {
          counts.unchanged += 1;
          response.writeHead(304).end();
          return undefined;
        }
        counts.overviews += 1;
        return { body: overview };
      },
      'POST /api/sessions/:id/end': ({ params }) => post('end_session', params['id']),
      'POST /api/sessions/:id/archive': ({ params }) => post('archive_session', params['id']),
    }),
  );
  const open = options.wire === 'ws' ? openWebSockets : openSocketIo;
  const door: Door = open({ http, run: answer, isBlocked: () => trouble.blocks === true });
  const desk = createDesk(
    database,
    {
      sessionChanged: (update) => door.tell('session_update', update),
      metricsChanged: (metrics) => door.tell('metrics_update', metrics),
      missed: () => door.turnOver(),
    },
    ended.signal,
  );
  await new Promise<void>((resolve, reject) => http.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve));

  async function run(command: Command, sessionId: unknown): Promise<void> {
    const { commandDelayMs = 0 } = trouble;
    if (commandDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, commandDelayMs));
    await desk.run(command, Number(sessionId)).catch(unavailable);
  }

  async function answer(command: Command, sessionId: unknown): Promise<CommandAnswer> {
    try {
      await run(command, sessionId);
      return { ok: true };
    } catch (error) {
      return { ok: false, error: (error as Error).message };
    }
  }

  async function post(command: Command, sessionId: unknown) {
    counts.posts += 1;
    await run(command, sessionId);
    return { body: { ok: true } };
  }

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    facts: () => ({ ...counts, connections: door.count() }),
    make(next) {
      trouble = { ...trouble, ...next };
      if (next.blocks) door.turnOver();
    },
    async close() {
      ended.abort();
      await door.close();
      http.close();
      http.closeAllConnections();
      await database.close();
    },
  };
}

function unavailable(error: unknown): never {
  throw error instanceof HttpError ? error : new HttpError(503, 'unavailable');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { env } = process;
  const server = await createDashboardServer({
    wire: env['WIRE'] === 'socket-io' ? 'socket-io' : 'ws',
    databaseUrl: env['DATABASE_URL'] ?? 'http://127.0.0.1:4410',
    port: Number(env['PORT'] ?? 4400),
  });
  process.send?.({ kind: 'ready', url: server.url });
  if (!process.send) console.log(`the dashboards' server listens at ${server.url}`);
  // whoever has started it may make trouble, and asks for the facts
  process.on('message', (trouble: Trouble) => {
    server.make(trouble);
    process.send?.({ kind: 'facts', facts: server.facts() });
  });
  process.on('disconnect', () => void server.close().finally(() => process.exit()));
}
