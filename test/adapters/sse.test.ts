import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type SseOptions, sse } from '../../src/adapters/sse.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { Dialect } from '../../src/protocol/dialect.ts';
import type { Position } from '../../src/protocol/frame.ts';
import type { FetchInit, FetchLike } from '../../src/transport/http.ts';
import type { DownCause, LinkRequest } from '../../src/transport/transport.ts';
import { recordingSink } from '../support/contract-link.ts';

/** A server of somebody else: no greeting, each message is an event whose data is the text. */
const foreign: Dialect = {
  name: 'foreign',
  traits: {
    greets: false,
    joinsInHello: false,
    answersJoins: false,
    acks: false,
    resume: 'connection',
    pings: false,
    reauth: false,
  },
  decode: (data, event = '', id) => (data === 'skip' ? [] : [{ kind: 'event', channel: 'room', event, data, id }]),
  encode: (frames) => frames.flatMap((frame) => (frame.kind === 'publish' ? [{ frames: [frame], data: frame.data }] : [])),
};
const welcome = `data: ${JSON.stringify([{ kind: 'welcome', version: 1, session: 's-1', heartbeatMs: 5000 }])}\n\n`;

interface Call {
  readonly url: string;
  readonly init: FetchInit;
}

/** A `fetch` whose answers the test gives. */
function fakeFetch() {
  const calls: Call[] = [];
  const answers: PromiseWithResolversLike[] = [];
  const fetch: FetchLike = (url, init) => {
    calls.push({ url, init });
    return new Promise((resolve, reject) => answers.push({ resolve, reject }));
  };
  return {
    fetch,
    calls,
    answer: (response: Response) => answers.at(-1)?.resolve(response),
    fail: (error: unknown) => answers.at(-1)?.reject(error),
  };
}

interface PromiseWithResolversLike {
  resolve(response: Response): void;
  reject(error: unknown): void;
}

/** A body that the test writes. */
function fakeBody() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(own) {
      controller = own;
    },
    cancel() {
      isCancelled = true;
    },
  });
  return {
    body,
    write: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: (error: unknown) => controller.error(error),
    isCancelled: () => isCancelled,
  };
}

const eventStream = { status: 200, headers: { 'content-type': 'text/event-stream' } };

function manualClock() {
  const timers = new Map<object, { at: number; callback: () => void }>();
  let now = 0;
  return {
    now: () => now,
    wallNow: () => now,
    schedule(callback: () => void, delayMs: number) {
      const timer = {};
      timers.set(timer, { at: now + delayMs, callback });
      return () => void timers.delete(timer);
    },
    advance(ms: number) {
      now += ms;
      for (const [timer, { at, callback }] of timers) {
        if (at > now) continue;
        timers.delete(timer);
        callback();
      }
    },
    pending: () => timers.size,
  };
}

function start(options: Partial<SseOptions> = {}, wanted: Partial<LinkRequest> & { token?: string } = {}) {
  const net = fakeFetch();
  const controller = new AbortController();
  const clock = manualClock();
  const sink = recordingSink();
  const transport = sse({ url: 'http://server.test/sse', fetch: net.fetch, ...options });
  const request: LinkRequest = {
    signal: controller.signal,
    client: 'client-1',
    credentials: wanted.token === undefined ? undefined : { token: wanted.token },
    channels: new Map<string, Position | undefined>([['room', undefined]]),
    cursor: undefined,
    clock,
    ...wanted,
  };
  const link = transport.connect(request, sink);
  return { ...net, transport, link, sink, clock, abort: () => controller.abort() };
}

/** Connects with the foreign dialect, and the stream is open. */
async function open(options: Partial<SseOptions> = {}, wanted: Parameters<typeof start>[1] = {}) {
  const stream = fakeBody();
  const started = start({ dialect: foreign, ...options }, wanted);
  started.answer(new Response(stream.body, eventStream));
  await started.sink.isUp();
  return { ...started, stream };
}

