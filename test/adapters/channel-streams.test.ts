import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { perChannel, type SseOptions, sse } from '../../src/adapters/sse.ts';
import { jsonDialect, post } from '../../src/protocol/json-dialect.ts';
import { createRealtime } from '../../src/realtime.ts';
import { type DialOptions, dial } from '../support/contract-link.ts';

const dialect = jsonDialect({
  resume: 'connection',
  publish: ({ channel, data }) => post(`/channels/${encodeURIComponent(channel)}/messages`, data),
});

/** One stream that the server holds. */
interface Held {
  readonly channel: string;
  readonly lastId: string | undefined;
  readonly token: string | undefined;
  readonly response: ServerResponse;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server with one stream for each channel, at `/stream/:channel`. */
async function startServer(statusOf: (channel: string) => number = () => 200) {
  const held = new Set<Held>();
  const asked: string[] = [];
  let waiting: { condition: () => boolean; resolve: () => void }[] = [];
  const look = (): void => {
    const met = waiting.filter(({ condition }) => condition());
    waiting = waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve();
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const channel = decodeURIComponent(request.url?.split('/')[2]?.split('?')[0] ?? '');
    asked.push(channel);
    const status = statusOf(channel);
    if (status !== 200) return response.writeHead(status).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const one: Held = {
      channel,
      lastId: request.headers['last-event-id'] as string | undefined,
      token: request.headers.authorization,
      response,
    };
    held.add(one);
    response.on('close', () => {
      held.delete(one);
      look();
    });
    look();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    asked,
    streamOf: (channel: string) => [...held].find((one) => one.channel === channel),
    say(channel: string, id: string, data: unknown) {
      const text = `id: ${id}\ndata: ${JSON.stringify({ type: 'message', data })}\n\n`;
      for (const one of held) if (one.channel === channel) one.response.write(text);
    },
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        waiting.push({ condition, resolve });
        look();
      }),
  };
}

function open(url: string, options: Partial<SseOptions> = {}, wanted: DialOptions = {}) {
  const transport = sse({
    streams: perChannel((channel) => `${url}/stream/${encodeURIComponent(channel)}`),
    dialect,
    ...options,
  });
  const dialled = dial(transport, wanted);
  cleanups.push(dialled.abort);
  return { ...dialled, transport };
}

const two = new Map([
  ['a', undefined],
  ['b', undefined],
]);

