import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { type Call, createRoutes, HttpError, textOf } from '../shared/http.ts';
import { createMessageStore, type StoredMessage } from '../shared/message-store.ts';
import { bearerOf, createTokens, type Tokens } from '../shared/tokens.ts';
import { createFeed, type Listener, type Notice, writeEvent } from './feed.ts';
import { createPresence } from './presence.ts';

/** How the server is run. */
export interface SseChatServerOptions {
  /** @defaultValue `0`: a free one */
  readonly port?: number;
  /** Do the events of a stream have ids? @defaultValue `true` */
  readonly ids?: boolean;
  /** Does a stream begin with what was missed after `Last-Event-ID`? Needs ids. @defaultValue `true` */
  readonly replay?: boolean;
  /** How long an access token is good, in seconds. @defaultValue `60` */
  readonly tokenLifeS?: number;
}

/** The ways in that can be closed. */
export type Way = 'stream' | 'poll' | 'long-poll';

/** What the server has done, for tests. */
export interface SseChatFacts {
  /** How streams and polls were asked for. */
  readonly asked: readonly {
    readonly path: string;
    readonly by: 'header' | 'query' | 'nothing';
    readonly lastId: string | undefined;
  }[];
  /** How often an access token was renewed. */
  renewals: number;
  /** Answers with status 401, by path. */
  readonly refused: readonly string[];
  /** How often the messages of a channel were asked for. */
  reads: number;
  /** The ids of the sends that were applied. */
  readonly applied: readonly string[];
}

/** The chat's server. It has never heard of keepwire. */
export interface SseChatServer {
  readonly url: string;
  readonly facts: SseChatFacts;
  /** How many streams and held polls are open. */
  streams(user?: string): number;
  messages(channel: string): readonly StoredMessage[];
  channels(): readonly string[];
  say(channel: string, from: string, text: string): StoredMessage;
  broadcast(text: string): void;
  /** Sends its ping to every stream. */
  ping(): void;
  /** Ways in that are answered with 503 from now on; what is open there ends. */
  block(ways: readonly Way[]): void;
  /** Cuts every connection without a word. */
  cut(): void;
  /** Every access token until now is refused; a refresh gives a good one. */
  spoilTokens(): void;
  /** The next sends fail with this status. */
  failSends(count: number, status: number): void;
  /** Ends, and begins again at the same address with the same messages. */
  restart(options?: Omit<SseChatServerOptions, 'port'>): Promise<void>;
  close(): Promise<void>;
}

interface Channel {
  readonly id: string;
  name: string;
  readonly members: Set<string>;
  /** Everybody is let in at sign-in. */
  readonly isOpen: boolean;
}

/** A stream says something at least this often. */
const pingEveryMs = 15_000;
/** The longest that a poll is held. */
const longestHoldMs = 25_000;
const archiveSize = 10_000;

