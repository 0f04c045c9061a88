import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { type SseOptions, sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import { createRealtime, type Dialect, type RealtimeManager, type RealtimeOptions, type Transport } from '../../src/index.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { type BroadcastChannelConstructor, sharedTabs } from '../../src/tabs/tabs.ts';
import { httpPosts } from '../../src/transport/posts.ts';
import { type Lookout, lookout } from '../support/canary.ts';
import { canary as word } from '../support/canary-token.ts';
import { clientOf, joined, transportNames, when } from '../support/clients.ts';
import { pageLocks } from '../support/page-locks.ts';
import { rawAnswer, startRawServer } from '../support/raw-server.ts';
import { startReferenceServer } from '../support/reference-server.ts';

/** With characters that addresses and JSON write in another way. */
const token = `${word}/1+2"3`;
const spellings = [token, encodeURIComponent(token), JSON.stringify(token).slice(1, -1), word];

const welcome = { kind: 'welcome', version: 1 };
/** Everything in which a server can say something, with the token in it. */
const words = `your token is ${token}, or ${encodeURIComponent(token)}`;
const talk = [
  welcome,
  { kind: 'joined', channel: 'room', epoch: 'e', offset: 0 },
  { kind: 'denied', channel: 'closed', code: words, message: words },
  { kind: 'left', channel: 'ended', reason: words },
  { kind: 'garbled', message: words },
  { kind: 'event', channel: 'room', offset: words },
  { kind: token },
  token,
];

/** A server that takes sends by REST, each at a path of its own. */
const byRest: Dialect = {
  ...keepwireDialect,
  encode: (frames) => frames.map((frame) => ({ frames: [frame], data: frame, path: '/send' })),
};

interface Followed {
  readonly realtime: RealtimeManager;
  readonly watch: Lookout;
}

/** A manager of which everything is looked at. */
function follow(transports: readonly Transport[], options: Partial<RealtimeOptions> = {}): Followed {
  const watch = lookout();
  const realtime = createRealtime({ transports, auth: token, retry: () => 0, probe: watch.probe, ...options });
  onTestFinished(() => realtime.close());
  watch.follow(realtime);
  for (const name of ['room', 'closed', 'ended']) {
    realtime.channel(name).state.subscribe((state) => watch.saw(state));
    realtime.channel(name).on('n', () => {});
  }
  return { realtime, watch };
}

const failed = async ({ status }: RealtimeManager): Promise<unknown> => when(status, (now) => now.status === 'failed');

/** How a server of one carrier says things. */
interface Carrier {
  readonly name: string;
  /** A server that says everything, and then ends the link with the token in its reason, where there are reasons. */
  talkative(): Promise<{ readonly transport: Transport; readonly addresses: () => readonly string[] }>;
  /** A server that refuses, quoting the token. */
  refusing(): Promise<Transport>;
  /** Nobody is there. */
  dead(url: string): Transport;
}

async function webSocketServer(hear: (socket: WebSocket) => void): Promise<{ url: string; addresses: string[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: ([first]) => first ?? false });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const addresses: string[] = [];
  server.on('connection', (socket, { url = '', headers }) => {
    addresses.push(url, headers.referer ?? '');
    hear(socket);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, addresses };
}

async function socketIoServer(set: (io: Server) => void): Promise<{ url: string; addresses: string[] }> {
  const addresses: string[] = [];
  const http = createServer();
  const io = new Server(http, { serveClient: false });
  io.engine.on('initial_headers', (_: unknown, { url = '', headers }: { url?: string; headers: { referer?: string } }) => {
    addresses.push(url, headers.referer ?? '');
  });
  set(io);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    void io.close();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, addresses };
}

async function rawHttp(answer: (index: number) => Buffer | string | undefined) {
  const server = await startRawServer((_, index) => answer(index));
  const addresses = (): string[] =>
    server.requests.flatMap(({ path, headers }) => [path, headers.get('referer') ?? '', headers.get('cookie') ?? '']);
  return { server, addresses };
}

const json = (status: string, body: unknown): Buffer =>
  rawAnswer(status, { 'content-type': 'application/json' }, JSON.stringify(body));
