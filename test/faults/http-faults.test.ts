import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import { createRealtime, type RealtimeManager, type RealtimeOptions, type Transport } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { when } from '../support/clients.ts';
import { type RawScript, type RawServer, rawAnswer, startRawServer } from '../support/raw-server.ts';

const secret = 'SECRET-CANARY';
const page = '<html><body>{"kind":"event"} Sign in to the network</body></html>';
const welcome = { kind: 'welcome', version: 1 };
const joined = { kind: 'joined', channel: 'room', epoch: 'e', offset: 0 };
const event = (offset: number) => ({ kind: 'event', channel: 'room', event: 'n', data: offset, offset });

interface Carrier {
  readonly name: 'sse' | 'long-poll';
  transport(url: string): Transport;
  /** An answer of a healthy server with these frames. */
  answer(frames: readonly unknown[]): Buffer;
}

const carriers: readonly Carrier[] = [
  {
    name: 'sse',
    transport: (url) => sse({ url: `${url}/stream`, sendUrl: `${url}/send` }),
    answer: (frames) => Buffer.from(`${streamHead}data: ${JSON.stringify(frames)}\n\n`),
  },
  {
    name: 'long-poll',
    transport: (url) => longPoll({ url: `${url}/poll`, sendUrl: `${url}/send` }),
    answer: (frames) => rawAnswer('200 OK', { 'content-type': 'application/json' }, JSON.stringify(frames)),
  },
];
const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';

/** A manager with one channel, and what it was given. */
function manager(transports: readonly Transport[], options: Partial<RealtimeOptions> = {}) {
  const realtime = createRealtime({ transports, auth: () => `${secret}-${Math.random()}`, retry: () => 0, ...options });
  onTestFinished(() => realtime.close());
  const got: unknown[] = [];
  const gaps: unknown[] = [];
  realtime.on('gap', (gap) => gaps.push(gap));
  realtime.on('fault', () => {});
  realtime.channel('room').on('n', (data) => got.push(data));
  return { realtime, got, gaps };
}

/** Writes the head of an answer and leaves the connection open. */
function hold(bytes: Buffer | string): RawScript {
  return (_, __, socket) => {
    socket.write(bytes);
    return undefined;
  };
}

const reasonOf = async (realtime: RealtimeManager): Promise<unknown> =>
  (await when(realtime.status, ({ reason }) => reason !== undefined)).reason;

