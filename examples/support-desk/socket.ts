import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { createRoutes, HttpError } from '../shared/http.ts';
import { createTokens } from '../shared/tokens.ts';
import type { SocketReport } from './server/desk.ts';
import type { Notice } from './server/notices.ts';

// The process beside Next that speaks Socket.IO. It stores nothing: the web server tells it what to say.

const web = process.env['DESK_WEB_URL'] ?? 'http://127.0.0.1:3000';
const secret = process.env['DESK_SECRET'] ?? '';
if (secret === '') {
  console.error('the Socket.IO process needs the DESK_SECRET of the web server');
  process.exit(1);
}
const tokens = createTokens(secret, 43_200);
/** The last number that was said in each channel. */
const positions = new Map<string, number>();
const sockets = new Map<Socket, SocketReport>();
/** The web server is told at least this often that we are there. */
const reportEveryMs = 3_000;

const http = createServer(
  createRoutes({
    'POST /internal/tell': async ({ request, json }) => {
      if (request.headers['x-desk-secret'] !== secret) throw new HttpError(403, 'this is for the web server');
      const { notices } = (await json()) as { notices: readonly Notice[] };
      for (const { type, ...data } of notices) {
        if ('seq' in data) positions.set(data.channelId, Math.max(data.seq, positions.get(data.channelId) ?? 0));
        io.to(data.channelId).emit(type, data);
      }
      return { body: {} };
    },
  }),
);
const io = new Server(http, { cors: { origin: true } });

io.use((socket, next) => {
  tokens.verify(socket.handshake.auth['token'] as string | undefined).then((user) => {
    socket.data.user = user;
    next(user ? undefined : new Error('Authentication error: the token is not good'));
  }, next);
});

io.on('connection', (socket) => {
  const since = Date.now();
  const note = (): void => {
    const channels = [...socket.rooms].filter((room) => positions.has(room));
    sockets.set(socket, { id: socket.id, userId: socket.data.user as string, channels, since });
    void report();
  };
  // whatever a client sends, the process goes on
  socket.on('join', (message: unknown, answer?: unknown) => {
    const channelId = channelIn(message);
    const seq = positions.get(channelId);
    if (seq !== undefined) {
      void socket.join(channelId);
      note();
    }
    if (typeof answer === 'function') answer(seq === undefined ? { ok: false, error: 'unknown-channel' } : { ok: true, seq });
  });
  socket.on('leave', (message: unknown) => {
    const channelId = channelIn(message);
    if (!positions.has(channelId)) return;
    void socket.leave(channelId);
    note();
  });
  socket.on('disconnect', () => {
    sockets.delete(socket);
    void report();
  });
  note();
});

/** The channel that a client means; an empty name where it means none. */
function channelIn(message: unknown): string {
  const { channelId } = Object(message) as { readonly channelId?: unknown };
  return typeof channelId === 'string' ? channelId : '';
}

let isReporting = false;
let isStale = false;

/** Tells the web server who is connected. */
async function report(): Promise<void> {
  isStale = true;
  if (isReporting) return;
  isReporting = true;
  while (isStale) {
    isStale = false;
    try {
      const response = await fetch(new URL('/api/internal/sockets', web), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-desk-secret': secret },
        body: JSON.stringify({ sockets: [...sockets.values()] }),
        signal: AbortSignal.timeout(5_000),
      });
      const answer = (await response.json()) as { positions: Record<string, number> };
      for (const [channelId, seq] of Object.entries(answer.positions)) {
        if (!positions.has(channelId)) positions.set(channelId, seq);
      }
    } catch {
      // the web server is away, and is told with the next report
    }
  }
  isReporting = false;
}

// who joins before the numbers are known would be turned away
for (let tries = 0; positions.size === 0 && tries < 100; tries += 1) {
  await report();
  if (positions.size === 0) await new Promise((resolve) => setTimeout(resolve, 200));
}
setInterval(() => void report(), reportEveryMs);
http.listen(Number(process.env['DESK_SOCKET_PORT'] ?? 4000), '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
  void report();
});
http.on('error', (error) => {
  console.error(`the Socket.IO process could not begin: ${error.message}`);
  process.exit(1);
});
process.on('disconnect', () => process.exit(0));
