import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/platform/clock.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { ask, type HttpLink, readText, withDeadline } from '../../src/transport/exchange.ts';
import {
  checkType,
  type FetchLike,
  fitsHeader,
  headerBytes,
  longestRetryAfterMs,
  parseRetryAfter,
  perAttempt,
  requestHeaders,
  statusCause,
  withQuery,
} from '../../src/transport/http.ts';
import { openGate } from '../../src/transport/link.ts';
import { withoutSecret } from '../../src/transport/secret.ts';
import type { LinkRequest } from '../../src/transport/transport.ts';
import { recordingSink } from '../support/contract-link.ts';

const wallNow = Date.parse('Wed, 23 Sep 2026 12:00:00 GMT');
const clock: Clock = { now: () => 0, wallNow: () => wallNow, schedule: () => () => {} };
const request: LinkRequest = {
  signal: new AbortController().signal,
  client: 'client-1',
  credentials: { token: 'token-1' },
  channels: new Map(),
  cursor: 'c-1',
  clock,
};

describe('Retry-After', () => {
  const table: [value: string | null, delayMs: number | undefined][] = [
    [null, undefined],
    ['', undefined],
    ['  ', undefined],
    ['0', 0],
    ['7', 7000],
    [' 7 ', 7000],
    ['007', 7000],
    ['3600', 3_600_000],
    ['3601', longestRetryAfterMs],
    ['315360000', longestRetryAfterMs],
    ['9'.repeat(400), longestRetryAfterMs],
    ['-5', undefined],
    ['+5', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['٣', undefined],
    ['soon', undefined],
    ['7 seconds', undefined],
    ['7, 8', undefined],
    ['room 2099', undefined],
    ['2036-09-23', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['Wed, 23 Sep 2026 12:00:30 GMT', 30_000],
    ['Wed, 23 Sep 2026 12:00:00 GMT', 0],
    ['Wednesday, 23-Sep-26 12:00:30 GMT', 30_000],
    ['Wed, 23 Sep 2026 11:59:59 GMT', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
    ['Tue, 23 Sep 2036 12:00:00 GMT', longestRetryAfterMs],
    ['Wed, 99 Foo 2026 12:00:30 GMT', undefined],
  ];
  for (const [value, delayMs] of table) {
    test(`${value === null ? 'none' : `"${value.slice(0, 40)}"`} is ${delayMs}`, () => {
      expect(parseRetryAfter(value, clock)).toBe(delayMs);
    });
  }

  test('no text gives anything but nothing or a time up to an hour', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
        (value) => {
          const delayMs = parseRetryAfter(value, clock);
          if (delayMs !== undefined) expect(delayMs >= 0 && delayMs <= longestRetryAfterMs).toBe(true);
        },
      ),
      { seed: 3 },
    );
  });
});