/** What a link says of the answer to its request. */
async function causeOf(response: Response, options: Partial<SseOptions> = {}): Promise<Exclude<DownCause, { kind: 'aborted' }>> {
  const started = start(options);
  started.answer(response);
  const cause = await started.sink.isDown();
  if (cause.kind === 'aborted') throw new Error('nobody aborted the link');
  expect(started.sink.calls).toHaveLength(1);
  expect(started.clock.pending()).toBe(0);
  return cause;
}

const helloOf = (call: Call | undefined): unknown => JSON.parse(new URL(call?.url ?? '').searchParams.get('hello') ?? 'null');

afterEach(() => vi.unstubAllGlobals());

describe('the request', () => {
  test('has exactly the headers that event streams have, and is not cached', () => {
    const { calls } = start({}, { token: 'token-1' });
    expect(calls[0]?.init).toMatchObject({ method: 'GET', cache: 'no-store', credentials: 'same-origin', redirect: 'manual' });
    expect(calls[0]?.init.headers).toEqual({ accept: 'text/event-stream', authorization: 'Bearer token-1' });
    expect(calls[0]?.init.body).toBeUndefined();
  });

  test('GET carries the greeting in the query, without the token', () => {
    const channels = new Map<string, Position | undefined>([
      ['a b', { epoch: 'e+1', offset: 4 }],
      ['ü&=#', 'opaque'],
    ]);
    const { calls } = start({ url: 'http://server.test/sse?x=1' }, { token: 'token-1', channels });
    expect(calls[0]?.url).not.toContain('token-1');
    expect(calls[0]?.url).toMatch(/^http:\/\/server\.test\/sse\?x=1&hello=%7B[^+]*$/);
    expect(helloOf(calls[0])).toEqual({
      kind: 'hello',
      version: 1,
      client: 'client-1',
      channels: [
        { channel: 'a b', epoch: 'e+1', offset: 4 },
        { channel: 'ü&=#', cursor: 'opaque' },
      ],
    });
  });

  for (const method of ['POST', 'PUT', 'QUERY', 'post']) {
    test(`${method} carries the greeting as the JSON body, without the token`, () => {
      const { calls } = start({ method }, { token: 'token-1' });
      expect(calls[0]?.url).toBe('http://server.test/sse');
      expect(calls[0]?.init.method).toBe(method.toUpperCase());
      expect(calls[0]?.init.headers['content-type']).toBe('application/json');
      expect(JSON.parse(calls[0]?.init.body ?? '')).toEqual({
        kind: 'hello',
        version: 1,
        client: 'client-1',
        channels: [{ channel: 'room' }],
      });
    });
  }

  test('a body of the application replaces the greeting', () => {
    const own = start({ method: 'POST', body: ({ cursor }) => ({ from: cursor }) }, { cursor: 'c-1' });
    expect(own.calls[0]?.init.body).toBe('{"from":"c-1"}');
    const text = start({ method: 'POST', body: 'plain', headers: { 'Content-Type': 'text/plain' } });
    expect(text.calls[0]?.init).toMatchObject({ body: 'plain', headers: { 'content-type': 'text/plain' } });
  });

  test('with joining by frames the greeting joins nothing', () => {
    const { calls, transport } = start({ joining: 'frame' });
    expect(helloOf(calls[0])).toMatchObject({ channels: [] });
    expect(transport.capabilities.joining).toBe('frame');
  });

  test('the token is in the query only on request', () => {
    expect(start({ token: 'query', dialect: foreign }, { token: 'a/b+c' }).calls[0]).toMatchObject({
      url: 'http://server.test/sse?token=a%2Fb%2Bc',
      init: { headers: { accept: 'text/event-stream' } },
    });
    expect(start({ token: 'none', dialect: foreign }, { token: 'a' }).calls[0]).toMatchObject({ url: 'http://server.test/sse' });
    expect(start({ token: 'none', dialect: foreign }, { token: 'a' }).calls[0]?.init.headers).toEqual({
      accept: 'text/event-stream',
    });
  });

  test('address and headers are computed for each attempt', () => {
    const net = fakeFetch();
    let attempt = 0;
    const transport = sse({
      url: ({ channels }) => `/stream/${[...channels.keys()].join()}`,
      headers: () => ({ 'X-Attempt': String(++attempt), Accept: 'application/json' }),
      fetch: net.fetch,
      dialect: foreign,
    });
    expect(attempt).toBe(0);
    for (const channel of ['a', 'b']) {
      const { signal } = new AbortController();
      const channels = new Map([[channel, undefined]]);
      transport.connect(
        { signal, client: 'c', credentials: undefined, channels, cursor: undefined, clock: manualClock() },
        recordingSink(),
      );
    }
    expect(net.calls.map(({ url, init }) => [url, init.headers['x-attempt'], init.headers['accept']])).toEqual([
      ['/stream/a', '1', 'text/event-stream'],
      ['/stream/b', '2', 'text/event-stream'],
    ]);
  });

  test('no cursor and an empty cursor send no Last-Event-ID', () => {
    for (const cursor of [undefined, ''])
      expect(start({}, { cursor }).calls[0]?.init.headers).not.toHaveProperty('last-event-id');
  });

  test('a function of the application that throws ends the link and no more', async () => {
    const fault = new Error('no tenant');
    for (const part of ['url', 'headers', 'body'] as const) {
      const started = start({
        method: 'POST',
        [part]: () => {
          throw fault;
        },
      });
      expect(await started.sink.isDown()).toMatchObject({
        kind: 'protocol',
        error: { code: 'invalid-option', transport: 'sse', cause: fault },
      });
      expect(started.calls).toEqual([]);
      expect(started.clock.pending()).toBe(0);
    }
  });

  test('a cursor that no header can carry ends the link', async () => {
    for (const cursor of ['a\r\nx-evil: 1', 'x'.repeat(2049)]) {
      const started = start({}, { cursor });
      expect(await started.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'protocol' } });
      expect(started.calls).toEqual([]);
    }
  });

  test('fetch is called without a receiver, as browsers want it', async () => {
    const receivers: unknown[] = [];
    const own = async function (this: unknown): Promise<Response> {
      receivers.push(this);
      return new Response('', { status: 500 });
    };
    await start({ fetch: own }).sink.isDown();
    expect(receivers).toEqual([undefined]);
  });

  test('the fetch of the platform is looked up when it is needed', async () => {
    const transport = sse({ url: 'http://server.test/' });
    const net = fakeFetch();
    vi.stubGlobal('fetch', net.fetch);
    const { signal } = new AbortController();
    const request = {
      signal,
      client: 'c',
      credentials: undefined,
      channels: new Map<string, undefined>(),
      cursor: undefined,
      clock: manualClock(),
    };
    transport.connect(request, recordingSink());
    expect(net.calls).toHaveLength(1);
    vi.stubGlobal('fetch', undefined);
    const sink = recordingSink();
    transport.connect(request, sink);
    expect(await sink.isDown()).toMatchObject({ kind: 'unsupported', error: { hint: expect.stringContaining('fetch') } });
  });
});

