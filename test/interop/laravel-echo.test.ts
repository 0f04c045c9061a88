import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Channel, createRealtime, type RealtimeManager, type Transport } from 'keepwire';
import { Server as SocketIoServer } from 'socket.io';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';

const page = readFileSync(new URL('../../docs/migrating/laravel-echo.md', import.meta.url), 'utf8');

/** A block of the page as a module, with what it leaves to the application filled in. */
async function blockOf(heading: string, fillings: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  let code = page.split(`## ${heading}`)[1]?.split('```ts\n')[1]?.split('```')[0] ?? '';
  for (const [from, to] of Object.entries(fillings)) {
    expect(code).toContain(from);
    code = code.replaceAll(from, to);
  }
  const folder = mkdtempSync(join(tmpdir(), 'keepwire-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'block.ts'), code);
  return await import(/* @vite-ignore */ pathToFileURL(join(folder, 'block.ts')).pathname);
}

async function listen(http: Server): Promise<string> {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  return `127.0.0.1:${(http.address() as AddressInfo).port}`;
}

const shipped = { id: 7, status: 'shipped' };

test('a server that speaks as Pusher does: a private channel, an event, a ping', async () => {
  const http = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { socket_id, channel_name } = JSON.parse(text);
    response.end(JSON.stringify({ auth: `key:${socket_id}:${channel_name}` }));
  });
  const sockets = new WebSocketServer({ server: http });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  const heard: string[] = [];
  sockets.on('connection', (socket) => {
    const say = (event: string, data: unknown, channel?: string): void =>
      socket.send(JSON.stringify({ event, data: JSON.stringify(data), channel }));
    say('pusher:connection_established', { socket_id: '1.2', activity_timeout: 30 });
    socket.on('message', (message) => {
      const { event, data } = JSON.parse(String(message));
      heard.push(event);
      if (event !== 'pusher:subscribe' || data.auth !== `key:1.2:${data.channel}`) return;
      say('pusher_internal:subscription_succeeded', {}, data.channel);
      say('pusher:ping', {});
      say('App\\Events\\OrderShipped', shipped, data.channel);
    });
  });
  const host = await listen(http);
  const block = await blockOf('After: Reverb, Soketi or Pusher', {
    'declare const show: (order: { id: number; status: string }) => void;': 'export const shown: unknown[] = [];',
    "orders.on('OrderShipped', show);": "orders.on('OrderShipped', (order) => shown.push(order));",
    'declare const csrf: string;': "const csrf = 'c';",
    'const realtime': 'export const realtime',
    'const orders': 'export const orders',
    "'/broadcasting/auth'": `'http://${host}/broadcasting/auth'`,
    'wss://example.com': `ws://${host}`,
  });
  onTestFinished(() => (block['realtime'] as RealtimeManager).close());
  await vi.waitFor(() => expect(block['shown']).toEqual([shipped]));
  await vi.waitFor(() => expect(heard).toContain('pusher:pong'));
  expect((block['orders'] as Channel).state.get().status).toBe('joined');
});

test('a server that speaks as laravel-echo-server does', async () => {
  const http = createServer();
  const io = new SocketIoServer(http);
  onTestFinished(() => void io.close());
  io.on('connection', (socket) => {
    socket.on('subscribe', ({ channel, auth }) => {
      if (auth.headers.Authorization === 'Bearer t') socket.emit('App\\Events\\OrderShipped', channel, shipped);
    });
  });
  const host = await listen(http);
  const block = await blockOf('After: laravel-echo-server (Socket.IO)', {
    'declare const token: string;': "const token = 't';",
    'https://example.com:6001': `http://${host}`,
  });
  const realtime = createRealtime({ transports: [block['echoServer'] as Transport] });
  onTestFinished(() => realtime.close());
  realtime.start();
  expect(await realtime.channel('private-orders.7').once('OrderShipped')).toEqual(shipped);
});
