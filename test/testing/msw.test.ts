import { createRealtime, type Transport } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { sse } from 'keepwire/sse';
import { websocket } from 'keepwire/websocket';
import { HttpResponse, http } from 'msw/http';
import { setupServer } from 'msw/node';
import { sse as mswSse } from 'msw/sse';
import { ws } from 'msw/ws';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest';

const server = setupServer();

beforeAll(() => {
  // msw/sse asks for it in Node, though keepwire reads its streams with fetch
  vi.stubGlobal('EventSource', class {});
  server.listen({ onUnhandledFrame: 'error' });
});
afterEach(() => server.resetHandlers());
afterAll(() => {
  server.close();
  vi.unstubAllGlobals();
});

const welcome = { kind: 'welcome', version: 1 };
const joined = { kind: 'joined', channel: 'lobby', epoch: 'e1', offset: 0 };
const hello = { kind: 'event', channel: 'lobby', event: 'message', data: 'hello', offset: 1 };

/** What a manager on this transport hears first. */
function firstMessage(transport: Transport) {
  const realtime = createRealtime({ transports: [transport], retry: () => 10 });
  onTestFinished(() => realtime.close());
  realtime.start();
  const lobby = realtime.channel('lobby');
  return { realtime, lobby, message: lobby.once('message') };
}

/** The answer to a POST of sends: each is accepted. */
const sends = http.post('http://chat.test/realtime/send', async ({ request }) => {
  const { frames } = (await request.json()) as { frames: { kind: string; id: string }[] };
  return HttpResponse.json(frames.map(({ id }) => ({ kind: 'ack', id })));
});

test('SSE: a stream, and sends by POST', async () => {
  server.use(
    sends,
    mswSse('http://chat.test/realtime/sse', ({ client }) => {
      client.send({ data: JSON.stringify([welcome, joined, hello]) });
    }),
  );
  const { lobby, message } = firstMessage(
    sse({ url: 'http://chat.test/realtime/sse', sendUrl: 'http://chat.test/realtime/send' }),
  );
  expect(await message).toBe('hello');
  expect(await lobby.publish('message', 'hi', { id: 'a' })).toMatchObject({ id: 'a' });
});

test('SSE: a refusal first, then a stream that breaks in the middle of an event', async () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  let dials = 0;
  server.use(
    http.get('http://chat.test/realtime/sse', () => {
      dials += 1;
      if (dials === 1) return new HttpResponse(null, { status: 503 });
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue(encode(`data: ${JSON.stringify([welcome, joined])}\n\n`));
          if (dials === 2) controller.enqueue(encode('data: {"kind":"ev'));
          else controller.enqueue(encode(`data: ${JSON.stringify(hello)}\n\n`));
          if (dials === 2) controller.close();
        },
      });
      return new HttpResponse(stream, { headers: { 'content-type': 'text/event-stream' } });
    }),
  );
  const { message } = firstMessage(sse({ url: 'http://chat.test/realtime/sse' }));
  expect(await message).toBe('hello');
  expect(dials).toBe(3);
});

test('long-poll: the first poll is answered at once, the next ones when there is something', async () => {
  const asked: unknown[] = [];
  server.use(
    sends,
    http.get('http://chat.test/realtime/poll', async ({ request }) => {
      const { waitMs, channels } = JSON.parse(new URL(request.url).searchParams.get('hello') ?? '{}');
      asked.push({ isHeld: waitMs > 0, channels });
      if (waitMs === 0) return HttpResponse.json([welcome, joined]);
      if (asked.length === 2) return HttpResponse.json([hello]);
      // held until the client goes
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      return HttpResponse.json([]);
    }),
  );
  const { message } = firstMessage(
    longPoll({ url: 'http://chat.test/realtime/poll', sendUrl: 'http://chat.test/realtime/send' }),
  );
  expect(await message).toBe('hello');
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  expect(asked.at(-1)).toEqual({ isHeld: true, channels: [{ channel: 'lobby', epoch: 'e1', offset: 1 }] });
});

test('WebSocket: the greeting comes as the first message, and a close code is an end', async () => {
  const chat = ws.link('ws://chat.test/realtime');
  let dials = 0;
  server.use(
    chat.addEventListener('connection', ({ client }) => {
      dials += 1;
      client.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data));
        if (!Array.isArray(message)) client.send(JSON.stringify([welcome, joined, hello]));
        else for (const { kind, id } of message) if (kind === 'publish') client.send(JSON.stringify({ kind: 'ack', id }));
      });
    }),
  );
  const { realtime, lobby, message } = firstMessage(websocket({ url: 'ws://chat.test/realtime', token: 'first-frame' }));
  expect(await message).toBe('hello');
  expect(await lobby.publish('message', 'hi', { id: 'a' })).toMatchObject({ id: 'a' });
  for (const client of chat.clients) client.close(1012, 'restart');
  await new Promise<void>((resolve) => {
    realtime.status.subscribe(({ status }) => {
      if (status === 'connected' && dials === 2) resolve();
    });
  });
});