describe('the answer', () => {
  const statuses: [status: number, kind: DownCause['kind'], code: string][] = [
    [201, 'protocol', 'protocol'],
    [204, 'dismissed', 'dismissed'],
    [205, 'protocol', 'protocol'],
    [301, 'unsupported', 'unsupported'],
    [302, 'unsupported', 'unsupported'],
    [307, 'unsupported', 'unsupported'],
    [400, 'protocol', 'protocol'],
    [401, 'unauthorized', 'unauthorized'],
    [403, 'forbidden', 'forbidden'],
    [404, 'unsupported', 'unsupported'],
    [405, 'unsupported', 'unsupported'],
    [408, 'lost', 'connection-lost'],
    [410, 'dismissed', 'dismissed'],
    [429, 'refused', 'refused'],
    [500, 'refused', 'refused'],
    [502, 'refused', 'refused'],
    [503, 'refused', 'refused'],
    [504, 'refused', 'refused'],
  ];
  for (const [status, kind, code] of statuses) {
    test(`status ${status} is ${kind}, and its body is not read`, async () => {
      const stream = fakeBody();
      const response = new Response(status === 204 || status === 205 ? null : stream.body, { ...eventStream, status });
      expect(await causeOf(response)).toMatchObject({ kind, error: { code, native: status, transport: 'sse' } });
      expect(stream.isCancelled()).toBe(status !== 204 && status !== 205);
    });
  }

  test('Retry-After is told', async () => {
    const headers = { 'retry-after': '12' };
    expect(await causeOf(new Response('', { status: 503, headers }))).toMatchObject({ kind: 'refused', retryAfterMs: 12_000 });
  });

  test('a dialect may read a status its own way', async () => {
    const dialect: Dialect = { ...foreign, closing: (native) => (native === 403 ? 'unauthorized' : undefined) };
    expect(await causeOf(new Response('', { status: 403 }), { dialect })).toMatchObject({
      kind: 'unauthorized',
      error: { code: 'unauthorized', hint: expect.stringContaining('fresh token') },
    });
    expect(await causeOf(new Response('', { status: 401 }), { dialect })).toMatchObject({ kind: 'unauthorized' });
  });

  for (const type of [
    'text/event-stream',
    'text/event-stream;charset=utf-8',
    'Text/Event-Stream ; charset=UTF-8',
    'text/event-stream;',
  ]) {
    test(`the content type ${type} is taken`, async () => {
      const { answer, sink } = start({ dialect: foreign });
      answer(new Response(fakeBody().body, { status: 200, headers: { 'content-type': type } }));
      await sink.isUp();
    });
  }

  for (const type of [
    'text/html; charset=utf-8',
    'text/plain',
    'application/json',
    'text/event-streamx',
    'x-text/event-stream',
    '',
  ]) {
    test(`the content type ${type || 'none'} is unsupported, and nothing is parsed`, async () => {
      const stream = fakeBody();
      stream.write(welcome);
      const response = new Response(stream.body, { status: 200, headers: type === '' ? {} : { 'content-type': type } });
      const cause = await causeOf(response);
      expect(cause).toMatchObject({ kind: 'unsupported', error: { code: 'unsupported', native: 200 } });
      expect(cause.error.hint).toMatch(/captive portal.*content type/);
      expect(stream.isCancelled()).toBe(true);
    });
  }

  test('a fetch without streams is unsupported, with the way out', async () => {
    const response = {
      status: 200,
      headers: new Headers(eventStream.headers),
      body: undefined,
      type: 'default',
    } as unknown as Response;
    expect(await causeOf(response)).toMatchObject({
      kind: 'unsupported',
      error: { hint: expect.stringContaining('expo/fetch') },
    });
  });

  test('a fetch that fails is refused, and a token that its error quotes is withheld', async () => {
    const plain = start({}, { token: 'SECRET-CANARY' });
    const fault = new TypeError('fetch failed');
    plain.fail(fault);
    expect(await plain.sink.isDown()).toMatchObject({ kind: 'refused', error: { code: 'refused', cause: fault } });

    const quoting = start({ token: 'query' }, { token: 'SECRET-CANARY' });
    quoting.fail(
      new TypeError('fetch failed', { cause: Object.assign(new Error('Invalid URL'), { input: quoting.calls[0]?.url }) }),
    );
    const cause = await quoting.sink.isDown();
    expect(cause.kind).toBe('refused');
    expect(inspect(cause, { depth: 9, showHidden: true })).not.toContain('SECRET-CANARY');
  });

  test('a token that no header can carry is not quoted', async () => {
    const { signal } = new AbortController();
    const sink = recordingSink();
    const request = { signal, client: 'c', channels: new Map<string, undefined>(), cursor: undefined, clock: manualClock() };
    sse({ url: 'http://127.0.0.1:1/' }).connect({ ...request, credentials: { token: 'SECRET\nCANARY' } }, sink);
    const text = inspect(await sink.isDown(), { depth: 9, showHidden: true });
    expect(text).not.toMatch(/SECRET\\?n?\s*CANARY/);
  });
});

