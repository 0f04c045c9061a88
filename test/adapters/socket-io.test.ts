import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerOptions, Socket as ServerSocket } from 'socket.io';
import { type Socket, io as socketIoClient } from 'socket.io-client';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type SocketIoOptions, socketIo } from '../../src/adapters/socket-io.ts';
import type { Dialect, DialectTraits, OutboundMessage } from '../../src/protocol/dialect.ts';
import type { Position, PublishFrame } from '../../src/protocol/frame.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import type { Credentials, Link, Transport } from '../../src/transport/transport.ts';
import { countingClock, type RecordingSink, recordingSink } from '../support/contract-link.ts';
import { type LoopbackServer, listenScripted, listenSocketIo, type ScriptedPeer } from '../support/contract-socket-io.ts';

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
  test('links at the same time have a Manager each, that never reconnects and is not cached', async () => {
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

  test('the very same Socket serves one link after another', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const sessions = new Set<string | undefined>();
    for (const end of ['cut', 'abort', 'kick']) {
      const { peer, sink, abort } = await both(server, transport);
      sessions.add((await sink.isUp()).session);
      peer.emit('hello', end);
      expect((await sink.untilEvents(1)).map(({ data }) => data)).toEqual([end]);
      if (end === 'cut') server.cut();
      else if (end === 'abort') abort();
      else peer.disconnect();
      await sink.isDown();
    }
    expect(sockets).toHaveLength(1);
    expect(sessions.size).toBe(3);
  });

  test('it is kept over attempts that are refused', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const first = await dialUp(transport);
    server.cut();
    await first.sink.isDown();
    let isOpen = false;
    server.io.use((_, next) => (isOpen ? next() : next(new Error('busy'))));
    expect((await dial(transport).sink.isDown()).kind).toBe('refused');
    isOpen = true;
    await dialUp(transport);
    expect(sockets).toHaveLength(1);
  });

  test('a second link at the same time has its own, and that of the newest is kept', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const first = await dialUp(transport);
    const second = await both(server, transport);
    expect(sockets).toHaveLength(2);
    first.abort();
    await first.sink.isDown();
    second.peer.emit('still');
    await second.sink.untilEvents(1);
    second.abort();
    const third = await dialUp(transport);
    expect(sockets).toHaveLength(2);
    expect((await third.sink.isUp()).session).toBe(sockets[1]?.id);
  });

  test('a dialect that greets gets a new one for each link', async () => {
    const server = await listen();
    server.io.on('connection', (socket) => socket.emit('frames', [{ kind: 'welcome', version: 1 }]));
    const { transport, sockets } = watched(server, { dialect: keepwireDialect });
    for (let link = 0; link < 2; link++) {
      const { sink, abort } = await dialUp(transport);
      abort();
      await sink.isDown();
    }
    expect(new Set(sockets).size).toBe(2);
  });

  test('an acknowledgement that was awaited on the old link ends with it', async () => {
    const server = await listen();
    const { transport } = watched(server);
    const first = await both(server, transport);
    const hasHeard = once(first.peer as never, 'message');
    const sending = first.link.send([publish('p-1')]);
    await hasHeard;
    first.abort();
    await expect(sending).rejects.toMatchObject({ code: 'connection-lost' });
    const second = await both(server, transport);
    second.peer.on('message', (_: unknown, acknowledge: (answer: string) => void) => acknowledge('second'));
    expect(await second.link.send([publish('p-2')])).toEqual([{ id: 'p-2', status: 'accepted', data: 'second' }]);
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
    expect(socket?.auth).toEqual({});
  });

  test('what others listen for on a Socket stays', async () => {
    const server = await listen();
    const { transport, sockets } = watched(server);
    const { sink, abort } = await dialUp(transport);
    const seen: unknown[] = [];
    sockets[0]?.on('disconnect', (reason) => seen.push(reason));
    abort();
    await sink.isDown();
    expect(seen).toEqual(['io client disconnect']);
  });

  test.each(['websocket', 'polling'] as const)(
    'what the old link still gets in the tick of a redial stays with it: %s',
    async (carrier) => {
      const server = await listen();
      const { transport, sockets } = watched(server, { transports: [carrier] });
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
      expect(sockets).toHaveLength(1);
    },
  );

  // the false timers of vitest build a Date by assignment, which frozen prototypes forbid to them
  test.skipIf(Object.isFrozen(Object.prototype))(
    'their buffers stay empty, also when a dead link is noticed by the send',
    async () => {
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
    },
  );

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
    expect(sockets).toHaveLength(1);
  });

  test('it goes on over three cuts, and each time what was missed arrives', async () => {
    const server = await listen(recovering);
    const { transport, sockets } = watched(server);
    await cutLink(server, transport);
    for (const round of [1, 2, 3]) {
      server.io.to('room').emit('missed', round);
      server.io.to('room').emit('missed too', round);
      const { peer, sink } = await both(server, transport);
      expect((await sink.isUp()).claimsRecovered).toBe(true);
      // without a live event the position is that of a packet which was missed
      const expected = ['missed', 'missed too', ...(round === 2 ? [] : ['live'])];
      if (round !== 2) server.io.to('room').emit('live', round);
      const events = await sink.untilEvents(expected.length);
      expect(events.map(({ event, data }) => [event, data])).toEqual(expected.map((event) => [event, round]));
      const hasLeft = once(peer as never, 'disconnect');
      server.cut();
      await Promise.all([sink.isDown(), hasLeft]);
    }
    expect(sockets).toHaveLength(1);
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

describe('a session is offered only as it is', () => {
  /** Answers each CONNECT with the next script, and keeps what each offered. */
  async function scripted(...scripts: ((peer: ScriptedPeer) => void)[]) {
    const offers: unknown[] = [];
    const server = await listenScripted((packet, peer) => {
      if (!packet.startsWith('40')) return;
      const script = scripts[offers.length];
      offers.push(JSON.parse(packet.slice(2)));
      script?.(peer);
    });
    cleanups.push(server.close);
    const sockets: Socket[] = [];
    const io: SocketIoOptions['io'] = (url, given) => {
      const socket = socketIoClient(url, given);
      sockets.push(socket);
      return socket;
    };
    const transport = socketIo({ url: server.url, dialect: named, transports: ['websocket'], auth: () => ({}), io });
    return { transport, sockets, offers };
  }

  const connected = (sid: string, pid?: string): string => `40${JSON.stringify({ sid, pid })}`;

  /** A session with an offset, that ends by a cut. */
  async function withSession(transport: Transport): Promise<void> {
    const { sink } = await dialUp(transport);
    await sink.isDown();
  }

  const begin = (peer: ScriptedPeer): void => {
    peer.send(connected('s-1', 'p-1'), '42["one","o-1"]');
    peer.close();
  };

  test('by its private id and the offset of the last packet', async () => {
    const { transport, offers } = await scripted(begin, (peer) => peer.send(connected('s-2', 'p-1')));
    await withSession(transport);
    expect((await dialUp(transport)).sink.calls[0]).toMatchObject({ info: { session: 's-2', claimsRecovered: true } });
    expect(offers).toEqual([{}, { pid: 'p-1', offset: 'o-1' }]);
  });

  test('not with the offset of the session before', async () => {
    const { transport, offers } = await scripted(
      begin,
      (peer) => {
        peer.send(connected('s-2', 'p-2'));
        peer.close();
      },
      (peer) => peer.send(connected('s-3', 'p-3')),
    );
    await withSession(transport);
    await withSession(transport);
    expect((await dialUp(transport)).sink.calls[0]).toMatchObject({ info: { claimsRecovered: false } });
    expect(offers).toEqual([{}, { pid: 'p-1', offset: 'o-1' }, {}]);
  });

  test('with its own offset as soon as it has one', async () => {
    const { transport, sockets, offers } = await scripted(
      begin,
      (peer) => {
        peer.send(connected('s-2', 'p-2'), '42["two","o-2"]');
        peer.close();
      },
      (peer) => peer.send(connected('s-3', 'p-2')),
    );
    await withSession(transport);
    await withSession(transport);
    await dialUp(transport);
    expect(offers[2]).toEqual({ pid: 'p-2', offset: 'o-2' });
    expect(sockets).toHaveLength(1);
  });

  test('not when a missed packet came to a link that ended as it came up', async () => {
    const missed = (peer: ScriptedPeer): void => peer.send('42["two","o-2"]', connected('s-2', 'p-1'));
    const { transport, offers } = await scripted(begin, missed, (peer) => peer.send(connected('s-3', 'p-3')));
    await withSession(transport);
    const sink = recordingSink();
    const { up } = sink;
    const redialled = new Promise<Dialled>((resolve) => {
      sink.up = (info) => {
        up(info);
        second.abort();
        resolve(dial(transport));
      };
    });
    const second = dial(transport, { sink });
    const third = await redialled;
    expect((await third.sink.isUp()).session).toBe('s-3');
    expect(offers[2]).toEqual({});
    expect(sink.events()).toEqual([]);
  });

  test('with the offset of the last packet that was delivered, when a handler ended the link amid the missed ones', async () => {
    const { transport, sockets, offers } = await scripted(
      begin,
      (peer) => peer.send('42["two","o-2"]', '42["three","o-3"]', connected('s-2', 'p-1')),
      (peer) => peer.send('42["three","o-3"]', connected('s-3', 'p-1')),
    );
    await withSession(transport);
    const sink = recordingSink();
    const { frames } = sink;
    const redialled = new Promise<Dialled>((resolve) => {
      sink.frames = (batch, cursor) => {
        frames(batch, cursor);
        second.abort();
        resolve(dial(transport));
      };
    });
    const second = dial(transport, { sink });
    const third = await redialled;
    // not before its own server has spoken, though the Socket finishes the connect of the link before
    expect((await third.sink.isUp()).session).toBe('s-3');
    expect((await third.sink.untilEvents(1)).map(({ event }) => event)).toEqual(['three']);
    expect(sink.events().map(({ event }) => event)).toEqual(['two']);
    expect(offers[2]).toEqual({ pid: 'p-1', offset: 'o-2' });
    expect(sockets).toHaveLength(1);
  });

  test('under the token that went over its link', async () => {
    const { transport, offers } = await scripted(
      (peer) => peer.send(connected('s-1', 'p-1'), '42["one","o-1"]'),
      (peer) => peer.send(connected('s-2', 'p-1')),
      (peer) => peer.send(connected('s-3', 'p-3')),
    );
    const first = await dialUp(transport, { credentials: { token: 'a' } });
    await first.sink.untilEvents(1);
    await first.link.send([{ kind: 'authenticate', token: 'b' }]);
    first.abort();
    const second = await dialUp(transport, { credentials: { token: 'b' } });
    second.abort();
    await dialUp(transport, { credentials: { token: 'a' } });
    expect(offers).toEqual([{}, { pid: 'p-1', offset: 'o-1' }, {}]);
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
    let queries = 0;
    let headers = 0;
    const transport = socketIo({
      url: new URL('/admin', server.url),
      path: '/live',
      dialect: named,
      options: { query: () => ({ n: String(++queries) }), extraHeaders: () => ({ 'x-n': String(++headers) }) },
    });
    const first = await dialUp(transport);
    await dialUp(transport);
    first.abort();
    await dialUp(transport);
    // one link after another, and so on the Socket of the one before
    for (let link = 4; link < 6; link++) (await dialUp(transport)).abort();
    expect(attempts).toEqual([1, 2, 3, 4, 5].map((attempt) => [String(attempt), String(attempt)]));
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

  test('events that are not of the keepwire protocol belong to somebody else', async () => {
    const server = await listen();
    server.io.on('connection', (socket) => {
      socket.emit('news', 'before the welcome');
      socket.emit('frames', [{ kind: 'welcome', version: 1 }]);
      socket.emit('news', { kind: 'pong' });
      socket.emit('frames', { kind: 'pong' });
    });
    const { sink } = await dialUp(socketIo({ url: server.url, transports: ['websocket'] }));
    await sink.until(() => sink.allFrames().length > 0);
    expect(sink.allFrames()).toEqual([{ kind: 'pong' }]);
  });

  test('pings of the server are signs of life', async () => {
    const server = await listen({ pingInterval: 10 });
    const { sink } = await dialUp(watched(server).transport);
    await sink.until(() => sink.calls.some((call) => call.kind === 'alive'));
    expect(sink.calls.map((call) => call.kind)).not.toContain('frames');
  });
});
