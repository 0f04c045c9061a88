import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { Socket as ServerSocket } from 'socket.io';
import { afterEach, describe, expect, test } from 'vitest';
import { type SocketIoOptions, socketIo } from '../../src/adapters/socket-io.ts';
import type { Dialect } from '../../src/protocol/dialect.ts';
import type { Credentials, DownCause, Link } from '../../src/transport/transport.ts';
import { countingClock, type RecordingSink, recordingSink } from '../support/contract-link.ts';
import { type LoopbackServer, listenScripted, listenSocketIo } from '../support/contract-socket-io.ts';

const plain: Dialect = {
  name: 'plain',
  traits: { greets: false, joinsInHello: false, answersJoins: true, acks: false, resume: 'none', pings: false, reauth: true },
  decode: (data, event = '') => [{ kind: 'event', channel: 'room', event, data }],
  encode: (frames) => frames.map((frame) => ({ frames: [frame], event: frame.kind, data: frame })),
};

const canary = 'canary-51be20';
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function listen(options?: Parameters<typeof listenSocketIo>[0]): Promise<LoopbackServer> {
  const server = await listenSocketIo(options);
  cleanups.push(server.close);
  return server;
}

function dial(options: SocketIoOptions, credentials?: Credentials): { link: Link; sink: RecordingSink } {
  const controller = new AbortController();
  cleanups.push(() => controller.abort());
  const sink = recordingSink();
  const transport = socketIo({ dialect: plain, transports: ['websocket'], ...options });
  const request = { client: 'client-1', channels: new Map(), cursor: undefined, clock: countingClock() };
  return { link: transport.connect({ ...request, signal: controller.signal, credentials }, sink), sink };
}

type Failed = Exclude<DownCause, { kind: 'aborted' }>;

async function causeOf(sink: RecordingSink): Promise<Failed> {
  const cause = await sink.isDown();
  if (cause.kind === 'aborted') throw new Error('nobody aborted the link');
  return cause;
}

describe('a middleware of the server says no', () => {
  async function refusedWith(message: string, data?: object, options: Partial<SocketIoOptions> = {}): Promise<Failed> {
    const server = await listen();
    server.io.use((_, next) => next(Object.assign(new Error(message), data === undefined ? {} : { data })));
    return causeOf(dial({ url: server.url, ...options }).sink);
  }

  test.each<[string, object | undefined, DownCause['kind']]>([
    ['any', { code: 401 }, 'unauthorized'],
    ['any', { status: 403 }, 'forbidden'],
    ['any', { statusCode: '429' }, 'refused'],
    ['any', { code: 410 }, 'dismissed'],
    ['any', { code: 'UNAUTHORIZED' }, 'unauthorized'],
    ['any', { code: 'forbidden' }, 'forbidden'],
    ['any', { code: 4401 }, 'refused'],
    ['unauthorized', undefined, 'unauthorized'],
    ['Authentication error', undefined, 'unauthorized'],
    ['jwt expired', undefined, 'unauthorized'],
    ['Invalid token', undefined, 'unauthorized'],
    ['Forbidden', undefined, 'forbidden'],
    ['timeout', {}, 'refused'],
    ['maintenance', undefined, 'refused'],
  ])('%s with %o', async (message, data, kind) => {
    const cause = await refusedWith(message, data);
    expect(cause.kind).toBe(kind);
    expect(cause.error).toMatchObject({ code: kind, transport: 'socket-io', message: expect.stringContaining(message) });
  });

  test('the moment to come back is kept, up to an hour', async () => {
    expect(await refusedWith('busy', { retryAfterMs: 1500 })).toMatchObject({ kind: 'refused', retryAfterMs: 1500 });
    expect(await refusedWith('busy', { retryAfterMs: 1e12 })).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(await refusedWith('busy', { retryAfterMs: -1 })).not.toHaveProperty('retryAfterMs');
    expect(await refusedWith('busy', { retryAfterMs: 'soon' })).not.toHaveProperty('retryAfterMs');
  });

  test('so is the time over which clients are to spread', async () => {
    expect(await refusedWith('busy', { spreadMs: 900 })).toMatchObject({ kind: 'refused', spreadMs: 900 });
    expect(await refusedWith('busy', { retryAfterMs: 5, spreadMs: 1e12 })).toMatchObject({
      retryAfterMs: 5,
      spreadMs: 3_600_000,
    });
    expect(await refusedWith('busy', { spreadMs: -1 })).not.toHaveProperty('spreadMs');
  });

  test('the dialect knows better', async () => {
    const dialect: Dialect = { ...plain, closing: (native) => (native === 4401 ? 'unauthorized' : undefined) };
    expect((await refusedWith('any', { code: 4401 }, { dialect })).kind).toBe('unauthorized');
    expect((await refusedWith('any', { code: 403 }, { dialect })).kind).toBe('forbidden');
  });

  test('a namespace that is not there', async () => {
    const server = await listen();
    const cause = await causeOf(dial({ url: `${server.url}/nowhere` }).sink);
    expect(cause).toMatchObject({ kind: 'unsupported', error: { hint: expect.stringContaining('namespace') } });
  });
});