describe('the deadline of the first byte', () => {
  test('headers that do not come: refused as a timeout, with a hint about proxies', async () => {
    const { clock, sink, calls } = start();
    clock.advance(9_999);
    expect(sink.calls).toEqual([]);
    clock.advance(1);
    const cause = await sink.isDown();
    expect(cause).toMatchObject({ kind: 'refused', error: { code: 'timeout', transport: 'sse' } });
    expect((cause as { error: RealtimeError }).error.hint).toMatch(/X-Accel-Buffering: no.*proxy_buffering off/);
    expect(calls[0]?.init.signal.aborted).toBe(true);
  });

  test('a server that greets must send a byte, not only headers', async () => {
    const stream = fakeBody();
    const { answer, clock, sink } = start({ firstByteTimeoutMs: 500 });
    answer(new Response(stream.body, eventStream));
    await vi.waitFor(() => expect(stream.body.locked).toBe(true));
    clock.advance(500);
    expect(await sink.isDown()).toMatchObject({ kind: 'refused', error: { code: 'timeout' } });
    expect(stream.isCancelled()).toBe(true);
  });

  test('any byte ends the deadline, and the greeting brings the link up', async () => {
    const stream = fakeBody();
    const { answer, clock, sink } = start();
    answer(new Response(stream.body, eventStream));
    stream.write(':\n');
    await vi.waitFor(() => expect(clock.pending()).toBe(0));
    clock.advance(60_000);
    expect(sink.calls).toEqual([]);
    stream.write(welcome);
    expect(await sink.isUp()).toEqual({ joining: ['room'], greeted: true, session: 's-1', heartbeatMs: 5000, user: undefined });
  });

  test('for other servers the headers are proof, unless a byte is asked for', async () => {
    const { clock, sink } = await open();
    expect(clock.pending()).toBe(0);
    expect(sink.calls[0]).toMatchObject({ kind: 'up', info: { greeted: false } });

    const stream = fakeBody();
    const waiting = start({ dialect: foreign, proof: 'first-byte' });
    waiting.answer(new Response(stream.body, eventStream));
    await vi.waitFor(() => expect(stream.body.locked).toBe(true));
    expect(waiting.sink.calls).toEqual([]);
    expect(waiting.clock.pending()).toBe(1);
    stream.write(':');
    await waiting.sink.isUp();
    expect(waiting.clock.pending()).toBe(0);
  });
});

