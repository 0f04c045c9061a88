import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import type { RealtimeError } from '../../src/errors.ts';
import type { Dialect } from '../../src/protocol/dialect.ts';
import type { ClientFrame, PublishFrame } from '../../src/protocol/frame.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import type { HttpLink, HttpSettings } from '../../src/transport/exchange.ts';
import type { FetchInit } from '../../src/transport/http.ts';
import { openGate } from '../../src/transport/link.ts';
import { createPoster } from '../../src/transport/post.ts';
import type { LinkRequest } from '../../src/transport/transport.ts';
import { recordingSink } from '../support/contract-link.ts';

interface Call {
  readonly url: string;
  readonly init: FetchInit;
  /** The `this` that it was called with. */
  readonly receiver: unknown;
  respond(response: Response): void;
  fail(error: unknown): void;
}

type PostOptions = HttpSettings & { readonly url: string };

function setUp(options: Partial<PostOptions> = {}, dialect: Dialect = keepwireDialect, token: string | undefined = 'token-1') {
  const calls: Call[] = [];
  const timers = new Set<() => void>();
  const controller = new AbortController();
  const sink = recordingSink();
  const request: LinkRequest = {
    signal: controller.signal,
    client: 'client-1',
    credentials: token === undefined ? undefined : { token },
    channels: new Map(),
    cursor: undefined,
    clock: {
      now: () => 0,
      wallNow: () => 0,
      schedule(callback) {
        timers.add(callback);
        return () => void timers.delete(callback);
      },
    },
  };
  const gate = openGate('sse', dialect, request, sink);
  const settings: PostOptions = {
    url: '/send',
    method: 'GET',
    token: 'header',
    credentials: 'include',
    dialect,
    joining: 'dial',
    statuses: {},
    sendTimeoutMs: 500,
    fetch(this: unknown, url, init) {
      return new Promise((respond, fail) => calls.push({ url, init, receiver: this, respond, fail }));
    },
    ...options,
  };
  const link: HttpLink = { settings, request, gate, joining: [], joinsToldBy: 'gate' };
  const send = createPoster(link, settings.url);
  return {
    calls,
    sink,
    send,
    timers,
    abort: () => controller.abort(),
    /** The call with this number, as soon as it is made. */
    call: (at: number): Promise<Call> =>
      vi.waitFor(() => {
        const call = calls[at];
        if (call === undefined) throw new Error(`there is no call ${at}`);
        return call;
      }),
    passDeadline() {
      for (const callback of timers) {
        timers.delete(callback);
        callback();
      }
    },
  };
}

const publish = (id: string): PublishFrame => ({ kind: 'publish', id, channel: 'room', event: 'e', data: { id } });
const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
const idsIn = (call: Call): string[] =>
  (JSON.parse(call.init.body ?? '') as { frames: PublishFrame[] }).frames.map(({ id }) => id);
const acks = (call: Call): Response => json(idsIn(call).map((id) => ({ kind: 'ack', id })));
const settled = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: RealtimeError) => error);

/** A REST server: each publish is a request of its own, and the answer is the stored message. */
const rest: Dialect = {
  ...keepwireDialect,
  name: 'rest',
  encode: (frames) =>
    frames.flatMap((frame) => (frame.kind === 'ping' ? [] : [{ frames: [frame], data: frame, path: `rooms/${frame.kind}` }])),
  post: undefined,
  receipts: undefined,
};