describe('the network says no', () => {
  /** An HTTP server that answers by script. */
  async function scripted(answer: RequestListener): Promise<string> {
    const http = createServer((request, response) => {
      response.setHeader('connection', 'close');
      answer(request, response);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => http.close());
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  }

  const handshake = `0${JSON.stringify({ sid: 's', upgrades: [], pingInterval: 20_000, pingTimeout: 20_000, maxPayload: 1000 })}`;

  test.each<[number, DownCause['kind'], object]>([
    [401, 'unauthorized', {}],
    [403, 'forbidden', {}],
    [404, 'unsupported', {}],
    [429, 'refused', { retryAfterMs: 7000 }],
    [503, 'refused', { retryAfterMs: 7000 }],
  ])('status %i when polling', async (status, kind, advice) => {
    const url = await scripted((_, response) => response.writeHead(status, { 'retry-after': '7' }).end('<html>'));
    const cause = await causeOf(dial({ url, transports: ['polling'] }).sink);
    expect(cause).toMatchObject({ kind, error: { native: status }, ...advice });
  });

  test.each(['401', '403', '200'])('status %s for an upgrade is no word of the server: refused', async (status) => {
    const http = createServer();
    http.on('upgrade', (_, socket) => socket.end(`HTTP/1.1 ${status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => http.close());
    const { sink } = dial({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
    expect((await causeOf(sink)).kind).toBe('refused');
  });

  test('an html page with status 200: protocol', async () => {
    const url = await scripted((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>please log in</html>'),
    );
    expect((await causeOf(dial({ url, transports: ['polling'] }).sink)).kind).toBe('protocol');
  });

  test('a load balancer without sticky sessions is named', async () => {
    const url = await scripted((request, response) => {
      if (request.url?.includes('sid=') === true) response.writeHead(400).end('{"code":1,"message":"Session ID unknown"}');
      else response.end(handshake);
    });
    const cause = await causeOf(dial({ url, transports: ['polling'] }).sink);
    expect(cause).toMatchObject({ kind: 'refused', error: { hint: expect.stringMatching(/sticky sessions.*load balancer/) } });
  });

  test('a dead port, by either carrier: refused, without addresses and headers in the error', async () => {
    const url = await scripted(() => {});
    await Promise.all(cleanups.splice(0).map((close) => close()));
    for (const carrier of ['websocket', 'polling'] as const) {
      const options = { query: { token: canary }, extraHeaders: { 'x-token': canary } };
      const cause = await causeOf(dial({ url, transports: [carrier], options }, { token: canary }).sink);
      expect(cause.kind).toBe('refused');
      expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
    }
  });
});

describe('a link that was up ends', () => {
  async function linked(options: Partial<SocketIoOptions> = {}, credentials?: Credentials, server?: LoopbackServer) {
    const listening = server ?? (await listen());
    const coming = once(listening.io as never, 'connection') as Promise<[ServerSocket]>;
    const dialled = dial({ url: listening.url, ...options }, credentials);
    await dialled.sink.isUp();
    const [peer] = await coming;
    return { ...dialled, peer, server: listening };
  }

  test('kicked out: dismissed', async () => {
    const { peer, sink } = await linked({}, { token: 't', expiresAt: Date.now() + 3_600_000 });
    peer.disconnect();
    const cause = await causeOf(sink);
    expect(cause).toMatchObject({
      kind: 'dismissed',
      error: {
        code: 'dismissed',
        native: 'io server disconnect',
        message: 'the server ended the Socket.IO connection',
        hint: expect.stringContaining('start()'),
      },
    });
  });

  test('kicked out when the token has expired: unauthorized, so that it is refreshed', async () => {
    const { peer, sink } = await linked({}, { token: 't', expiresAt: Date.now() });
    peer.disconnect();
    expect((await causeOf(sink)).kind).toBe('unauthorized');
  });

  test('kicked out after a new token went over the link: dismissed', async () => {
    const { link, peer, sink } = await linked({}, { token: 't', expiresAt: Date.now() });
    await link.send([{ kind: 'authenticate', token: 'new' }]);
    peer.disconnect();
    expect((await causeOf(sink)).kind).toBe('dismissed');
  });

  test('the option comes before the dialect, and the dialect before the table', async () => {
    const dialect: Dialect = { ...plain, closing: (native) => (native === 'io server disconnect' ? 'forbidden' : undefined) };
    const byDialect = await linked({ dialect });
    byDialect.peer.disconnect();
    expect((await causeOf(byDialect.sink)).kind).toBe('forbidden');
    const byOption = await linked({ dialect, disconnects: { 'io server disconnect': 'lost' } });
    byOption.peer.disconnect();
    expect(await causeOf(byOption.sink)).toMatchObject({ kind: 'lost', error: { code: 'connection-lost' } });
  });

  test('a dialect that fails at the reading of an end is itself the cause', async () => {
    const closing: Dialect['closing'] = () => {
      throw new Error('no such reason');
    };
    const { peer, sink } = await linked({ dialect: { ...plain, closing } });
    peer.disconnect();
    expect(await causeOf(sink)).toMatchObject({ kind: 'protocol', error: { cause: { message: 'no such reason' } } });
  });

  test('words of a dialect that stand for a kind of another name', async () => {
    for (const [word, kind] of [
      ['closed', 'dismissed'],
      ['too-large', 'protocol'],
      ['timeout', 'lost'],
    ] as const) {
      const { peer, sink } = await linked({ dialect: { ...plain, closing: () => word } });
      peer.disconnect();
      expect(await causeOf(sink)).toMatchObject({ kind, error: { code: word } });
    }
  });

  test('the server shuts down, and the server is cut off: lost', async () => {
    const ended = await linked();
    await ended.server.io.close();
    expect(await causeOf(ended.sink)).toMatchObject({ kind: 'lost', error: { native: 'transport close' } });
    const cut = await linked();
    cut.server.cut();
    expect((await causeOf(cut.sink)).kind).toBe('lost');
  });

  test('an event cannot be forged into the end of a link', async () => {
    for (const name of ['disconnect', 'connect_error', 'connect']) {
      const { peer, sink } = await linked();
      // what a server could write that is not ours: its own library refuses these names
      peer.conn.write(`2["${name}","io client disconnect"]`);
      expect(await causeOf(sink)).toMatchObject({ kind: 'protocol', error: { native: 'parse error' } });
    }
  });

  test('a packet over the limit: protocol, and nothing of it is delivered', async () => {
    const { peer, sink } = await linked({ maxMessageBytes: 300 });
    peer.emit('fits', 'ü'.repeat(100));
    await sink.untilEvents(1);
    peer.emit('large', 'ü'.repeat(200));
    expect(await causeOf(sink)).toMatchObject({ kind: 'protocol', error: { code: 'too-large' } });
    expect(sink.events().map(({ event }) => event)).toEqual(['fits']);
  });

  test('a message over the limit of the server: protocol, and the option is named', async () => {
    const server = await listen({ maxHttpBufferSize: 300 });
    const { link, sink } = await linked({}, undefined, server);
    await link.send([{ kind: 'publish', id: 'p', channel: 'room', event: 'e', data: 'x'.repeat(400) }]);
    expect(await causeOf(sink)).toMatchObject({
      kind: 'protocol',
      error: { code: 'too-large', native: 1009, hint: expect.stringContaining('maxHttpBufferSize') },
    });
  });

  describe('by a server that plays by no rules', () => {
    async function scripted(...how: Parameters<typeof listenScripted>): Promise<string> {
      const server = await listenScripted(...how);
      cleanups.push(server.close);
      return server.url;
    }

    test('no pings: lost', async () => {
      const url = await scripted((packet, peer) => packet.startsWith('40') && peer.send('40{"sid":"s"}'), 10);
      const { sink } = dial({ url });
      await sink.isUp();
      expect(await causeOf(sink)).toMatchObject({ kind: 'lost', error: { native: 'ping timeout' } });
    });

    test('closed before it let us in: refused', async () => {
      const url = await scripted((_, peer) => peer.close());
      expect(await causeOf(dial({ url }).sink)).toMatchObject({ kind: 'refused', error: { native: 'transport close' } });
    });

    test('a server of version 2: unsupported', async () => {
      const url = await scripted((packet, peer) => packet.startsWith('40') && peer.send('40{}'));
      expect((await causeOf(dial({ url }).sink)).kind).toBe('unsupported');
    });
  });
});
