import { io } from 'socket.io-client';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frame.ts';
import type { TestServer } from './reference-server.ts';

/** What a raw client says first. */
export interface RawHello {
  readonly token?: string;
  readonly client?: string;
  readonly channels?: readonly { channel: string; epoch?: string; offset?: number }[];
  /** Longest hold of the polls. @defaultValue `20_000` */
  readonly waitMs?: number;
}

/** One link, spoken by hand: the protocol as it is on the wire, without any code of the library. */
export interface RawLink {
  /** Everything that came, in order. */
  readonly frames: ServerFrame[];
  /** How many frames came in each message. */
  readonly batches: number[];
  /** Resolves with the first frame that fits, also one that came before. */
  next<F extends ServerFrame = ServerFrame>(fits: (frame: ServerFrame) => boolean): Promise<F>;
  /** Sends frames and resolves with the answers to those that are sends. */
  send(frames: readonly ClientFrame[]): Promise<readonly ServerFrame[]>;
  close(): void;
  /** How the link ended: close code, status or reason. */
  readonly ended: Promise<{ native: number | string; reason: string }>;
}

export const carriers = ['websocket', 'sse', 'long-poll', 'socket-io'] as const;
export type RawCarrier = (typeof carriers)[number];

/** Opens a raw link over any carrier. */
export function openRaw(carrier: RawCarrier, server: TestServer, hello: RawHello = {}): RawLink {
  const link = { websocket: openWebSocket, sse: openSse, 'long-poll': openLongPoll, 'socket-io': openSocketIo }[carrier](
    server,
    hello,
  );
  onTestFinished(link.close);
  return link;
}

/** The hello as it travels. */
export function helloOf({ client = 'raw', channels = [], token }: RawHello, waitMs?: number): Record<string, unknown> {
  return { kind: 'hello', version: 1, client, token, waitMs, channels };
}

/** A bearer header, if there is a token. */
export function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

interface Inbox extends Pick<RawLink, 'frames' | 'batches' | 'next' | 'ended'> {
  take(message: ServerFrame | ServerFrame[]): void;
  end(native: number | string, reason?: string): void;
}

function createInbox(): Inbox {
  const frames: ServerFrame[] = [];
  const batches: number[] = [];
  const waiters = new Set<() => void>();
  let end: Inbox['end'] = () => {};
  const ended = new Promise<{ native: number | string; reason: string }>((resolve) => {
    end = (native, reason = '') => resolve({ native, reason });
  });
  return {
    frames,
    batches,
    ended,
    end: (native, reason) => end(native, reason),
    take(message) {
      const list = Array.isArray(message) ? message : [message];
      frames.push(...list);
      batches.push(list.length);
      for (const waiter of [...waiters]) waiter();
    },
    next<F extends ServerFrame>(fits: (frame: ServerFrame) => boolean): Promise<F> {
      return new Promise((found) => {
        const look = (): void => {
          const frame = frames.find(fits);
          if (frame === undefined) return;
          waiters.delete(look);
          found(frame as F);
        };
        waiters.add(look);
        look();
      });
    },
  };
}

/** Tests send garbage too, so it looks before it reads. */
const isSend = (frame: ClientFrame | null): frame is ClientFrame & { kind: 'publish' } => frame?.kind === 'publish';

/** The answers come as frames of the link. */
function answersOn(inbox: Inbox, frames: readonly ClientFrame[]): Promise<readonly ServerFrame[]> {
  return Promise.all(
    frames
      .filter(isSend)
      .map(({ id }) => inbox.next((frame) => (frame.kind === 'ack' || frame.kind === 'reject') && frame.id === id)),
  );
}

function openWebSocket(server: TestServer, hello: RawHello): RawLink {
  const inbox = createInbox();
  const encoded = Buffer.from(JSON.stringify(helloOf(hello))).toString('base64url');
  const ws = new WebSocket(server.urls.websocket, ['keepwire.v1', `keepwire.hello.${encoded}`]);
  ws.on('message', (data) => inbox.take(JSON.parse(String(data)) as ServerFrame));
  ws.on('close', (code, reason) => inbox.end(code, reason.toString()));
  ws.on('error', (error) => inbox.end('error', error.message));
  return {
    ...inbox,
    async send(frames) {
      ws.send(JSON.stringify(frames));
      return answersOn(inbox, frames);
    },
    close: () => ws.terminate(),
  };
}

async function post(
  server: TestServer,
  { client = 'raw', token }: RawHello,
  frames: readonly ClientFrame[],
): Promise<readonly ServerFrame[]> {
  const response = await fetch(server.urls.send, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(token) },
    body: JSON.stringify({ client, frames }),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()) as ServerFrame[];
}

function openSse(server: TestServer, hello: RawHello): RawLink {
  const inbox = createInbox();
  const abort = new AbortController();
  void read().catch((error: unknown) => inbox.end('broken', String(error)));
  return { ...inbox, send: (frames) => post(server, hello, frames), close: () => abort.abort() };

  async function read(): Promise<void> {
    const url = `${server.urls.sse}?hello=${encodeURIComponent(JSON.stringify(helloOf({ ...hello, token: undefined })))}`;
    const response = await fetch(url, { headers: { accept: 'text/event-stream', ...bearer(hello.token) }, signal: abort.signal });
    if (!response.ok || response.body === null) return inbox.end(response.status, await response.text());
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + text).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) if (event.startsWith('data: ')) inbox.take(JSON.parse(event.slice(6)) as ServerFrame);
    }
    inbox.end('end');
  }
}

function openLongPoll(server: TestServer, hello: RawHello): RawLink {
  const inbox = createInbox();
  const abort = new AbortController();
  const positions = new Map((hello.channels ?? []).map((join) => [join.channel, join]));
  void run().catch((error: unknown) => inbox.end('broken', String(error)));
  return { ...inbox, send: (frames) => post(server, hello, frames), close: () => abort.abort() };

  async function run(): Promise<void> {
    for (let waitMs = 0; ; waitMs = hello.waitMs ?? 20_000) {
      const body = JSON.stringify(helloOf({ ...hello, token: undefined, channels: [...positions.values()] }, waitMs));
      const headers = { 'content-type': 'application/json', ...bearer(hello.token) };
      const response = await fetch(server.urls.poll, { method: 'POST', headers, body, signal: abort.signal });
      if (!response.ok) return inbox.end(response.status, await response.text());
      const frames = (await response.json()) as ServerFrame[];
      for (const frame of frames) {
        if (frame.kind === 'joined' || (frame.kind === 'event' && frame.offset !== undefined)) {
          const epoch = frame.epoch ?? positions.get(frame.channel)?.epoch;
          positions.set(frame.channel, { channel: frame.channel, epoch, offset: frame.offset });
        }
      }
      inbox.take(frames);
    }
  }
}

function openSocketIo(server: TestServer, hello: RawHello): RawLink {
  const inbox = createInbox();
  const { token, ...rest } = hello;
  const socket = io(server.urls.socketIo, {
    auth: { token, hello: helloOf(rest) },
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  socket.on('frames', (frames: ServerFrame[]) => inbox.take(frames));
  socket.on('connect_error', (error) => inbox.end(error.message, JSON.stringify((error as Error & { data?: unknown }).data)));
  socket.on('disconnect', (reason) => inbox.end(reason));
  return {
    ...inbox,
    send: (frames) => socket.emitWithAck('frames', frames) as Promise<ServerFrame[]>,
    close: () => void socket.disconnect(),
  };
}