describe('a status', () => {
  const table: [status: number, kind: string, code: string][] = [
    [201, 'protocol', 'protocol'],
    [300, 'unsupported', 'unsupported'],
    [302, 'unsupported', 'unsupported'],
    [304, 'protocol', 'protocol'],
    [308, 'unsupported', 'unsupported'],
    [400, 'protocol', 'protocol'],
    [401, 'unauthorized', 'unauthorized'],
    [403, 'forbidden', 'forbidden'],
    [404, 'unsupported', 'unsupported'],
    [405, 'unsupported', 'unsupported'],
    [406, 'unsupported', 'unsupported'],
    [407, 'unsupported', 'unsupported'],
    [408, 'lost', 'connection-lost'],
    [409, 'protocol', 'protocol'],
    [410, 'dismissed', 'dismissed'],
    [413, 'protocol', 'protocol'],
    [414, 'unsupported', 'unsupported'],
    [418, 'protocol', 'protocol'],
    [422, 'protocol', 'protocol'],
    [425, 'refused', 'refused'],
    [429, 'refused', 'refused'],
    [431, 'unsupported', 'unsupported'],
    [500, 'refused', 'refused'],
    [501, 'unsupported', 'unsupported'],
    [502, 'refused', 'refused'],
    [503, 'refused', 'refused'],
    [504, 'refused', 'refused'],
    [599, 'refused', 'refused'],
  ];
  for (const [status, kind, code] of table) {
    test(`${status} is ${kind}`, () => {
      const cause = statusCause('a poll', 'sse', new Response(null, { status }), clock);
      expect(cause).toMatchObject({ kind, error: { code, native: status, transport: 'sse' } });
      expect(cause.error.message).toMatch(/^a poll was answered with /);
    });
  }

  test('a redirect that the browser hides is told as one', () => {
    const hidden = { type: 'opaqueredirect', status: 0, statusText: '', headers: new Headers() } as Response;
    const cause = statusCause('a poll', 'sse', hidden, clock);
    expect(cause).toMatchObject({ kind: 'unsupported', error: { hint: expect.stringContaining('final address') } });
    expect(cause.error.message).toBe('a poll was answered with a redirect');
  });

  test.each([
    [403, 'a proxy on the way'],
    [404, 'the path of the address'],
    [431, 'the headers are too long'],
    [500, 'its log'],
    [401, 'auth provider'],
  ])('%i says what to do', (status, words) => {
    const { hint } = statusCause('a poll', 'sse', new Response(null, { status }), clock).error;
    expect(hint?.toLowerCase()).toContain(words);
  });

  test('means first what the options say, then the dialect, then the table', () => {
    const kindOf = (status: number): string =>
      statusCause('x', 'sse', new Response(null, { status }), clock, { closing: () => 'dismissed' }, { 403: 'unsupported' }).kind;
    expect(kindOf(403)).toBe('unsupported');
    expect(kindOf(404)).toBe('dismissed');
    const cause = statusCause('x', 'sse', new Response(null, { status: 403 }), clock, undefined, { 403: 'unsupported' });
    expect(cause.error.hint).toBeUndefined();
  });

  test('a web page in place of an answer is named as one', () => {
    const page = new Response('<html>', { headers: { 'content-type': 'Text/HTML; charset=utf-8' } });
    const complaint = (response: Response): unknown => {
      try {
        return checkType('sse', response, /^text\/event-stream/);
      } catch (error) {
        return error;
      }
    };
    expect(complaint(page)).toMatchObject({
      code: 'unsupported',
      message: 'a web page (text/html) answered a request of sse',
      hint: expect.stringContaining('captive portal'),
    });
    expect(complaint(new Response('{}', { headers: { 'content-type': 'application/json' } }))).toMatchObject({
      message: 'a request of sse was answered with application/json',
    });
  });

  test('carries Retry-After where it is for later', () => {
    const headers = { 'retry-after': '7' };
    expect(statusCause('x', 'sse', new Response(null, { status: 429, headers }), clock)).toMatchObject({ retryAfterMs: 7000 });
    expect(statusCause('x', 'sse', new Response(null, { status: 408, headers }), clock)).toMatchObject({ retryAfterMs: 7000 });
  });

  test('means what the dialect says, where it says anything that a link can end with', () => {
    const meaning = (code: string | undefined) =>
      statusCause('x', 'sse', new Response(null, { status: 400 }), clock, { closing: () => code as 'refused' }).kind;
    expect(meaning('unauthorized')).toBe('unauthorized');
    expect(meaning('connection-lost')).toBe('lost');
    expect(meaning('refused')).toBe('refused');
    expect(meaning(undefined)).toBe('protocol');
    expect(meaning('queue-full')).toBe('protocol');
  });
});