describe('the stream', () => {
  test('gives the dialect name, data and id, and the sink the last id', async () => {
    const { stream, sink } = await open();
    stream.write('event: e\nid: 1\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n');
    await sink.untilEvents(3);
    const event = { kind: 'event', channel: 'room' };
    expect(sink.calls.slice(1)).toEqual([
      { kind: 'frames', batch: [{ ...event, event: 'e', data: 'a', id: '1' }], cursor: '1' },
      { kind: 'frames', batch: [{ ...event, event: 'message', data: 'b', id: undefined }], cursor: '1' },
      { kind: 'frames', batch: [{ ...event, event: 'message', data: 'c', id: undefined }], cursor: '' },
    ]);
  });

  test('without ids there is no cursor', async () => {
    const { stream, sink } = await open({}, { cursor: 'before' });
    stream.write('data: a\n\n');
    await sink.untilEvents(1);
    expect(sink.calls.at(-1)).toMatchObject({ kind: 'frames', cursor: undefined });
  });

  test('a block with only an id moves the cursor', async () => {
    const { stream, sink } = await open();
    stream.write('id: 5\n\n');
    await sink.until(() => sink.calls.at(-1)?.kind === 'frames' && sink.calls.length === 2);
    expect(sink.calls.at(-1)).toEqual({ kind: 'frames', batch: [], cursor: '5' });
  });

  test('the id of an incomplete message is not used', async () => {
    const { stream, sink } = await open();
    stream.write('id: 1\ndata: a\n\nid: 2\ndata: b\n');
    stream.end();
    await sink.isDown();
    expect(sink.events().map(({ data }) => data)).toEqual(['a']);
    expect(sink.calls.flatMap((call) => (call.kind === 'frames' ? [call.cursor] : []))).toEqual(['1']);
  });

  test('an id that could not be sent back is reported, and the position before it stays', async () => {
    const { stream, sink } = await open();
    stream.write(`id: 1\ndata: a\n\nid: ${'x'.repeat(3000)}\ndata: b\n\ndata: c\n\nid: \x01\ndata: d\n\nid: 2\ndata: e\n\n`);
    await sink.untilEvents(5);
    const seen = sink.calls
      .slice(1)
      .map((call) => (call.kind === 'frames' ? [call.batch.map((frame) => frame.kind).join(), call.cursor] : []));
    expect(seen).toEqual([
      ['event', '1'],
      ['garbled', undefined],
      ['event', '1'],
      ['event', '1'],
      ['garbled', undefined],
      ['event', '1'],
      ['event', '2'],
    ]);
  });

  test('every chunk is a sign of life', async () => {
    const { stream, sink } = await open();
    const before = sink.calls.length;
    for (const text of [':', ' comment', '\n', 'data: skip', '\n\n', 'event: x\n', '\n']) {
      const count = sink.calls.length;
      stream.write(text);
      await sink.until(() => sink.calls.length > count);
    }
    expect(sink.calls.slice(before).map(({ kind }) => kind)).toEqual(Array.from({ length: 7 }, () => 'alive'));
  });

  test('byte by byte it is the same', async () => {
    const { stream, sink } = await open();
    for (const byte of 'id: 7\r\ndata: a\r\ndata: b\r\n\r\nevent: e\ndata: c\n\n') stream.write(byte);
    await sink.untilEvents(2);
    expect(sink.events().map(({ event, data, id }) => [event, data, id])).toEqual([
      ['message', 'a\nb', '7'],
      ['e', 'c', undefined],
    ]);
  });

  test('a message that the dialect cannot read is reported, and the stream goes on', async () => {
    const dialect: Dialect = { ...foreign, decode: (data) => [JSON.parse(String(data))] };
    const { stream, sink } = await open({ dialect });
    stream.write('data: {"kind":\n\ndata: {"kind":"pong"}\n\n');
    await sink.until(() => sink.allFrames().some(({ kind }) => kind === 'pong'));
    expect(sink.allFrames().map(({ kind }) => kind)).toEqual(['garbled', 'pong']);
  });

  test('a message over the limit that has an id is left out and told, and the stream goes on after it', async () => {
    const { stream, sink } = await open({ maxEventBytes: 10 });
    stream.write(`id: 1\ndata: 0123456789\n\nid: 2\ndata: 0123456789a\n\n`);
    await sink.until(() => sink.allFrames().some(({ kind }) => kind === 'garbled'));
    expect(sink.calls.at(-1)).toMatchObject({ kind: 'frames', cursor: '2' });
    stream.write(`id: 3\ndata: b\n\n`);
    await sink.until(() => sink.events().length === 2);
    expect(sink.events().map(({ id }) => id)).toEqual(['1', '3']);
    expect(sink.allFrames().find(({ kind }) => kind === 'garbled')).toMatchObject({
      message: 'a message on sse is over its limit of 10 bytes',
    });
  });

  test('a message over the limit without an id ends the link with too-large, and those after it are not delivered', async () => {
    const { stream, sink } = await open({ maxEventBytes: 10 });
    stream.write(`id: 1\ndata: 0123456789\n\ndata: 0123456789a\n\nid: 3\ndata: b\n\n`);
    expect(await sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'too-large', transport: 'sse' } });
    expect(sink.events().map(({ id }) => id)).toEqual(['1']);
    expect(stream.isCancelled()).toBe(true);
  });

  test('an endless line ends the link long before the memory is full', async () => {
    const { stream, sink } = await open();
    stream.write('data: ');
    const chunk = 'x'.repeat(65_536);
    let chunks = 0;
    while (sink.calls.at(-1)?.kind !== 'down' && chunks < 100) {
      stream.write(chunk);
      chunks += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'too-large' } });
    expect(chunks).toBeLessThan(20);
  });

  test('a million comments pass', async () => {
    const { stream, sink } = await open({ maxEventBytes: 100 });
    const comments = ': keep-alive\n\n'.repeat(10_000);
    for (let count = 0; count < 100; count += 1) stream.write(comments);
    stream.write('data: after\n\n');
    expect(await sink.untilEvents(1)).toMatchObject([{ data: 'after' }]);
  });

  test('a chunk with a thousand messages is stopped by an abort in the middle', async () => {
    const stream = fakeBody();
    const controller = new AbortController();
    const sink = recordingSink();
    const frames: typeof sink.frames = (batch, cursor) => {
      sink.frames(batch, cursor);
      if (sink.events().length === 3) controller.abort();
    };
    const request = {
      client: 'c',
      credentials: undefined,
      channels: new Map<string, undefined>(),
      cursor: undefined,
      clock: manualClock(),
    };
    sse({ url: '/', dialect: foreign, fetch: async () => new Response(stream.body, eventStream) }).connect(
      { ...request, signal: controller.signal },
      { up: sink.up, alive: sink.alive, down: sink.down, frames },
    );
    stream.write('data: a\n\n'.repeat(1000));
    expect(await sink.isDown()).toEqual({ kind: 'aborted' });
    expect(sink.events()).toHaveLength(3);
  });
});