describe('batches', () => {
  test('the sends of one tick are one request, and each gets its own receipts', async () => {
    const { send, call, calls } = setUp();
    const sends = [send([publish('1')]), send([publish('2'), publish('3')]), send([{ kind: 'ping' }])];
    const request = await call(0);
    expect(request).toMatchObject({
      url: '/send',
      init: { method: 'POST', credentials: 'include', redirect: 'manual', cache: 'no-store' },
    });
    expect(request.init.headers).toEqual({
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: 'Bearer token-1',
    });
    expect(JSON.parse(request.init.body ?? '')).toEqual({
      client: 'client-1',
      frames: [publish('1'), publish('2'), publish('3'), { kind: 'ping' }],
    });
    request.respond(
      json([
        { kind: 'ack', id: '3', offset: 9 },
        { kind: 'reject', id: '2', code: 'no', message: 'not now', retryAfterMs: 5 },
        { kind: 'ack', id: '1' },
        { kind: 'ack', id: 'of somebody else' },
      ]),
    );
    expect(await Promise.all(sends)).toMatchObject([
      [{ id: '1', status: 'accepted' }],
      [
        { id: '2', status: 'rejected', code: 'no', message: 'not now', retryAfterMs: 5 },
        { id: '3', status: 'accepted', offset: 9 },
      ],
      [],
    ]);
    expect(calls).toHaveLength(1);
  });

  test('one request is under way, and what comes meanwhile travels together after it, in order', async () => {
    const { send, call, calls } = setUp();
    const sends = [send([publish('1')])];
    const first = await call(0);
    sends.push(send([publish('2')]));
    await Promise.resolve();
    sends.push(send([publish('3')]));
    expect(calls).toHaveLength(1);
    first.respond(acks(first));
    const second = await call(1);
    expect(idsIn(second)).toEqual(['2', '3']);
    sends.push(send([publish('4')]));
    second.respond(acks(second));
    const third = await call(2);
    third.respond(acks(third));
    expect((await Promise.all(sends)).flat().map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    const last = send([publish('5')]);
    const fourth = await call(3);
    fourth.respond(acks(fourth));
    expect(await last).toMatchObject([{ id: '5', status: 'accepted' }]);
  });

  test('what the server says nothing about was sent, and no more is known', async () => {
    const { send, call } = setUp();
    const sending = send([publish('1'), publish('2')]);
    (await call(0)).respond(json([{ kind: 'ack', id: '2' }]));
    expect(await sending).toMatchObject([
      { id: '1', status: 'sent' },
      { id: '2', status: 'accepted' },
    ]);
  });

  test('frames that this server has no word for need no request', async () => {
    const { send, calls } = setUp({}, rest);
    expect(await send([{ kind: 'ping' }])).toEqual([]);
    expect(calls).toEqual([]);
  });

  test('several messages follow one another, and one refusal stops only its own', async () => {
    const { send, call, calls } = setUp({ url: '/api/' }, rest);
    const sends = [send([publish('1')]), send([publish('2')]), send([publish('3')])];
    (await call(0)).respond(json({ stored: 1 }));
    const second = await call(1);
    expect(calls).toHaveLength(2);
    expect(second.url).toBe('/api/rooms/publish');
    second.respond(json({ error: 'empty' }, 422));
    (await call(2)).respond(new Response('OK', { headers: { 'content-type': 'text/plain' } }));
    expect(await Promise.all(sends)).toMatchObject([
      [{ id: '1', status: 'accepted', data: { stored: 1 } }],
      [{ id: '2', status: 'rejected', code: '422' }],
      [{ id: '3', status: 'accepted', data: 'OK' }],
    ]);
  });

  test('a send that must come again takes with it all that wait behind it', async () => {
    const { send, call, calls } = setUp({}, rest);
    const sends = [send([publish('1')]), send([publish('2')]), send([publish('3')])];
    (await call(0)).respond(json({}));
    const second = await call(1);
    sends.push(send([publish('4')]));
    second.respond(json({}, 503, { 'retry-after': '2' }));
    const later = { status: 'rejected', code: '503', retryAfterMs: 2000 };
    expect(await Promise.all(sends)).toMatchObject([
      [{ id: '1', status: 'accepted' }],
      [{ id: '2', ...later }],
      [{ id: '3', ...later }],
      [{ id: '4', ...later }],
    ]);
    expect(calls).toHaveLength(2);
    const after = send([publish('2')]);
    (await call(2)).respond(json({}));
    expect(await after).toMatchObject([{ id: '2', status: 'accepted' }]);
  });

  test('what was accepted before a failure stays accepted', async () => {
    const { send, call } = setUp({}, rest);
    const [first, second] = [send([publish('1')]), settled(send([publish('2')]))];
    (await call(0)).respond(json({}));
    (await call(1)).fail(new TypeError('fetch failed'));
    expect(await first).toMatchObject([{ id: '1', status: 'accepted' }]);
    expect(await second).toMatchObject({ code: 'connection-lost' });
  });
});

describe('refusals', () => {
  const answered = async (response: Response, frames: ClientFrame[] = [publish('1')]) => {
    const set = setUp();
    const sending = settled(set.send(frames));
    (await set.call(0)).respond(response);
    return { outcome: await sending, ...(await set) };
  };

  test('401 ends the link as unauthorized', async () => {
    const { outcome, sink } = await answered(json({}, 401));
    expect(outcome).toMatchObject({ code: 'unauthorized', native: 401 });
    expect(await sink.isDown()).toMatchObject({ kind: 'unauthorized', error: { code: 'unauthorized' } });
  });

  for (const [status, retryAfterMs] of [
    [429, 7000],
    [503, 7000],
    [500, 7000],
  ] as const) {
    test(`${status} may succeed later`, async () => {
      const { outcome, sink } = await answered(json({}, status, { 'retry-after': '7' }));
      expect(outcome).toMatchObject([{ id: '1', status: 'rejected', code: String(status), retryAfterMs }]);
      expect(sink.calls).toEqual([]);
    });
  }

  test('without Retry-After the sender chooses when', async () => {
    expect((await answered(json({}, 503))).outcome).toMatchObject([{ status: 'rejected', retryAfterMs: 0 }]);
  });

  for (const status of [400, 403, 404, 409, 410, 413, 422]) {
    test(`${status} is final, and the link stays`, async () => {
      const { outcome, sink } = await answered(json({}, status));
      expect(outcome).toMatchObject([{ id: '1', status: 'rejected', code: String(status), retryAfterMs: undefined }]);
      expect(sink.calls).toEqual([]);
    });
  }

  test('with the code of the server, where the dialect finds one in the body', async () => {
    const { outcome } = await answered(
      json(
        [
          { kind: 'reject', id: '1', code: 'muted', message: 'not here' },
          { kind: 'ack', id: '2' },
        ],
        403,
      ),
      [publish('1'), publish('2')],
    );
    expect(outcome).toMatchObject([
      { id: '1', status: 'rejected', code: 'muted', message: 'not here' },
      { id: '2', status: 'rejected', code: '403' },
    ]);
  });

  test('with the status where the body never ends', async () => {
    const { send, call, passDeadline } = setUp();
    const sending = send([publish('1')]);
    const body = new ReadableStream<Uint8Array>();
    (await call(0)).respond(new Response(body, { status: 422 }));
    await vi.waitFor(() => expect(body.locked).toBe(true));
    passDeadline();
    expect(await sending).toMatchObject([{ id: '1', status: 'rejected', code: '422' }]);
  });

  test('a redirect is not followed', async () => {
    const { outcome } = await answered(new Response(null, { status: 307, headers: { location: 'http://elsewhere.test/' } }));
    expect(outcome).toMatchObject([
      {
        id: '1',
        status: 'rejected',
        code: '307',
        message: expect.stringContaining('POST /send was answered with a redirect. Redirects'),
      },
    ]);
  });

  test('408 leaves it unknown', async () => {
    expect((await answered(json({}, 408))).outcome).toMatchObject({ code: 'connection-lost' });
  });

  test('a frame without an id can only be refused by throwing', async () => {
    expect((await answered(json({}, 403), [{ kind: 'join', channel: 'room' }])).outcome).toMatchObject({ code: 'forbidden' });
  });

  test('a status means what the dialect says', async () => {
    const set = setUp({}, { ...keepwireDialect, closing: (native) => (native === 419 ? 'unauthorized' : undefined) });
    const sending = settled(set.send([publish('1')]));
    (await set.call(0)).respond(json({}, 419));
    expect(await sending).toMatchObject({ code: 'unauthorized' });
    expect(await set.sink.isDown()).toMatchObject({ kind: 'unauthorized' });
  });
});

describe('failures', () => {
  test('of the network leave it unknown, with all that waited', async () => {
    const { send, call, calls, sink } = setUp();
    const sends = [settled(send([publish('1')]))];
    const request = await call(0);
    sends.push(settled(send([publish('2')])));
    const fault = new TypeError('fetch failed');
    request.fail(fault);
    for (const outcome of await Promise.all(sends))
      expect(outcome).toMatchObject({ code: 'connection-lost', transport: 'sse', cause: { code: 'refused', cause: fault } });
    expect(calls).toHaveLength(1);
    expect(sink.calls).toEqual([]);
  });

  test('never quote the token', async () => {
    const { send, call } = setUp({ token: 'query' }, keepwireDialect, 'SECRET-CANARY');
    const sending = settled(send([publish('1')]));
    const request = await call(0);
    request.fail(new TypeError(`Failed to parse URL from ${request.url}`));
    expect(inspect(await sending, { depth: 9, showHidden: true })).not.toContain('SECRET-CANARY');
  });

  test('a deadline that passes ends a request that never settles', async () => {
    const { send, call, passDeadline, timers } = setUp();
    const sending = settled(send([publish('1')]));
    const request = await call(0);
    passDeadline();
    expect(await sending).toMatchObject({
      code: 'connection-lost',
      cause: { message: expect.stringMatching(/^a request of sse had no .* within 500 ms/) },
    });
    expect(request.init.signal.aborted).toBe(true);
    expect(timers.size).toBe(0);
    const next = send([publish('2')]);
    const second = await call(1);
    second.respond(acks(second));
    expect(await next).toMatchObject([{ id: '2', status: 'accepted' }]);
    expect(timers.size).toBe(0);
  });

  test('the deadline holds for the body too', async () => {
    const { send, call, passDeadline } = setUp();
    const sending = settled(send([publish('1')]));
    const body = new ReadableStream<Uint8Array>();
    (await call(0)).respond(new Response(body));
    await vi.waitFor(() => expect(body.locked).toBe(true));
    passDeadline();
    expect(await sending).toMatchObject({ code: 'connection-lost' });
  });

  test('the end of the link ends what is under way and what waits', async () => {
    const { send, call, abort, timers, calls } = setUp();
    const sends = [settled(send([publish('1')]))];
    const request = await call(0);
    sends.push(settled(send([publish('2')])));
    abort();
    for (const outcome of await Promise.all(sends)) expect(outcome).toMatchObject({ code: 'connection-lost' });
    expect(request.init.signal.aborted).toBe(true);
    expect(timers.size).toBe(0);
    expect(calls).toHaveLength(1);
  });

  for (const [name, response] of [
    ['an html page of a captive portal', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['broken JSON', () => new Response('[{"kind":"ack"', { headers: { 'content-type': 'application/json' } })],
    ['more than a megabyte', () => new Response(`[${' '.repeat(1_100_000)}]`)],
  ] as const) {
    test(`${name} is no acceptance`, async () => {
      const { send, call } = setUp();
      const sending = settled(send([publish('1')]));
      (await call(0)).respond(response());
      expect(await sending).toMatchObject({ code: 'connection-lost' });
    });
  }

  test('a frame that the dialect cannot write fails alone', async () => {
    const { send, call } = setUp(
      {},
      {
        ...keepwireDialect,
        encode(frames) {
          if (frames.some((frame) => frame.kind === 'join' || (frame.kind === 'publish' && frame.id === 'bad')))
            throw new Error('cannot write');
          return keepwireDialect.encode(frames);
        },
      },
    );
    const sends = [
      send([publish('1'), publish('bad')]),
      settled(send([{ kind: 'join', channel: 'room' }])),
      send([publish('2')]),
    ];
    for (const at of [0, 1]) {
      const request = await call(at);
      request.respond(acks(request));
    }
    expect(await Promise.all(sends)).toMatchObject([
      [
        { id: '1', status: 'accepted' },
        { id: 'bad', status: 'rejected', code: 'invalid-payload', message: expect.stringContaining('cannot write') },
      ],
      { code: 'invalid-payload', cause: { message: 'cannot write' } },
      [{ id: '2', status: 'accepted' }],
    ]);
  });
});

describe('the request', () => {
  const first = async (options: Partial<PostOptions>, dialect?: Dialect): Promise<Call> => {
    const { send, call } = setUp(options, dialect);
    void settled(send([publish('1')]));
    return call(0);
  };

  test('has the token where it is wanted', async () => {
    expect((await first({ token: 'query' })).url).toBe('/send?token=token-1');
    expect((await first({ token: 'query' })).init.headers).not.toHaveProperty('authorization');
    expect((await first({ token: 'none' })).init.headers).not.toHaveProperty('authorization');
    expect((await first({ token: 'none' })).url).toBe('/send');
  });

  test('has the headers of the application, computed for each', async () => {
    let count = 0;
    const { send, call } = setUp({ headers: () => ({ 'X-Count': String(++count) }) });
    const sending = send([publish('1')]);
    const one = await call(0);
    one.respond(acks(one));
    await sending;
    void settled(send([publish('2')]));
    expect((await call(1)).init.headers['x-count']).toBe('2');
    expect(one.init.headers['x-count']).toBe('1');
  });

  test('is made without a receiver, as browsers want it', async () => {
    expect((await first({})).receiver).toBeUndefined();
  });

  for (const [url, path, expected] of [
    ['/send', 'a/b', '/send/a/b'],
    ['/send/', 'a', '/send/a'],
    ['/send?x=1#y', 'a', '/send/a'],
    ['/send', '/a', '/a'],
    ['http://h:1/send/x?y', '/a', 'http://h:1/a'],
    ['http://h:1', '/a', 'http://h:1/a'],
    ['http://h:1?x', '/a?b=1', 'http://h:1/a?b=1'],
    ['http://h:1', 'a', 'http://h:1/a'],
    ['/send', '//evil.test/a', '/evil.test/a'],
    ['/send', '/\\evil.test/a', '/evil.test/a'],
    ['http://h:1/send', '/$&$1', 'http://h:1/$&$1'],
    ['/send', 'http://evil.test/', '/send/http://evil.test/'],
  ] as const) {
    test(`${path} below ${url} is ${expected}`, async () => {
      const dialect: Dialect = { ...rest, encode: (frames) => [{ frames, data: 'text', path, method: 'PUT' }] };
      const { url: address, init } = await first({ url }, dialect);
      expect(address).toBe(expected);
      expect(init).toMatchObject({ method: 'PUT', body: 'text' });
    });
  }
});
