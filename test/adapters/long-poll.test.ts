import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type LongPollOptions, longPoll } from '../../src/adapters/long-poll.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { Dialect } from '../../src/protocol/dialect.ts';
import type { Position } from '../../src/protocol/frame.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { manualClock } from '../../src/testing/clock.ts';
import type { FetchInit, FetchLike } from '../../src/transport/http.ts';
import type { LinkRequest, LinkSink } from '../../src/transport/transport.ts';
import { recordingSink } from '../support/contract-link.ts';

const welcome = { kind: 'welcome', version: 1 };
const joined = { kind: 'joined', channel: 'room', epoch: 'e1', offset: 0 };
const event = (offset: number) => ({ kind: 'event', channel: 'room', event: 'message', data: null, epoch: 'e1', offset });

/** A server that knows nothing of keepwire: each message is the data of an event, and nobody greets. */
const plain: Dialect = {
  name: 'plain',
  traits: {
    greets: false,
    joinsInHello: false,
    answersJoins: false,
    acks: false,
    resume: 'connection',
    pings: false,
    reauth: false,
  },
  decode: (data) => [{ kind: 'event', channel: 'room', event: 'message', data }],
  encode: () => [],
};

/** One request that the adapter has made, and the test answers. */
interface Asked {
  readonly url: URL;
  readonly init: FetchInit;
  json(body: unknown, headers?: Record<string, string>): void;
  reply(response: Response): void;
  fail(error: Error): void;
}

/** Opens a link whose requests the test answers by hand, on a clock that it moves, with a core that commits positions. */
function open(options: Partial<LongPollOptions> = {}, given: Partial<LinkRequest> = {}) {
  const asked: Asked[] = [];
  const wanted: { at: number; resolve: (request: Asked) => void }[] = [];
  const scripted: FetchLike = (url, init) =>
    new Promise((resolve, reject) => {
      init.signal.addEventListener('abort', () => reject(init.signal.reason));
      const request: Asked = {
        url: new URL(url),
        init,
        json: (body, headers) => resolve(Response.json(body, { headers })),
        reply: resolve,
        fail: reject,
      };
      asked.push(request);
      for (const { at, resolve: deliver } of wanted) if (at === asked.length - 1) deliver(request);
    });
  const clock = manualClock();
  const controller = new AbortController();
  const channels = new Map<string, Position | undefined>([['room', undefined]]);
  const request = {
    signal: controller.signal,
    client: 'client-1',
    credentials: { token: 'token-1' },
    channels,
    cursor: undefined as string | undefined,
    clock,
    ...given,
  };
  const recorder = recordingSink();
  const asksAtDelivery: number[] = [];
  const sink: LinkSink = {
    ...recorder,
    frames(batch, cursor) {
      for (const frame of batch) {
        if (frame.kind === 'event' && frame.offset !== undefined) {
          channels.set(frame.channel, { epoch: frame.epoch ?? 'e1', offset: frame.offset });
        }
      }
      if (cursor !== undefined) request.cursor = cursor;
      asksAtDelivery.push(asked.length);
      recorder.frames(batch, cursor);
    },
  };
  const transport = longPoll({ url: 'http://server/poll', fetch: scripted, ...options });
  const link = transport.connect(request, sink);
  return {
    link,
    transport,
    sink: recorder,
    clock,
    request,
    channels,
    asked,
    /** How many requests had been made by each batch. */
    asksAtDelivery,
    abort: () => controller.abort(),
    /** The request with this number, from 0, as soon as it has been made. */
    poll: (at: number) =>
      new Promise<Asked>((resolve) => {
        const made = asked[at];
        if (made === undefined) wanted.push({ at, resolve });
        else resolve(made);
      }),
    /** Resolves when something is scheduled for so many milliseconds from now, and nothing else. */
    async untilDue(delayMs: number): Promise<void> {
      await settledUntil(() => clock.dueIn().length === 1 && clock.dueIn()[0] === delayMs);
    },
  };
}

/** Lets the event loop turn until the condition holds: bodies are read in turns of their own, on no clock. */
async function settledUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const helloOf = ({ url }: Asked): unknown => JSON.parse(url.searchParams.get('hello') ?? 'null');

