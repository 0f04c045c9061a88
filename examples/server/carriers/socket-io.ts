import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { Identity } from '../auth.ts';
import type { Doors } from '../doors.ts';
import { createComposer, type End, type Outlet } from '../outlet.ts';
import { asObject, type Hello, readHello } from '../read.ts';

/** What a socket carries from its check to its session. */
interface SocketData {
  arrival?: { readonly hello: Hello; readonly identity: Identity };
}

type IoSocket = Socket<ClientEvents, Record<string, never>, Record<string, never>, SocketData>;

/** What arrives may be anything. */
interface ClientEvents {
  frames: (...args: unknown[]) => void;
}

/** Socket.IO: the hello in `auth`, the event `frames` in both directions, acks as acknowledgements. */
export function createSocketIoCarrier(http: HttpServer, { hub, gate, identify }: Doors): { close(): void } {
  const { limits } = hub;
  const compose = createComposer();
  const io = new Server<ClientEvents, Record<string, never>, Record<string, never>, SocketData>(http, {
    serveClient: false,
    // upgrades of other paths are not ours to destroy
    destroyUpgrade: false,
    cors: { origin: '*', allowedHeaders: ['Authorization', 'Content-Type'] },
    allowRequest: (request, decide) => decide(gate.isAllowed(request) ? null : 'origin not allowed', gate.isAllowed(request)),
    maxHttpBufferSize: limits.maxBodyBytes,
    pingInterval: limits.heartbeatMs,
    pingTimeout: limits.heartbeatMs,
  });

  io.use((socket, next) => {
    void check(socket).then((end) => {
      if (end === undefined) return next();
      const { kind, message, retryAfterMs, spreadMs } = end;
      const code = kind === 'restart' || kind === 'overloaded' ? 'refused' : kind;
      next(Object.assign(new Error(code), { data: { code, message, retryAfterMs, spreadMs } }));
    });
  });
  io.on('connection', serve);
  return { close: () => void io.close() };

  async function check(socket: IoSocket): Promise<End | undefined> {
    const auth = asObject(socket.handshake.auth) ?? {};
    const hello = readHello(auth['hello']);
    if ('kind' in hello) return { kind: 'protocol', message: hello.message };
    const token = typeof auth['token'] === 'string' ? auth['token'] : hello.token;
    const verdict = await identify(token, hello.client);
    if (verdict.kind === 'out') return verdict.end;
    socket.data.arrival = { hello, identity: verdict.identity };
    return undefined;
  }

  function serve(socket: IoSocket): void {
    const { arrival } = socket.data;
    if (arrival === undefined) return void socket.disconnect(true);
    const session = hub.open({ carrier: 'socket-io', ...arrival, outlet: socketIoOutlet(socket, compose) });
    socket.on('disconnect', () => session.close());
    socket.on('frames', (frames, acknowledge) => {
      if (typeof acknowledge !== 'function') return session.receive(frames);
      const answers: Promise<string>[] = [];
      session.receive(frames, (answer) => answers.push(answer));
      void Promise.all(answers).then((texts) => acknowledge(texts.map((text) => JSON.parse(text) as unknown)));
    });
  }
}

function socketIoOutlet(socket: IoSocket, compose: (frames: readonly string[]) => readonly string[]): Outlet {
  const { conn } = socket;
  let waiting = 0;
  let waiters: (() => void)[] = [];
  conn.once('close', () => settle(waiting));
  return {
    send(frames) {
      for (const message of compose(frames)) {
        waiting += message.length;
        // `emit` would take values apart that are JSON already: this is the same packet (EVENT, main namespace), by hand
        const list = message.startsWith('[') ? message : `[${message}]`;
        conn.write(`2["frames",${list}]`, { compress: false }, () => settle(message.length));
      }
    },
    waiting: () => waiting,
    drained: () => (waiting === 0 || !socket.connected ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
    end({ kind }) {
      // clients take a disconnect packet for the last word; who is to come back sees only the carrier go
      if (kind === 'restart' || kind === 'overloaded') conn.close();
      else socket.disconnect(true);
    },
    cut() {
      socket.request.socket.destroy();
      conn.close(true);
    },
  };

  function settle(length: number): void {
    waiting -= length;
    if (waiting > 0) return;
    const resolved = waiters;
    waiters = [];
    for (const resolve of resolved) resolve();
  }
}
