import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { type Socket, Server as SocketIoServer } from 'socket.io';
import { type Call, createRoutes, HttpError, textOf } from '../shared/http.ts';
import { createMessageStore, isReader, type StoredMessage } from '../shared/message-store.ts';
import { bearerOf, createTokens } from '../shared/tokens.ts';

/** How the server is run. */
export interface PortalServerOptions {
  /** @defaultValue `0`: a free one */
  readonly port?: number;
  /** Connection state recovery of Socket.IO. @defaultValue `false` */
  readonly recovery?: boolean;
  /** Turns WebSockets away, as some networks do. @defaultValue `false` */
  readonly blocksWebSocket?: boolean;
  /** How long a token is good, in seconds. @defaultValue `900` */
  readonly tokenLifeS?: number;
}

/** What changes when the server is restarted. */
export type PortalRestart = Pick<PortalServerOptions, 'recovery' | 'blocksWebSocket'>;

/** One message of a chat, as the server sends it. */
export type PortalMessage = Omit<StoredMessage, 'channel'>;

/** What the server has done, for tests. */
export interface PortalFacts {
  /** Every `join_chat` and `leave_chat` that was taken, in order. */
  readonly rooms: readonly { readonly user: string; readonly chat: string; readonly kind: 'join' | 'leave' }[];
  /** Every `new_message` that left for a socket. */
  readonly sent: readonly { readonly user: string; readonly id: string }[];
  /** How many connections were let in, and turned away. */
  readonly connections: number;
  readonly refusals: number;
}

/** The portal's server. It has never heard of keepwire. */
export interface PortalServer {
  readonly url: string;
  readonly facts: PortalFacts;
  /** The open connections: whose they are and what carries them. */
  sockets(): readonly { readonly user: string; readonly transport: string; readonly chats: readonly string[] }[];
  /** Everything in a chat, whoever may read it. */
  messages(chat: string): readonly PortalMessage[];
  /** Says something in the name of a user. */
  say(chat: string, from: string, text: string): PortalMessage;
  /** Ends the connections of a user for good. */
  kick(user: string): void;
  /** Refuses every token of a user from now on; connections that are open stay. */
  revoke(user: string): void;
  /** Lets the user sign in again. */
  pardon(user: string): void;
  /** Cuts every connection without a word. */
  cut(): void;
  /** The next sends fail with this status. */
  failSends(count: number, status: number): void;
  /** Sends are answered only after this time, in milliseconds. */
  delayAnswers(delayMs: number): void;
  /** Ends, and begins again at the same address with the same messages. */
  restart(options?: PortalRestart): Promise<void>;
  close(): Promise<void>;
}

const chats = [
  { id: 'front-desk', title: 'Front desk', about: 'Whatever comes in first' },
  { id: 'billing', title: 'Billing', about: 'Invoices and refunds' },
  { id: 'shipping', title: 'Shipping', about: 'Parcels on their way' },
  { id: 'lunch', title: 'Lunch', about: 'What is there to eat?' },
];

/** Typing ends by itself after this long. */
const typingMs = 3_000;