describe('an error of fetch', () => {
  test('is shown as it is', () => {
    const cause = new TypeError('fetch failed');
    expect(withoutSecret(cause, 'token-1')).toBe(cause);
    expect(withoutSecret(cause, undefined)).toBe(cause);
    expect(withoutSecret('a text', 'token-1')).toBe('a text');
  });

  test('is left out where it quotes the token, at any depth and in any spelling', () => {
    const secret = 'to/k"en+\n';
    const quoting = [
      new Error(`Failed to parse URL from /poll?token=${secret}`),
      new Error(`Failed to parse URL from /poll?token=${encodeURIComponent(secret)}`),
      new Error(`bad header ${JSON.stringify(secret)}`),
      new Error('outer', {
        cause: new Error('middle', { cause: Object.assign(new Error('Invalid URL'), { input: `x${secret}x` }) }),
      }),
    ];
    for (const cause of quoting) expect(withoutSecret(cause, secret)).not.toBe(cause);
  });

  test('is not held by an error that is its own cause', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    expect(withoutSecret(loop, 'token-1')).toBe(loop);
  });
});

describe('header values', () => {
  const codePoint = fc.oneof(fc.nat(0x2ff), fc.nat(0x10ffff)).filter((point) => point < 0xd800 || point > 0xdfff);
  const text = fc.array(codePoint, { maxLength: 20 }).map((points) => String.fromCodePoint(...points));

  test('are the UTF-8 bytes as characters, which a Headers object takes and gives back', () => {
    fc.assert(
      fc.property(text, (value) => {
        if (!fitsHeader(value)) {
          expect(() => headerBytes(value)).toThrow(expect.objectContaining({ code: 'protocol' }));
          return;
        }
        const sent = headerBytes(value);
        expect(new Headers({ 'last-event-id': sent }).get('last-event-id')).toBe(sent.replace(/^ +| +$/g, ''));
        expect(Buffer.from(sent, 'latin1').toString('utf8')).toBe(Buffer.from(value).toString('utf8'));
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  test('known ones', () => {
    expect(headerBytes('a-1')).toBe('a-1');
    expect(headerBytes('ü')).toBe('\u00c3\u00bc');
    expect(headerBytes('🌍')).toBe('\u00f0\u009f\u008c\u008d');
  });

  test('refuse control characters and more than 2,048 bytes', () => {
    for (const value of ['\0', 'a\rb', 'a\nb', '\t', '\x1f', '\x7f', 'x'.repeat(2049), 'ü'.repeat(1025)])
      expect(fitsHeader(value)).toBe(false);
    for (const value of ['', 'x'.repeat(2048), 'ü'.repeat(1024), '\x80', '~']) expect(fitsHeader(value)).toBe(true);
  });
});

describe('the headers of a request', () => {
  test('are the token, then those of the application, with lower-case names', () => {
    expect(requestHeaders(request, { 'X-Tenant': 'a' }, 'header')).toEqual({ authorization: 'Bearer token-1', 'x-tenant': 'a' });
    expect(requestHeaders(request, ({ cursor }) => ({ 'x-cursor': cursor ?? '' }), 'query')).toEqual({ 'x-cursor': 'c-1' });
    expect(requestHeaders(request, { Authorization: 'Basic x' }, 'header')).toEqual({ authorization: 'Basic x' });
    expect(requestHeaders({ ...request, credentials: undefined }, undefined, 'header')).toEqual({});
  });
});

test('a value per attempt is computed from the request, or is what it is', () => {
  expect(perAttempt<string>(({ client }) => client, request)).toBe('client-1');
  expect(perAttempt('text', request)).toBe('text');
});

describe('parameters of an address', () => {
  for (const [url, parameters, expected] of [
    ['/a', {}, '/a'],
    ['/a', { x: undefined }, '/a'],
    ['/a', { x: '1' }, '/a?x=1'],
    ['/a?b=2', { x: '1', y: '2' }, '/a?b=2&x=1&y=2'],
    ['/a#part', { x: '1' }, '/a?x=1'],
    ['/a?b=2#part', { x: '1' }, '/a?b=2&x=1'],
    ['http://h:1/a', { x: 'a b+c&d=ü#' }, 'http://h:1/a?x=a%20b%2Bc%26d%3D%C3%BC%23'],
    ['', { x: '' }, '?x='],
  ] as const) {
    test(`${url} with ${JSON.stringify(parameters)}`, () => expect(withQuery(url, parameters)).toBe(expected));
  }
});

/** A link whose requests are answered like this. */
function linkWith(fetch?: FetchLike, timers = new Set<() => void>()): HttpLink & { readonly end: () => void } {
  const controller = new AbortController();
  const schedule = (callback: () => void) => {
    timers.add(callback);
    return () => void timers.delete(callback);
  };
  const own = { ...request, signal: controller.signal, clock: { ...clock, schedule } };
  return {
    settings: {
      url: '/',
      method: 'GET',
      token: 'header',
      credentials: 'omit',
      dialect: keepwireDialect,
      sendTimeoutMs: 1,
      joining: 'dial',
      statuses: {},
      fetch,
    },
    request: own,
    gate: openGate('sse', keepwireDialect, own, recordingSink()),
    joining: [],
    joinsToldBy: 'gate',
    end: () => controller.abort(),
  };
}

describe('a deadline', () => {
  test('gives what the exchange gives, and ends its signal', async () => {
    const timers = new Set<() => void>();
    const link = linkWith(undefined, timers);
    const signals: AbortSignal[] = [];
    const exchange = async (signal: AbortSignal) => signals.push(signal);
    expect(await withDeadline(link, 5, exchange)).toBe(1);
    await expect(withDeadline(link, 5, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await Promise.resolve();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(timers.size).toBe(0);
  });

  test('ends an exchange that never does', async () => {
    const timers = new Set<() => void>();
    const waiting = withDeadline(linkWith(undefined, timers), 5, () => new Promise(() => {}));
    for (const callback of timers) callback();
    await expect(waiting).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('had no') });
  });

  test('is no later than the end of the link', async () => {
    const timers = new Set<() => void>();
    const link = linkWith(undefined, timers);
    const waiting = withDeadline(link, 5, () => new Promise(() => {}));
    link.end();
    expect(timers.size).toBe(0);
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
  });
});

describe('the text of a body', () => {
  const textOf = async (response: Response, maxBytes: number, signal = new AbortController().signal): Promise<string> => {
    const link = linkWith(async () => response);
    const answer = await ask(link, { address: '/', method: 'GET', headers: {}, body: undefined }, signal);
    return readText(link, answer, maxBytes);
  };
  const inChunks = (chunks: readonly Uint8Array[]): Response =>
    new Response(
      new ReadableStream({
        pull(controller) {
          const [next, ...rest] = chunks;
          chunks = rest;
          if (next === undefined) controller.close();
          else controller.enqueue(next);
        },
      }),
    );

  test('is put together over chunks', async () => {
    const bytes = [...new TextEncoder().encode('aü€🌍')].map((byte) => Uint8Array.of(byte));
    expect(await textOf(inChunks(bytes), 10)).toBe('aü€🌍');
  });

  test('is given up one byte over the limit', async () => {
    const bytes = Array.from({ length: 1000 }, () => Uint8Array.of(65));
    await expect(textOf(inChunks(bytes), 9)).rejects.toMatchObject({ code: 'too-large', transport: 'sse' });
  });

  test('is read without streams where there are none', async () => {
    const response = { body: undefined, text: async () => 'abc' } as unknown as Response;
    expect(await textOf(response, 3)).toBe('abc');
    await expect(textOf(response, 2)).rejects.toMatchObject({ code: 'too-large' });
  });

  test('is let go of with the signal, also when it comes after that', async () => {
    for (const isLate of [false, true]) {
      const controller = new AbortController();
      let isCancelled = false;
      const body = new ReadableStream({
        cancel() {
          isCancelled = true;
        },
      });
      if (isLate) controller.abort();
      const reading = textOf(new Response(body), 10, controller.signal);
      controller.abort();
      await reading;
      expect(isCancelled).toBe(true);
    }
  });
});