const stream = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${body}`;

const carriers: readonly Carrier[] = [
  {
    name: 'websocket',
    async talkative() {
      const { url, addresses } = await webSocketServer((socket) => {
        for (const frame of talk) socket.send(JSON.stringify(frame));
        socket.send(`{"kind":"event","data":"${token}`);
        socket.close(4000, words.slice(0, 120));
      });
      return { transport: websocket({ url }), addresses: () => addresses };
    },
    async refusing() {
      const { url } = await webSocketServer((socket) => socket.close(4403, words.slice(0, 120)));
      return websocket({ url });
    },
    dead: (url) => websocket({ url }),
  },
  {
    name: 'sse',
    async talkative() {
      const body = [...talk.map((frame) => JSON.stringify(frame)), `{"kind":"event","data":"${token}`];
      const { server, addresses } = await rawHttp(() =>
        stream(
          [`id: ${token}\nevent: ${token}\ndata: ${token}`, ...body.map((text) => `data: ${text}`)].join('\n\n').concat('\n\n'),
        ),
      );
      return { transport: sse({ url: server.url }), addresses };
    },
    async refusing() {
      const { server } = await rawHttp(() => json(`403 ${words.replaceAll('"', '')}`, { error: words }));
      return sse({ url: server.url });
    },
    dead: (url) => sse({ url }),
  },
  {
    name: 'long-poll',
    async talkative() {
      const { server, addresses } = await rawHttp((index) =>
        index % 2 === 0
          ? json('200 OK', talk)
          : rawAnswer('200 OK', { 'content-type': 'application/json' }, `[{"token":"${token}`),
      );
      return { transport: longPoll({ url: server.url }), addresses };
    },
    async refusing() {
      const { server } = await rawHttp(() => json('403 Forbidden', { error: words }));
      return longPoll({ url: server.url });
    },
    dead: (url) => longPoll({ url }),
  },
  {
    name: 'socket-io',
    async talkative() {
      const { url, addresses } = await socketIoServer((io) =>
        io.on('connection', (socket) => {
          for (const frame of talk) socket.emit('frames', [frame]);
          socket.emit('frames', `{"kind":"event","data":"${token}`);
          socket.emit(token, token);
          setImmediate(() => socket.disconnect(true));
        }),
      );
      return { transport: socketIo({ url, disconnects: { 'io server disconnect': 'lost' } }), addresses: () => addresses };
    },
    async refusing() {
      const { url } = await socketIoServer((io) =>
        io.use((_, next) => next(Object.assign(new Error(words), { data: { code: 403, token, more: { words } } }))),
      );
      return socketIo({ url });
    },
    dead: (url) => socketIo({ url }),
  },
];

describe.each(carriers)('over $name the token is nowhere', ({ name, talkative, refusing, dead }) => {
  test('when the server quotes it in all that it can say', async () => {
    const { transport, addresses } = await talkative();
    const { realtime, watch } = follow([transport], { retry: ({ attempt }) => (attempt > 3 ? false : 0) });
    let links = 0;
    realtime.on('status', ({ status }) => {
      links += status === 'connected' ? 1 : 0;
    });
    realtime.start();
    await expect.poll(() => links + Number(realtime.status.get().status === 'failed')).toBeGreaterThan(0);
    await expect.poll(() => realtime.status.get().reason).toBeDefined();
    realtime.stop();
    expect(realtime.metrics().garbled).toBeGreaterThan(0);
    watch.expectNone(spellings);
    expect(addresses().filter((address) => spellings.some((spelling) => address.includes(spelling)))).toEqual([]);
    expect(addresses().length).toBeGreaterThan(0);
  });

  test('when the server refuses it', async () => {
    const { realtime, watch } = follow([await refusing()]);
    realtime.start();
    await failed(realtime);
    watch.saw(await realtime.ready().catch((error: unknown) => error));
    watch.expectNone(spellings);
  });

  test('when nobody is there', async () => {
    const closed = await startRawServer(() => undefined);
    const { port } = new URL(closed.url);
    const { realtime, watch } = follow(
      [dead(`${name === 'websocket' ? 'ws' : 'http'}://127.0.0.1:${Number(port) === 1 ? 2 : 1}`)],
      {
        retry: ({ attempt }) => (attempt > 2 ? false : 0),
      },
    );
    realtime.start();
    await failed(realtime);
    watch.expectNone(spellings);
  });

  test('when the auth provider fails and quotes the token that it gave before', async () => {
    const { transport } = await talkative();
    let asked = 0;
    const auth = (): string => {
      asked += 1;
      if (asked > 1) throw Object.assign(new Error(`the token ${token} has ended`), { request: { headers: { token } } });
      return token;
    };
    const { realtime, watch } = follow([transport], { auth, retry: ({ attempt }) => (attempt > 2 ? false : 0) });
    realtime.start();
    await expect.poll(() => asked).toBeGreaterThan(1);
    await failed(realtime);
    watch.expectNone(spellings);
  });
});