/** Starts the server. */
export async function createPortalServer(options: PortalServerOptions = {}): Promise<PortalServer> {
  const tokens = createTokens('portal', options.tokenLifeS ?? 900);
  const store = createMessageStore();
  const users = new Map<string, string>();
  const rooms: { user: string; chat: string; kind: 'join' | 'leave' }[] = [];
  const sent: { user: string; id: string }[] = [];
  const facts = { rooms, sent, connections: 0, refusals: 0 };
  let failures = { count: 0, status: 500 };
  let answerDelayMs = 0;
  const upgraded = new Set<Destroyable>();
  let http: HttpServer = createServer();
  let io: SocketIoServer = new SocketIoServer();
  let { recovery = false, blocksWebSocket = false } = options;

  for (const [channel, from, text] of seeds) store.add({ channel, from, text });
  for (const [, from] of seeds) users.set(from.toLowerCase(), from);

  const routes = createRoutes({
    'POST /auth/login': async ({ json }) => {
      const name = textOf(await json(), 'name', 40);
      const id = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-');
      tokens.pardon(id);
      users.set(id, name);
      return { body: { token: await tokens.sign(id), user: { id, name } } };
    },
    'POST /auth/refresh': async (call) => {
      const user = await userOf(call);
      return { body: { token: await tokens.sign(user) } };
    },
    'GET /users': async (call) => {
      await userOf(call);
      return { body: { users: [...users].map(([id, name]) => ({ id, name })) } };
    },
    'GET /chats': async (call) => {
      const user = await userOf(call);
      return { body: { chats: chats.map((chat) => ({ ...chat, last: store.list(chat.id, user).map(toWire).at(-1) })) } };
    },
    'GET /chat/:chatId/messages': async (call) => {
      const user = await userOf(call);
      const after = call.query.get('after') ?? undefined;
      return { body: { messages: store.list(chatOf(call), user, { after }).map(toWire) } };
    },
    'POST /chat/:chatId/messages': async (call) => {
      const from = await userOf(call);
      const channel = chatOf(call);
      const body = await call.json();
      if (failures.count > 0) {
        failures = { ...failures, count: failures.count - 1 };
        throw new HttpError(failures.status, 'the message was refused on purpose');
      }
      const text = textOf(body, 'text');
      const clientId = typeof body['clientId'] === 'string' ? body['clientId'].slice(0, 64) : undefined;
      const readers = readersOf(body['visibleTo']);
      if (text.startsWith('/kick ')) {
        const wanted = text.slice(6).trim().toLowerCase();
        if (!users.has(wanted)) throw new HttpError(422, `there is nobody called ${wanted}`);
        kick(wanted);
      }
      const { message, isNew } = store.add({ channel, from, text, clientId, visibleTo: readers });
      if (isNew) await broadcast(message);
      if (answerDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, answerDelayMs));
      return { status: 201, body: toWire(message) };
    },
  });

  await open(options.port ?? 0);
  const { port } = http.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    facts,
    sockets: () =>
      [...io.sockets.sockets.values()].map((socket) => ({
        user: socket.data.user as string,
        transport: socket.conn.transport.name,
        chats: [...socket.rooms].filter((room) => room.startsWith('chat:')).map((room) => room.slice(5)),
      })),
    messages: (chat) => store.all(chat).map(toWire),
    say(chat, from, text) {
      const { message } = store.add({ channel: chat, from, text });
      void broadcast(message);
      return toWire(message);
    },
    kick,
    revoke: tokens.revoke,
    pardon: tokens.pardon,
    cut() {
      http.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
    },
    failSends(count, status) {
      failures = { count, status };
    },
    delayAnswers(delayMs) {
      answerDelayMs = delayMs;
    },
    async restart(next = {}) {
      ({ recovery = recovery, blocksWebSocket = blocksWebSocket } = next);
      await shut();
      await open(port);
    },
    close: () => shut(),
  };

  async function open(at: number): Promise<void> {
    http = createServer(routes);
    http.on('upgrade', (_, socket) => {
      upgraded.add(socket as Destroyable);
      socket.on('close', () => upgraded.delete(socket as Destroyable));
    });
    io = new SocketIoServer(http, {
      ...(recovery && { connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: false } }),
      allowRequest: (request, answer) => answer(null, !(blocksWebSocket && request.headers.upgrade)),
    });
    io.use((socket, next) => {
      identify(socket.handshake.auth['token'] as string | undefined).then((user) => {
        socket.data.user = user;
        if (!user) facts.refusals += 1;
        next(user ? undefined : new Error('Authentication error: the token is not good'));
      }, next);
    });
    io.on('connection', welcome);
    await new Promise<void>((resolve, reject) => http.once('error', reject).listen(at, '127.0.0.1', resolve));
  }

  async function shut(): Promise<void> {
    http.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
    await io.close();
  }

  function welcome(socket: Socket): void {
    facts.connections += 1;
    const user = socket.data.user as string;
    const typing = new Map<string, NodeJS.Timeout>();
    void socket.join(`user:${user}`);
    // whatever a client sends, the server goes on
    socket.on('join_chat', (message: unknown) => {
      const chatId = chatIn(message);
      if (chatId === undefined) return;
      rooms.push({ user, chat: chatId, kind: 'join' });
      void socket.join([`chat:${chatId}`, readerRoom(chatId, user)]);
    });
    socket.on('leave_chat', (message: unknown) => {
      const chatId = chatIn(message);
      if (chatId === undefined) return;
      rooms.push({ user, chat: chatId, kind: 'leave' });
      endTyping(chatId);
      void socket.leave(`chat:${chatId}`);
      void socket.leave(readerRoom(chatId, user));
    });
    socket.on('user_typing', (message: unknown) => {
      const chatId = chatIn(message);
      if (chatId === undefined || !socket.rooms.has(`chat:${chatId}`)) return;
      clearTimeout(typing.get(chatId));
      typing.set(
        chatId,
        setTimeout(() => endTyping(chatId), typingMs),
      );
      socket.to(`chat:${chatId}`).emit('user_typing', { chatId, userId: user, isTyping: true });
    });
    socket.on('disconnect', () => {
      for (const chatId of typing.keys()) endTyping(chatId);
    });

    function endTyping(chatId: string): void {
      clearTimeout(typing.get(chatId));
      if (typing.delete(chatId)) io.to(`chat:${chatId}`).emit('user_typing', { chatId, userId: user, isTyping: false });
    }
  }

  /** A private message goes to its readers only, wherever they are. */
  async function broadcast(message: StoredMessage): Promise<void> {
    const { channel, visibleTo, from } = message;
    const payload = { chatId: channel, message: toWire(message) };
    const room = `chat:${channel}`;
    for (const socket of io.sockets.sockets.values()) {
      const user = socket.data.user as string;
      if (socket.rooms.has(room) && isReader(message, user)) sent.push({ user, id: message.id });
    }
    if (!visibleTo) return void io.to(room).emit('new_message', payload);
    io.to([from, ...visibleTo].map((user) => readerRoom(channel, user))).emit('new_message', payload);
  }

  function kick(user: string): void {
    io.in(`user:${user}`).disconnectSockets(true);
  }

  /** The user of a token. After a restart of the process the tokens say who there is. */
  async function identify(token: string | undefined): Promise<string | undefined> {
    const user = await tokens.verify(token);
    if (user !== undefined && !users.has(user)) users.set(user, user);
    return user;
  }

  /** Who may read a message besides its author; `undefined` for everybody. */
  function readersOf(wanted: unknown): readonly string[] | undefined {
    if (wanted === undefined) return undefined;
    // a message that was to be private must not get public by a mistake
    if (!Array.isArray(wanted)) throw new HttpError(422, 'visibleTo must be a list of users');
    const stranger = wanted.find((user) => !users.has(user));
    if (stranger !== undefined) throw new HttpError(422, `there is nobody called ${stranger}`);
    return wanted;
  }

  async function userOf({ request }: Call): Promise<string> {
    const user = await identify(bearerOf(request.headers.authorization));
    if (!user) throw new HttpError(401, 'the token is not good');
    return user;
  }

  function chatOf({ params }: Call): string {
    const { chatId = '' } = params;
    if (!chats.some(({ id }) => id === chatId)) throw new HttpError(404, 'there is no such chat');
    return chatId;
  }
}

/** The chat that a client means; nothing where it means none of ours. */
function chatIn(message: unknown): string | undefined {
  const { chatId } = Object(message) as { readonly chatId?: unknown };
  return chats.find(({ id }) => id === chatId)?.id;
}

/** The room of one user in a chat: private messages go there. */
function readerRoom(chatId: string, user: string): string {
  return `reader:${chatId}:${user}`;
}

/** A connection that has left HTTP behind. */
interface Destroyable {
  destroy(): void;
}

function toWire({ channel, ...message }: StoredMessage): PortalMessage {
  return message;
}

const seeds: readonly (readonly [chat: string, from: string, text: string])[] = [
  ['shipping', 'Robin', 'The parcel for Lisbon is back. The label was wrong.'],
  ['shipping', 'Sam', 'I print a new one and send it with tomorrow’s round.'],
  ['billing', 'Sam', 'Invoice 2041 was paid twice. I refund the second one today.'],
  ['front-desk', 'Robin', 'Good morning! Two people wait for a call back.'],
  ['front-desk', 'Sam', 'I take the first.'],
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await createPortalServer({ port: Number(process.env['PORT'] ?? 4400) });
  console.log(`the portal's server listens at ${url}`);
}
