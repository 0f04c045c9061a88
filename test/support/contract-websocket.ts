import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket as Peer, WebSocketServer } from 'ws';
import { type WebSocketOptions, websocket } from '../../src/adapters/websocket.ts';
import type { ClientFrame } from '../../src/protocol/frame.ts';
import { createLedger, type Hello } from './contract-ledger.ts';
import type { ContractAnswer, ContractServer } from './contract-server.ts';

/** A contract server for WebSockets that also shows how the handshake looked. */
export interface WebSocketContractServer extends ContractServer {
  readonly url: string;
  /** The address and the offered subprotocols of each handshake. */
  handshakes(): readonly { readonly url: string; readonly protocols: readonly string[] }[];
  /** The text of each message that arrived, in order, over all links. */
  messages(): readonly string[];
  /** Sends one raw message to every link that is up. */
  pushRaw(message: string | Uint8Array): void;
  /** Closes every link that is up with this code. */
  closeWith(code: number, reason?: string): void;
  /** Refuses the upgrades from now on with this status and a page. */
  refuseUpgrades(status: number): void;
}

/** A refused upgrade has no reason that a client could see, so this server accepts it and closes with one. */
const refusals: Partial<Record<ContractAnswer, [code: number, reason?: string]>> = {
  unauthorized: [4401],
  forbidden: [4403],
  unavailable: [1013, JSON.stringify({ retryAfterMs: 7000 })],
};

/** Opens one on a free port. The greeting may come in the subprotocols, in the query, or as the first message. */
export async function webSocketContractServer(options: Partial<WebSocketOptions> = {}): Promise<WebSocketContractServer> {
  const ledger = createLedger();
  const handshakes: { url: string; protocols: string[] }[] = [];
  const messages: string[] = [];
  const sockets = new Set<Socket>();
  const greeted = new Set<Peer>();
  let refusalStatus: number | undefined;

  const http = createServer();
  const upgrades = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      ledger.changed();
    });
    ledger.changed();
  });
  http.on('upgrade', (request, socket, head) => {
    ledger.dialled += 1;
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());
    handshakes.push({ url: request.url ?? '', protocols: protocols.filter((part) => part !== '') });
    ledger.changed();
    if (refusalStatus !== undefined) {
      const page = '<html>no</html>';
      socket.end(
        `HTTP/1.1 ${refusalStatus} ${STATUS_CODES[refusalStatus]}\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`,
      );
      return;
    }
    if (ledger.next === 'silence') {
      // a socket that nobody reads does not notice its end
      socket.on('end', () => socket.end()).resume();
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (peer) => take(peer, request));
  });

  function take(peer: Peer, request: IncomingMessage): void {
    peer.on('error', () => peer.terminate());
    peer.on('close', () => {
      greeted.delete(peer);
      ledger.changed();
    });
    const refusal = refusals[ledger.next];
    if (refusal !== undefined) {
      peer.close(...refusal);
      return;
    }
    if (ledger.next === 'garbage') {
      peer.send('<html>hello</html>');
      return;
    }
    const early = helloOf(request);
    let isGreeted = false;
    const greet = (hello: Hello): void => {
      isGreeted = true;
      peer.send(JSON.stringify(ledger.greet(hello)));
      greeted.add(peer);
      ledger.changed();
    };
    peer.on('message', (message) => {
      const text = String(message);
      messages.push(text);
      if (isGreeted) peer.send(JSON.stringify(ledger.take(JSON.parse(text) as ClientFrame[])));
      else greet(JSON.parse(text) as Hello);
    });
    if (early !== undefined) greet(early);
  }

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/realtime`;
  const pushRaw = (message: string | Uint8Array): void => {
    for (const peer of greeted) peer.send(message);
  };
  const closeWith = (code: number, reason?: string): void => {
    for (const peer of greeted) peer.close(code, reason);
  };
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  let isClosed = false;
  return {
    url,
    transport: () => websocket({ url, ...options }),
    answer: (next) => {
      ledger.next = next;
    },
    push: (frames) => pushRaw(JSON.stringify(frames)),
    pushGarbage: () => pushRaw('{"kind":'),
    end: () => closeWith(1000),
    cut,
    sockets: () => sockets.size,
    dialled: () => ledger.dialled,
    received: () => ledger.received,
    tokens: () => ledger.tokens,
    until: ledger.until,
    handshakes: () => handshakes,
    messages: () => messages,
    pushRaw,
    closeWith,
    refuseUpgrades: (status) => {
      refusalStatus = status;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      cut();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** The greeting of the handshake: in the subprotocols, or in the query. */
function helloOf({ headers, url }: IncomingMessage): Hello | undefined {
  const [, encoded] = /keepwire\.hello\.([\w-]+)/.exec(headers['sec-websocket-protocol'] ?? '') ?? [];
  const text =
    encoded === undefined
      ? new URL(url ?? '', 'http://localhost').searchParams.get('hello')
      : Buffer.from(encoded, 'base64url').toString();
  return text === null ? undefined : (JSON.parse(text) as Hello);
}