describe('what a poll asks', () => {
  test('the first is to be answered at once, the next may be held, and each has the positions of its moment', async () => {
    const link = open({ waitMs: 20_000 });
    const first = await link.poll(0);
    expect(helloOf(first)).toEqual({ kind: 'hello', version: 1, client: 'client-1', waitMs: 0, channels: [{ channel: 'room' }] });
    expect(first.init).toMatchObject({ method: 'GET', headers: { accept: 'application/json', authorization: 'Bearer token-1' } });
    first.json([welcome, joined, event(1), event(2)]);
    const second = await link.poll(1);
    expect(helloOf(second)).toMatchObject({ waitMs: 20_000, channels: [{ channel: 'room', epoch: 'e1', offset: 2 }] });
    link.channels.set('lobby', 'c-7');
    second.json([event(3)]);
    expect(helloOf(await link.poll(2))).toMatchObject({
      waitMs: 20_000,
      channels: [
        { channel: 'room', epoch: 'e1', offset: 3 },
        { channel: 'lobby', cursor: 'c-7' },
      ],
    });
    link.abort();
  });

  test('another method carries the greeting, or the body of the application, as JSON', async () => {
    const link = open({ method: 'post', waitMs: 5000 });
    const first = await link.poll(0);
    expect(first.url.search).toBe('');
    expect(first.init).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(first.init.body ?? '')).toEqual({
      kind: 'hello',
      version: 1,
      client: 'client-1',
      waitMs: 0,
      channels: [{ channel: 'room' }],
    });
    link.abort();

    const own = open({
      method: 'POST',
      dialect: plain,
      body: ({ cursor }) => ({ after: cursor ?? 'start' }),
      nextCursor: () => 'c-1',
    });
    const ownFirst = await own.poll(0);
    expect(ownFirst.init.body).toBe('{"after":"start"}');
    ownFirst.json(['one']);
    expect((await own.poll(1)).init.body).toBe('{"after":"c-1"}');
    own.abort();
  });

  test('a function makes the address from the channels of the moment and the longest hold', async () => {
    const link = open({
      dialect: plain,
      waitMs: 9000,
      url: ({ channels }, waitMs) => `http://server/${[...channels.keys()].join('+')}?wait=${waitMs}`,
    });
    const first = await link.poll(0);
    expect(first.url.href).toBe('http://server/room?wait=0');
    link.channels.set('lobby', undefined);
    first.json([]);
    expect((await link.poll(1)).url.href).toBe('http://server/room+lobby?wait=9000');
    expect(link.transport.capabilities.joining).toBe('dial');
    expect(await link.sink.isUp()).toMatchObject({ joining: ['room'] });
    link.abort();
  });

  test.each([
    ['query', 'after', (asked: Asked) => asked.url.searchParams.get('after')],
    ['header', 'X-After', (asked: Asked) => asked.init.headers['x-after'] ?? null],
  ] as const)('the position travels in the %s, from the moment that there is one', async (where, name, read) => {
    const link = open({
      url: 'http://server/poll?room=1',
      dialect: plain,
      position: { in: where, name },
      nextCursor: (_, response) => response.headers.get('x-next') ?? undefined,
    });
    const first = await link.poll(0);
    expect(read(first)).toBeNull();
    first.json(['one'], { 'x-next': 'a b&c' });
    const second = await link.poll(1);
    expect(read(second)).toBe('a b&c');
    expect(second.url.searchParams.get('room')).toBe('1');
    expect(link.sink.calls.at(-1)).toMatchObject({ kind: 'frames', cursor: 'a b&c' });
    link.abort();
  });

  test('a position goes into a header as bytes, and never with a control character', async () => {
    const fits = open({ dialect: plain, position: { in: 'header', name: 'after' } }, { cursor: 'ü' });
    expect((await fits.poll(0)).init.headers['after']).toBe('\xc3\xbc');
    fits.abort();

    const evil = open({ dialect: plain, position: { in: 'header', name: 'after' } }, { cursor: 'a\r\nx-admin: 1' });
    expect(await evil.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'protocol' } });
    expect(evil.asked).toEqual([]);
  });

  test('the token travels in the query only where that is asked for, and nowhere with none', async () => {
    const query = open({ token: 'query' });
    const inQuery = await query.poll(0);
    expect(inQuery.url.searchParams.get('token')).toBe('token-1');
    expect(inQuery.init.headers).not.toHaveProperty('authorization');
    query.abort();
    const none = open({ token: 'none', method: 'POST' });
    expect(inspect(await none.poll(0))).not.toContain('token-1');
    none.abort();
  });

  test('headers are computed for each poll, and win', async () => {
    let count = 0;
    const link = open({ dialect: plain, headers: () => ({ 'X-Count': String(++count), Accept: 'text/json' }) });
    const first = await link.poll(0);
    expect(first.init.headers).toMatchObject({ 'x-count': '1', accept: 'text/json' });
    first.json(['one']);
    expect((await link.poll(1)).init.headers).toMatchObject({ 'x-count': '2' });
    link.abort();
  });

  test('fetch is called as a plain function', async () => {
    let receiver: unknown = 'not called';
    const link = open({
      fetch(this: unknown) {
        receiver = this;
        return new Promise(() => {});
      },
    });
    expect(receiver).toBeUndefined();
    link.abort();
  });
});

