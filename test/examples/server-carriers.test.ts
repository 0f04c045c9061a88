import { on, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createMinimalServer } from '../../examples/server/minimal.mjs';
import type { EventFrame, HeartbeatFrame, JoinedFrame, ServerFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { bearer, helloOf, openRaw, type RawHello } from '../support/reference-clients.ts';
import { startReferenceServer, type TestServer } from '../support/reference-server.ts';

const publish = (
  id: string,
  data: unknown,
  channel = 'room',
): { kind: 'publish'; id: string; channel: string; event: string; data: unknown } => ({
  kind: 'publish',
  id,
  channel,
  event: 'message',
  data,
});

const isKind =
  (kind: ServerFrame['kind']) =>
  (frame: ServerFrame): boolean =>
    frame.kind === kind;

const postJson = (url: string, body: unknown, token?: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...bearer(token) }, body: JSON.stringify(body) });

/** One poll. */
async function poll(server: TestServer, waitMs: number, channels: RawHello['channels'], token?: string): Promise<ServerFrame[]> {
  const hello = encodeURIComponent(JSON.stringify(helloOf({ channels }, waitMs)));
  const response = await fetch(`${server.urls.poll}?hello=${hello}`, { headers: bearer(token) });
  expect(response.status).toBe(200);
  return (await response.json()) as ServerFrame[];
}

const kinds = (frames: readonly ServerFrame[]): string[] => frames.map(({ kind }) => kind);

describe('long-poll', () => {
  test('answers the first poll at once, and leaves out what a held poll knows already', async () => {
    const server = await startReferenceServer();
    const first = await poll(server, 0, [{ channel: 'room' }]);
    expect(kinds(first)).toEqual(['welcome', 'joined']);
    const { epoch, offset } = first[1] as JoinedFrame;
    const held = poll(server, 20_000, [{ channel: 'room', epoch, offset }]);
    await server.until(() => server.stats().links['long-poll'] === 1);
    await postJson(server.urls.send, { client: 'other', frames: [publish('s1', 1)] });
    expect(await held).toMatchObject([{ kind: 'event', offset: 1, data: 1 }]);
  });

  test('answers an empty list at the end of the hold, which the server may shorten', async () => {
    const clock = manualClock();
    const server = await startReferenceServer({ time: clock, limits: { maxHoldMs: 5000 } });
    const [, joined] = (await poll(server, 0, [{ channel: 'room' }])) as [ServerFrame, JoinedFrame];
    const held = poll(server, 60_000, [{ channel: 'room', epoch: joined.epoch, offset: joined.offset }]);
    await expect.poll(() => clock.dueIn().includes(5000)).toBe(true);
    await clock.advance(5000);
    expect(await held).toEqual([]);
  });

  test('answers a held poll at once when its position is behind or unknown', async () => {
    const server = await startReferenceServer();
    await postJson(server.urls.send, { client: 'other', frames: [publish('s1', 1), publish('s2', 2)] });
    const { epoch } = await server.log.head('room');
    expect(await poll(server, 20_000, [{ channel: 'room', epoch, offset: 1 }])).toMatchObject([
      { kind: 'event', offset: 2 },
      { kind: 'presence' },
    ]);
    const lost = await poll(server, 20_000, [{ channel: 'room', epoch: 'lost', offset: 9 }]);
    expect(lost.slice(0, 3)).toMatchObject([{ kind: 'joined', epoch, offset: 0 }, { offset: 1 }, { offset: 2 }]);
    expect(await poll(server, 20_000, [{ channel: 'fresh' }])).toMatchObject([{ kind: 'joined', channel: 'fresh', offset: 0 }]);
  });

  test('answers with all channels that got something in the same tick', async () => {
    const server = await startReferenceServer();
    const names = ['a', 'b', 'c'];
    const first = await poll(
      server,
      0,
      names.map((channel) => ({ channel })),
    );
    const channels = first.flatMap((frame) =>
      frame.kind === 'joined' ? [{ channel: frame.channel, epoch: frame.epoch, offset: frame.offset }] : [],
    );
    const held = poll(server, 20_000, channels);
    await server.until(() => server.stats().links['long-poll'] === 1);
    await postJson(server.urls.send, { client: 'other', frames: names.map((name) => publish(name, 1, name)) });
    expect((await held).map((frame) => (frame as EventFrame).channel)).toEqual(names);
  });

  test('keeps what is in no log from one poll to the next', async () => {
    const server = await startReferenceServer();
    const [, joined] = (await poll(server, 0, [{ channel: 'room' }])) as [ServerFrame, JoinedFrame];
    const typing = { ...publish('t1', true), event: 'typing', volatile: true };
    await postJson(server.urls.send, { client: 'other', frames: [typing, publish('s1', 1)] });
    const next = await poll(server, 20_000, [{ channel: 'room', epoch: joined.epoch, offset: joined.offset }]);
    expect(next).toMatchObject([{ event: 'typing' }, { event: 'message', offset: 1 }]);
  });
});

