import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex, Writable } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { encodeEvent } from '../examples/server/frames.ts';
import { payloadWriter } from './payload.ts';
import { entryAt } from './script-log.ts';

/** Writes one message as it is on the wire. */
type Framing = (text: string) => string;

/** A server that sends each frame in a message of its own, and costs as little as it can. */
export interface Replayer {
  readonly http: Server;
  /** Sends the messages of a channel to the client that has joined it. */
  publish(channel: string, messages: number, bytes: number): void;
}

/** Bytes that are written at once; the messages in them stay messages of their own. */
const chunkLength = 64 * 1024;

const asSse: Framing = (text) => `data: ${text}\n\n`;
const asSocketIo: Framing = (text) => asWebSocket(`42["frames",[${text}]]`);

/** RFC 6455 section 5.2: an unmasked text frame. All content is ASCII, so that a character is a byte. */
function asWebSocket(text: string): string {
  const { length } = text;
  const size = length < 126 ? [length] : [126, length >> 8, length & 255];
  return String.fromCharCode(0x81, ...size) + text;
}

/**
 * The same frames as the reference server's, written by its own encoder, over WebSocket, SSE and Socket.IO, one in each
 * message. Below `/ids` it is a server that knows nothing of keepwire and gives its messages ids and no numbers.
 */
export function createReplayer(): Replayer {
  const starts = new Map<string, (messages: number, bytes: number) => void>();
  const upgrades = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('keepwire.v1') ? 'keepwire.v1' : false),
  });

  const http = createServer((request, response) => {
    const { pathname, searchParams } = addressOf(request);
    if (pathname !== '/realtime/sse') return void response.writeHead(404).end();
    const channel = channelOf(searchParams.get('hello'));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write(asSse(`[${greeting(channel)}]`));
    serve(channel, response, asSse, numbered);
  });

  http.on('upgrade', (request, socket, head) => {
    const { pathname, searchParams } = addressOf(request);
    upgrades.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => ws.terminate());
      if (pathname === '/ids') serve(searchParams.get('channel') ?? '', socket, asWebSocket, identified);
      else if (pathname.startsWith('/socket.io/')) serveSocketIo(ws, socket);
      else serveWebSocket(ws, socket, request);
    });
  });

  return {
    http,
    publish(channel, messages, bytes) {
      const start = starts.get(channel);
      if (start === undefined) throw new Error(`nobody has joined ${channel}`);
      start(messages, bytes);
    },
  };

  function serveWebSocket(ws: WebSocket, socket: Duplex, request: IncomingMessage): void {
    const offered = request.headers['sec-websocket-protocol'] ?? '';
    const hello = /keepwire\.hello\.([\w-]+)/.exec(offered)?.[1] ?? '';
    const channel = channelOf(Buffer.from(hello, 'base64url').toString());
    ws.on('message', (data) => {
      if (String(data).includes('"ping"')) ws.send('{"kind":"pong"}');
    });
    ws.send(`[${greeting(channel)}]`);
    serve(channel, socket, asWebSocket, numbered);
  }

  /** Engine.IO 4 and Socket.IO 5, as far as one client of the bench gets. */
  function serveSocketIo(ws: WebSocket, socket: Duplex): void {
    ws.send('0{"sid":"bench","upgrades":[],"pingInterval":600000,"pingTimeout":600000,"maxPayload":1000000}');
    ws.on('message', (data) => {
      const text = String(data);
      if (!text.startsWith('40')) return;
      const { hello } = JSON.parse(text.slice(2)) as { hello: unknown };
      const channel = channelOf(JSON.stringify(hello));
      ws.send('40{"sid":"bench"}');
      ws.send(`42["frames",[${greeting(channel)}]]`);
      serve(channel, socket, asSocketIo, numbered);
    });
  }

  function serve(channel: string, output: Writable, framing: Framing, write: typeof numbered): void {
    starts.set(channel, (messages, bytes) => pump(output, messages, write(channel, bytes), framing));
    output.on('close', () => starts.delete(channel));
    output.on('error', () => output.destroy());
  }
}

/** Keeps the output full, and no more than that. */
function pump(output: Writable, messages: number, write: (offset: number) => string, framing: Framing): void {
  let offset = 0;
  const fill = (): void => {
    while (offset < messages && !output.destroyed) {
      let chunk = '';
      while (offset < messages && chunk.length < chunkLength) {
        offset += 1;
        chunk += framing(write(offset));
      }
      if (!output.write(chunk, 'latin1')) return void output.once('drain', fill);
    }
  };
  fill();
}

function numbered(channel: string, bytes: number): (offset: number) => string {
  const payload = payloadWriter(bytes);
  return (offset) => encodeEvent(channel, entryAt(offset, payload(offset - 1)), offset);
}

function identified(channel: string, bytes: number): (offset: number) => string {
  const payload = payloadWriter(bytes);
  return (offset) => {
    const { id, at, data } = entryAt(offset, payload(offset - 1));
    return `{"type":"message","room":"${channel}","data":${data},"messageId":"${id}","at":${at}}`;
  };
}

function greeting(channel: string): string {
  return `{"kind":"welcome","version":1},{"kind":"joined","channel":"${channel}","epoch":"bench","offset":0}`;
}

function addressOf({ url = '/' }: IncomingMessage): URL {
  return new URL(url, 'http://localhost');
}

function channelOf(hello: string | null): string {
  const { channels } = JSON.parse(hello ?? '{}') as { channels?: readonly { channel: string }[] };
  return channels?.[0]?.channel ?? '';
}
