import { expect, onTestFinished, test, vi } from 'vitest';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { perChannel, sse } from '../../src/adapters/sse.ts';
import { type WebSocketConstructor, websocket } from '../../src/adapters/websocket.ts';
import { createRealtime, type FetchLike, jsonDialect, post, type Transport } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { httpPosts } from '../../src/transport/posts.ts';
import { canary } from '../support/canary-token.ts';
import { when } from '../support/clients.ts';
import { rawAnswer, startRawServer } from '../support/raw-server.ts';

/** Dials a transport three times, with a token, and gives what was said on the console. */
async function warnings(transport: Transport, { auth }: { auth?: string } = { auth: canary }): Promise<readonly string[]> {
  const said: string[] = [];
  const warn = vi.spyOn(console, 'warn').mockImplementation((word) => void said.push(String(word)));
  const clock = manualClock();
  const realtime = createRealtime({
    transports: [transport],
    auth,
    platform: { clock },
    retry: ({ attempt }) => attempt < 3 && 1,
  });
  onTestFinished(() => realtime.close());
  realtime.start();
  await clock.advance(1);
  for (let dial = 0; dial < 5; dial += 1) await clock.advance(20_000);
  warn.mockRestore();
  return said;
}

class DeadSocket extends EventTarget {
  binaryType = '';
  readyState = 3;
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  constructor() {
    super();
    queueMicrotask(() => this.onclose?.({ code: 1006, reason: '' }));
  }
  send(): void {}
  close(): void {}
}

const WebSocket = DeadSocket as unknown as WebSocketConstructor;
const fetch: FetchLike = () => Promise.reject(new TypeError('dead'));

test.each([
  ['websocket', (host: string) => websocket({ url: `ws://${host}/a?b`, WebSocket })],
  ['sse', (host: string) => sse({ url: `http://${host}/a?b`, fetch })],
  ['long-poll', (host: string) => longPoll({ url: `http://${host}`, fetch })],
  ['sse', (host: string) => sse({ url: '/here', sendUrl: `http://${host}/send`, fetch })],
])('a token that %s would send in the clear is warned of, once; on this machine it is not', async (name, make) => {
  const [warning, ...more] = await warnings(make('chat.example'));
  expect(warning).toContain(`${name} sends the token in the clear to chat.example`);
  expect(more).toEqual([]);
  for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:1']) expect(await warnings(make(host))).toEqual([]);
});

test('nothing is warned of without a token, over TLS, or where a password stands in the address', async () => {
  expect(await warnings(websocket({ url: 'ws://chat.example', WebSocket }), {})).toEqual([]);
  expect(await warnings(websocket({ url: 'wss://chat.example', WebSocket }))).toEqual([]);
  expect(await warnings(sse({ url: 'http://chat.example', token: 'none', fetch }))).toEqual([]);
  expect(String(await warnings(longPoll({ url: `http://me:${canary}@chat.example/`, fetch })))).not.toContain(canary);
});

test('Socket.IO warns too', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  const transport = socketIo({
    url: 'http://chat.example/admin',
    io: () => {
      throw new Error('not here');
    },
  });
  const realtime = createRealtime({ transports: [transport], auth: canary, retry: () => false });
  onTestFinished(() => realtime.close());
  realtime.start();
  await when(realtime.status, ({ status }) => status === 'failed');
  expect(String(warn.mock.calls)).toContain('in the clear to chat.example');
});

const dialect = jsonDialect({ publish: ({ data }) => post('/send', data) });

test.each([
  [
    'a stream of a channel',
    (url: string) => sse({ streams: perChannel(() => `${url}/c`), sendUrl: url, dialect, headers: { 'x-key': canary } }),
  ],
  [
    'polls',
    (url: string) => longPoll({ url, dialect, headers: { 'x-key': canary }, position: { in: 'header', name: 'x-after' } }),
  ],
])('a redirect of %s to another origin brings it neither token, position, headers nor body', async (_, make) => {
  const other = await startRawServer(() => rawAnswer('200 OK', {}));
  const server = await startRawServer(() => rawAnswer('307 Temporary Redirect', { location: `${other.url}/steal` }));
  const posts = httpPosts({ url: server.url, dialect });
  const realtime = createRealtime({
    transports: [make(server.url)],
    auth: canary,
    posts,
    retry: ({ attempt }) => attempt < 3 && 5,
  });
  onTestFinished(() => realtime.close());
  realtime.start();
  const sent = realtime.channel('c').publish('n', { text: canary });
  await expect(sent).rejects.toMatchObject({ code: 'rejected', message: expect.stringContaining('redirect') });
  await server.asked(2);
  expect(other.requests).toEqual([]);
});