describe('asking only for what has changed', () => {
  const secondPoll = async (headers: Record<string, string>, options: Partial<LongPollOptions> = {}) => {
    const link = open({ dialect: plain, ...options });
    (await link.poll(0)).json(['one'], headers);
    const second = await link.poll(1);
    return { link, second };
  };

  test('an ETag goes back until the answer changes; 304 says that nothing has', async () => {
    const { link, second } = await secondPoll({ etag: 'W/"1"' });
    // with `no-cache`, which fetch would add, Express never answers 304
    expect(second.init.headers).toMatchObject({ 'if-none-match': 'W/"1"', 'cache-control': 'max-age=0' });
    second.reply(new Response(null, { status: 304 }));
    await link.untilDue(200);
    await link.clock.advance(200);
    const third = await link.poll(2);
    expect(third.init.headers).toMatchObject({ 'if-none-match': 'W/"1"' });
    third.json(['two']);
    expect((await link.poll(3)).init.headers).not.toHaveProperty('if-none-match');
    expect(link.sink.events().map(({ data }) => data)).toEqual(['one', 'two']);
    link.abort();
  });

  test('a date goes back only when it can tell two changes apart', async () => {
    const modified = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const older = await secondPoll({ 'last-modified': modified, date: 'Sun, 06 Nov 1994 08:49:38 GMT' });
    expect(older.second.init.headers).toMatchObject({ 'if-modified-since': modified });
    older.link.abort();
    for (const headers of [{ date: modified }, {}] as Record<string, string>[]) {
      const { link, second } = await secondPoll({ 'last-modified': modified, ...headers });
      expect(second.init.headers).not.toHaveProperty('if-modified-since');
      link.abort();
    }
  });

  test.each([
    ['another address', { position: { in: 'query', name: 'after' }, nextCursor: () => 'c-1' }],
    ['another position in the header', { position: { in: 'header', name: 'after' }, nextCursor: () => 'c-1' }],
    ['another method than GET', { method: 'POST' }],
  ] satisfies [string, Partial<LongPollOptions>][])('not with %s', async (_, options) => {
    const { link, second } = await secondPoll({ etag: '"1"' }, options);
    expect(second.init.headers).not.toHaveProperty('if-none-match');
    link.abort();
  });
});