test.each(transportNames)('over %s a whole session shows neither the token nor its signature', async (name) => {
  const server = await startReferenceServer({ anonymous: false });
  const signed = await server.signToken('ada');
  const watch = lookout();
  const client = clientOf(server, [name], { auth: () => signed, probe: watch.probe });
  watch.follow(client);
  client.start();
  await joined(client, 'room');
  watch.saw(await client.channel('room').publish('n', { n: 1 }));
  watch.saw(
    await client
      .channel('room')
      .publish('n', 'x'.repeat(300_000))
      .catch((error: unknown) => error),
  );
  watch.expectNone([signed, signed.split('.')[2] ?? signed]);
});

test('a token that is renewed in place is shown to no probe', async () => {
  const server = await startReferenceServer({ anonymous: false });
  const first = await server.signToken('ada', { expiresInS: 2 });
  const second = await server.signToken('ada');
  const watch = lookout();
  let asked = 0;
  const client = clientOf(server, ['websocket'], { auth: () => (asked++ === 0 ? first : second), probe: watch.probe });
  watch.follow(client);
  client.start();
  await client.ready();
  await expect.poll(() => asked, { timeout: 10_000 }).toBe(2);
  await client.channel('room').publish('n', 1);
  watch.expectNone([first, second]);
});

test('a fetch that quotes its request in its errors is not quoted', async () => {
  const fetch = (address: string, init: object): Promise<never> =>
    Promise.reject(Object.assign(new TypeError(`cannot fetch ${address}`, { cause: { init } }), { init }));
  const { realtime, watch } = follow([sse({ url: 'http://127.0.0.1:1', token: 'query', fetch })], { retry: () => false });
  realtime.start();
  await failed(realtime);
  watch.expectNone(spellings);
});

test('sends are refused in words that quote the token: over a link, and by REST without one', async () => {
  const server = await startRawServer((_, __, socket) => {
    const frames = [welcome, { kind: 'joined', channel: 'room', epoch: 'e', offset: 0 }];
    socket.write(stream(`data: ${JSON.stringify(frames)}\n\n`));
    return undefined;
  });
  const refuse = async (_: string, { body = '' }: { body?: string }): Promise<Response> => {
    const { frames } = JSON.parse(body) as { frames: { id: string }[] };
    return Response.json(frames.map(({ id }) => ({ kind: 'reject', id, code: words, message: words })));
  };
  const sendUrl = 'http://127.0.0.1:1/send';
  const fetching: NonNullable<SseOptions['fetch']> = (address, init) =>
    address === sendUrl ? refuse(address, init) : fetch(address, init);
  const ways = [
    follow([sse({ url: server.url, sendUrl, fetch: fetching })]),
    follow([sse({ url: 'http://127.0.0.1:1' })], {
      posts: httpPosts({ url: sendUrl, fetch: refuse, dialect: byRest }),
      retry: () => 60_000,
    }),
  ];
  for (const { realtime, watch } of ways) {
    realtime.start();
    const error: unknown = await realtime
      .channel('room')
      .publish('n', 1)
      .catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ code: 'rejected' });
    watch.saw(error);
    watch.expectNone(spellings);
  }
});

test('tabs that share a connection say nothing of the token to each other', async () => {
  const { transport } = await (carriers[0] as Carrier).talkative();
  const said: unknown[] = [];
  class Recorder extends BroadcastChannel {
    override postMessage(message: unknown): void {
      said.push(this.name, message);
      super.postMessage(message);
    }
  }
  const locks = pageLocks();
  const managers = [0, 1].map(() => {
    const shared = sharedTabs(transport, {
      key: 'k',
      locks: locks.page().locks as LockManager,
      BroadcastChannel: Recorder as unknown as BroadcastChannelConstructor,
    });
    return follow([shared], { retry: ({ attempt }) => (attempt > 3 ? false : 50) });
  });
  for (const { realtime } of managers) realtime.start();
  await expect.poll(() => said.length, { timeout: 10_000 }).toBeGreaterThan(20);
  for (const { realtime, watch } of managers) {
    realtime.stop();
    watch.saw(said);
    watch.expectNone(spellings);
  }
});
