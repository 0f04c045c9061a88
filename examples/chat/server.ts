import { pathToFileURL } from 'node:url';
import { createMemoryLog } from '../server/memory-log.ts';
import { createServer, type ReferenceServer } from '../server/server.ts';

/** How the chat's server is set up. */
export interface ChatServerOptions {
  /** @defaultValue `0`: a free one */
  readonly port?: number;
}

/** The longest history that one answer has. */
const mostHistory = 200;

/** The longest outage that a user can ask for, in seconds. */
const longestOutageS = 60;

/** The reference server with what a chat needs beside it: a history, and an outage on request, to try out what happens then. */
export async function createChatServer({ port = 0 }: ChatServerOptions = {}): Promise<ReferenceServer> {
  const log = createMemoryLog();
  /** Until when a user is turned away, in milliseconds since the Unix epoch. */
  const outages = new Map<string, number>();

  const server = await createServer({
    port,
    guests: true,
    log,
    admit: (user) =>
      (outages.get(user) ?? 0) > Date.now() ? { kind: 'restart', message: 'the outage that you asked for' } : true,
    async onRequest({ channel, event, data }, user) {
      switch (event) {
        case 'history':
          return await history(channel, numberOf(data, 'limit'));
        case 'outage':
          outages.set(user, Date.now() + Math.min(longestOutageS, numberOf(data, 'seconds')) * 1000);
          // after the answer to this request has left
          setTimeout(() => server.dropLinks({ user }), 50);
          return undefined;
        default:
          throw new Error(`nobody answers ${event}`);
      }
    },
  });
  return server;

  /** The last events of a channel, oldest first. */
  async function history(channel: string, limit: number): Promise<unknown> {
    const { offset } = await log.head(channel);
    const { entries } = await log.read(channel, Math.max(0, offset - Math.min(mostHistory, limit)), mostHistory);
    return entries.map(({ id, event, data, at, from, offset }) => ({
      id,
      event,
      data: JSON.parse(data ?? 'null'),
      at,
      from,
      offset,
    }));
  }
}

function numberOf(data: unknown, key: string): number {
  const value = (data as Record<string, unknown> | null)?.[key];
  if (typeof value !== 'number' || !(value > 0)) throw new Error(`${key} must be a number over 0`);
  return Math.floor(value);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await createChatServer({ port: Number(process.env['PORT'] ?? 4400) });
  console.log(`the chat's server listens at ${url}`);
}