describe('what an answer holds', () => {
  test('an array is many messages in their order, in one batch, that are delivered before the next poll', async () => {
    const link = open({ dialect: plain });
    const first = await link.poll(0);
    first.json([1, [2], null]);
    const second = await link.poll(1);
    second.json({ list: [4] });
    await link.sink.untilEvents(4);
    expect(link.sink.calls.map(({ kind }) => kind)).toEqual(['up', 'frames', 'frames']);
    expect(link.sink.events().map(({ data }) => data)).toEqual([1, [2], null, { list: [4] }]);
    expect(link.asksAtDelivery).toEqual([1, 2]);
    link.abort();
  });

  test('the options take the messages and the next position out of the body', async () => {
    const link = open({
      dialect: plain,
      messages: (body) => (body as { items: unknown[] }).items,
      nextCursor: (body) => (body as { next?: string }).next,
    });
    (await link.poll(0)).json({ items: ['a', 'b'], next: 'c-2' });
    await link.sink.untilEvents(2);
    expect(link.sink.calls.at(-1)).toMatchObject({ kind: 'frames', batch: [{ data: 'a' }, { data: 'b' }], cursor: 'c-2' });
    link.abort();
  });

  test('a message that cannot be read is reported in its place', async () => {
    const link = open();
    (await link.poll(0)).json([welcome, event(1), 'nonsense', event(2)]);
    await link.sink.untilEvents(2);
    expect(link.sink.allFrames().map(({ kind }) => kind)).toEqual(['event', 'garbled', 'event']);
    link.abort();
  });

  test.each([
    ['204', () => new Response(null, { status: 204 })],
    ['304', () => new Response(null, { status: 304 })],
    ['200 without a body', () => new Response(null)],
    ['200 with an empty list', () => Response.json([])],
    ['408', () => new Response('timeout', { status: 408 })],
  ])('nothing new: %s, which is asked again at once after a hold, else after a pause', async (_, response) => {
    const link = open({ dialect: plain });
    (await link.poll(0)).reply(response());
    await link.untilDue(100);
    await link.clock.advance(100);
    const held = await link.poll(1);
    await link.clock.advance(25_000);
    held.reply(response());
    await link.poll(2);
    expect(link.clock.now()).toBe(25_100);
    expect(link.sink.calls.map(({ kind }) => kind)).toEqual(['up', 'alive', 'alive']);
    link.abort();
  });

  test('a server that must greet may end the first poll with 408, and nothing else without a greeting', async () => {
    const patient = open();
    const first = await patient.poll(0);
    await patient.clock.advance(5000);
    first.reply(new Response(null, { status: 408 }));
    const second = await patient.poll(1);
    expect(helloOf(second)).toMatchObject({ waitMs: 0 });
    second.json([welcome]);
    expect(await patient.sink.isUp()).toMatchObject({ greeted: true, joining: ['room'] });
    patient.abort();

    for (const response of [new Response(null, { status: 204 }), Response.json([]), Response.json([event(1)])]) {
      const link = open();
      (await link.poll(0)).reply(response);
      expect(await link.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'protocol' } });
      expect(link.sink.calls).toHaveLength(1);
    }
  });
});

