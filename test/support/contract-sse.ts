import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type SseOptions, sse } from '../../src/adapters/sse.ts';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frame.ts';
import { createLedger, type Hello } from './contract-ledger.ts';
import type { ContractServer } from './contract-server.ts';

/** A contract server over node:http on loopback: a stream at `/sse`, sends at `/send`. */
export async function sseContractServer(options: Partial<SseOptions> = {}): Promise<ContractServer> {
  const ledger = createLedger();
  const sockets = new Set<Socket>();
  /** The requests that are not answered to the end; a socket without one is an idle keep-alive connection. */
  const active = new Set<ServerResponse>();
  const greeted = new Set<ServerResponse>();

  const http = createServer((request, response) => {
    active.add(response);
    response.on('close', () => {
      active.delete(response);
      greeted.delete(response);
      ledger.changed();
    });
    if (request.url?.startsWith('/send')) void takeSend(request, response);
    else void takeStream(request, response);
  });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  async function takeStream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const hello = JSON.parse(body || (new URL(request.url ?? '', origin).searchParams.get('hello') ?? '')) as Hello;
    ledger.dialled += 1;
    const token = request.headers.authorization?.replace('Bearer ', '');
    switch (ledger.next) {
      case 'accept':
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        say(response, ledger.greet(hello, token));
        greeted.add(response);
        break;
      case 'unauthorized':
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('no');
        break;
      case 'forbidden':
        response.writeHead(403).end('no');
        break;
      case 'unavailable':
        response.writeHead(503, { 'retry-after': '7' }).end('later');
        break;
      case 'garbage':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
        break;
      case 'silence':
        break;
    }
    ledger.changed();
  }

  async function takeSend(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { frames } = JSON.parse(await readAll(request)) as { frames: ClientFrame[] };
    const answers = ledger.take(frames);
    const words = answers.filter((frame) => frame.kind === 'ack' || frame.kind === 'reject');
    const others = answers.filter((frame) => !words.includes(frame as (typeof words)[number]));
    if (others.length > 0) for (const stream of greeted) say(stream, others);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(words));
  }

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    transport: () => sse({ url: `${origin}/sse`, sendUrl: `${origin}/send`, ...options }),
    answer: (next) => {
      ledger.next = next;
    },
    push(frames) {
      for (const stream of greeted) say(stream, frames);
    },
    pushGarbage() {
      for (const stream of greeted) stream.write('data: not a frame\n\n');
    },
    end() {
      for (const stream of greeted) stream.end();
    },
    cut,
    sockets: () => active.size,
    dialled: () => ledger.dialled,
    received: () => ledger.received,
    tokens: () => ledger.tokens,
    until: ledger.until,
    async close() {
      if (!http.listening) return;
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

function say(stream: ServerResponse, frames: readonly ServerFrame[]): void {
  stream.write(`data: ${JSON.stringify(frames)}\n\n`);
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
