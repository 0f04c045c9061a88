// What one would write by hand for the same server and the same bytes: no order, no positions, no looking up.
import { createParser } from 'eventsource-parser';
import { io } from 'socket.io-client';
import type { Client, ClientRequest, OpenClient } from './client.ts';
import type { TransportName } from './options.ts';
import type { Payload } from './payload.ts';

interface Frame {
  readonly kind: string;
  readonly data: Payload;
  readonly epoch?: string;
  readonly offset?: number;
}

/** The bare clients. */
export const rawClients: Readonly<Record<TransportName, OpenClient>> = {
  websocket: openWebSocket,
  sse: openEventStream,
  'long-poll': openPolls,
  'socket-io': openSocketIo,
};

function openWebSocket({ url, channel, take, failed }: ClientRequest): Client {
  const { promise: joined, resolve } = Promise.withResolvers<void>();
  const hello = Buffer.from(JSON.stringify(helloOf({ channel }))).toString('base64url');
  const socket = new WebSocket(`${url.replace('http', 'ws')}/realtime`, ['keepwire.v1', `keepwire.hello.${hello}`]);
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data as string) as Frame | Frame[];
    if (Array.isArray(message)) for (const frame of message) hear(frame, take, resolve);
    else hear(message, take, resolve);
  });
  socket.addEventListener('error', () => failed(new Error('the WebSocket failed')));
  return { joined, close: () => socket.close() };
}

/** For the server that gives ids: each message is one event. */
export function openForeignWebSocket({ url, channel, take, failed }: ClientRequest): Client {
  const { promise: joined, resolve } = Promise.withResolvers<void>();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ids?channel=${channel}`);
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('message', ({ data }) => take((JSON.parse(data as string) as Frame).data));
  socket.addEventListener('error', () => failed(new Error('the WebSocket failed')));
  return { joined, close: () => socket.close() };
}

function openEventStream({ url, channel, take, failed }: ClientRequest): Client {
  const { promise: joined, resolve } = Promise.withResolvers<void>();
  const ending = new AbortController();
  const read = async (): Promise<void> => {
    const response = await fetch(`${url}/realtime/sse?hello=${encodeURIComponent(JSON.stringify(helloOf({ channel })))}`, {
      headers: { accept: 'text/event-stream' },
      signal: ending.signal,
    });
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent({ data }) {
        const message = JSON.parse(data) as Frame | Frame[];
        if (Array.isArray(message)) for (const frame of message) hear(frame, take, resolve);
        else hear(message, take, resolve);
      },
    });
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      parser.feed(decoder.decode(part.value, { stream: true }));
    }
  };
  read().catch((error) => {
    if (!ending.signal.aborted) failed(error);
  });
  return { joined, close: () => ending.abort() };
}

function openPolls({ url, channel, take, failed }: ClientRequest): Client {
  const { promise: joined, resolve } = Promise.withResolvers<void>();
  const ending = new AbortController();
  const { signal } = ending;
  const read = async (): Promise<void> => {
    let position: Pick<Frame, 'epoch' | 'offset'> = {};
    for (let waitMs = 0; !signal.aborted; waitMs = 25_000) {
      const hello = encodeURIComponent(JSON.stringify(helloOf({ channel, ...position }, waitMs)));
      const response = await fetch(`${url}/realtime/poll?hello=${hello}`, { signal });
      const frames = JSON.parse(await response.text()) as Frame[];
      for (const frame of frames) {
        hear(frame, take, resolve);
        if (frame.kind === 'joined') position = { epoch: frame.epoch, offset: frame.offset };
      }
      const last = frames.at(-1);
      if (last?.kind === 'event') position = { ...position, offset: last.offset };
    }
  };
  read().catch((error) => {
    if (!signal.aborted) failed(error);
  });
  return { joined, close: () => ending.abort() };
}

function openSocketIo({ url, channel, take, failed }: ClientRequest): Client {
  const { promise: joined, resolve } = Promise.withResolvers<void>();
  const socket = io(url, {
    transports: ['websocket'],
    auth: { hello: helloOf({ channel }) },
    forceNew: true,
    reconnection: false,
  });
  socket.on('frames', (frames: Frame[]) => {
    for (const frame of frames) hear(frame, take, resolve);
  });
  socket.on('connect_error', failed);
  return { joined, close: () => void socket.disconnect() };
}

function hear(frame: Frame, take: ClientRequest['take'], joined: () => void): void {
  if (frame.kind === 'event') take(frame.data);
  else if (frame.kind === 'joined') joined();
}

function helloOf(join: { channel: string; epoch?: string; offset?: number }, waitMs?: number): object {
  return { kind: 'hello', version: 1, client: 'raw', waitMs, channels: [join] };
}