describe('what ends a link', () => {
  test.each([
    [401, {}, { kind: 'unauthorized' }],
    [403, {}, { kind: 'forbidden' }],
    [404, {}, { kind: 'unsupported' }],
    [410, {}, { kind: 'dismissed' }],
    [429, { 'retry-after': '3' }, { kind: 'refused', retryAfterMs: 3000 }],
    [500, {}, { kind: 'refused', retryAfterMs: undefined }],
    [503, { 'retry-after': '9999999' }, { kind: 'refused', retryAfterMs: 3_600_000 }],
    [302, { location: 'http://elsewhere/' }, { kind: 'unsupported' }],
  ])('status %i, as the first answer and as a later one', async (status, headers, cause) => {
    const refusal = () =>
      new Response('[{"kind":"event"}]', { status, headers: { 'content-type': 'application/json', ...headers } });
    const early = open();
    (await early.poll(0)).reply(refusal());
    expect(await early.sink.isDown()).toMatchObject({ ...cause, error: { native: status, transport: 'long-poll' } });

    const late = open();
    (await late.poll(0)).json([welcome]);
    (await late.poll(1)).reply(refusal());
    expect(await late.sink.isDown()).toMatchObject(cause);
    expect(late.sink.calls.map(({ kind }) => kind)).toEqual(['up', 'alive', 'down']);
    expect(late.clock.pending).toBe(0);
  });

  test('the dialect has the first word on a status', async () => {
    const link = open({ dialect: { ...keepwireDialect, closing: (native) => (native === 409 ? 'unauthorized' : undefined) } });
    (await link.poll(0)).reply(new Response(null, { status: 409 }));
    expect(await link.sink.isDown()).toMatchObject({ kind: 'unauthorized' });
  });

  test.each(['text/html; charset=utf-8', 'text/plain', 'application/jsonp', undefined])(
    'content type %s: never parsed',
    async (type) => {
      const link = open({ dialect: plain });
      const body = new Blob(['["a message"]']).stream();
      (await link.poll(0)).reply(new Response(body, { headers: type === undefined ? {} : { 'content-type': type } }));
      expect(await link.sink.isDown()).toMatchObject({
        kind: 'unsupported',
        error: { hint: expect.stringContaining('login page') },
      });
      expect(link.sink.calls).toHaveLength(1);
    },
  );

  test.each(['application/json', 'Application/JSON ; charset=utf-8', 'application/vnd.api+json', 'text/json'])(
    'content type %s is read',
    async (type) => {
      const link = open({ dialect: plain });
      (await link.poll(0)).reply(new Response('["ok"]', { headers: { 'content-type': type } }));
      expect(await link.sink.untilEvents(1)).toMatchObject([{ data: 'ok' }]);
      link.abort();
    },
  );

  test('a body that is no JSON is discarded as a whole', async () => {
    const link = open();
    (await link.poll(0)).json([welcome]);
    const second = await link.poll(1);
    second.reply(new Response(`[${JSON.stringify(event(1))},`, { headers: { 'content-type': 'application/json' } }));
    expect(await link.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'protocol' } });
    expect(link.sink.allFrames()).toEqual([]);
  });

  test.each([
    ['messages throws', { messages: (body: unknown) => (body as { missing: { items: [] } }).missing.items }],
    ['messages finds no list', { messages: (body: unknown) => (body as { missing: [] }).missing }],
    ['nextCursor throws', { nextCursor: (body: unknown) => (body as { missing: { next: string } }).missing.next }],
  ])('a body of another shape than the options expect: %s', async (_, options) => {
    const link = open({ dialect: plain, ...options });
    (await link.poll(0)).json(['one']);
    expect(await link.sink.isDown()).toMatchObject({
      kind: 'protocol',
      error: { code: 'protocol', cause: expect.any(TypeError) },
    });
    expect(link.sink.calls).toHaveLength(1);
  });

  test('the network: refused before the first answer, lost after it, and the token is in no error', async () => {
    const early = open();
    (await early.poll(0)).fail(new TypeError('cannot parse http://server/?token=token-1'));
    const refused = await early.sink.isDown();
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'refused' } });
    expect(inspect(refused, { depth: 9 })).not.toContain('token-1');

    const late = open();
    (await late.poll(0)).json([welcome]);
    (await late.poll(1)).fail(new TypeError('bad header Bearer token-1'));
    const lost = await late.sink.isDown();
    expect(lost).toMatchObject({ kind: 'lost', error: { code: 'connection-lost' } });
    expect(inspect(lost, { depth: 9 })).not.toContain('token-1');
  });

  test('a body that breaks off: lost, and nothing of it is delivered', async () => {
    const link = open({ dialect: plain });
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('["one"'));
      },
      pull(controller) {
        controller.error(new TypeError('terminated'));
      },
    });
    (await link.poll(0)).reply(new Response(body, { headers: { 'content-type': 'application/json' } }));
    expect(await link.sink.isDown()).toMatchObject({ kind: 'lost', error: { code: 'connection-lost' } });
    expect(link.sink.calls).toHaveLength(1);
  });

  test('a body over the limit is cancelled where it passes it, and one on the limit is read', async () => {
    const over = open({ dialect: plain, maxBodyBytes: 10 });
    let chunks = 0;
    let isCancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new TextEncoder().encode('"€"'));
      },
      cancel() {
        isCancelled = true;
      },
    });
    (await over.poll(0)).reply(new Response(endless, { headers: { 'content-type': 'application/json' } }));
    expect(await over.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'too-large' } });
    expect(isCancelled).toBe(true);
    // two chunks of 5 bytes are on the limit, the third is over it, and a stream reads one ahead
    expect(chunks).toBeLessThanOrEqual(4);

    const on = open({ dialect: plain, maxBodyBytes: 10 });
    (await on.poll(0)).reply(new Response('["€uro"]  '.slice(0, 8), { headers: { 'content-type': 'application/json' } }));
    await on.sink.untilEvents(1);
    on.abort();
  });

  test('a response without a stream, as on React Native, is held to the same limit', async () => {
    const link = open({ dialect: plain, maxBodyBytes: 10 });
    const response = (text: string) => {
      const whole = new Response(text, { headers: { 'content-type': 'application/json' } });
      Object.defineProperty(whole, 'body', { value: undefined });
      return whole;
    };
    (await link.poll(0)).reply(response('["short"]'));
    (await link.poll(1)).reply(response('["much longer"]'));
    expect(await link.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'too-large' } });
    expect(link.sink.events()).toHaveLength(1);
  });

  test('a function among the options that throws', async () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    for (const options of [{ url: boom }, { headers: boom }, { method: 'POST', body: boom }]) {
      const link = open(options);
      expect(await link.sink.isDown()).toMatchObject({
        kind: 'protocol',
        error: { code: 'invalid-option', cause: { message: 'boom' } },
      });
      expect(link.clock.pending).toBe(0);
    }
  });

  test('a platform without fetch', async () => {
    const own = globalThis.fetch;
    Reflect.deleteProperty(globalThis, 'fetch');
    try {
      const link = open({ fetch: undefined });
      expect(await link.sink.isDown()).toMatchObject({ kind: 'unsupported', error: { code: 'unsupported' } });
    } finally {
      globalThis.fetch = own;
    }
  });
});