describe('the end', () => {
  test('of the stream is lost, an ordinary thing', async () => {
    const { stream, sink } = await open();
    stream.end();
    const cause = await sink.isDown();
    expect(cause).toMatchObject({ kind: 'lost', error: { code: 'connection-lost' } });
    expect(cause).not.toHaveProperty('retryAfterMs', expect.anything());
  });

  test('by a broken connection is lost, with the error underneath', async () => {
    const { stream, sink } = await open();
    const fault = new TypeError('terminated');
    stream.write('retry: 40\n');
    await sink.until(() => sink.calls.at(-1)?.kind === 'alive');
    stream.fail(fault);
    expect(await sink.isDown()).toMatchObject({ kind: 'lost', retryAfterMs: 40, error: { cause: fault } });
  });

  for (const [field, retryAfterMs] of [
    ['retry: 0', 0],
    ['retry: 2500', 2500],
    ['retry: 1000\nretry: 3000', 3000],
    ['retry: 99999999999999999999', 3_600_000],
    [`retry: ${'9'.repeat(400)}`, 3_600_000],
    ['retry: 3600001', 3_600_000],
    ['retry: soon', undefined],
    ['retry: -5', undefined],
  ] as const) {
    test(`${field.slice(0, 40).replace('\n', ', ')} is a least pause of ${retryAfterMs ?? 'nothing'}`, async () => {
      const { stream, sink } = await open();
      stream.write(`${field}\n`);
      stream.end();
      const cause = await sink.isDown();
      expect(cause.kind === 'lost' && cause.retryAfterMs).toBe(retryAfterMs);
    });
  }

  test('by an abort cancels a body whose fetch knows no signals', async () => {
    const { stream, sink, abort } = await open();
    abort();
    expect(await sink.isDown()).toEqual({ kind: 'aborted' });
    expect(stream.isCancelled()).toBe(true);
  });

  test('by an abort does not wait for a fetch that never settles', async () => {
    const { abort, sink, clock } = start();
    abort();
    expect(await sink.isDown()).toEqual({ kind: 'aborted' });
    expect(clock.pending()).toBe(0);
  });

  test('a response that comes after the end is thrown away', async () => {
    const stream = fakeBody();
    const { abort, answer, sink } = start();
    abort();
    await sink.isDown();
    answer(new Response(stream.body, eventStream));
    await vi.waitFor(() => expect(stream.isCancelled()).toBe(true));
    expect(sink.calls).toHaveLength(1);
  });
});

