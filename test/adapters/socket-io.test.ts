import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerOptions, Socket as ServerSocket } from 'socket.io';
import { type Socket, io as socketIoClient } from 'socket.io-client';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type SocketIoOptions, socketIo } from '../../src/adapters/socket-io.ts';
import type { Dialect, DialectTraits, OutboundMessage } from '../../src/protocol/dialect.ts';
import type { Position, PublishFrame } from '../../src/protocol/frame.ts';
import type { Credentials, Link, Transport } from '../../src/transport/transport.ts';
import { countingClock, type RecordingSink, recordingSink } from '../support/contract-link.ts';
import { type LoopbackServer, listenSocketIo } from '../support/contract-socket-io.ts';

const traits: DialectTraits = {
  greets: false,
  joinsInHello: false,
  answersJoins: false,
  acks: true,
  resume: 'connection',
  pings: false,
  reauth: false,
};

/** A server with named events, as most applications have one. */
const named: Dialect = {
  name: 'named',
  traits,
  decode: (data, event = '') => [{ kind: 'event', channel: 'room', event, data }],
  encode: (frames) =>
    frames.flatMap((frame): OutboundMessage[] => {
      if (frame.kind === 'join') return [{ frames: [frame], event: 'join_chat', data: { chatId: frame.channel } }];
      return frame.kind === 'publish' && frame.event !== 'unknown'
        ? [{ frames: [frame], event: frame.event, data: frame.data }]
        : [];
    }),
};

interface Dialled {
  readonly link: Link;
  readonly sink: RecordingSink;
  abort(): void;
}

interface DialOptions {
  readonly credentials?: Credentials;
  readonly client?: string;
  readonly channels?: ReadonlyMap<string, Position | undefined>;
  readonly sink?: RecordingSink;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function listen(options?: Partial<ServerOptions>): Promise<LoopbackServer> {
  const server = await listenSocketIo(options);
  cleanups.push(server.close);
  return server;
}

function dial(
  transport: Transport,
  { credentials, client = 'client-1', channels = new Map(), sink = recordingSink() }: DialOptions = {},
): Dialled {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  cleanups.push(abort);
  const link = transport.connect(
    { signal: controller.signal, client, credentials, channels, cursor: undefined, clock: countingClock() },
    sink,
  );
  return { link, sink, abort };
}

async function dialUp(transport: Transport, options?: DialOptions): Promise<Dialled> {
  const dialled = dial(transport, options);
  await dialled.sink.isUp();
  return dialled;
}

/** A transport for the named dialect, and the Sockets that it made. */
function watched(server: LoopbackServer, options: Partial<SocketIoOptions> = {}): { transport: Transport; sockets: Socket[] } {
  const sockets: Socket[] = [];
  const transport = socketIo({
    url: server.url,
    dialect: named,
    transports: ['websocket'],
    io(url, given) {
      const socket = socketIoClient(url, given);
      sockets.push(socket);
      return socket;
    },
    ...options,
  });
  return { transport, sockets };
}

const publish = (id: string, event = 'message', data: unknown = null): PublishFrame => ({
  kind: 'publish',
  id,
  channel: 'room',
  event,
  data,
});

/** The next socket that connects to the server. */
async function connection(server: LoopbackServer): Promise<ServerSocket> {
  const [socket] = (await once(server.io as never, 'connection')) as [ServerSocket];
  return socket;
}

/** Dials, and gives both ends. */
async function both(
  server: LoopbackServer,
  transport: Transport,
  options?: DialOptions,
): Promise<Dialled & { peer: ServerSocket }> {
  const coming = connection(server);
  const dialled = await dialUp(transport, options);
  return { ...dialled, peer: await coming };
}

describe('the Sockets of socket.io-client', () => {
  test('one Manager per link, that never reconnects and is not cached', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const [first, second] = [await dialUp(transport), await dialUp(transport)];
    expect(new Set(sockets.map((socket) => socket.io)).size).toBe(2);
    server.cut();
    await Promise.all([first.sink.isDown(), second.sink.isDown()]);
    expect(sockets.map((socket) => [socket.io.reconnection(), socket.active, socket.io.engine.readyState])).toEqual([
      [false, false, 'closed'],
      [false, false, 'closed'],
    ]);
  });

  test('no listener stays on a Socket, its Manager or its engine', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const { sink, abort } = await dialUp(transport);
    abort();
    await sink.isDown();
    const [socket] = sockets;
    expect(socket?.listenersAny()).toEqual([]);
    expect(['connect', 'connect_error', 'disconnect'].flatMap((event) => socket?.listeners(event) ?? [])).toEqual([]);
    expect(socket?.io.listeners('packet')).toEqual([]);
    expect(socket?.io.engine.listeners('packet')).toEqual([]);
  });