describe.each(carriers)('over $name', ({ name, transport, answer }) => {
  test('a captive portal is never read, keeps nothing and loses nothing: after it all is as it should be', async () => {
    let isCaptive = true;
    const server = await startRawServer((request, index, socket) => {
      if (isCaptive) return rawAnswer('200 OK', { 'content-type': 'text/html' }, page);
      if (request.path.startsWith('/send')) {
        const { frames } = JSON.parse(request.body) as { frames: { id: string }[] };
        const acks = frames.map(({ id }) => ({ kind: 'ack', id, epoch: 'e', offset: 1 }));
        return rawAnswer('200 OK', { 'content-type': 'application/json' }, JSON.stringify(acks));
      }
      const isFirst = request.hello().channels[0]?.offset !== 1;
      if (isFirst) return answer([welcome, joined, event(1)]);
      return hold(name === 'sse' ? answer([welcome, { ...joined, offset: 1 }]) : '')(request, index, socket);
    });
    const { realtime, got, gaps } = manager([transport(server.url)]);
    realtime.start();
    const sent = realtime.channel('room').publish('n', 7);
    expect(await reasonOf(realtime)).toMatchObject({ code: 'unsupported', hint: expect.stringContaining('captive portal') });
    await server.asked(3);
    expect(got).toEqual([]);
    isCaptive = false;
    await expect(sent).resolves.toMatchObject({ offset: 1 });
    expect([got, gaps]).toEqual([[1], []]);
  });

  test.each([
    ['301 Moved Permanently', 'elsewhere'],
    ['302 Found', 'elsewhere'],
    ['307 Temporary Redirect', 'elsewhere'],
    ['308 Permanent Redirect', 'itself'],
    ['302 Found', 'nowhere'],
  ])('%s to %s is not followed: no other host hears the token, and there is no loop', async (status, where) => {
    const other = await startRawServer(() => answer([welcome, joined]));
    const location = { elsewhere: `${other.url}/steal`, itself: '/stream', nowhere: '' }[where] ?? '';
    const server = await startRawServer(() => rawAnswer(status, { location }));
    const { realtime } = manager([transport(server.url)], { retry: ({ attempt }) => (attempt > 3 ? false : 0) });
    realtime.start();
    const { reason } = await when(realtime.status, (now) => now.status === 'failed');
    expect(server.requests).toHaveLength(4);
    expect(other.requests).toEqual([]);
    expect(JSON.stringify(reason, Object.getOwnPropertyNames(reason))).not.toContain(secret);
  });

  test.each([
    ['30', 30_000],
    ['0', 0],
    ['-5', 0],
    ['soon', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['315360000', 3_600_000],
  ])('Retry-After %s is waited for, within reason', async (retryAfter, delayMs) => {
    const server = await startRawServer(() => rawAnswer('503 Service Unavailable', { 'retry-after': retryAfter }, page));
    const clock = manualClock();
    const { realtime } = manager([transport(server.url)], { platform: { clock } });
    realtime.start();
    const { nextRetryAt } = await when(realtime.status, (now) => now.nextRetryAt !== undefined);
    expect((nextRetryAt ?? 0) - clock.wallNow()).toBe(delayMs);
    expect(server.requests).toHaveLength(1);
  });

  test.each(['500 Internal Server Error', '502 Bad Gateway', '504 Gateway Timeout', '429 Too Many Requests'])(
    'after %s it is tried again, and the body is nothing',
    async (status) => {
      const body = JSON.stringify([welcome, joined, event(1)]);
      const server = await startRawServer((_, index) =>
        index < 2 ? rawAnswer(status, { 'content-type': 'application/json' }, body) : answer([welcome, joined]),
      );
      const { realtime, got } = manager([transport(server.url)]);
      realtime.start();
      await realtime.ready();
      expect([got, server.requests.length >= 3]).toEqual([[], true]);
    },
  );

  test.each(['410 Gone', '403 Forbidden'])('%s is the end, after one request', async (status) => {
    const server = await startRawServer(() => rawAnswer(status, {}));
    const { realtime } = manager([transport(server.url)]);
    realtime.start();
    await when(realtime.status, (now) => now.status === 'failed');
    expect(server.requests).toHaveLength(1);
  });

  test('a bomb is cut off by its size after it was unpacked, and its connection is closed', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from('data: '), Buffer.alloc(64 * 1024 * 1024, 'x')]));
    const type = name === 'sse' ? 'text/event-stream' : 'application/json';
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n`;
    const server = await startRawServer(hold(Buffer.concat([Buffer.from(head), bomb])));
    const { realtime } = manager([transport(server.url)], { retry: () => false });
    realtime.start();
    await when(realtime.status, (now) => now.status === 'failed');
    expect(realtime.status.get().reason).toMatchObject({ cause: { code: 'too-large' } });
    await server.until(() => server.open === 0);
  });
});

describe('a stream', () => {
  test('answered with 204 is over for good', async () => {
    const server = await startRawServer(() => rawAnswer('204 No Content', {}));
    const { realtime } = manager([sse({ url: server.url })]);
    realtime.start();
    const { reason } = await when(realtime.status, (now) => now.status === 'failed');
    expect([reason?.code, server.requests.length]).toEqual(['dismissed', 1]);
  });

  test('that ends as soon as it has begun is not dialled in a loop', async () => {
    const server = await startRawServer(() => `${streamHead}data: ${JSON.stringify([welcome, joined])}\n\n`);
    const clock = manualClock();
    const platform = { clock, random: () => 0.5 };
    const { realtime } = manager([sse({ url: server.url })], { platform, retry: undefined });
    realtime.start();
    const startMs = clock.now();
    const attempts = 8;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { nextRetryAt } = await when(realtime.status, (now) => now.attempt === attempt && now.nextRetryAt !== undefined);
      await clock.advance((nextRetryAt ?? 0) - clock.wallNow());
    }
    expect(clock.now() - startMs).toBeGreaterThan(attempts * 1_000);
  });

  test('with an endless line is cut off by its size, and its connection is closed', async () => {
    const server = await startRawServer((_, __, socket) => {
      socket.write(`${streamHead}data: `);
      const more = (): void => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536)));
      };
      socket.on('drain', more);
      more();
      return undefined;
    });
    const { realtime } = manager([sse({ url: server.url })], { retry: () => false });
    realtime.start();
    await when(realtime.status, (now) => now.status === 'failed');
    expect(realtime.status.get().reason).toMatchObject({ cause: { code: 'too-large' } });
    await server.until(() => server.open === 0);
  });
});

describe('polls', () => {
  const json = (frames: unknown) => rawAnswer('200 OK', { 'content-type': 'application/json' }, JSON.stringify(frames));

  test.each(['204 No Content', '304 Not Modified', '408 Request Timeout'])(
    'answered with %s are asked again from the same position',
    async (status) => {
      const server = await startRawServer((_, index) => {
        if (index === 0) return json([welcome, joined, event(1)]);
        return index < 3 ? rawAnswer(status, {}) : index === 3 ? json([event(2)]) : undefined;
      });
      const { realtime, got, gaps } = manager([longPoll({ url: server.url })]);
      realtime.start();
      await server.asked(5);
      expect(server.requests.slice(1).map((request) => request.hello().channels[0]?.offset)).toEqual([1, 1, 1, 2]);
      expect([got, gaps, realtime.status.get().status]).toEqual([[1, 2], [], 'connected']);
    },
  );

  test('that are answered at once with nothing stop asking until time passes', async () => {
    const server = await startRawServer((_, index) => json(index === 0 ? [welcome, joined] : []));
    const clock = manualClock();
    const { realtime } = manager([longPoll({ url: server.url })], { platform: { clock } });
    realtime.start();
    await server.asked(2);
    const timers = (): number => clock.dueIn().filter((dueMs) => dueMs < 5_000).length;
    await expect.poll(timers).toBeGreaterThan(0);
    const before = server.requests.length;
    expect(before).toBeLessThan(12);
    await clock.advance(5_000);
    await server.asked(before + 1);
  });
});

test('a captive portal that answers the upgrade of a WebSocket is no end: the next transport carries', async () => {
  const portal = await startRawServer(() => rawAnswer('200 OK', { 'content-type': 'text/html' }, page));
  const server = await startRawServer(hold(`${streamHead}data: ${JSON.stringify([welcome, joined, event(1)])}\n\n`));
  const { realtime, got } = manager([websocket({ url: portal.url }), sse({ url: server.url })]);
  realtime.start();
  await realtime.ready();
  expect([realtime.status.get().transport, got]).toEqual(['sse', [1]]);
});

describe.each(['fin', 'rst'] as const)('a stream that is cut by %s', (how) => {
  test.each(carriers)('anywhere over $name loses nothing and repeats nothing', async ({ name, transport, answer }) => {
    const frames = [welcome, joined, event(1), event(2), event(3)];
    // SSE may bring them in messages of their own, so that a cut can fall between
    const whole = name === 'sse' ? Buffer.concat([Buffer.from(streamHead), ...frames.map(sseMessage)]) : answer(frames);
    for (let cutAt = 1; cutAt < whole.length; cutAt += 3) {
      const server: RawServer = await startRawServer((request, index, socket) => {
        if (index === 0) {
          socket.write(whole.subarray(0, cutAt), () => (how === 'rst' ? socket.resetAndDestroy() : socket.end()));
          return undefined;
        }
        const { offset = 0, epoch } = request.hello().channels[0] ?? {};
        const rest = [welcome, { ...joined, offset: epoch ? offset : 0 }, event(1), event(2), event(3)];
        const missing = rest.filter((frame) => !('data' in frame) || frame.offset > offset);
        if (index > 1 && offset === 3) return undefined;
        if (name === 'long-poll') return answer(missing);
        return hold(Buffer.concat([Buffer.from(streamHead), ...missing.map(sseMessage)]))(request, index, socket);
      });
      const { realtime, got, gaps } = manager([transport(server.url)]);
      const isComplete = new Promise<void>((resolve) => realtime.channel('room').on('n', (data) => data === 3 && resolve()));
      realtime.start();
      await isComplete;
      expect([cutAt, got, gaps]).toEqual([cutAt, [1, 2, 3], []]);
      realtime.close();
    }
  });
});

function sseMessage(frame: unknown): Buffer {
  return Buffer.from(`data: ${JSON.stringify(frame)}\n\n`);
}