describe('the transport', () => {
  test('tells what it can do', () => {
    expect(sse({ url: '/a', sendUrl: '/b' }).capabilities).toEqual({
      send: true,
      ack: 'receipt',
      honoursIds: true,
      resume: 'channel',
      liveness: 'silence',
      joining: 'dial',
      reauth: false,
    });
    expect(sse({ url: '/a', dialect: foreign }).capabilities).toMatchObject({
      send: false,
      resume: 'connection',
      joining: 'frame',
    });
    expect(sse({ url: () => '/a', dialect: foreign }).capabilities).toMatchObject({ joining: 'dial' });
    expect(sse({ url: new URL('http://x/'), name: 'stream' }).name).toBe('stream');
  });

  test('channels that travel in the address are joined when the link is up', async () => {
    const { sink } = await open({ url: () => '/room' });
    expect(sink.calls).toEqual([
      { kind: 'up', info: { joining: ['room'], greeted: false } },
      { kind: 'frames', batch: [{ kind: 'joined', channel: 'room' }], cursor: undefined },
    ]);
  });

  test('without an address for sends it refuses them, but not what needs no request', async () => {
    const { link } = await open();
    await expect(link.send([{ kind: 'publish', id: '1', channel: 'room', event: 'e', data: null }])).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('sendUrl'),
    });
    expect(await link.send([{ kind: 'join', channel: 'lobby' }])).toEqual([]);
  });

  test('sends by POST, with the headers and the token of the stream', async () => {
    const { link, calls, answer } = await open(
      { sendUrl: 'http://server.test/send', headers: { 'x-tenant': 't' } },
      { token: 'token-1' },
    );
    const sending = link.send([{ kind: 'publish', id: 'p-1', channel: 'room', event: 'e', data: { a: 1 } }]);
    await vi.waitFor(() => expect(calls).toHaveLength(2));
    expect(calls[1]).toMatchObject({
      url: 'http://server.test/send',
      init: { method: 'POST', body: '{"a":1}', headers: { authorization: 'Bearer token-1', 'x-tenant': 't' } },
    });
    answer(new Response('', { status: 200 }));
    expect(await sending).toEqual([{ id: 'p-1', status: 'accepted', data: undefined }]);
  });

  for (const [name, options] of [
    ['an empty url', { url: '' }],
    ['a WebSocket address', { url: 'wss://server.test/sse' }],
    ['a host without a scheme', { url: 'localhost:3000/sse' }],
    ['a wrong sendUrl', { url: '/', sendUrl: new URL('ws://server.test/') }],
    ['a body with GET', { url: '/', body: 'x' }],
    ['no time for the first byte', { url: '/', firstByteTimeoutMs: 0 }],
    ['a limit that is no number', { url: '/', maxEventBytes: Number.NaN }],
    ['a negative deadline', { url: '/', sendTimeoutMs: -1 }],
  ] as const satisfies [string, SseOptions][]) {
    test(`refuses ${name} at once`, () => {
      expect(() => sse(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    });
  }

  test('refuses an address that is none', () => {
    for (const url of [undefined, null, 5]) expect(() => sse({ url } as unknown as SseOptions)).toThrow(RealtimeError);
  });
});