/** Starts the server. */
export async function createSseChatServer(options: SseChatServerOptions = {}): Promise<SseChatServer> {
  const store = createMessageStore();
  const channels = new Map<string, Channel>();
  const asked: { path: string; by: 'header' | 'query' | 'nothing'; lastId: string | undefined }[] = [];
  const refused: string[] = [];
  const applied: string[] = [];
  const facts = { asked, refused, applied, renewals: 0, reads: 0 };
  const refreshTokens = createTokens('refresh', 86_400);
  let { ids = true, replay = true, tokenLifeS = 60 } = options;
  let tokens: Tokens = createTokens('access', tokenLifeS);
  const feed = createFeed();
  const presence = createPresence((data) => feed.tell({ type: 'presence', data }, () => true));
  let http: Server = createServer();
  let blocked: readonly Way[] = [];
  let failures = { count: 0, status: 500 };
  let spoiled = 0;

  seed();
  const routes = createRoutes({
    'POST /api/auth/login': async ({ json }) => {
      const username = textOf(await json(), 'name', 40);
      const userId = username.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-');
      presence.meet(userId, username);
      for (const channel of channels.values()) {
        if (!channel.isOpen || channel.members.has(userId)) continue;
        channel.members.add(userId);
        tellChannel(channel, { action: 'member_added', channel: wire(channel), userId });
      }
      const [accessToken, refreshToken] = await Promise.all([tokens.sign(userId), refreshTokens.sign(userId)]);
      return { body: { accessToken, refreshToken, user: { userId, username } } };
    },
    'POST /api/auth/refresh': async ({ json }) => {
      const user = await refreshTokens.verify(textOf(await json(), 'refreshToken', 4000));
      if (!user) throw new HttpError(401, 'sign in again');
      facts.renewals += 1;
      return { body: { accessToken: await tokens.sign(user) } };
    },

    'GET /api/realtime/status': async (call) => {
      const user = await tokens.verify(tokenOf(call).token);
      return { body: { status: 'ok', connections: feed.listeners.size, ids, replay, userId: user ?? null } };
    },
    'GET /api/realtime/stream': (call) => stream(call, undefined),
    'GET /api/realtime/stream/channel/:channelId': async (call) => stream(call, call.params['channelId']),
    'GET /api/realtime/poll': (call) => poll(call, 'poll', 0),
    'GET /api/realtime/long-poll': (call) => poll(call, 'long-poll', longestHoldMs),

    'GET /api/users': async (call) => {
      await userOf(call);
      return { body: { users: [...presence.people.values()] } };
    },
    // a word to one user, in no channel
    'POST /api/users/:userId/messages': async (call) => {
      const from = await userOf(call);
      const { userId = '' } = call.params;
      if (!presence.people.has(userId)) throw new HttpError(404, 'there is no such user');
      const data = { from, username: nameOf(from), text: textOf(await call.json(), 'text'), timestamp: Date.now() };
      feed.tell({ type: 'message', data }, (user) => user === userId);
      return { status: 201, body: {} };
    },
    'POST /api/presence': async (call) => {
      const user = await userOf(call);
      const { status, currentChannel } = await call.json();
      presence.say(user, status === 'away' ? 'away' : 'online', typeof currentChannel === 'string' ? currentChannel : undefined);
      return { body: {} };
    },

    'GET /api/channels': async (call) => {
      const user = await userOf(call);
      return { body: { channels: channelsOf(user).map(wire) } };
    },
    'POST /api/channels': async (call) => {
      await userOf(call);
      const name = textOf(await call.json(), 'name', 60);
      const id = `${name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')}-${channels.size}`;
      const channel = { id, name, members: new Set(presence.people.keys()), isOpen: true };
      channels.set(id, channel);
      tellChannel(channel, { action: 'created', channel: wire(channel) });
      return { status: 201, body: wire(channel) };
    },
    'PATCH /api/channels/:channelId': async (call) => {
      const channel = await channelOf(call);
      channel.name = textOf(await call.json(), 'name', 60);
      tellChannel(channel, { action: 'updated', channel: wire(channel) });
      return { body: wire(channel) };
    },
    'DELETE /api/channels/:channelId': async (call) => {
      const channel = await channelOf(call);
      channels.delete(channel.id);
      tellChannel(channel, { action: 'deleted', channel: wire(channel) });
      store.clear(channel.id);
      return { body: {} };
    },
    'DELETE /api/channels/:channelId/members/:userId': async (call) => {
      const channel = await channelOf(call);
      const { userId = '' } = call.params;
      tellChannel(channel, { action: 'member_removed', channel: wire(channel), userId });
      channel.members.delete(userId);
      return { body: {} };
    },
    'GET /api/channels/:channelId/messages': async (call) => {
      const channel = await channelOf(call);
      facts.reads += 1;
      const before = Number(call.query.get('before') ?? Number.POSITIVE_INFINITY);
      const limit = Math.min(1_000, Number(call.query.get('limit') ?? 100));
      const all = store.all(channel.id).filter(({ id }) => Number(id) < before);
      return { body: { messages: all.slice(-limit), hasMore: all.length > limit } };
    },
    'POST /api/channels/:channelId/messages': async (call) => {
      const channel = await channelOf(call);
      const from = await userOf(call);
      const body = await call.json();
      maybeFail();
      const clientId = typeof body['clientId'] === 'string' ? body['clientId'].slice(0, 64) : undefined;
      const { message, isNew } = store.add({ channel: channel.id, from, text: textOf(body, 'text'), clientId });
      if (isNew) {
        applied.push(clientId ?? message.id);
        tellMessage(channel, 'new', message);
      }
      return { status: 201, body: { message } };
    },
    'PATCH /api/messages/:messageId': async (call) => {
      const { message, channel } = await ownMessage(call);
      const body = await call.json();
      maybeFail();
      const edited = store.edit(message.id, textOf(body, 'text')) ?? message;
      tellMessage(channel, 'edited', edited);
      return { body: { message: edited } };
    },
    'DELETE /api/messages/:messageId': async (call) => {
      const { message, channel } = await ownMessage(call);
      maybeFail();
      store.remove(message.id);
      tellMessage(channel, 'deleted', message);
      return { body: { deleted: message.id } };
    },
    'POST /api/channels/:channelId/typing': async (call) => {
      const channel = await channelOf(call);
      const userId = await userOf(call);
      const { isTyping } = await call.json();
      const data = { channelId: channel.id, userId, username: nameOf(userId), isTyping: isTyping === true };
      feed.tell({ type: 'typing', data }, (user) => user !== userId && channel.members.has(user), channel.id);
      return { body: {} };
    },
  });

  await open(options.port ?? 0);
  const { port } = http.address() as AddressInfo;
  const pinging = setInterval(ping, pingEveryMs);

  return {
    url: `http://127.0.0.1:${port}`,
    facts,
    streams: (user) => [...feed.listeners].filter((listener) => user === undefined || listener.user === user).length,
    messages: (channel) => store.all(channel),
    channels: () => [...channels.keys()],
    say(channelId, from, text) {
      const channel = channels.get(channelId);
      if (!channel) throw new Error(`there is no channel ${channelId}`);
      const { message } = store.add({ channel: channelId, from, text });
      tellMessage(channel, 'new', message);
      return message;
    },
    broadcast: (text) => feed.tell({ type: 'broadcast', data: { text } }, () => true),
    ping,
    block(ways) {
      blocked = ways;
      if (ways.length > 0) http.closeAllConnections();
    },
    cut: () => http.closeAllConnections(),
    spoilTokens() {
      spoiled += 1;
      tokens = createTokens(`access ${spoiled}`, tokenLifeS);
    },
    failSends(count, status) {
      failures = { count, status };
    },
    async restart(next = {}) {
      ({ ids = ids, replay = replay, tokenLifeS = tokenLifeS } = next);
      if (next.tokenLifeS) tokens = createTokens(`access ${spoiled}`, tokenLifeS);
      await shut();
      await open(port);
    },
    async close() {
      clearInterval(pinging);
      await shut();
    },
  };
  async function open(at: number): Promise<void> {
    http = createServer(routes);
    await new Promise<void>((resolve, reject) => http.once('error', reject).listen(at, '127.0.0.1', resolve));
  }

  async function shut(): Promise<void> {
    const ended = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await ended;
  }
  /** Streams what is told to a user, and first what was missed, where the server can. */
  async function stream(call: Call, channelId: string | undefined): Promise<undefined> {
    const { request, response } = call;
    const user = await enter(call, 'stream');
    const channel = channelId === undefined ? undefined : await channelOf(call);
    const lastId = Number(request.headers['last-event-id'] ?? Number.NaN);
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const write = (notice: Notice, id?: number): void => writeEvent(response, notice, ids ? id : undefined);
    const timestamp = Date.now();
    if (channel) write({ type: 'channel_init', data: { channel: wire(channel), members: [...channel.members], timestamp } });
    else {
      const data = { userId: user, username: nameOf(user), channels: channelsOf(user).map(wire), timestamp };
      write({ type: 'init', data });
      write({ type: 'connection', data: { status: 'connected', timestamp } });
    }
    if (replay && ids && lastId >= 0) for (const { id, notice } of feed.after(lastId, user, channelId)) write(notice, id);
    // where the numbering stands, so that somebody who has heard nothing yet can go on from here
    else if (replay && ids) response.write(`id: ${feed.last}\n: \n\n`);
    listen({ user, channel: channelId, take: write }, response);
    return undefined;
  }

  /** Answers with what is new after a number, or waits for it. */
  async function poll(call: Call, way: Way, holdMs: number): Promise<{ body: unknown } | undefined> {
    const { query, response } = call;
    const user = await enter(call, way);
    const after = Number(query.get('after') ?? Number.NaN);
    const missed = after >= 0 ? feed.after(after, user) : [];
    const isOld = Number.isNaN(after) || after > feed.last;
    const waitMs = Math.min(holdMs, Number(query.get('wait') ?? holdMs));
    if (missed.length > 0 || isOld || waitMs === 0) {
      presence.seen(user);
      return { body: { events: missed.map(({ notice }) => notice), last: feed.last } };
    }
    return new Promise((resolve) => {
      let isAnswered = false;
      let remove = (): void => {};
      const end = (events: readonly Notice[]): void => {
        isAnswered = true;
        clearTimeout(timer);
        remove();
        resolve({ body: { events, last: feed.last } });
      };
      const timer = setTimeout(() => end([]), waitMs);
      remove = listen({ user, channel: undefined, take: (notice) => end([notice]) }, response);
      // whoever comes hears at once that they are online
      if (isAnswered) remove();
      response.on('close', () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }

  async function enter(call: Call, way: Way): Promise<string> {
    const { by } = tokenOf(call);
    const path = call.request.url?.split('?')[0] ?? '';
    asked.push({ path, by, lastId: call.request.headers['last-event-id'] as string | undefined });
    if (blocked.includes(way)) throw new HttpError(503, 'this way is closed');
    return await userOf(call);
  }

  /** Counts somebody as present for as long as the response is open. */
  function listen(listener: Listener, response: Call['response']): () => void {
    const remove = feed.add(listener);
    const leave = presence.enter(listener.user);
    const gone = (): void => {
      remove();
      leave();
    };
    response.on('close', gone);
    return gone;
  }

  function nameOf(userId: string): string | undefined {
    return presence.people.get(userId)?.username;
  }

  function ping(): void {
    for (const { take } of feed.listeners) take({ type: 'ping', data: { timestamp: Date.now() } }, feed.last);
  }

  function tellMessage(channel: Channel, action: 'new' | 'edited' | 'deleted', message: StoredMessage): void {
    const data = { channelId: channel.id, action, message };
    feed.tell({ type: 'channel_message', data }, (user) => channel.members.has(user), channel.id);
  }

  function tellChannel(channel: Channel, data: { action: string; channel: unknown; userId?: string }): void {
    const members = new Set(channel.members);
    feed.tell({ type: 'channel_event', data }, (user) => members.has(user), channel.id);
  }

  function maybeFail(): void {
    if (failures.count === 0) return;
    failures = { ...failures, count: failures.count - 1 };
    throw new HttpError(failures.status, 'this was refused on purpose');
  }

  async function userOf(call: Call): Promise<string> {
    const user = await tokens.verify(tokenOf(call).token);
    if (user) return user;
    refused.push(call.request.url?.split('?')[0] ?? '');
    throw new HttpError(401, 'the token is not good');
  }

  async function channelOf(call: Call): Promise<Channel> {
    const user = await userOf(call);
    const channel = channels.get(call.params['channelId'] ?? '');
    if (!channel?.members.has(user)) throw new HttpError(404, 'there is no such channel');
    return channel;
  }

  async function ownMessage(call: Call): Promise<{ message: StoredMessage; channel: Channel }> {
    const user = await userOf(call);
    const message = store.get(call.params['messageId'] ?? '');
    const channel = channels.get(message?.channel ?? '');
    if (!message || !channel) throw new HttpError(404, 'there is no such message');
    if (message.from !== user) throw new HttpError(403, 'this is the message of somebody else');
    return { message, channel };
  }

  function channelsOf(user: string): Channel[] {
    return [...channels.values()].filter(({ members }) => members.has(user));
  }

  function seed(): void {
    for (const [userId, name] of people) presence.meet(userId, name);
    for (const [id, name] of seeds) channels.set(id, { id, name, members: new Set(presence.people.keys()), isOpen: true });
    for (const [channel, from, text] of lines) store.add({ channel, from, text });
    for (let at = 1; at <= archiveSize; at++) {
      store.add({ channel: 'archive', from: people[at % people.length]?.[0] ?? '', text: `Entry ${at} of the archive` });
    }
  }
}

function wire({ id, name, members }: Channel): { id: string; name: string; memberCount: number } {
  return { id, name, memberCount: members.size };
}

/** The token of a request, by header or in the address. */
function tokenOf({ request, query }: Call): { token: string | undefined; by: 'header' | 'query' | 'nothing' } {
  const token = bearerOf(request.headers.authorization);
  if (token) return { token, by: 'header' };
  const inQuery = query.get('token') ?? undefined;
  return { token: inQuery, by: inQuery ? 'query' : 'nothing' };
}

const people = [
  ['robin', 'Robin'],
  ['sam', 'Sam'],
] as const;
const seeds = [
  ['general', 'General'],
  ['releases', 'Releases'],
  ['quiet', 'Quiet corner'],
  ['archive', 'Archive'],
] as const;
const lines = [
  ['general', 'robin', 'Welcome! Messages can be edited and deleted here.'],
  ['general', 'sam', 'And they arrive in every window at once.'],
  ['releases', 'sam', '2.4 is out. The notes are on the wiki.'],
] as const;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await createSseChatServer({ port: Number(process.env['PORT'] ?? 4400) });
  console.log(`the chat's server listens at ${url}`);
}
