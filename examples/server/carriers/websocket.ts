import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Doors } from '../doors.ts';
import { addressOf, tokenOf } from '../http.ts';
import { createComposer, type End, endCode, type Outlet } from '../outlet.ts';
import { type Hello, readHello, readJson, type Unreadable } from '../read.ts';
import type { Session } from '../session.ts';

const subprotocol = 'keepwire.v1';
const helloPrefix = 'keepwire.hello.';

/** More messages are not held for a client that talks before it is let in. */
const mostEarly = 100;

/** WebSocket: one message per text message, the hello in a subprotocol, the query or the first message. */
export interface WebSocketCarrier {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/** Makes the carrier; the HTTP server hands it the upgrades of its path. */
export function createWebSocketCarrier({ hub, identify }: Doors): WebSocketCarrier {
  const { limits, time } = hub;
  const compose = createComposer();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxBodyBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  });

  return {
    upgrade: (request, socket, head) => server.handleUpgrade(request, socket, head, (ws) => serve(ws, request)),
    close: () => server.close(),
  };

  function serve(ws: WebSocket, request: IncomingMessage): void {
    const outlet = webSocketOutlet(ws, compose);
    let session: Session | undefined;
    let isExpected = true;
    /** What came after the hello and before the token was checked. */
    const early: string[] = [];
    const cancelTimeout = time.schedule(() => {
      if (isExpected) outlet.end({ kind: 'protocol', message: 'no hello came in time' });
    }, limits.helloTimeoutMs);
    const cancelWatch = watch(ws);

    ws.on('message', (data, isBinary) => {
      if (isBinary) return session === undefined ? outlet.end(binary) : session.garbled(binary.message);
      const text = textOf(data);
      if (session !== undefined) receive(session, text);
      else if (isExpected) greet(readHelloText(text));
      else if (early.length < mostEarly) early.push(text);
      else outlet.end({ kind: 'overloaded', message: 'too many messages before the welcome' });
    });
    // what is wrong with a frame (too long, bad UTF-8) is in the close code that ws sends
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
      cancelTimeout();
      cancelWatch();
      session?.close();
    });

    const inRequest = helloOf(request);
    if (inRequest !== undefined) greet(inRequest);

    function greet(hello: Hello | Unreadable): void {
      isExpected = false;
      cancelTimeout();
      if ('kind' in hello) outlet.end({ kind: 'protocol', message: hello.message });
      else void admit(hello);
    }

    async function admit(hello: Hello): Promise<void> {
      const verdict = await identify(tokenOf(request, hello.token), hello.client);
      if (ws.readyState !== ws.OPEN) return;
      if (verdict.kind === 'out') {
        const { end } = verdict;
        if (end.status !== undefined) outlet.send([JSON.stringify({ kind: 'auth', status: end.status, message: end.message })]);
        return outlet.end(end);
      }
      session = hub.open({ carrier: 'websocket', hello, identity: verdict.identity, outlet });
      for (const text of early.splice(0)) receive(session, text);
    }
  }

  /**
   * A peer that answers no ping within two heartbeats is gone. Browsers answer by themselves. The time is the machine's
   * own, because the answers come over its network.
   */
  function watch(ws: WebSocket): () => void {
    let isAlive = true;
    ws.on('pong', () => {
      isAlive = true;
    });
    const timer = setInterval(() => {
      if (!isAlive) return ws.terminate();
      isAlive = false;
      if (ws.readyState === ws.OPEN) ws.ping();
    }, limits.heartbeatMs * 2);
    timer.unref();
    return () => clearInterval(timer);
  }
}

const binary: End = { kind: 'protocol', message: 'binary messages are not part of the protocol' };

function receive(session: Session, text: string): void {
  const message = readJson(text);
  if ('value' in message) session.receive(message.value);
  else session.garbled(message.message);
}

function helloOf(request: IncomingMessage): Hello | Unreadable | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const encoded = offered.find((name) => name.startsWith(helloPrefix))?.slice(helloPrefix.length);
  if (encoded !== undefined) return readHelloText(Buffer.from(encoded, 'base64url').toString());
  const inQuery = addressOf(request).searchParams.get('hello');
  return inQuery === null ? undefined : readHelloText(inQuery);
}

function readHelloText(text: string): Hello | Unreadable {
  const json = readJson(text);
  return 'value' in json ? readHello(json.value) : json;
}

function textOf(data: RawData): string {
  return Array.isArray(data) ? Buffer.concat(data).toString() : data.toString();
}

function webSocketOutlet(ws: WebSocket, compose: (frames: readonly string[]) => readonly string[]): Outlet {
  let underWay = 0;
  let waiters: (() => void)[] = [];
  const sent = (): void => {
    underWay -= 1;
    if (underWay > 0 || waiters.length === 0) return;
    const resolved = waiters;
    waiters = [];
    for (const resolve of resolved) resolve();
  };
  return {
    send(frames) {
      for (const message of compose(frames)) {
        underWay += 1;
        ws.send(message, sent);
      }
    },
    waiting: () => ws.bufferedAmount,
    drained: () => (underWay === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
    end(end) {
      const { retryAfterMs, spreadMs } = end;
      const hasAdvice = retryAfterMs !== undefined || spreadMs !== undefined;
      ws.close(endCode[end.kind], hasAdvice ? JSON.stringify({ retryAfterMs, spreadMs }) : end.message);
    },
    cut: () => ws.terminate(),
  };
}
