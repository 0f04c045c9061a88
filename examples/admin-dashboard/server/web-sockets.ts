import { type WebSocket, WebSocketServer } from 'ws';
import type { Command } from '../messages.ts';
import { commands, type Door, type DoorParts } from './door.ts';

/** The only channel. */
const channel = 'admin-chat-updates';
/** Whoever answers no ping within this time is gone, in milliseconds. */
const pingEveryMs = 20_000;

/** Plain WebSockets at `/live`, with `ws`. */
export function openWebSockets({ http, run, isBlocked }: DoorParts): Door {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
  const subscribed = new WeakSet<WebSocket>();
  const alive = new WeakSet<WebSocket>();

  http.on('upgrade', (request, socket, head) => {
    if (isBlocked() || request.url !== '/live') return socket.destroy();
    sockets.handleUpgrade(request, socket, head, welcome);
  });
  const pings = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!alive.has(socket)) socket.terminate();
      alive.delete(socket);
      socket.ping();
    }
  }, pingEveryMs);

  function welcome(socket: WebSocket): void {
    alive.add(socket);
    socket.on('pong', () => alive.add(socket));
    socket.on('error', () => {});
    socket.on('message', (data) => void answer(socket, String(data)));
  }

  async function answer(socket: WebSocket, text: string): Promise<void> {
    const message = parse(text);
    const { type, id } = message;
    if (type === 'subscribe' && message['channel'] === channel) {
      subscribed.add(socket);
      say(socket, { type: 'subscribed', channel });
    } else if (type === 'unsubscribe') {
      subscribed.delete(socket);
    } else if (typeof type === 'string' && commands.includes(type)) {
      say(socket, { type: 'ack', id, ...(await run(type as Command, message['session_id'])) });
    } else {
      say(socket, { type: 'error', error: 'this is none of our messages' });
    }
  }

  return {
    tell(type, data) {
      const text = JSON.stringify({ type, data, timestamp: Date.now() });
      for (const socket of sockets.clients) if (subscribed.has(socket)) socket.send(text);
    },
    count: () => sockets.clients.size,
    turnOver() {
      // 1012: the service restarts
      for (const socket of sockets.clients) socket.close(1012);
    },
    async close() {
      clearInterval(pings);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

function say(socket: WebSocket, message: object): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}

function parse(text: string): Record<string, unknown> {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null ? { ...message } : {};
  } catch {
    return {};
  }
}
