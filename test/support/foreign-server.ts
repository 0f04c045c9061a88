import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server as SocketIoServer } from 'socket.io';
import { type WebSocket, WebSocketServer } from 'ws';

/**
 * A chat server as some team has written it, long before it heard of keepwire: rooms, one store, and four ways in that
 * grew one after the other. Nothing here is made for keepwire, and nothing is imported from it.
 *
 * - WebSocket at `/ws`: `{type:'subscribe',room,after?}`, `{type:'unsubscribe',room}`, `{type:'say',room,text,ref}`;
 *   back come `{type:'subscribed',room,seq}`, `{type:'said',room,seq,body}`, `{type:'ok',ref,seq}`,
 *   `{type:'error',code,ref?,room?}`, `{type:'ping'}`. With a token, `{type:'login',token}` has to be first.
 * - SSE at `/stream?rooms=a,b`: named events `said` and `ping`, ids, replay after `Last-Event-ID`.
 * - Polling at `/poll?rooms=a,b&after=7&wait=1000`: `{messages:[…],last:9}`.
 * - Socket.IO: `join_room`, `leave_room`, `room_message`, all acknowledged.
 * - For SSE and polling: `POST /rooms/:room/messages` with `{text,ref}`.
 */
export interface ForeignServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Somebody says something in a room. */
  say(room: string, text: string, author?: string): ForeignMessage;
  /** What was said in a room, in order. */
  said(room: string): readonly ForeignMessage[];
  /** Sends the server's own ping on WebSocket and SSE. */
  ping(): void;
  /** Sends any text to every WebSocket. */
  broadcastText(text: string): void;
  /** How many listen, over all four ways. */
  listeners(): number;
  /** Resolves when the condition holds; it is looked at whenever something happens on the server. */
  until(condition: () => boolean): Promise<void>;
  /** Cuts every connection without a word. */
  cut(): void;
  close(): Promise<void>;
}

/** One line of the chat. */
export interface ForeignMessage {
  /** Over all rooms. */
  readonly id: number;
  readonly room: string;
  /** Within the room, from 1. */
  readonly seq: number;
  readonly author: string;
  readonly text: string;
  readonly sent_at: string;
}

/** How the server is run. */
export interface ForeignServerOptions {
  /** Everybody has to bring this token. */
  readonly token?: string;
}

/** Nobody gets into this room. */
export const closedRoom = 'board-of-directors';

type Listener = (message: ForeignMessage) => void;

interface Said {
  readonly message?: ForeignMessage;
  readonly error?: 'no_access' | 'empty_text';
}