describe('over a real connection', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  for (const cursor of ['plain-7', 'ü', '🌍 €']) {
    test(`Last-Event-ID ${cursor} arrives as its UTF-8 bytes`, async () => {
      let received: IncomingMessage | undefined;
      const url = await serve((request, response) => {
        received = request;
        response.writeHead(503).end();
      });
      const { sink } = start({ url, fetch: undefined }, { cursor });
      await sink.isDown();
      const raw = received?.rawHeaders.find((_, at, all) => all[at - 1]?.toLowerCase() === 'last-event-id');
      expect(Buffer.from(raw ?? '', 'latin1').toString('utf8')).toBe(cursor);
      expect(received?.headers['accept']).toBe('text/event-stream');
    });
  }

  test('a redirect reaches no other host', async () => {
    let isReached = false;
    const other = await serve((_, response) => {
      isReached = true;
      response.end();
    });
    const url = await serve((_, response) => response.writeHead(302, { location: `${other}/` }).end());
    const { sink } = start({ url, fetch: undefined }, { token: 'token-1', cursor: 'c-1' });
    expect(await sink.isDown()).toMatchObject({
      kind: 'unsupported',
      error: { native: 302, hint: expect.stringContaining('final address') },
    });
    expect(isReached).toBe(false);
  });

  test('a deadline closes the connection on which nothing came', async () => {
    const sockets: Socket[] = [];
    const url = await serve((request) => sockets.push(request.socket));
    const { sink, clock } = start({ url, fetch: undefined });
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    clock.advance(10_000);
    expect(await sink.isDown()).toMatchObject({ error: { code: 'timeout' } });
    await vi.waitFor(() => expect(sockets[0]?.destroyed).toBe(true));
  });
});
