import type { IncomingMessage, ServerResponse } from 'node:http';
import { pathToFileURL } from 'node:url';
import { addressOf, answer, refuse } from '../server/http.ts';
import { createMemoryLog } from '../server/memory-log.ts';
import { createServer, type ReferenceServer } from '../server/server.ts';
import { createHistory } from './history.ts';

/** How the chat's server is set up. */
export interface ChatServerOptions {
  /** @defaultValue `0`: a free one */
  readonly port?: number;
}

/** The reference server, and what the chat needs beside it. */
export interface ChatServer extends ReferenceServer {
  /** Turns a user away for so many seconds; 0 ends it. */
  outage(user: string, seconds: number): void;
}

/** The longest outage that a user can ask for, in seconds. */
const longestOutageS = 60;

/** The reference server with what a chat needs beside it: a history by REST, and an outage on request, to try out what happens then. */
export async function createChatServer({ port = 0 }: ChatServerOptions = {}): Promise<ChatServer> {
  const log = createMemoryLog();
  const history = createHistory(log);
  /** Until when a user is turned away, in milliseconds since the Unix epoch. */
  const outages = new Map<string, number>();

  const server = await createServer({
    port,
    guests: true,
    log,
    fallback: (request, response) => void rest(request, response).catch(() => response.destroy()),
    admit: (user) =>
      (outages.get(user) ?? 0) > Date.now() ? { kind: 'restart', message: 'the outage that you asked for' } : true,
    onPublish: (frame, user) => (frame.channel.startsWith('room:') ? history.judge(user, frame.channel, frame) : true),
    onRequest({ event, data }, user) {
      if (event !== 'outage') throw new Error(`nobody answers ${event}`);
      // after the answer to this request has left
      setTimeout(outage, 50, user, Math.min(longestOutageS, numberOf(data, 'seconds')));
    },
  });
  return { ...server, outage };

  function outage(user: string, seconds: number): void {
    outages.set(user, Date.now() + seconds * 1000);
    if (seconds > 0) server.dropLinks({ user });
  }

  /** Anybody can be a guest here, so these ask for no token; yours would. */
  async function rest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = addressOf(request);
    switch (pathname) {
      case '/api/history': {
        const before = Number(searchParams.get('before') ?? Number.POSITIVE_INFINITY);
        const limit = Number(searchParams.get('limit') ?? 50);
        if (!(before >= 0 && limit >= 1)) return refuse(response, 400, 'bad-request', 'before and limit are numbers');
        return answer(response, 200, JSON.stringify(history.read(searchParams.get('channel') ?? '', before, limit)));
      }
      case '/api/rooms': {
        const { entries } = await log.read('lobby', 0, 200);
        const rooms = entries.filter(({ event }) => event === 'room').map(({ data }) => JSON.parse(data ?? 'null'));
        return answer(response, 200, JSON.stringify(rooms));
      }
      case '/api/links': {
        const links = server.sessions().filter(({ user }) => user === searchParams.get('user'));
        return answer(response, 200, JSON.stringify(links.map(({ carrier }) => carrier)));
      }
      default:
        return refuse(response, 404, 'not-found', 'there is nothing at this path');
    }
  }
}

function numberOf(data: unknown, key: string): number {
  const value = (data as Record<string, unknown> | null)?.[key];
  if (typeof value !== 'number' || !(value > 0)) throw new Error(`${key} must be a number over 0`);
  return value;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await createChatServer({ port: Number(process.env['PORT'] ?? 4400) });
  console.log(`the chat's server listens at ${url}`);
}
