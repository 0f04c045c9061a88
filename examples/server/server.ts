import { randomBytes } from 'node:crypto';
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAuth, type Identity, type SignOptions } from './auth.ts';
import { createLongPollCarrier } from './carriers/long-poll.ts';
import { createSendCarrier } from './carriers/send.ts';
import { createSocketIoCarrier } from './carriers/socket-io.ts';
import { createSseCarrier } from './carriers/sse.ts';
import { createWebSocketCarrier } from './carriers/websocket.ts';
import type { Doors } from './doors.ts';
import type { AdviceFrame } from './frames.ts';
import { addressOf, answer, createHttpGate, refuse, refuseLink, tokenOf } from './http.ts';
import { createHub, type Limits, type LinkFilter } from './hub.ts';
import type { Log } from './log.ts';
import { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './memory-log.ts';
import type { End } from './outlet.ts';
import { asObject } from './read.ts';
import type { SendHooks } from './sends.ts';
import type { Carrier } from './session.ts';
import { systemTime, type Time } from './time.ts';

/** How the server is set up; every option has a default. */
export interface ServerOptions {
  /** @defaultValue `0`: a free one */
  readonly port?: number;
  /** @defaultValue `'127.0.0.1'` */
  readonly host?: string;
  /** The path under which everything but Socket.IO is. @defaultValue `'/realtime'` */
  readonly path?: string;
  /** Signs and checks the tokens. @defaultValue random: tokens end with the process */
  readonly secret?: string | Uint8Array;
  /** Whether somebody without a token is let in, as an anonymous user. @defaultValue `false` */
  readonly anonymous?: boolean;
  /** Whether `POST /login {name}` gives a token to anybody. Only for demos. @defaultValue `false` */
  readonly guests?: boolean;
  /** How long the token of a guest is valid, in seconds. @defaultValue `3600` */
  readonly guestTokenS?: number;
  /** Origins whose pages may use the server. @defaultValue `'*'` */
  readonly origins?: readonly string[] | '*';
  /** The log of all channels. @defaultValue a memory log of `memoryLog` */
  readonly log?: Log & Partial<MemoryLog>;
  /** The bounds of the default log. */
  readonly memoryLog?: MemoryLogOptions;
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<Limits>;
  /** Asked for each link and POST: may this user be here at all? @defaultValue everybody may */
  readonly admit?: (user: string, identity: Identity) => true | End;
  /** Asked for each join, send and announcement. @defaultValue everybody may use every channel */
  readonly authorize?: SendHooks['authorize'];
  readonly onPublish?: SendHooks['onPublish'];
  readonly onRequest?: SendHooks['onRequest'];
  /** Gets the HTTP requests that are not the server's own, e.g. for the files of a page. @defaultValue 404 */
  readonly fallback?: (request: IncomingMessage, response: ServerResponse) => void;
  /** @defaultValue the time of this machine */
  readonly time?: Time;
}

/** What the server counts. */
export interface ServerStats {
  /** Open links by carrier; a poll counts while it is held. */
  readonly links: Readonly<Record<Carrier, number>>;
  /** Links that were ever opened, by carrier; each poll counts. */
  readonly opened: Readonly<Record<Carrier, number>>;
  /** Open TCP connections. */
  readonly sockets: number;
  /** The channels that somebody is in. */
  readonly channels: readonly ChannelStats[];
}

/** One channel that somebody is in. */
export interface ChannelStats {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly links: number;
  /** How many users are in its presence. */
  readonly members: number;
}

/** A running server. */
export interface ReferenceServer {
  /** `http://host:port`. */
  readonly url: string;
  readonly port: number;
  readonly log: Log;
  /** Makes a token that this server takes. */
  signToken(user: string, options?: SignOptions): Promise<string>;
  stats(): ServerStats;
  /** Every open link, and whose it is. */
  sessions(): readonly Required<LinkFilter>[];
  /** Cuts links as a broken network would. @returns how many */
  dropLinks(filter?: LinkFilter): number;
  /** Ends links with a reason. @returns how many */
  endLinks(end: End, filter?: LinkFilter): number;
  /** Tells all clients to move to another link now. They may come back to this very server. */
  drain(advice?: Omit<AdviceFrame, 'kind' | 'drain'>): void;
  /** Sends advice to all. */
  advise(advice: Omit<AdviceFrame, 'kind'>): void;
  /** Loses the memory log of one channel or all, as a crash would, and what is known of sends. */
  forget(channel?: string): void;
  /** Hears of each link and each join that comes or goes, and each send; the answer ends it. */
  observe(listener: () => void): () => void;
  /** Ends all links with the advice to come back, and stops. */
  close(): Promise<void>;
}

/** See {@link Limits}. */
const defaultLimits: Limits = {
  heartbeatMs: 15_000,
  maxHoldMs: 30_000,
  helloTimeoutMs: 10_000,
  graceMs: 10_000,
  maxBodyBytes: 2 ** 20,
  maxEventBytes: 64 * 1024,
  maxChannels: 200,
  maxUnreadable: 20,
  maxWaitingBytes: 8 * 2 ** 20,
  maxReturnsPerSecond: 4_000,
};

/** Starts the reference server; resolves when it listens. */
export async function createServer(options: ServerOptions = {}): Promise<ReferenceServer> {
  const { time = systemTime, secret = randomBytes(32), path = '/realtime', host = '127.0.0.1' } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const log: Log & Partial<MemoryLog> = options.log ?? createMemoryLog(options.memoryLog);
  const auth = createAuth(
    typeof secret === 'string' ? new TextEncoder().encode(secret) : secret,
    options.anonymous ?? false,
    time,
  );
  const { authorize = () => true as const, onPublish, onRequest } = options;
  const hub = createHub({ auth, log, hooks: { authorize, onPublish, onRequest }, limits, time });
  const gate = createHttpGate(options.origins ?? '*', limits.maxBodyBytes);
  const doors: Doors = { hub, gate, identify };
  const webSocket = createWebSocketCarrier(doors);
  const longPoll = createLongPollCarrier(doors);
  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void> | void> = {
    [`${path}/sse`]: createSseCarrier(doors),
    [`${path}/poll`]: longPoll.serve,
    [`${path}/send`]: createSendCarrier(doors),
    [`${path}/status`]: status,
    [`${path}/cut`]: cut,
    ...(options.guests ? { [`${path}/login`]: login } : {}),
  };
  const sockets = new Set<Socket>();
  const http = createHttpServer(serve);
  // longer than a held poll, so that the connection is still there for the next one
  http.keepAliveTimeout = limits.maxHoldMs + 35_000;
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  http.on('upgrade', (request, socket, head) => {
    const { pathname } = addressOf(request);
    if (pathname.startsWith('/socket.io/')) return;
    if (pathname !== path) return socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    if (!gate.isAllowed(request)) return socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    webSocket.upgrade(request, socket, head);
  });
  const socketIo = createSocketIoCarrier(http, doors);
  const port = await listen(http, options.port ?? 0, host);

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    log,
    signToken: auth.signToken,
    stats,
    sessions: () => [...hub.sessions].map(({ client, user, carrier }) => ({ client, user, carrier })),
    dropLinks: hub.cut,
    endLinks: hub.end,
    drain: (advice = {}) => hub.advise({ ...advice, drain: true }),
    advise: hub.advise,
    forget(channel) {
      hub.forget();
      log.forget?.(channel);
    },
    observe: hub.observe,
    async close() {
      hub.end({ kind: 'restart', message: 'the server stops', retryAfterMs: 0 });
      longPoll.close();
      hub.close();
      webSocket.close();
      socketIo.close();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      // what was written is given the rest of this tick to leave; a peer that never reads must not hold us
      setImmediate(() => {
        for (const socket of sockets) socket.destroySoon();
      });
      await closed;
    },
  };

  async function identify(token: string | undefined, client: string): ReturnType<Doors['identify']> {
    const verdict = await auth.identify(token, client);
    if (verdict.kind === 'refused') {
      return { kind: 'out', end: { kind: 'unauthorized', message: verdict.message, status: verdict.status } };
    }
    const admitted = options.admit?.(verdict.identity.user, verdict.identity) ?? true;
    return admitted === true ? { kind: 'in', identity: verdict.identity } : { kind: 'out', end: admitted };
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = addressOf(request);
    const route = routes[pathname];
    if (route === undefined && options.fallback !== undefined) return options.fallback(request, response);
    if (!gate.allow(request, response)) return;
    if (route === undefined) return refuse(response, 404, 'not-found', 'there is nothing at this path');
    // a request that breaks off while it is read ends here
    Promise.resolve(route(request, response)).catch(() => response.destroy());
  }

  function stats(): ServerStats {
    const links: Record<Carrier, number> = { websocket: 0, sse: 0, 'long-poll': 0, 'socket-io': 0 };
    for (const { carrier } of hub.sessions) links[carrier] += 1;
    const channels = [...hub.rooms.values()].map(({ channel, epoch, offset, seats }) => {
      return { channel, epoch, offset, links: seats.size, members: hub.presence.members(channel).length };
    });
    return { links, opened: { ...hub.opened }, sockets: sockets.size, channels };
  }

  /** Counts for everybody; channels only as far as the asking user may join them. */
  async function status(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const verdict = await identify(tokenOf(request), 'status');
    const { links, channels } = stats();
    const visible = channels.filter(({ channel }) => verdict.kind === 'in' && hub.authorize(verdict.identity, channel) === true);
    answer(response, 200, JSON.stringify({ links, channelCount: channels.length, channels: visible }));
  }

  async function login(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { guestTokenS = 3600 } = options;
    const body = request.method === 'POST' ? await gate.readBody(request, response) : { value: undefined };
    if (body === undefined) return;
    const name = asObject(body.value)?.['name'];
    if (typeof name !== 'string' || !/^[\p{L}\p{N}][\p{L}\p{N} _.-]{0,31}$/u.test(name)) {
      return refuse(response, 400, 'bad-name', 'a name has 1 to 32 letters, digits, spaces, dots, dashes');
    }
    const token = await auth.signToken(name, { expiresInS: guestTokenS });
    answer(response, 200, JSON.stringify({ token, expiresAt: time.wallNow() + guestTokenS * 1000, user: name }));
  }

  /** Cuts links of the asking user, to try out what a client does then. */
  async function cut(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return refuse(response, 405, 'method', 'cutting needs a POST', { allow: 'POST' });
    const body = await gate.readBody(request, response);
    if (body === undefined) return;
    const client = asObject(body.value)?.['client'];
    const verdict = await identify(tokenOf(request), typeof client === 'string' ? client : '');
    if (verdict.kind === 'out') return refuseLink(response, verdict.end);
    const filter = typeof client === 'string' ? { client } : {};
    answer(response, 200, JSON.stringify({ cut: hub.cut({ ...filter, user: verdict.identity.user }) }));
  }
}

function listen(http: HttpServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.off('error', reject);
      resolve((http.address() as AddressInfo).port);
    });
  });
}