/** Starts the server on a free port of the loopback address. */
export async function startForeignServer({ token }: ForeignServerOptions = {}): Promise<ForeignServer> {
  const log: ForeignMessage[] = [];
  const refs = new Map<string, ForeignMessage>();
  const listeners = new Set<Listener>();
  const streams = new Set<ServerResponse>();
  const connections = new Set<Socket>();
  const waiting = new Set<() => void>();

  const http = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  http.on('connection', (socket) => {
    connections.add(socket);
    socket.on('error', () => changed());
    socket.on('close', () => {
      connections.delete(socket);
      changed();
    });
  });

  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', (socket) => chat(socket));
  const io = new SocketIoServer(http, { serveClient: false });
  http.on('upgrade', (request, socket, head) => {
    if (addressOf(request).pathname !== '/ws') return;
    sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
  });
  io.use((socket, next) => next(isTokenFine(socket.handshake.auth['token']) ? undefined : new Error('unauthorized')));
  io.on('connection', (socket) => {
    const rooms = new Set<string>();
    const forget = listen((message) => {
      if (rooms.has(message.room)) socket.emit('room_message', message);
    });
    socket.on('join_room', ({ room }: { room: string }, reply?: (answer: object) => void) => {
      if (room !== closedRoom) rooms.add(room);
      reply?.(room === closedRoom ? { ok: false, error: 'no_access' } : { ok: true });
      changed();
    });
    socket.on('leave_room', ({ room }: { room: string }) => {
      rooms.delete(room);
      changed();
    });
    socket.on('room_message', ({ room, text, ref }: SayBody & { room: string }, reply?: (answer: object) => void) => {
      const { message, error } = accept(room, text, ref);
      reply?.(message === undefined ? { ok: false, error } : { ok: true, id: message.id, seq: message.seq });
    });
    socket.on('disconnect', forget);
  });

  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    say: (room, text, author = 'server') => store(room, text, author),
    said: (room) => log.filter((message) => message.room === room),
    ping() {
      for (const socket of sockets.clients) socket.send(JSON.stringify({ type: 'ping' }));
      for (const stream of streams) stream.write('event: ping\ndata: are you there\n\n');
    },
    broadcastText(text) {
      for (const socket of sockets.clients) socket.send(text);
    },
    listeners: () => listeners.size,
    until(condition) {
      return new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
    cut() {
      for (const connection of connections) connection.resetAndDestroy();
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await io.close();
      http.closeAllConnections();
      for (const connection of connections) connection.destroy();
      if (http.listening) await new Promise((resolve) => http.close(resolve));
    },
  };

  function chat(socket: WebSocket): void {
    const rooms = new Set<string>();
    let isLoggedIn = token === undefined;
    const tell = (message: object): void => socket.send(JSON.stringify(message));
    const tellSaid = ({ id, room, seq, author, text, sent_at }: ForeignMessage): void =>
      tell({ type: 'said', room, seq, sent_at, body: { id, author, text } });
    const forget = listen((message) => {
      if (rooms.has(message.room)) tellSaid(message);
    });
    socket.on('close', forget);
    socket.on('error', () => socket.terminate());
    socket.on('message', (raw) => {
      const said = JSON.parse(String(raw)) as SayBody & { type: string; room: string; after?: number; token?: string };
      if (said.type === 'login') isLoggedIn = isTokenFine(said.token);
      if (!isLoggedIn) return socket.close(4401, 'log in first');
      if (said.type === 'subscribe') {
        if (said.room === closedRoom) return tell({ type: 'error', room: said.room, code: 'no_access', message: 'members only' });
        const past = log.filter(({ room }) => room === said.room);
        const { after = past.length } = said;
        rooms.add(said.room);
        tell({ type: 'subscribed', room: said.room, seq: after });
        for (const message of past) if (message.seq > after) tellSaid(message);
      }
      if (said.type === 'unsubscribe') rooms.delete(said.room);
      if (said.type === 'say') {
        const { message, error } = accept(said.room, said.text, said.ref);
        tell(
          message === undefined ? { type: 'error', ref: said.ref, code: error } : { type: 'ok', ref: said.ref, seq: message.seq },
        );
      }
      changed();
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = addressOf(request);
    if (!isTokenFine(request.headers.authorization?.replace(/^Bearer /, '')))
      return reply(response, 401, { error: 'unauthorized' });
    const rooms = new Set(searchParams.get('rooms')?.split(',') ?? []);
    if (rooms.has(closedRoom)) return reply(response, 403, { error: 'no_access' });
    if (request.method === 'GET' && pathname === '/stream') return stream(request, response, rooms);
    if (request.method === 'GET' && pathname === '/poll') return poll(response, rooms, searchParams);
    const room = /^\/rooms\/([^/]+)\/messages$/.exec(pathname)?.[1];
    if (request.method !== 'POST' || room === undefined) return reply(response, 404, { error: 'not_found' });
    let body = '';
    for await (const part of request) body += String(part);
    const { text, ref } = JSON.parse(body) as SayBody;
    const { message, error } = accept(decodeURIComponent(room), text, ref);
    if (message !== undefined) return reply(response, 201, { id: message.id, seq: message.seq });
    reply(response, error === 'no_access' ? 403 : 422, { error });
  }

  function stream(request: IncomingMessage, response: ServerResponse, rooms: ReadonlySet<string>): void {
    const tell = (message: ForeignMessage): void => {
      if (rooms.has(message.room)) response.write(`event: said\nid: ${message.id}\ndata: ${JSON.stringify(message)}\n\n`);
    };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': welcome\n\n');
    const last = request.headers['last-event-id'];
    if (last !== undefined) for (const message of log) if (message.id > Number(last)) tell(message);
    streams.add(response);
    const forget = listen(tell);
    response.on('close', () => {
      streams.delete(response);
      forget();
    });
  }

  function poll(response: ServerResponse, rooms: ReadonlySet<string>, parameters: URLSearchParams): void {
    const after = Number(parameters.get('after') ?? log.length);
    const finish = (): void => {
      clearTimeout(timer);
      forget();
      const messages = log.filter(({ id, room }) => id > after && rooms.has(room));
      reply(response, 200, { messages, last: log.length });
    };
    const forget = listen(({ room }) => {
      if (rooms.has(room)) finish();
    });
    const timer = setTimeout(finish, Number(parameters.get('wait') ?? 0));
    response.on('close', () => {
      clearTimeout(timer);
      forget();
    });
    if (log.some(({ id, room }) => id > after && rooms.has(room))) finish();
  }

  function accept(room: string, text: unknown, ref: string | undefined): Said {
    if (room === closedRoom) return { error: 'no_access' };
    if (typeof text !== 'string' || text === '') return { error: 'empty_text' };
    const known = ref === undefined ? undefined : refs.get(ref);
    const message = known ?? store(room, text, 'guest');
    if (ref !== undefined) refs.set(ref, message);
    return { message };
  }

  function store(room: string, text: string, author: string): ForeignMessage {
    const seq = log.filter((message) => message.room === room).length + 1;
    const message = { id: log.length + 1, room, seq, author, text, sent_at: new Date().toISOString() };
    log.push(message);
    for (const listener of [...listeners]) listener(message);
    changed();
    return message;
  }

  function listen(listener: Listener): () => void {
    listeners.add(listener);
    changed();
    return () => {
      listeners.delete(listener);
      changed();
    };
  }

  function changed(): void {
    for (const look of [...waiting]) look();
  }

  function isTokenFine(given: unknown): boolean {
    return token === undefined || given === token;
  }
}

interface SayBody {
  readonly text?: string;
  readonly ref?: string;
}

function addressOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://localhost');
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (response.writableEnded) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
