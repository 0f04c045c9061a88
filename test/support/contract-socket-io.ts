import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import { Server, type ServerOptions, type Socket } from 'socket.io';
import { WebSocketServer } from 'ws';
import { type SocketIoOptions, socketIo } from '../../src/adapters/socket-io.ts';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frame.ts';
import { createLedger, type Hello } from './contract-ledger.ts';
import type { ContractAnswer, ContractServer } from './contract-server.ts';

/** How a server turns a link away: an error of a middleware, with the data that clients read. */
const refusals: Partial<Record<ContractAnswer, { message: string; data: object }>> = {
  unauthorized: { message: 'who are you', data: { code: 401 } },
  forbidden: { message: 'not you', data: { code: 403 } },
  unavailable: { message: 'come back later', data: { code: 503, retryAfterMs: 7000 } },
};

/** A Socket.IO server on loopback, and what it holds. */
export interface LoopbackServer {
  readonly io: Server;
  readonly url: string;
  /** The TCP connections that are open now. */
  readonly tcp: ReadonlySet<TcpSocket>;
  /** Cuts every connection without a word (RST). */
  cut(): void;
  /** Cuts everything and frees the port. May be called twice. */
  close(): Promise<void>;
}

/** Starts a Socket.IO server on a free port. */
export async function listenSocketIo(
  options: Partial<ServerOptions> = {},
  changed: () => void = () => {},
): Promise<LoopbackServer> {
  const tcp = new Set<TcpSocket>();
  const http = createServer();
  http.on('connection', (socket) => {
    tcp.add(socket);
    changed();
    socket.on('close', () => {
      tcp.delete(socket);
      changed();
    });
  });
  const io = new Server(http, { serveClient: false, ...options });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    io,
    url: `http://127.0.0.1:${port}`,
    tcp,
    cut() {
      for (const socket of tcp) socket.resetAndDestroy();
    },
    close() {
      closing ??= new Promise((resolve) => {
        void io.close(() => resolve());
        for (const socket of tcp) socket.destroy();
      });
      return closing;
    },
  };
}

/** What a scripted server may do with one connection. */
export interface ScriptedPeer {
  /** Sends packets of Socket.IO as they are, in one tick. */
  send(...packets: string[]): void;
  close(): void;
}

/** A WebSocket server that opens Engine.IO by the rules and leaves everything else to the script, packet by packet. */
export async function listenScripted(
  onPacket: (packet: string, peer: ScriptedPeer) => void,
  pingMs = 20_000,
): Promise<{ readonly url: string; close(): void }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    const open = { sid: 's', upgrades: [], pingInterval: pingMs, pingTimeout: pingMs, maxPayload: 1000 };
    socket.send(`0${JSON.stringify(open)}`);
    const peer: ScriptedPeer = {
      send(...packets) {
        for (const packet of packets) socket.send(packet);
      },
      close: () => socket.close(),
    };
    socket.on('message', (data) => onPacket(String(data), peer));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

/** A Socket.IO server that speaks keepwire's protocol, by WebSocket or by polling only. */
export async function socketIoContractServer(carrier: 'websocket' | 'polling' = 'websocket'): Promise<ContractServer> {
  const ledger = createLedger();
  const greeted = new Set<Socket>();
  const server = await listenSocketIo({ allowRequest: admit }, ledger.changed);
  server.io.use(judge);
  server.io.on('connection', welcome);

  /** Called once per link: requests of a session that exists do not come here. */
  function admit(request: IncomingMessage, answer: (error: string | null, ok: boolean) => void): void {
    ledger.dialled += 1;
    ledger.changed();
    // socket.io-client cannot abort a poll, so there the silence begins one step later
    if (ledger.next !== 'silence' || carrier === 'polling') answer(null, true);
    // an upgrade that is not answered leaves its socket to nobody: nothing reads it, and nothing answers its end
    else request.socket.resume().once('end', () => request.socket.destroy());
  }

  function judge(_: Socket, next: (error?: Error) => void): void {
    const refusal = refusals[ledger.next];
    if (refusal !== undefined) next(Object.assign(new Error(refusal.message), { data: refusal.data }));
    else if (ledger.next !== 'silence') next();
  }

  function welcome(socket: Socket): void {
    if (ledger.next === 'garbage') {
      socket.emit('frames', '<html>');
      return;
    }
    const { hello, token } = socket.handshake.auth as { hello: Hello; token?: string };
    greeted.add(socket);
    socket.on('disconnect', () => {
      greeted.delete(socket);
      ledger.changed();
    });
    socket.on('frames', (frames: ClientFrame[], acknowledge?: (answers: ServerFrame[]) => void) => {
      const answers = ledger.take(frames);
      const isWord = (frame: ServerFrame): boolean => frame.kind === 'ack' || frame.kind === 'reject';
      acknowledge?.(answers.filter(isWord));
      const rest = answers.filter((frame) => !isWord(frame));
      if (rest.length > 0) socket.emit('frames', rest);
    });
    socket.emit('frames', ledger.greet(hello, token));
  }

  const push = (content: unknown): void => {
    for (const socket of greeted) socket.emit('frames', content);
  };
  const options: SocketIoOptions = { url: server.url, transports: [carrier] };
  return {
    transport: () => socketIo(options),
    answer: (next) => {
      ledger.next = next;
    },
    push,
    pushGarbage: () => push('not a frame'),
    end() {
      // as a server does that shuts down; a disconnect packet is for kicking somebody out
      for (const socket of greeted) socket.conn.close();
    },
    cut() {
      server.cut();
      // a session by polling is no socket, and would wait for the next poll
      for (const socket of greeted) socket.conn.close(true);
    },
    sockets: () => server.tcp.size,
    dialled: () => ledger.dialled,
    received: () => ledger.received,
    tokens: () => ledger.tokens,
    until: ledger.until,
    close: server.close,
  };
}