describe('time', () => {
  test('a poll without an answer ends the link at its deadline, also when fetch never settles', async () => {
    const link = open({ fetch: () => new Promise(() => {}), waitMs: 1000, requestTimeoutMs: 4000 });
    await link.clock.advance(3999);
    expect(link.sink.calls).toEqual([]);
    await link.clock.advance(1);
    expect(await link.sink.isDown()).toMatchObject({ kind: 'lost', error: { code: 'timeout' } });
    expect(link.clock.pending).toBe(0);
  });

  test('the deadline is over the whole answer, and each poll has its own', async () => {
    const link = open({ dialect: plain, waitMs: 1000 });
    await link.clock.advance(10_999);
    (await link.poll(0)).json(['one']);
    const second = await link.poll(1);
    second.reply(new Response(new ReadableStream(), { headers: { 'content-type': 'application/json' } }));
    await link.clock.advance(10_999);
    expect(second.init.signal.aborted).toBe(false);
    await link.clock.advance(1);
    expect(await link.sink.isDown()).toMatchObject({ kind: 'lost', error: { code: 'timeout' } });
    expect(second.init.signal.aborted).toBe(true);
  });

  test('an abort ends the request, its deadline and the pause between two', async () => {
    const held = open();
    const asked = await held.poll(0);
    held.abort();
    expect(asked.init.signal.aborted).toBe(true);
    expect(held.clock.pending).toBe(0);

    const paused = open({ dialect: plain, intervalMs: 60_000 });
    (await paused.poll(0)).json([]);
    await paused.untilDue(60_000);
    paused.abort();
    expect(paused.clock.pending).toBe(0);
    expect(await paused.sink.isDown()).toEqual({ kind: 'aborted' });
    expect(paused.asked).toHaveLength(1);
  });

  test('with an interval the next poll comes that long after the answer, whatever it was', async () => {
    const link = open({ dialect: plain, intervalMs: 3000 });
    const answers = [() => Response.json(['one']), () => Response.json([]), () => new Response(null, { status: 408 })];
    for (const [at, answer] of answers.entries()) {
      const poll = await link.poll(at);
      await link.clock.advance(500);
      poll.reply(answer());
      await link.untilDue(3000);
      await link.clock.advance(2999);
      expect(link.asked).toHaveLength(at + 1);
      await link.clock.advance(1);
    }
    await link.poll(3);
    link.abort();
  });

  /** How many requests a server gets that gives the same answer to all of them at once. */
  const asksWithin = async (durationMs: number, answer: () => Response, options: Partial<LongPollOptions> = {}) => {
    let count = 0;
    const link = open({
      dialect: plain,
      ...options,
      fetch: async () => {
        count += 1;
        return answer();
      },
    });
    for (let passedMs = 0; passedMs < durationMs; passedMs += 50) {
      await settledUntil(() => link.clock.pending === 1 && link.clock.dueIn().every((delayMs) => delayMs <= 5000));
      await link.clock.advance(50);
    }
    expect(link.sink.calls.some(({ kind }) => kind === 'down')).toBe(false);
    link.abort();
    expect(link.clock.pending).toBe(0);
    return count;
  };

  test('a server that answers everything at once with nothing is asked less and less', async () => {
    // after 100, 200, 400, 800, 1,600, 3,200 ms, and every 5 s from there
    for (const status of [204, 304, 408])
      expect(await asksWithin(60_000, () => new Response(null, { status }))).toBeLessThanOrEqual(18);
    expect(await asksWithin(60_000, () => Response.json([]))).toBeLessThanOrEqual(18);
  });

  test('a server that repeats itself at once is asked four times a second', async () => {
    expect(await asksWithin(10_000, () => Response.json(['the same']))).toBeLessThanOrEqual(50);
    let turn = 0;
    expect(await asksWithin(10_000, () => Response.json([]), { nextCursor: () => String(++turn) })).toBeLessThanOrEqual(50);
  });

  test('a backlog in many answers is read without a pause', async () => {
    const link = open();
    (await link.poll(0)).json([welcome, joined]);
    for (let offset = 1; offset <= 20; offset += 1) (await link.poll(offset)).json([event(offset)]);
    await link.poll(21);
    expect(link.clock.now()).toBe(0);
    expect(link.sink.events().map((frame) => frame.offset)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    link.abort();
  });

  test('a server that answers with nothing after a slow round trip is asked less and less too', async () => {
    const link = open({ dialect: plain });
    for (const [at, delayMs] of [100, 200, 400, 800].entries()) {
      const poll = await link.poll(at);
      await link.clock.advance(300);
      poll.json([]);
      await link.untilDue(delayMs);
      await link.clock.advance(delayMs);
    }
    link.abort();
  });

  test('an answer that was held ends the spacing', async () => {
    const link = open({ dialect: plain });
    for (const [at, delayMs] of [100, 200, 400].entries()) {
      (await link.poll(at)).json([]);
      await link.untilDue(delayMs);
      await link.clock.advance(delayMs);
    }
    const held = await link.poll(3);
    await link.clock.advance(25_000);
    held.json([]);
    (await link.poll(4)).json([]);
    await link.untilDue(100);
    expect(link.clock.now()).toBe(25_700);
    link.abort();
  });
});

describe('the transport', () => {
  test('says what it can do', () => {
    const base = { ack: 'receipt', honoursIds: true, resume: 'channel', liveness: 'self', reauth: false };
    expect(longPoll({ url: '/poll' }).capabilities).toEqual({ ...base, send: false, joining: 'dial' });
    expect(longPoll({ url: '/poll', sendUrl: '/send' }).capabilities).toEqual({ ...base, send: true, joining: 'dial' });
    expect(longPoll({ url: '/poll', dialect: plain }).capabilities).toMatchObject({ resume: 'connection', joining: 'frame' });
    expect(longPoll({ url: '/poll', dialect: plain, joining: 'dial' }).capabilities.joining).toBe('dial');
    expect(longPoll({ url: '/poll' }).name).toBe('long-poll');
    expect(longPoll({ url: '/poll', name: 'refresh' }).name).toBe('refresh');
  });

  test('without an address for sends: joins that the server has no word for are done, sends are unsupported', async () => {
    const link = open({ dialect: plain });
    (await link.poll(0)).json(['one']);
    await link.sink.untilEvents(1);
    expect(await link.link.send([{ kind: 'join', channel: 'room' }])).toEqual([]);
    expect(link.sink.allFrames().at(-1)).toEqual({ kind: 'joined', channel: 'room' });
    link.abort();

    const deaf = open();
    (await deaf.poll(0)).json([welcome]);
    await deaf.sink.isUp();
    const sending = deaf.link.send([{ kind: 'publish', id: 'p-1', channel: 'room', event: 'message', data: null }]);
    await expect(sending).rejects.toMatchObject({ code: 'unsupported' });
    deaf.abort();
  });

  test.each<[string, LongPollOptions]>([
    ['url', { url: '' }],
    ['url', { url: 'ws://server/poll' }],
    ['sendUrl', { url: '/poll', sendUrl: 'wss://server/' }],
    ['body', { url: '/poll', body: '{}' }],
    ['method', { url: '/poll', method: 'HEAD' }],
    ['waitMs', { url: '/poll', waitMs: -1 }],
    ['waitMs', { url: '/poll', waitMs: Number.NaN }],
    ['intervalMs', { url: '/poll', intervalMs: 0 }],
    ['requestTimeoutMs', { url: '/poll', requestTimeoutMs: 25_000 }],
    ['sendTimeoutMs', { url: '/poll', sendTimeoutMs: 0 }],
    ['maxBodyBytes', { url: '/poll', maxBodyBytes: 0 }],
  ])('refuses a wrong %s (%o)', (option, options) => {
    let thrown: unknown;
    try {
      longPoll(options);
    } catch (error) {
      thrown = error;
    }
    expect(RealtimeError.is(thrown) && thrown.code).toBe('invalid-option');
    expect((thrown as RealtimeError).message).toContain(option);
  });
});
