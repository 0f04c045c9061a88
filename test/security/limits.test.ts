import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { perChannel, sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import {
  createRealtime,
  decodeMessage,
  jsonDialect,
  type RealtimeError,
  type RealtimeManager,
  type RealtimeOptions,
  type Transport,
} from '../../src/index.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { readMessage } from '../../src/tabs/wire.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { headerBytes } from '../../src/transport/http.ts';
import { openGate } from '../../src/transport/link.ts';
import { when } from '../support/clients.ts';
import { recordingSink } from '../support/contract-link.ts';
import { rawAnswer, startRawServer } from '../support/raw-server.ts';
import { scripted } from '../support/scripted-transport.ts';

const long = 'x'.repeat(2049);
const longest = 'x'.repeat(2048);
const event = (more: object): object => ({ kind: 'event', channel: 'c', event: 'e', data: 1, ...more });

describe('names, ids and positions have at most 2,048 characters', () => {
  const flat = jsonDialect({ event: 'event', id: 'id', epoch: 'epoch', cursor: 'cursor', from: 'from', offset: 'offset' });
  const fields = ['channel', 'event', 'id', 'epoch', 'cursor', 'from'];
  test.each(fields.flatMap((field) => [keepwireDialect, flat].map((dialect) => ({ field, dialect, name: dialect.name }))))(
    '$field in the $name dialect',
    ({ field, dialect }) => {
      const kinds = (text: string): string[] =>
        decodeMessage(dialect, JSON.stringify(event({ [field]: text }))).map(({ kind }) => kind);
      expect([kinds(longest), kinds(long)]).toEqual([['event'], ['garbled']]);
    },
  );

  test.each([
    { kind: 'presence', channel: 'c', sync: true, members: [{ key: long }] },
    { kind: 'presence', channel: 'c', sync: false, members: [], gone: [long] },
    { kind: 'heartbeat', positions: [{ channel: long, epoch: 'e', offset: 1 }] },
    { kind: 'joined', channel: 'c', cursor: long },
    { kind: 'ack', id: long },
  ])('in a frame of kind $kind', (frame) => {
    expect(decodeMessage(keepwireDialect, frame)).toMatchObject([{ kind: 'garbled' }]);
  });

  test('and our own have 256', async () => {
    const realtime = createRealtime({ transports: [scripted('wire')] });
    onTestFinished(() => realtime.close());
    for (const name of ['', 'x'.repeat(257)]) {
      expect(() => realtime.channel(name)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
      await expect(realtime.channel('c').publish(name, 1)).rejects.toMatchObject({ code: 'invalid-option' });
    }
  });
});

test('a position reaches a header only without control characters, and with at most 2,048 bytes', () => {
  for (const bad of ['a\r\nx-admin: 1', 'a\0', 'a\x7f', long, 'ä'.repeat(1025)]) {
    expect(() => headerBytes(bad)).toThrow(expect.objectContaining({ code: 'protocol' }));
  }
  expect(headerBytes('ä')).toBe('Ã¤');
});

describe('of one message', () => {
  function gate(token?: string) {
    const sink = recordingSink();
    const request = {
      signal: new AbortController().signal,
      client: 'me',
      credentials: token === undefined ? undefined : { token },
      channels: new Map(),
      cursor: undefined,
      clock: manualClock(),
    };
    const opened = openGate('wire', keepwireDialect, request, sink);
    opened.receive([{ kind: 'welcome', version: 1 }]);
    return { opened, sink };
  }

  test('at most 10 parts that cannot be read are told of, and all that can be read', async () => {
    const { opened, sink } = gate();
    await sink.isUp();
    opened.receive(JSON.stringify([...Array.from({ length: 100_000 }, () => 1), event({})]));
    const kinds = sink.allFrames().map(({ kind }) => kind);
    expect(kinds).toEqual([...Array.from({ length: 10 }, () => 'garbled'), 'event']);
  });

  test('words for people are cut to 1,000 characters', async () => {
    const { opened, sink } = gate();
    await sink.isUp();
    const words = 'w'.repeat(5_000);
    opened.receive([
      { kind: 'denied', channel: 'c', code: 'no', message: words },
      { kind: 'left', channel: 'c', reason: words },
    ]);
    expect(sink.allFrames()).toMatchObject([{ message: 'w'.repeat(1_000) }, { reason: 'w'.repeat(1_000) }]);
    opened.fail('refused', words);
    expect(await sink.isDown()).toMatchObject({ error: { message: 'w'.repeat(1_000) } });
  });
});

test('JSON may be nested as deep as it likes', async () => {
  const clock = manualClock();
  const server = scripted('wire');
  const realtime = createRealtime({ transports: [server], platform: { clock } });
  onTestFinished(() => realtime.close());
  const got: unknown[] = [];
  realtime.channel('c').on('e', (data) => got.push(data));
  realtime.start();
  await clock.advance(0);
  server.last.up({ joining: ['c'] });
  const depth = 200_000;
  const text = `{"kind":"event","channel":"c","event":"e","data":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  server.last.frames(decodeMessage(keepwireDialect, text));
  expect(got).toHaveLength(1);
});

test('a tab takes no message of another one that is over its size, or of another shape', () => {
  const send = { kind: 'send', from: 'a', to: 'b', serial: 1 };
  expect(readMessage({ ...send, text: 'x'.repeat(4 * 2 ** 20) })).toBeDefined();
  expect(readMessage({ ...send, text: 'x'.repeat(4 * 2 ** 20 + 1) })).toBeUndefined();
  for (const wrong of [null, 1, 'send', {}, { ...send, serial: '1' }, { ...send, from: 1 }, { ...send, kind: 'toString' }]) {
    expect(readMessage(wrong)).toBeUndefined();
  }
});

/** A manager that is told of everything. */
function follow(transports: readonly Transport[], options: Partial<RealtimeOptions> = {}) {
  const realtime = createRealtime({ transports, retry: () => 0, ...options });
  onTestFinished(() => realtime.close());
  const faults: RealtimeError[] = [];
  const gaps: unknown[] = [];
  const got: unknown[] = [];
  realtime.on('fault', (fault) => faults.push(fault));
  realtime.on('gap', (gap) => gaps.push(gap));
  realtime.channel('c').on('e', (data) => got.push(data));
  return { realtime, faults, gaps, got };
}

const over = async ({ status }: RealtimeManager): Promise<RealtimeError | undefined> =>
  (await when(status, (now) => now.status === 'failed')).reason;

test('a WebSocket message that is too large and comes again and again ends in a clear error, not in a loop', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  let links = 0;
  server.on('connection', (socket) => {
    links += 1;
    socket.send(JSON.stringify({ kind: 'welcome', version: 1 }));
    socket.send('x'.repeat(2_000));
  });
  const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
  const { realtime } = follow([websocket({ url, maxMessageBytes: 1_000 })]);
  realtime.start();
  expect(await over(realtime)).toMatchObject({ code: 'too-large' });
  expect(links).toBe(4);
});

const dialect = jsonDialect({
  event: 'e',
  channel: 'c',
  data: 'd',
  id: 'i',
  joinsInHello: true,
  hello: () => ({}),
  resume: 'connection',
});
const say = (d: number): string => JSON.stringify({ e: 'e', c: 'c', d, i: `i${d}` });

describe.each([400, 409, 410, 416])('a position that the server refuses with %i', (status) => {
  test('of a stream is forgotten: the next link goes without it, and what is missing is one gap', async () => {
    const server = await startRawServer(({ headers }, index, socket) => {
      const lastId = headers.get('last-event-id');
      if (lastId !== undefined) return rawAnswer(`${status} No`, {}, '');
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n');
      socket.write(`id: ${index}\ndata: ${say(index)}\n\n`);
      if (index === 0) socket.end();
      return undefined;
    });
    const { realtime, got, gaps } = follow([sse({ url: server.url, dialect })]);
    realtime.start();
    await server.asked(3);
    await expect.poll(() => got).toEqual([0, 2]);
    expect(server.requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([undefined, '0', undefined]);
    expect(gaps).toMatchObject([{ channel: 'c', reason: 'no-replay' }]);
    expect(realtime.channel('c').state.get()).toMatchObject({ status: 'joined', continuity: 'unknown' });
  });

  test('of a channel with a stream of its own, too', async () => {
    const server = await startRawServer(({ headers }, index, socket) => {
      if (headers.get('last-event-id') !== undefined) return rawAnswer(`${status} No`, {}, '');
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n');
      socket.write(`id: ${index}\ndata: ${say(index)}\n\n`);
      if (index === 0) socket.end();
      return undefined;
    });
    const { realtime, got, gaps } = follow([sse({ streams: perChannel((channel) => `${server.url}/${channel}`), dialect })]);
    realtime.start();
    await server.asked(3);
    await expect.poll(() => got).toEqual([0, 2]);
    expect(gaps).toMatchObject([{ channel: 'c', reason: 'no-replay' }]);
  });

  test('of polls, too', async () => {
    const server = await startRawServer(({ path }, index) => {
      if (path.includes('after=')) return rawAnswer(`${status} No`, {}, '');
      const body = JSON.stringify([JSON.parse(say(index)) as unknown]);
      return index < 3 ? rawAnswer('200 OK', { 'content-type': 'application/json', 'x-next': `${index}` }, body) : undefined;
    });
    const transport = longPoll({
      url: server.url,
      dialect,
      position: { in: 'query', name: 'after' },
      nextCursor: (_, { headers }) => headers.get('x-next') ?? undefined,
    });
    const { realtime, got, gaps } = follow([transport]);
    realtime.start();
    await expect.poll(() => got).toEqual([0, 2]);
    expect(gaps).toMatchObject([{ channel: 'c', reason: 'no-replay' }]);
    expect(server.requests.slice(0, 3).map(({ path }) => /after=\d/.exec(path)?.[0])).toEqual([undefined, 'after=0', undefined]);
  });
});

test('a refusal that has nothing to do with a position stays what it is', async () => {
  const server = await startRawServer(() => rawAnswer('410 Gone', {}));
  const { realtime } = follow([sse({ url: server.url, dialect })]);
  realtime.start();
  expect(await over(realtime)).toMatchObject({ code: 'dismissed' });
  expect(server.requests).toHaveLength(1);
});

test('a poll that gives an unfit position keeps the one before it, and says so', async () => {
  const server = await startRawServer((_, index) =>
    index < 2
      ? rawAnswer('200 OK', { 'content-type': 'application/json' }, JSON.stringify({ next: index === 0 ? 'good' : long }))
      : undefined,
  );
  const { realtime, faults } = follow([
    longPoll({
      url: server.url,
      dialect,
      position: { in: 'query', name: 'after' },
      messages: () => [],
      nextCursor: (body) => (body as { next: string }).next,
    }),
  ]);
  realtime.start();
  await server.asked(3);
  expect(server.requests.map(({ path }) => /after=\w+/.exec(path)?.[0])).toEqual([undefined, 'after=good', 'after=good']);
  expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('position')]);
});

test('what cannot be read is not quoted: it may be private', async () => {
  expect(inspect(decodeMessage(keepwireDialect, 'PRIVATE'), { depth: 9 })).not.toContain('PRIVATE');
  expect(inspect(decodeMessage(dialect, 'PRIVATE'), { depth: 9 })).not.toContain('PRIVATE');
  const server = await startRawServer(() => rawAnswer('200 OK', { 'content-type': 'application/json' }, 'PRIVATE'));
  const { realtime } = follow([longPoll({ url: server.url })], { retry: () => false });
  realtime.start();
  const reason = await over(realtime);
  expect(reason).toMatchObject({ cause: { code: 'protocol' } });
  expect(inspect(reason, { depth: 9 })).not.toContain('PRIVATE');
});