describe('a stream for each channel', () => {
  test('is opened for each, with the token, and they are one link', async () => {
    const server = await startServer();
    const { sink, transport } = open(server.url, {}, { channels: two, token: 'secret' });
    expect(transport.capabilities).toMatchObject({ joining: 'frame', resume: 'channel' });
    expect((await sink.isUp()).joining).toEqual(['a', 'b']);
    await sink.until(() => sink.allFrames().filter(({ kind }) => kind === 'joined').length === 2);
    expect([...server.held].map(({ channel, token }) => [channel, token]).sort()).toEqual([
      ['a', 'Bearer secret'],
      ['b', 'Bearer secret'],
    ]);
    expect(sink.calls.filter(({ kind }) => kind === 'up')).toHaveLength(1);
  });

  test('gives its channel to messages that name none, and its id is the position of the channel', async () => {
    const server = await startServer();
    const { sink } = open(server.url, {}, { channels: two });
    await server.until(() => server.held.size === 2);
    server.say('a', '7', 'hello');
    expect(await sink.untilEvents(1)).toMatchObject([{ channel: 'a', event: 'message', data: 'hello', id: '7', cursor: '7' }]);
    // a cursor of the stream as a whole there is none
    expect(sink.calls.some((call) => call.kind === 'frames' && call.cursor !== undefined)).toBe(false);
  });

  test('an id before the first message is the position of the channel', async () => {
    const server = await startServer();
    const realtime = createRealtime({
      transports: [sse({ streams: perChannel((channel) => `${server.url}/stream/${channel}`), dialect })],
      retry: () => 0,
    });
    cleanups.push(realtime.close);
    const gaps: unknown[] = [];
    realtime.on('gap', (gap) => gaps.push(gap));
    const { state } = realtime.channel('a');
    realtime.start();
    await server.until(() => server.held.size === 1);
    const known = new Promise<void>((resolve) =>
      state.subscribe(({ continuity }) => continuity === 'server-claimed' && resolve()),
    );
    server.streamOf('a')?.response.write('id: 41\n: \n\n');
    await known;
    server.streamOf('a')?.response.destroy();
    await server.until(() => server.streamOf('a')?.lastId === '41');
    expect(gaps).toEqual([]);
  });

  test('is asked for from the position of its own channel', async () => {
    const server = await startServer();
    open(
      server.url,
      {},
      {
        channels: new Map([
          ['a', '7'],
          ['b', undefined],
        ]),
      },
    );
    await server.until(() => server.held.size === 2);
    expect(server.streamOf('a')?.lastId).toBe('7');
    expect(server.streamOf('b')?.lastId).toBeUndefined();
  });

  test('is opened by a join and ended by a leave, and the join is answered when it is open', async () => {
    const server = await startServer();
    const { sink, link } = open(server.url, {}, { channels: new Map() });
    await sink.isUp();
    expect(server.asked).toEqual([]);
    await link.send([{ kind: 'join', channel: 'a' }]);
    expect(sink.allFrames()).toEqual([{ kind: 'joined', channel: 'a' }]);
    expect(server.streamOf('a')).toBeDefined();
    await link.send([
      { kind: 'join', channel: 'b' },
      { kind: 'leave', channel: 'a' },
    ]);
    await server.until(() => server.held.size === 1);
    expect(server.streamOf('b')).toBeDefined();
  });

  test('joining again opens a new one in place of the old', async () => {
    const server = await startServer();
    const { sink, link } = open(server.url);
    await server.until(() => server.held.size === 1);
    await sink.isUp();
    await link.send([{ kind: 'join', channel: 'room', cursor: '3' }]);
    await server.until(() => server.held.size === 1 && server.streamOf('room')?.lastId === '3');
  });

  test.each([403, 404, 410])('a channel that is answered with %i is denied, and the others stay', async (status) => {
    const server = await startServer((channel) => (channel === 'b' ? status : 200));
    const { sink } = open(server.url, {}, { channels: two });
    await sink.until(() => sink.allFrames().some(({ kind }) => kind === 'denied'));
    expect(sink.allFrames().find(({ kind }) => kind === 'denied')).toMatchObject({
      channel: 'b',
      code: String(status),
      message: `the stream of b was answered with status ${status}`,
    });
    await server.until(() => server.streamOf('a') !== undefined);
    server.say('a', '1', 'still here');
    await sink.untilEvents(1);
    expect(sink.calls.some(({ kind }) => kind === 'down')).toBe(false);
  });

  test.each([
    [401, 'unauthorized'],
    [503, 'refused'],
  ] as const)('status %i is about the link: %s', async (status, kind) => {
    const server = await startServer(() => status);
    const { sink } = open(server.url);
    expect(await sink.isDown()).toMatchObject({ kind });
  });

  test('the end of one ends the link and the others', async () => {
    const server = await startServer();
    const { sink, clock } = open(server.url, {}, { channels: two });
    await server.until(() => server.held.size === 2);
    await sink.isUp();
    server.streamOf('a')?.response.end();
    expect(await sink.isDown()).toMatchObject({ kind: 'lost' });
    await server.until(() => server.held.size === 0);
    expect(clock.pending()).toBe(0);
  });

  test('aborting ends all of them', async () => {
    const server = await startServer();
    const { sink, clock, abort } = open(server.url, {}, { channels: two });
    await server.until(() => server.held.size === 2);
    await sink.isUp();
    abort();
    expect(await sink.isDown()).toEqual({ kind: 'aborted' });
    await server.until(() => server.held.size === 0);
    expect(clock.pending()).toBe(0);
  });

  test('with an address for all as well, that stream is open beside them', async () => {
    const server = await startServer();
    const { sink, link } = open(server.url, { url: `${server.url}/stream/everybody` }, { channels: new Map() });
    await sink.isUp();
    await link.send([{ kind: 'join', channel: 'a' }]);
    expect([...server.held].map(({ channel }) => channel)).toEqual(['everybody', 'a']);
  });

  test('a server that greets greets on each', async () => {
    const server = await startServer();
    const greeting = jsonDialect({ welcome: 'init' });
    const { sink } = open(server.url, { dialect: greeting }, { channels: two });
    await server.until(() => server.held.size === 2);
    expect(sink.calls).toEqual([]);
    server.streamOf('a')?.response.write('data: {"type":"init"}\n\n');
    await sink.isUp();
    await sink.until(() => sink.allFrames().some((frame) => frame.kind === 'joined' && frame.channel === 'a'));
    server.streamOf('b')?.response.write('data: {"type":"init"}\n\n');
    await sink.until(() => sink.allFrames().some((frame) => frame.kind === 'joined' && frame.channel === 'b'));
  });

  test('a manager goes on from each position after a cut', async () => {
    const server = await startServer();
    const realtime = createRealtime({
      transports: [sse({ streams: perChannel((channel) => `${server.url}/stream/${channel}`), dialect })],
      retry: () => 0,
    });
    cleanups.push(realtime.close);
    const texts: unknown[] = [];
    const gaps: unknown[] = [];
    realtime.on('gap', (gap) => gaps.push(gap));
    realtime.channel('a').on('message', (text) => texts.push(text));
    realtime.channel('b').on('message', (text) => texts.push(text));
    realtime.start();
    await server.until(() => server.held.size === 2);
    const heard = realtime.channel('a').once('message');
    server.say('a', '5', 'one');
    server.say('b', '9', 'two');
    await heard;
    await new Promise<void>((resolve) => {
      if (texts.length === 2) resolve();
      else realtime.channel('b').on('message', () => resolve());
    });
    server.streamOf('a')?.response.destroy();
    await server.until(() => server.streamOf('a')?.lastId === '5' && server.streamOf('b')?.lastId === '9');
    // what is replayed once more is shown once
    const next = realtime.channel('a').once('message');
    server.say('a', '5', 'one');
    server.say('a', '6', 'three');
    await next;
    expect(texts.sort()).toEqual(['one', 'three', 'two']);
    expect(gaps).toEqual([]);
  });
});
