import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { longPoll } from '../../src/adapters/long-poll.ts';
import type { ClientFrame } from '../../src/protocol/frame.ts';
import { createLedger, type Hello } from './contract-ledger.ts';
import type { ContractServer } from './contract-server.ts';

/** What the server holds for one link between its polls; a link is a client that has asked with `waitMs` 0. */
interface ServedLink {
  /** Messages that wait for the next poll. */
  readonly outbox: unknown[];
  held: ServerResponse | undefined;
  /** How the next poll that finds nothing is treated, if it is not held. */
  fate: 'end' | 'cut' | undefined;
}

/**
 * A contract server over HTTP. Each answer closes its connection, as `fetch` in Node would keep it open and idle, and
 * then nobody could count on the server what belongs to a link.
 */
export async function longPollContractServer(): Promise<ContractServer> {
  const ledger = createLedger();
  const links = new Map<string, ServedLink>();
  const sockets = new Set<Socket>();

  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    if (pathname === '/send') void takeSend(request, response);
    else void takePoll(searchParams.get('hello'), request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      ledger.changed();
    });
    ledger.changed();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** A greeting that is too long for the address comes as the body. */
  async function takePoll(query: string | null, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    if (query === null) for await (const chunk of request) body += chunk;
    poll(JSON.parse(query ?? (body || '{}')) as Hello, request, response);
  }

  function poll(hello: Hello, request: IncomingMessage, response: ServerResponse): void {
    if (hello.waitMs === 0) greet(hello, request, response);
    else hold(hello, response);
    ledger.changed();
  }

  function greet(hello: Hello, request: IncomingMessage, response: ServerResponse): void {
    ledger.dialled += 1;
    switch (ledger.next) {
      case 'accept':
        links.set(hello.client, { outbox: [], held: undefined, fate: undefined });
        return answer(response, ledger.greet(hello, request.headers.authorization?.replace('Bearer ', '')));
      case 'unauthorized':
        return void response.writeHead(401).end();
      case 'forbidden':
        return void response.writeHead(403).end();
      case 'unavailable':
        return void response.writeHead(503, { 'retry-after': '7' }).end();
      case 'garbage':
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
      case 'silence':
    }
  }

  function hold({ client }: Hello, response: ServerResponse): void {
    const link = links.get(client);
    if (link === undefined) return void response.writeHead(409).end();
    if (link.outbox.length > 0) return answer(response, link.outbox.splice(0));
    if (link.fate !== undefined) return finish(response, link.fate);
    link.held = response;
    response.on('close', () => {
      if (link.held === response) link.held = undefined;
    });
  }

  function sendToAll(messages: readonly unknown[]): void {
    for (const link of links.values()) {
      link.outbox.push(...messages);
      if (link.held === undefined) continue;
      answer(link.held, link.outbox.splice(0));
      link.held = undefined;
    }
  }

  /** A poll has no ordinary end but an answer, so the end of a link is a connection that closes in place of one. */
  function endAll(fate: 'end' | 'cut'): void {
    for (const link of links.values()) {
      link.fate = fate;
      if (link.held !== undefined) finish(link.held, fate);
    }
  }

  async function takeSend(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    answer(response, ledger.take((JSON.parse(body) as { frames: ClientFrame[] }).frames));
  }

  return {
    transport: () => longPoll({ url: `${base}/poll`, sendUrl: `${base}/send` }),
    answer: (next) => {
      ledger.next = next;
    },
    push: sendToAll,
    pushGarbage: () => sendToAll(['not a frame']),
    end: () => endAll('end'),
    cut: () => endAll('cut'),
    sockets: () => sockets.size,
    dialled: () => ledger.dialled,
    received: () => ledger.received,
    tokens: () => ledger.tokens,
    until: ledger.until,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answer(response: ServerResponse, messages: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(messages));
}

function finish(response: ServerResponse, fate: 'end' | 'cut'): void {
  if (fate === 'end') response.socket?.end();
  else response.socket?.resetAndDestroy();
}