describe('sse', () => {
  test('writes its headers and a first byte at once, also for a hello in the body', async () => {
    const server = await startReferenceServer();
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(server.urls.sse, {
      method: 'POST',
      headers,
      body: JSON.stringify(helloOf({})),
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const { value } = (await response.body?.getReader().read()) ?? {};
    expect(new TextDecoder().decode(value).startsWith(':\n\n')).toBe(true);
  });

  test('takes joins, leaves and a new token by POST, for the stream of the same user and client only', async () => {
    const clock = manualClock(1_800_000_000_000);
    const server = await startReferenceServer({ anonymous: false, time: clock });
    const token = await server.signToken('ada', { expiresInS: 60 });
    const link = openRaw('sse', server, { token });
    await link.next(isKind('welcome'));
    await link.send([{ kind: 'join', channel: 'late' }]);
    await link.next(isKind('joined'));
    const stranger = await postJson(
      server.urls.send,
      {
        client: 'raw',
        frames: [
          { kind: 'leave', channel: 'late' },
          { kind: 'join', channel: 'x' },
        ],
      },
      await server.signToken('eve'),
    );
    expect(await stranger.json()).toMatchObject([{ kind: 'denied', channel: 'x', code: 'no-stream' }]);
    await link.send([{ kind: 'authenticate', token: await server.signToken('eve') }]);
    expect(await link.next(isKind('auth'))).toMatchObject({ status: 'refused' });
    await link.send([{ kind: 'authenticate', token: await server.signToken('ada', { expiresInS: 600 }) }]);
    await link.next((frame) => frame.kind === 'auth' && frame.status === 'accepted');
    await clock.advance(61_000);
    const answers = await postJson(
      server.urls.send,
      { client: 'w', frames: [publish('s1', 1, 'late')] },
      await server.signToken('bob'),
    );
    expect(answers.status).toBe(200);
    expect(await link.next(isKind('event'))).toMatchObject({ channel: 'late', offset: 1, from: 'bob' });
  });
});

describe('websocket', () => {
  const open = (server: TestServer, protocols: string[] = ['keepwire.v1'], query = ''): WebSocket => {
    const ws = new WebSocket(server.urls.websocket + query, protocols);
    onTestFinished(() => ws.terminate());
    return ws;
  };
  const message = async (ws: WebSocket): Promise<unknown> => JSON.parse(String((await once(ws, 'message'))[0]));

  test('selects its subprotocol and takes the hello as the first message', async () => {
    const server = await startReferenceServer();
    const ws = open(server);
    await once(ws, 'open');
    expect(ws.protocol).toBe('keepwire.v1');
    ws.send(JSON.stringify(helloOf({ channels: [{ channel: 'room' }] })));
    expect(await message(ws)).toMatchObject([{ kind: 'welcome', heartbeatMs: 15_000 }, { kind: 'joined' }]);
  });

  test('takes the hello from the query', async () => {
    const server = await startReferenceServer();
    const ws = open(server, ['keepwire.v1'], `?hello=${encodeURIComponent(JSON.stringify(helloOf({})))}`);
    expect(await message(ws)).toMatchObject({ kind: 'welcome' });
  });

  test('gives up on a client that says no hello', async () => {
    const clock = manualClock();
    const server = await startReferenceServer({ time: clock });
    const ws = open(server);
    await once(ws, 'open');
    await clock.advance(10_000);
    expect((await once(ws, 'close'))[0]).toBe(1002);
  });

  test('does what was sent right behind the hello', async () => {
    const server = await startReferenceServer();
    const ws = open(server);
    await once(ws, 'open');
    ws.send(JSON.stringify(helloOf({})));
    ws.send(JSON.stringify([publish('early', 1)]));
    const frames: unknown[] = [];
    for await (const [data] of on(ws, 'message')) {
      frames.push(...[JSON.parse(String(data)) as unknown].flat());
      if (frames.length >= 2) break;
    }
    expect(frames).toMatchObject([{ kind: 'welcome' }, { kind: 'ack', id: 'early', offset: 1 }]);
  });

  test('closes with 1009 for a message that is too long', async () => {
    const server = await startReferenceServer({ limits: { maxBodyBytes: 1000 } });
    const ws = open(server);
    await once(ws, 'open');
    ws.send('x'.repeat(1001));
    expect((await once(ws, 'close'))[0]).toBe(1009);
  });

  test('gives up a link that does not read, and lets it resume', async () => {
    const server = await startReferenceServer({ limits: { maxWaitingBytes: 100_000, maxEventBytes: 2 ** 20 } });
    const link = openRaw('websocket', server, { channels: [{ channel: 'room' }] });
    const { epoch } = await link.next<JoinedFrame>(isKind('joined'));
    const slow = open(
      server,
      ['keepwire.v1'],
      `?hello=${encodeURIComponent(JSON.stringify(helloOf({ client: 'slow', channels: [{ channel: 'room' }] })))}`,
    );
    await message(slow);
    slow.pause();
    const big = 'x'.repeat(500_000);
    for (let number = 0; server.stats().links.websocket === 2; number += 1) {
      const [answer] = await link.send([publish(`big-${number}`, big)]);
      expect(answer?.kind).toBe('ack');
    }
    slow.terminate();
    const back = openRaw('websocket', server, { client: 'slow', channels: [{ channel: 'room', epoch, offset: 0 }] });
    expect(await back.next(isKind('event'))).toMatchObject({ offset: 1 });
  });

  test('refuses upgrades of strange origins and paths', async () => {
    const server = await startReferenceServer({ origins: ['https://app.example'] });
    const statusOf = async (path: string, origin: string): Promise<unknown> => {
      const ws = new WebSocket(`${server.urls.websocket}${path}`, 'keepwire.v1', { origin });
      ws.on('error', () => {});
      const [event] = await Promise.race([
        once(ws, 'open').then(() => [101]),
        once(ws, 'unexpected-response').then(([, { statusCode }]) => [statusCode as number]),
      ]);
      ws.terminate();
      return event;
    };
    expect(await statusOf('', 'https://evil.example')).toBe(403);
    expect(await statusOf('', 'https://app.example')).toBe(101);
    expect(await statusOf('', server.url)).toBe(101);
    expect(await statusOf('/nothing', 'https://app.example')).toBe(404);
  });

  test('beats when it was silent, with the positions of the joined channels', async () => {
    const clock = manualClock();
    const server = await startReferenceServer({ time: clock });
    const link = openRaw('websocket', server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    await clock.advance(10_000);
    const [ack] = await link.send([publish('s1', 1)]);
    await clock.advance(14_000);
    expect(link.frames.some(isKind('heartbeat'))).toBe(false);
    await clock.advance(1000);
    const { positions } = await link.next<HeartbeatFrame>(isKind('heartbeat'));
    expect(positions).toEqual([{ channel: 'room', epoch: (ack as { epoch: string }).epoch, offset: 1 }]);
  });

  test('answers garbage, ignores what it does not know, and gives up on too much', async () => {
    const server = await startReferenceServer({ limits: { maxUnreadable: 4 } });
    const link = openRaw('websocket', server);
    await link.next(isKind('welcome'));
    const strange = [{ kind: 'dance' }, { kind: 'publish', id: 'half' }, { kind: 'join' }, null, 7, { kind: 'ping' }];
    await link.send(strange as never);
    await link.next(isKind('pong'));
    expect(kinds(link.frames.slice(1)).sort()).toEqual(['garbled', 'garbled', 'garbled', 'pong', 'reject']);
    expect(link.frames.find(isKind('reject'))).toMatchObject({ id: 'half', code: 'bad-frame' });
    await link.send([{ kind: 'join' }, { kind: 'join' }] as never);
    expect((await link.ended).native).toBe(1002);
  });

  test('renews the token on the live link', async () => {
    const clock = manualClock(1_800_000_000_000);
    const server = await startReferenceServer({ anonymous: false, time: clock });
    const link = openRaw('websocket', server, { token: await server.signToken('ada', { expiresInS: 60 }) });
    await link.next(isKind('welcome'));
    await link.send([{ kind: 'authenticate', token: await server.signToken('ada', { expiresInS: 120 }) }]);
    expect(await link.next(isKind('auth'))).toEqual({ kind: 'auth', status: 'accepted' });
    await clock.advance(61_000);
    await link.send([{ kind: 'ping' }]);
    await link.next(isKind('pong'));
    await clock.advance(60_000);
    expect((await link.ended).native).toBe(4401);
  });

  test('says with 1012 and advice that the server stops', async () => {
    const server = await startReferenceServer();
    const link = openRaw('websocket', server);
    await link.next(isKind('welcome'));
    await server.close();
    expect(await link.ended).toEqual({ native: 1012, reason: '{"retryAfterMs":0}' });
    expect(link.frames.at(-1)).toEqual({ kind: 'advice', retryAfterMs: 0 });
  });

  test('bounds channels and data', async () => {
    const server = await startReferenceServer({ limits: { maxChannels: 1, maxEventBytes: 10 } });
    const link = openRaw('websocket', server, { channels: [{ channel: 'a' }, { channel: 'b' }] });
    expect(await link.next(isKind('denied'))).toMatchObject({ channel: 'b', code: 'too-many-channels' });
    const [big] = await link.send([publish('s1', 'ü'.repeat(5), 'a')]);
    expect(big).toMatchObject({ kind: 'reject', code: 'too-large' });
  });

  test('does not remember a rejection as an answer', async () => {
    let isBusy = true;
    const server = await startReferenceServer({ onPublish: () => !isBusy || { code: 'busy', retryAfterMs: 50 } });
    const link = openRaw('websocket', server);
    await link.next(isKind('welcome'));
    expect(await link.send([publish('s1', 1)])).toEqual([{ kind: 'reject', id: 's1', code: 'busy', retryAfterMs: 50 }]);
    isBusy = false;
    await link.send([publish('s1', 1)]);
    expect(await link.next(isKind('ack'))).toMatchObject({ id: 's1', offset: 1 });
  });
});

describe('http', () => {
  test('answers a preflight for listed origins only', async () => {
    const server = await startReferenceServer({ origins: ['https://app.example'] });
    const preflight = (origin: string): Promise<Response> =>
      fetch(server.urls.sse, { method: 'OPTIONS', headers: { origin, 'access-control-request-headers': 'authorization' } });
    const allowed = await preflight('https://app.example');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(allowed.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type, Last-Event-ID');
    expect(allowed.headers.get('access-control-expose-headers')).toBe('Retry-After');
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('refuses bodies that are too long, announced or not', async () => {
    const server = await startReferenceServer({ limits: { maxBodyBytes: 1000 } });
    const announced = await postJson(server.urls.send, { client: 'raw', frames: ['x'.repeat(1000)] });
    expect(announced.status).toBe(413);
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(
      `POST /realtime/send HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5dc\r\n${'x'.repeat(1500)}\r\n0\r\n\r\n`,
    );
    expect(String((await once(socket, 'data'))[0])).toContain('413 Payload Too Large');
  });

  test.each([
    ['send', 'not json'],
    ['send', '{"client":"raw"}'],
    ['send', '[]'],
    ['poll', '{"kind":"hello"}'],
    ['poll', '{"kind":"hello","version":1,"client":"x","channels":[{"channel":""}]}'],
    ['sse', 'null'],
    ['sse', '{"kind":"hello","version":1,"client":"x","channels":[{"channel":"a","offset":-1,"epoch":"e"}]}'],
    ['login', '{"name":"<b>"}'],
  ] as const)('answers garbage to %s with status 400: %s', async (path, body) => {
    const server = await startReferenceServer();
    const response = await fetch(server.urls[path], { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: expect.any(String) as string, message: expect.any(String) as string },
    });
  });

  test('answers 404 elsewhere and 405 for a send by GET', async () => {
    const server = await startReferenceServer();
    expect((await fetch(`${server.url}/elsewhere`)).status).toBe(404);
    expect((await fetch(server.urls.send)).status).toBe(405);
  });

  test('gives Retry-After in seconds with a refusal that passes', async () => {
    const server = await startReferenceServer({ admit: () => ({ kind: 'overloaded', message: 'full', retryAfterMs: 1500 }) });
    const response = await postJson(server.urls.poll, helloOf({}, 0));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
  });

  test('shows counts to all and channels to those who may join them', async () => {
    const server = await startReferenceServer({
      anonymous: false,
      authorize: (user, channel) => channel.startsWith(user) || { code: 'forbidden' },
    });
    const token = await server.signToken('ada');
    const link = openRaw('sse', server, { token, channels: [{ channel: 'ada:1' }] });
    await link.next(isKind('joined'));
    const { epoch } = await server.log.head('ada:1');
    const status = async (user?: string): Promise<unknown> =>
      (await fetch(server.urls.status, { headers: bearer(user && (await server.signToken(user))) })).json();
    const links = { websocket: 0, sse: 1, 'long-poll': 0, 'socket-io': 0 };
    expect(await status('ada')).toEqual({
      links,
      channelCount: 1,
      channels: [{ channel: 'ada:1', epoch, offset: 0, links: 1, members: 0 }],
    });
    expect(await status('eve')).toEqual({ links, channelCount: 1, channels: [] });
    expect(await status()).toEqual({ links, channelCount: 1, channels: [] });
  });

  test('logs guests in, and cuts only the links of who asks', async () => {
    const server = await startReferenceServer({ anonymous: false });
    const login = (await (await postJson(server.urls.login, { name: 'Ada' })).json()) as {
      token: string;
      user: string;
      expiresAt: number;
    };
    expect(login.user).toBe('Ada');
    const mine = openRaw('websocket', server, { token: login.token });
    const other = openRaw('websocket', server, { token: await server.signToken('Bob') });
    await Promise.all([mine.next(isKind('welcome')), other.next(isKind('welcome'))]);
    expect((await postJson(server.urls.cut, {})).status).toBe(401);
    expect(await (await postJson(server.urls.cut, { client: 'raw' }, login.token)).json()).toEqual({ cut: 1 });
    expect((await mine.ended).native).toBe(1006);
    expect(server.stats().links.websocket).toBe(1);
  });

  test('lets no login happen where there are no guests', async () => {
    const server = await startReferenceServer({ guests: false });
    expect((await postJson(server.urls.login, { name: 'Ada' })).status).toBe(404);
  });
});

describe('socket.io', () => {
  test('answers sends without a callback by frames, and refuses a CONNECT without a hello', async () => {
    const { io } = await import('socket.io-client');
    const server = await startReferenceServer();
    const bad = io(server.url, { transports: ['websocket'], reconnection: false, forceNew: true });
    const good = io(server.url, { auth: { hello: helloOf({}) }, reconnection: false, forceNew: true });
    onTestFinished(() => void [bad, good].map((socket) => socket.disconnect()));
    expect(await new Promise((resolve) => bad.on('connect_error', (error) => resolve(error.message)))).toBe('protocol');
    const ack = new Promise((resolve) => {
      good.on('frames', (frames: ServerFrame[]) => frames.some(isKind('ack')) && resolve(frames.find(isKind('ack'))));
    });
    good.emit('frames', [publish('s1', 1)]);
    expect(await ack).toMatchObject({ id: 's1', offset: 1 });
    good.emit('frames', 'nonsense', 7);
    expect(await new Promise((resolve) => good.on('frames', ([frame]: ServerFrame[]) => resolve(frame)))).toMatchObject({
      kind: 'garbled',
    });
  });
});

test('the minimal server of the protocol page resumes, applies a send once, and fans out', async () => {
  const http = createMinimalServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}/realtime`;
  const server = { urls: { sse: `${base}/sse`, send: `${base}/send` } } as TestServer;
  const writer = openRaw('sse', server, { client: 'w', channels: [{ channel: 'room' }] });
  const { epoch } = await writer.next<JoinedFrame>(isKind('joined'));
  const [first, second] = [await writer.send([publish('s1', 1)]), await writer.send([publish('s1', 1), publish('s2', 2)])];
  expect(second[0]).toEqual(first[0]);
  const reader = openRaw('sse', server, { channels: [{ channel: 'room', epoch, offset: 1 }] });
  expect(await reader.next(isKind('event'))).toMatchObject({ id: 's2', offset: 2 });
  expect(reader.frames.slice(0, 2)).toEqual([
    { kind: 'welcome', version: 1 },
    { kind: 'joined', channel: 'room', epoch, offset: 1 },
  ]);
  await writer.send([{ ...publish('t1', true), volatile: true }]);
  expect(await reader.next((frame) => frame.kind === 'event' && frame.id === 't1')).not.toHaveProperty('offset');
  const stranger = openRaw('sse', server, { channels: [{ channel: 'room', epoch: 'other', offset: 7 }] });
  expect(await stranger.next(isKind('joined'))).toMatchObject({ epoch, offset: 0 });
  expect((await fetch(base.replace('realtime', 'realtime/sse'))).status).toBe(400);
});

test('the protocol page shows the minimal server as it is', async () => {
  const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
  expect(await read('../../docs/protocol.md')).toContain(await read('../../examples/server/minimal.mjs'));
});
