import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as SocketIoServer } from 'socket.io';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import type { PublishFrame } from '../../src/protocol/frame.ts';
import { emit, jsonDialect, post } from '../../src/protocol/json-dialect.ts';
import { createRealtime } from '../../src/realtime.ts';
import { httpPosts } from '../../src/transport/posts.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { dial } from '../support/contract-link.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** A server with rooms by socket and messages by REST. */
async function startServer(
  answer: (posted: Posted) => { status: number; body?: unknown } = () => ({ status: 201, body: { id: 7 } }),
) {
  const posts: Posted[] = [];
  const heard: unknown[] = [];
  const http = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const posted = { path: request.url ?? '', headers: request.headers, body: JSON.parse(text || 'null') as unknown };
      posts.push(posted);
      const { status, body } = answer(posted);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? null));
    });
  });
  const sockets = new WebSocketServer({ noServer: true });
  const io = new SocketIoServer(http, { transports: ['websocket'], destroyUpgrade: false });
  http.on('upgrade', (request, socket, head) => {
    if (request.url?.startsWith('/ws')) sockets.handleUpgrade(request, socket, head, (one) => sockets.emit('connection', one));
  });
  sockets.on('connection', (socket) => socket.on('message', (data) => heard.push(JSON.parse(String(data)))));
  io.on('connection', (socket) => {
    socket.on('join_chat', (data, answered?: (value: unknown) => void) => {
      heard.push(['join_chat', data]);
      answered?.(data.chatId === 'closed' ? { error: 'no_access', message: 'members only' } : { ok: true });
    });
    socket.on('user_typing', (data) => heard.push(['user_typing', data]));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await io.close();
    http.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, posts, heard, sockets };
}

const dialect = jsonDialect({
  join: (chatId) => emit('join_chat', { chatId }),
  publish: ({ channel, event, data }) =>
    event === 'typing' ? emit('user_typing', { chatId: channel }) : post(`/chat/${encodeURIComponent(channel)}/messages`, data),
});

const send = (id: string, event = 'message'): PublishFrame => ({
  kind: 'publish',
  id,
  channel: 'a/b',
  event,
  data: { text: id },
});

const ways = {
  'Socket.IO': (url: string) => socketIo({ url, transports: ['websocket'], dialect, posts: httpPosts({ url }) }),
  WebSocket: (url: string) => websocket({ url: `${url}/ws`, token: 'none', dialect, posts: httpPosts({ url }) }),
} satisfies Record<string, (url: string) => Transport>;

describe.each(Object.entries(ways))('sends by REST beside %s', (_, transportTo) => {
  async function open(server: { readonly url: string }) {
    const dialled = dial(transportTo(server.url), { token: 'secret', channels: new Map() });
    cleanups.push(dialled.abort);
    await dialled.sink.isUp();
    return dialled;
  }

  test('a message with a path goes by POST with the token, and its answer is the receipt', async () => {
    const server = await startServer();
    const { link } = await open(server);
    expect(await link.send([send('1')])).toEqual([{ id: '1', status: 'accepted', data: { id: 7 } }]);
    expect(server.posts).toMatchObject([
      { path: '/chat/a%2Fb/messages', headers: { authorization: 'Bearer secret' }, body: { text: '1' } },
    ]);
    expect(server.heard).toEqual([]);
  });

  test('a message without one goes over the link, in the same call', async () => {
    const server = await startServer();
    const { link } = await open(server);
    expect(await link.send([send('1'), send('2', 'typing'), send('3')])).toEqual([
      { id: '1', status: 'accepted', data: { id: 7 } },
      { id: '2', status: 'sent' },
      { id: '3', status: 'accepted', data: { id: 7 } },
    ]);
    expect(server.posts.map(({ body }) => body)).toEqual([{ text: '1' }, { text: '3' }]);
  });

  test('a refusal is the receipt, and names the address', async () => {
    const server = await startServer(() => ({ status: 404 }));
    const { link } = await open(server);
    const [receipt] = await link.send([send('1')]);
    expect(receipt).toMatchObject({ id: '1', status: 'rejected', code: '404' });
    expect(receipt?.message).toBe(
      `POST ${server.url}/chat/a%2Fb/messages was answered with status 404. Check the path of the address.`,
    );
  });

  test('a refused token ends the link, so that the next one has a fresh token', async () => {
    const server = await startServer(() => ({ status: 401 }));
    const { link, sink } = await open(server);
    await expect(link.send([send('1')])).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await sink.isDown()).toMatchObject({ kind: 'unauthorized' });
  });

  test('without the option such a message is refused as unsupported, and nothing leaves', async () => {
    const server = await startServer();
    const bare =
      _ === 'WebSocket'
        ? websocket({ url: `${server.url}/ws`, token: 'none', dialect })
        : socketIo({ url: server.url, transports: ['websocket'], dialect });
    const { link, sink, abort } = dial(bare, { channels: new Map() });
    cleanups.push(abort);
    await sink.isUp();
    expect(await link.send([send('1')])).toMatchObject([{ id: '1', status: 'rejected', code: 'unsupported' }]);
    expect(server.posts).toEqual([]);
  });

  test('a manager sends a message after a 401 again with a fresh token, once', async () => {
    const server = await startServer(({ headers }) =>
      headers.authorization === 'Bearer new' ? { status: 201, body: { id: 'm-1' } } : { status: 401 },
    );
    let asked = 0;
    const realtime = createRealtime({
      transports: [transportTo(server.url)],
      auth: () => (asked++ === 0 ? 'old' : 'new'),
      retry: () => 0,
    });
    cleanups.push(realtime.close);
    realtime.start();
    expect(await realtime.channel('a').request('message', { text: 'hi' })).toEqual({ id: 'm-1' });
    expect(server.posts.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    expect(asked).toBe(2);
  });
});

describe('joins that are answered in place', () => {
  const answering = jsonDialect({
    join: (chatId) => emit('join_chat', { chatId }),
    joinAnswer: (answer) => answer as { ok?: boolean; error?: string; message?: string },
  });

  test('by an acknowledgement of Socket.IO: joined or denied', async () => {
    const server = await startServer();
    const { link, sink, abort } = dial(socketIo({ url: server.url, transports: ['websocket'], dialect: answering }), {
      channels: new Map(),
    });
    cleanups.push(abort);
    await sink.isUp();
    await link.send([
      { kind: 'join', channel: 'open' },
      { kind: 'join', channel: 'closed' },
    ]);
    expect(sink.allFrames()).toMatchObject([
      { kind: 'joined', channel: 'open' },
      { kind: 'denied', channel: 'closed', code: 'no_access', message: 'members only' },
    ]);
  });
});

describe('the server pings', () => {
  test('and gets the answer that it wants', async () => {
    const server = await startServer();
    const pinged = jsonDialect({ pinged: 'ping', answerPing: (message) => ({ type: 'pong', of: (message as { n: number }).n }) });
    const realtime = createRealtime({ transports: [websocket({ url: `${server.url}/ws`, dialect: pinged })] });
    cleanups.push(realtime.close);
    realtime.start();
    await realtime.ready();
    const [socket] = server.sockets.clients;
    const answered = new Promise((resolve) => socket?.once('message', (data) => resolve(JSON.parse(String(data)))));
    socket?.send(JSON.stringify({ type: 'ping', n: 5 }));
    expect(await answered).toEqual({ type: 'pong', of: 5 });
  });

  test('what asks and what answers go together', () => {
    expect(() => jsonDialect({ pinged: 'ping' })).toThrow('pinged and answerPing go together');
  });
});
