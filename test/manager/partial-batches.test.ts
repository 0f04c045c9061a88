import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { describe, expect, onTestFinished, test } from 'vitest';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { sse } from '../../src/adapters/sse.ts';
import { createRealtime, emit, jsonDialect, post, type RealtimeManager, type RealtimeOptions } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { httpPosts } from '../../src/transport/posts.ts';
import { clientOf, joined } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';
import { scripted } from '../support/scripted-transport.ts';

const rest = jsonDialect({ defaultChannel: 'room', publish: ({ data }) => post('/orders', { data }) });

/** Publishes three sends in one tick, and says what became of each. */
async function publishThree(realtime: RealtimeManager): Promise<string[]> {
  const channel = realtime.channel('room');
  const results = await Promise.allSettled([1, 2, 3].map((number) => channel.publish('order', number)));
  return results.map((result) => (result.status === 'fulfilled' ? 'accepted' : result.reason.code));
}

function started(options: RealtimeOptions): RealtimeManager {
  const realtime = createRealtime({ retry: () => 5, ...options });
  onTestFinished(() => realtime.close());
  realtime.start();
  return realtime;
}

describe('three sends of one tick, on a server that knows no ids and falls short at the second', () => {
  /** A stream beside a REST endpoint that does something else with the second request, once. */
  async function restServer(second: (request: IncomingMessage, response: ServerResponse) => 'applied' | 'refused') {
    const applied: unknown[] = [];
    let count = 0;
    const server = createServer(async (request, response) => {
      if (request.url === '/stream') return response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
      const { data } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      count += 1;
      if (count !== 2 || second(request, response) === 'applied') applied.push(data);
      if (count !== 2) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return true;
    });
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { applied, transport: sse({ url: `${url}/stream`, sendUrl: url, dialect: rest }) };
  }

  test.each(['once', 'at-least-once'] as const)(
    'a token that is refused in between: %s, and each is applied once',
    async (order) => {
      let tokens = 0;
      const { applied, transport } = await restServer((_, response) => {
        response.writeHead(401).end();
        return 'refused';
      });
      const realtime = started({ transports: [transport], auth: () => `token-${++tokens}`, delivery: { order } });
      await realtime.ready();
      expect(await publishThree(realtime)).toEqual(['accepted', 'accepted', 'accepted']);
      expect(applied).toEqual([1, 2, 3]);
    },
  );

  test('an answer that is lost: only that one is in doubt', async () => {
    const { applied, transport } = await restServer((request) => {
      request.socket.destroy();
      return 'applied';
    });
    const realtime = started({ transports: [transport], delivery: { order: 'once' } });
    await realtime.ready();
    expect(await publishThree(realtime)).toEqual(['accepted', 'unconfirmed', 'accepted']);
    expect(applied).toEqual([1, 2, 3]);
  });

  test('an acknowledgement of Socket.IO that never comes: the others are not sent again', async () => {
    const io = new Server();
    onTestFinished(async () => void (await io.close()));
    const applied: unknown[] = [];
    io.on('connection', (socket) => {
      socket.on('order', (number: number, acknowledge: () => void) => {
        applied.push(number);
        if (number !== 2) acknowledge();
      });
    });
    const server = createServer();
    io.attach(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const dialect = jsonDialect({
      defaultChannel: 'room',
      publish: ({ event, data }) => emit(event, data),
      receipt: () => ({ status: 'accepted' }),
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const realtime = started({ transports: [socketIo({ url, dialect, ackTimeoutMs: 50 })], delivery: { order: 'once' } });
    await realtime.ready();
    expect(await publishThree(realtime)).toEqual(['accepted', 'unconfirmed', 'accepted']);
    expect(applied).toEqual([1, 2, 3]);
  });
});

describe('sends by REST beside a link', () => {
  const mixed = jsonDialect({
    defaultChannel: 'room',
    publish: ({ data }) => (data === 2 ? post('/orders', { data }) : emit('order', data)),
    ack: { id: 'ack' },
  });

  test('one that gets no answer leaves the others alone, and they it', async () => {
    const left: unknown[] = [];
    const { beside } = httpPosts({ url: 'http://server.test/', fetch: () => Promise.reject(new Error('cut')) });
    const controller = new AbortController();
    const gate = { transport: 'beside', signal: controller.signal, deliver() {}, down() {} };
    const request = { signal: controller.signal, client: 'c', credentials: undefined, channels: new Map(), cursor: undefined };
    const send = beside({
      gate: gate as never,
      request: { ...request, clock: manualClock() },
      dialect: mixed,
      async transmit(frames) {
        left.push(...frames);
        return frames.map((frame) => ({ id: 'id' in frame ? frame.id : '', status: 'accepted' }));
      },
    });
    const frames = [1, 2].map((data) => ({ kind: 'publish', id: `p-${data}`, channel: 'room', event: 'order', data }) as const);
    expect(await send(frames)).toMatchObject([
      { id: 'p-1', status: 'accepted' },
      { id: 'p-2', status: 'unknown' },
    ]);
    expect(left).toHaveLength(1);
  });

  test('without a token nothing has left: a send that is meant once waits for the next try', async () => {
    const clock = manualClock();
    const transport = scripted('socket');
    let questions = 0;
    const posted: unknown[] = [];
    const realtime = started({
      transports: [transport],
      auth() {
        questions += 1;
        if (questions === 2) throw new Error('the sign-in is down');
        return 'token-1';
      },
      retry: () => 60_000,
      delivery: { order: 'once' },
      platform: { clock, random: () => 0 },
      posts: httpPosts({
        url: 'http://server.test/',
        dialect: rest,
        async fetch(_, { body }) {
          posted.push(body);
          return Response.json({});
        },
      }),
    });
    await clock.advance(0);
    transport.last.down('refused');
    const accepted = realtime.channel('room').publish('order', 1);
    await clock.advance(1_000);
    await expect(accepted).resolves.toBeDefined();
    expect([questions, posted.length]).toEqual([3, 1]);
  });
});

test.each(['sse', 'long-poll'] as const)(
  'a body that is more than the server takes costs only the send that is too large by itself: %s',
  async (name) => {
    const server = await startReferenceServer({ limits: { maxBodyBytes: 1_000 } });
    const client = clientOf(server, [name]);
    client.start();
    await joined(client, 'room');
    const results = await Promise.allSettled(
      [400, 400, 2_000, 400].map((size) => client.channel('room').publish('n', 'x'.repeat(size))),
    );
    expect(results).toMatchObject([
      { value: { offset: 1 } },
      { value: { offset: 2 } },
      { reason: { code: 'rejected', serverCode: '413' } },
      { value: { offset: 3 } },
    ]);
    expect(await server.log.head('room')).toMatchObject({ offset: 3 });
  },
);