  test('what the old link still gets in the tick of a redial stays with it', async () => {
    const server = await listen();
    const { transport } = watched(server);
    const first = await both(server, transport);
    const redialled = new Promise<Dialled>((resolve) => {
      const { frames } = first.sink;
      first.sink.frames = (batch, cursor) => {
        frames(batch, cursor);
        first.abort();
        resolve(dial(transport));
      };
    });
    const coming = connection(server);
    for (const event of ['zero', 'one', 'two']) first.peer.emit(event);
    const second = await redialled;
    const peer = await coming;
    peer.emit('fresh');
    expect((await second.sink.untilEvents(1)).map(({ event }) => event)).toEqual(['fresh']);
    expect(first.sink.events().map(({ event }) => event)).toEqual(['zero']);
  });

  test('their buffers stay empty, also when a dead link is noticed by the send', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const early = dial(transport);
    await expect(early.link.send([publish('p-0')])).rejects.toMatchObject({ code: 'closed' });
    await early.sink.isUp();
    const heard: string[] = [];
    for (const peer of server.io.sockets.sockets.values()) peer.onAny((event: string) => heard.push(event));
    // the Socket looks at the wall clock to see that no ping came: the machine has slept
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    const sending = early.link.send([publish('p-1', 'kept')]);
    expect(sockets[0]?.sendBuffer).toEqual([]);
    await expect(sending).rejects.toMatchObject({ code: 'closed' });
    expect((await early.sink.isDown()).kind).toBe('lost');
    expect(sockets[0]?.receiveBuffer).toEqual([]);
    vi.useRealTimers();
    await dialUp(transport);
    expect(heard).toEqual([]);
  });

  test('a process ends by itself after an abort', async () => {
    const server = await listen();
    const adapter = fileURLToPath(new URL('../../src/adapters/socket-io.ts', import.meta.url));
    const script = `
      const { socketIo } = await import(${JSON.stringify(adapter)});
      const life = new AbortController();
      const clock = { now: () => 0, wallNow: () => 0, schedule: () => () => {} };
      const request = { signal: life.signal, client: 'c', credentials: undefined, channels: new Map(), cursor: undefined, clock };
      const dialect = { name: 'any', traits: { acks: true }, decode: () => [], encode: (frames) => [{ frames, data: 1 }] };
      const link = socketIo({ url: ${JSON.stringify(server.url)}, dialect }).connect(request, {
        up() {
          link.send([{ kind: 'publish', id: 'p' }]).catch((error) => console.log(error.code));
          life.abort();
        },
        frames() {}, alive() {}, down(cause) { console.log(cause.kind); },
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '--no-warnings', '-e', script]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'exit')) as [number];
    expect(output).toBe('aborted\nconnection-lost\n');
    expect(code).toBe(0);
  });
});

describe('connection state recovery', () => {
  const recovering: Partial<ServerOptions> = { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } };

  /** A link that has joined a room, got an event there, and was cut; the server knows. */
  async function cutLink(server: LoopbackServer, transport: Transport, options?: DialOptions): Promise<Dialled> {
    const { peer, ...dialled } = await both(server, transport, options);
    const hasLeft = once(peer as never, 'disconnect');
    await peer.join('room');
    server.io.to('room').emit('one', { n: 1 });
    await dialled.sink.untilEvents(1);
    server.cut();
    await Promise.all([dialled.sink.isDown(), hasLeft]);
    return dialled;
  }

  test('the next link gets what was missed, and passes the claim on', async () => {
    const server = await listen(recovering);
    const { transport, sockets } = watched(server);
    const first = await cutLink(server, transport);
    server.io.to('room').emit('two', { n: 2 });
    server.io.to('room').emit('three', 'a', 'b');
    const second = await both(server, transport);
    server.io.to('room').emit('four');

    expect(first.sink.calls[0]).toMatchObject({ kind: 'up', info: { claimsRecovered: false } });
    expect(second.sink.calls[0]).toMatchObject({ kind: 'up', info: { claimsRecovered: true } });
    expect(second.peer.recovered).toBe(true);
    const events = await second.sink.untilEvents(3);
    expect(events.slice(0, 2).map(({ event, data }) => [event, data])).toEqual([
      ['two', { n: 2 }],
      ['three', ['a', 'b']],
    ]);
    expect(first.sink.events().map(({ data }) => data)).toEqual([{ n: 1 }]);
    expect(sockets).toHaveLength(2);
  });

  test('it goes on over a third link', async () => {
    const server = await listen(recovering);
    const { transport } = watched(server);
    await cutLink(server, transport);
    const { peer, sink } = await both(server, transport);
    const hasLeft = once(peer as never, 'disconnect');
    server.cut();
    await Promise.all([sink.isDown(), hasLeft]);
    server.io.to('room').emit('late');
    const third = await dialUp(transport);
    expect((await third.sink.untilEvents(1))[0]?.event).toBe('late');
  });

  test('a server without it makes no claim', async () => {
    const { transport } = watched(await listen());
    expect(await dial(transport).sink.isUp()).not.toHaveProperty('claimsRecovered', expect.any(Boolean));
  });

  test.each<[string, DialOptions, DialOptions, boolean]>([
    [
      'the same subject with a new token',
      { credentials: { token: 'a', subject: 's' } },
      { credentials: { token: 'b', subject: 's' } },
      true,
    ],
    ['the same token without a subject', { credentials: { token: 'a' } }, { credentials: { token: 'a' } }, true],
    ['another subject', { credentials: { token: 'a', subject: 's' } }, { credentials: { token: 'a', subject: 't' } }, false],
    ['a new token without a subject', { credentials: { token: 'a' } }, { credentials: { token: 'b' } }, false],
    ['nobody after somebody', { credentials: { token: 'a' } }, {}, false],
    ['another client', { client: 'c-1' }, { client: 'c-2' }, false],
  ])('%s', async (_, before, after, isOffered) => {
    const server = await listen(recovering);
    const { transport } = watched(server);
    await cutLink(server, transport, before);
    const { peer } = await both(server, transport, after);
    expect('pid' in peer.handshake.auth).toBe(isOffered);
    expect(peer.recovered).toBe(isOffered);
  });

  test('a session is not offered while its link is up, nor by two links at once', async () => {
    const server = await listen(recovering);
    const { transport } = watched(server);
    const offers: boolean[] = [];
    server.io.use((socket, next) => {
      offers.push('pid' in socket.handshake.auth);
      next();
    });
    const { peer } = await both(server, transport);
    peer.emit('one');
    await dialUp(transport);
    expect(offers).toEqual([false, false]);

    const other = watched(server).transport;
    await cutLink(server, other);
    const [left, right] = [dial(other), dial(other)];
    const claims = (await Promise.all([left.sink.isUp(), right.sink.isUp()])).map((info) => info.claimsRecovered);
    expect(claims.sort()).toEqual([false, true]);
  });

  test('keepwire has a replay of its own: nothing is offered, and offsets are not taken for content', async () => {
    const server = await listen(recovering);
    server.io.on('connection', (socket) => socket.emit('frames', [{ kind: 'welcome', version: 1 }]));
    const transport = socketIo({ url: server.url, transports: ['websocket'] });
    const { sink } = await cutWelcomed();
    expect(sink.allFrames()).toEqual([{ kind: 'pong' }]);
    const { peer } = await both(server, transport);
    expect(peer.handshake.auth).not.toHaveProperty('pid');

    async function cutWelcomed(): Promise<Dialled> {
      const { peer: first, ...dialled } = await both(server, transport);
      first.emit('frames', [{ kind: 'pong' }]);
      await dialled.sink.until(() => dialled.sink.allFrames().length > 0);
      server.cut();
      await dialled.sink.isDown();
      return dialled;
    }
  });
});

describe('the first flight', () => {
  test('auth is made for each attempt, with the greeting beside it', async () => {
    const server = await listen();
    const offers: unknown[] = [];
    server.io.use((socket, next) => {
      offers.push(socket.handshake.auth);
      next(new Error('no'));
    });
    const channels = new Map<string, Position | undefined>([['room', { epoch: 'e', offset: 1 }]]);
    const byDefault = socketIo({ url: server.url, transports: ['websocket'] });
    await dial(byDefault, { channels, credentials: { token: 't-1' } }).sink.isDown();
    channels.set('room', { epoch: 'e', offset: 2 });
    await dial(byDefault, { channels, credentials: { token: 't-2' } }).sink.isDown();
    const own = socketIo({
      url: server.url,
      transports: ['websocket'],
      dialect: named,
      auth: ({ credentials }) => ({ jwt: credentials?.token }),
    });
    await dial(own, { credentials: { token: 't-3' } }).sink.isDown();
    const hello = (offset: number) => ({
      kind: 'hello',
      version: 1,
      client: 'client-1',
      channels: [{ channel: 'room', epoch: 'e', offset }],
    });
    expect(offers).toEqual([{ token: 't-1', hello: hello(1) }, { token: 't-2', hello: hello(2) }, { jwt: 't-3' }]);
  });

  test('an auth option that throws ends the link, and nothing else', async () => {
    const server = await listen();
    const transport = socketIo({
      url: server.url,
      auth() {
        throw new Error('no session');
      },
    });
    expect(await dial(transport).sink.isDown()).toMatchObject({ kind: 'protocol', error: { cause: { message: 'no session' } } });
  });

  test('the opening of a dialect goes before everything else', async () => {
    const server = await listen();
    const { transport } = watched(server, {
      dialect: { ...named, opening: ({ token }) => [{ frames: [], event: 'login', data: token }] },
    });
    const coming = connection(server);
    const { link, sink } = dial(transport, { credentials: { token: 't-1' } });
    const peer = await coming;
    const heard: unknown[] = [];
    const hasJoined = new Promise<void>((resolve) => {
      peer.onAny((...args: unknown[]) => {
        heard.push(args);
        if (args[0] === 'join_chat') resolve();
      });
    });
    await sink.isUp();
    await link.send([{ kind: 'join', channel: 'c-1' }]);
    await hasJoined;
    expect(heard).toEqual([
      ['login', 't-1'],
      ['join_chat', { chatId: 'c-1' }],
    ]);
    // this server does not answer joins: one that was sent is done
    expect(sink.allFrames()).toEqual([{ kind: 'joined', channel: 'c-1' }]);
  });

  test('query and headers are made for each attempt; the path of the url is the namespace', async () => {
    const server = await listen({ path: '/live' });
    const attempts: unknown[] = [];
    server.io.of('/admin').on('connection', ({ handshake }) => attempts.push([handshake.query['n'], handshake.headers['x-n']]));
    let count = 0;
    const transport = socketIo({
      url: new URL('/admin', server.url),
      path: '/live',
      dialect: named,
      options: { query: () => ({ n: String(++count) }), extraHeaders: () => ({ 'x-n': String(count) }) },
    });
    await dialUp(transport);
    await dialUp(transport);
    expect(attempts).toEqual([
      ['1', expect.any(String)],
      ['2', expect.any(String)],
    ]);
  });

  test('a blocked WebSocket carries on by polling, in the same link', async () => {
    const server = await listen({ transports: ['polling'] });
    const { link, peer } = await both(server, socketIo({ url: server.url, dialect: named }));
    expect(peer.conn.transport.name).toBe('polling');
    peer.on('message', (data: number, acknowledge: (answer: number) => void) => acknowledge(data + 1));
    expect(await link.send([publish('p-1', 'message', 1)])).toEqual([{ id: 'p-1', status: 'accepted', data: 2 }]);
  });

  test.each<[string, Partial<SocketIoOptions>]>([
    ['an empty address', { url: '' }],
    ['an address of another kind', { url: 'ftp://127.0.0.1' }],
    ['no transports', { transports: [] }],
    ['an unknown transport', { transports: ['flash' as 'polling'] }],
    ['a deadline of zero', { ackTimeoutMs: 0 }],
    ['a limit that is no number', { maxMessageBytes: Number.NaN }],
    ['an empty name', { name: '' }],
  ])('%s is refused by the factory', (_, wrong) => {
    expect(() => socketIo({ url: 'http://127.0.0.1', ...wrong })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('sending', () => {
  async function linked(options: Partial<SocketIoOptions> = {}) {
    const server = await listen();
    return { server, ...(await both(server, watched(server, options).transport)) };
  }

  test('an answer of several arguments arrives whole', async () => {
    const { link, peer } = await linked();
    peer.on('message', (_: unknown, acknowledge: (...answer: unknown[]) => void) => acknowledge('ok', 7));
    expect(await link.send([publish('p-1')])).toEqual([{ id: 'p-1', status: 'accepted', data: ['ok', 7] }]);
  });

  test('the dialect reads the answer, and may fail at it', async () => {
    const receipts: Dialect['receipts'] = (answer, { frames: [frame] }) => {
      if (answer !== 'no') throw new Error('what?');
      return [{ id: (frame as PublishFrame).id, status: 'rejected', code: answer }];
    };
    const { link, peer } = await linked({ dialect: { ...named, receipts } });
    peer.on('message', (data: string, acknowledge: (answer: string) => void) => acknowledge(data));
    expect(await link.send([publish('p-1', 'message', 'no')])).toEqual([{ id: 'p-1', status: 'rejected', code: 'no' }]);
    await expect(link.send([publish('p-2', 'message', '?')])).rejects.toMatchObject({ code: 'protocol' });
  });

  test('no answer in time: it is unknown what became of it', async () => {
    const { link, sink } = await linked({ ackTimeoutMs: 5 });
    await expect(link.send([publish('p-1')])).rejects.toMatchObject({ code: 'timeout', transport: 'socket-io' });
    expect(sink.calls.some((call) => call.kind === 'down')).toBe(false);
  });

  test('no answer before the cut: connection-lost', async () => {
    const { link, peer, server } = await linked();
    peer.on('message', () => server.cut());
    await expect(link.send([publish('p-1'), publish('p-2')])).rejects.toMatchObject({ code: 'connection-lost' });
  });

  test('a server that does not acknowledge is not asked to', async () => {
    const { link, peer } = await linked({ dialect: { ...named, traits: { ...traits, acks: false } } });
    const heard = once(peer as never, 'message');
    expect(await link.send([publish('p-1', 'message', 1)])).toEqual([{ id: 'p-1', status: 'sent' }]);
    expect(await heard).toEqual([1]);
  });

  test('a volatile event asks for no answer, unless it is a request', async () => {
    const { link, peer } = await linked();
    const heard = once(peer as never, 'typing');
    expect(await link.send([{ ...publish('p-1', 'typing', 1), volatile: true }])).toEqual([{ id: 'p-1', status: 'sent' }]);
    expect(await heard).toEqual([1]);
    peer.on('where', (_: unknown, acknowledge: (answer: string) => void) => acknowledge('here'));
    const request = { ...publish('p-2', 'where'), volatile: true, reply: true };
    expect(await link.send([request])).toEqual([{ id: 'p-2', status: 'accepted', data: 'here' }]);
  });

  test('a message that cannot be written fails alone', async () => {
    const { link, peer } = await linked();
    peer.on('message', (_: unknown, acknowledge: () => void) => acknowledge());
    await expect(link.send([publish('p-1', 'message', 1n)])).rejects.toMatchObject({ code: 'invalid-payload' });
    await expect(link.send([publish('p-2', 'disconnect')])).rejects.toMatchObject({ code: 'invalid-payload' });
    expect(await link.send([publish('p-3')])).toEqual([{ id: 'p-3', status: 'accepted', data: undefined }]);
  });

  test('a publish that the server has no word for is rejected', async () => {
    const { link } = await linked();
    expect(await link.send([publish('p-1', 'unknown')])).toMatchObject([{ id: 'p-1', status: 'rejected', code: 'unsupported' }]);
  });
});

describe('receiving', () => {
  test('named events with none, one and many arguments; binary; a request for an answer', async () => {
    const server = await listen();
    const { peer, sink } = await both(server, watched(server).transport);
    peer.emit('none');
    peer.emit('one', { a: 1 });
    peer.emit('many', 1, 'two', [3]);
    peer.emit('bytes', Buffer.from([1, 2]));
    peer.emit('asks', 'question', () => {});
    peer.emit('__proto__', 1);
    peer.emit('error', 'not an error of the link');
    const events = await sink.untilEvents(7);
    expect(events.map(({ event, data }) => [event, data])).toEqual([
      ['none', undefined],
      ['one', { a: 1 }],
      ['many', [1, 'two', [3]]],
      ['bytes', Buffer.from([1, 2])],
      ['asks', 'question'],
      ['__proto__', 1],
      ['error', 'not an error of the link'],
    ]);
  });

  test('pings of the server are signs of life', async () => {
    const server = await listen({ pingInterval: 10 });
    const { sink } = await dialUp(watched(server).transport);
    await sink.until(() => sink.calls.some((call) => call.kind === 'alive'));
    expect(sink.calls.map((call) => call.kind)).not.toContain('frames');
  });
});
