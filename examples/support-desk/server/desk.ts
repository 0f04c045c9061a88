import { randomBytes } from 'node:crypto';
import { createTokens, type Tokens } from '../../shared/tokens.ts';
import { type Database, openDatabase } from './database.ts';
import type { Notice, Settings, Statistics, Via, WireMessage } from './notices.ts';
import { type Connection, createPresence } from './presence.ts';
import { createSocketLink } from './socket-link.ts';

/** Somebody who listens to a channel by a stream. */
export interface Listener {
  readonly userId: string;
  readonly channelId: string;
  take(notice: Notice): void;
}

/** What a report of the Socket.IO process has about one socket. */
export interface SocketReport {
  readonly id: string;
  readonly userId: string;
  readonly channels: readonly string[];
  readonly since: number;
}

/** The server of the desk: everything behind its routes. */
export interface Desk {
  readonly database: Database;
  readonly tokens: Tokens;
  readonly secret: string;
  changeSettings(settings: Partial<Settings>): Promise<Settings>;
  say(message: Pick<WireMessage, 'channelId' | 'authorId' | 'text' | 'clientId'>): Promise<WireMessage>;
  type(channelId: string, userId: string, isTyping: boolean): void;
  enter(userId: string, name: string): Promise<void>;
  /**
   * Follows a channel from a number on, or from now on.
   *
   * @param begin - gets the number, and what came after it; what comes then goes to the listener
   */
  follow(
    listener: Listener,
    after: number | undefined,
    begin: (after: number, missed: readonly WireMessage[]) => void,
  ): Promise<() => void>;
  /** What a poll gets: what came after the numbers, and how the channels are. */
  poll(userId: string, channels: ReadonlyMap<string, number | undefined>): Promise<readonly object[]>;
  /** The Socket.IO process tells who is there, and is told the last number of each channel. */
  report(sockets: readonly SocketReport[]): Promise<Readonly<Record<string, number>>>;
  statistics(): Promise<Statistics>;
  close(): Promise<void>;
}

/** A poller is gone when it has not asked for this long. */
const pollerMs = 3_000;
/** Typing is told to pollers for this long. */
const typingMs = 3_000;

async function createDesk(): Promise<Desk> {
  const database = await openDatabase(process.env['DESK_DATA'] || undefined);
  const secret = process.env['DESK_SECRET'] ?? randomBytes(16).toString('hex');
  const names = new Map(await database.people());
  const positions = new Map(Object.entries(await database.positions()));
  const listeners = new Map<Listener, number>();
  const pollers = new Map<string, Connection & { readonly untilMs: number }>();
  const typing = new Map<string, Extract<Notice, { type: 'typing' }> & { readonly atMs: number }>();
  const startedAt = Date.now();
  let sockets: readonly SocketReport[] = [];
  let queue: Promise<unknown> = Promise.resolve();

  const nameOf = (userId: string): string => names.get(userId) ?? userId;
  const link = createSocketLink(
    async () => (await database.readSettings()).socketUrl,
    secret,
    () => {
      if (!link.isUp) sockets = [];
      presence.refresh(connections());
    },
  );
  const presence = createPresence(nameOf, (channelId) => tell([presenceOf(channelId)]));
  const sweep = setInterval(() => {
    let isChanged = false;
    for (const [key, { untilMs }] of pollers) if (untilMs < Date.now()) isChanged = pollers.delete(key) || isChanged;
    if (isChanged) presence.refresh(connections());
  }, 1_000);
  sweep.unref();

  /** One after the other, so that a follower misses nothing between what it reads and what it hears. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = queue.then(run, run);
    queue = done.catch(() => {});
    return done;
  }

  function connections(): readonly Connection[] {
    return [
      ...sockets.map(({ userId, channels, since }) => ({ via: 'socket' as Via, userId, channels, since })),
      ...[...listeners].map(([{ userId, channelId }, since]) => ({ via: 'sse' as Via, userId, channels: [channelId], since })),
      ...pollers.values(),
    ];
  }

  function tell(notices: readonly Notice[]): void {
    for (const notice of notices) {
      for (const listener of [...listeners.keys()]) if (listener.channelId === notice.channelId) listener.take(notice);
    }
    link.tell(notices);
  }

  function tellEverywhere(make: (channelId: string) => Notice | undefined): void {
    tell([...positions.keys()].map(make).filter((notice) => notice !== undefined));
  }

  function presenceOf(channelId: string): Notice {
    return { type: 'presence', channelId, people: presence.people(channelId) };
  }

  /** What whoever comes has to know, and may have missed. */
  async function stateOf(channelId: string): Promise<readonly Notice[]> {
    return [presenceOf(channelId), { type: 'settings_changed', channelId, ...(await database.readSettings()) }];
  }

  return {
    database,
    secret,
    tokens: createTokens(secret, 43_200),
    changeSettings: (change) =>
      inTurn(async () => {
        await database.writeSettings(change);
        const settings = await database.readSettings();
        tellEverywhere((channelId) => ({ type: 'settings_changed', channelId, ...settings }));
        return settings;
      }),
    say: (wanted) =>
      inTurn(async () => {
        const { message, isNew } = await database.addMessage(wanted);
        if (!isNew) return message;
        const { channelId, authorId, seq } = message;
        positions.set(channelId, seq);
        typing.delete(`${channelId} ${authorId}`);
        tell([{ type: 'message', ...message }]);
        tellEverywhere((other) => (other === channelId ? undefined : { type: 'activity', channelId: other, message }));
        return message;
      }),
    type(channelId, userId, isTyping) {
      const notice = { type: 'typing' as const, channelId, userId, name: nameOf(userId), isTyping };
      typing.set(`${channelId} ${userId}`, { ...notice, atMs: Date.now() });
      tell([notice]);
    },
    async enter(userId, name) {
      names.set(userId, name);
      await database.addPerson(userId, name);
    },
    follow: (listener, after, begin) =>
      inTurn(async () => {
        const { channelId } = listener;
        const from = after ?? positions.get(channelId) ?? 0;
        const missed = await database.messages(channelId, { after: from, limit: 1_000 });
        listeners.set(listener, Date.now());
        begin(from, missed);
        presence.refresh(connections());
        for (const notice of await stateOf(channelId)) listener.take(notice);
        return () => {
          if (listeners.delete(listener)) presence.refresh(connections());
        };
      }),
    async poll(userId, channels) {
      const key = `${userId} ${[...channels.keys()].join()}`;
      const since = pollers.get(key)?.since ?? Date.now();
      pollers.set(key, { via: 'polling', userId, channels: [...channels.keys()], since, untilMs: Date.now() + pollerMs });
      presence.refresh(connections());
      const settings = await database.readSettings();
      const { connectionMode, socketUrl } = settings;
      const answers = await Promise.all(
        [...channels].map(async ([channelId, after]) => {
          const last = positions.get(channelId) ?? 0;
          const missed = after === undefined || after >= last ? [] : await database.messages(channelId, { after, limit: 1_000 });
          return [
            ...(after === undefined ? [{ type: 'ready', channelId, seq: last }] : []),
            ...missed.map((message) => ({ type: 'message', ...message })),
            presenceOf(channelId),
            ...[...typing.values()]
              .filter(({ channelId: other, atMs }) => other === channelId && Date.now() - atMs < typingMs)
              .map(({ atMs, ...notice }) => ({ ...notice, noticeId: `typing ${notice.userId} ${atMs}` })),
            { type: 'settings_changed', channelId, ...settings, noticeId: `settings ${connectionMode} ${socketUrl}` },
          ];
        }),
      );
      return answers.flat();
    },
    async report(reported) {
      const before = new Map(sockets.map(({ id, channels }) => [id, channels]));
      const entered = reported.flatMap(({ id, channels }) => channels.filter((one) => !before.get(id)?.includes(one)));
      sockets = reported;
      link.reported();
      presence.refresh(connections());
      // whoever has come is told how things are, also when that is no news for the others
      for (const channelId of new Set(entered)) tell(await stateOf(channelId));
      return Object.fromEntries(positions);
    },
    async statistics() {
      const messages = [...positions.values()].reduce((sum, seq) => sum + seq, 0);
      return { startedAt, messages, isSocketUp: link.isUp, connections: connections() };
    },
    async close() {
      clearInterval(sweep);
      presence.close();
      await queue;
      await database.close();
    },
  };
}

/** Every route is bundled for itself, and all of them are to have the same desk. */
const place = globalThis as { [key: symbol]: Promise<Desk> | undefined };
const key = Symbol.for('support-desk');

export function openDesk(): Promise<Desk> {
  const desk = place[key] ?? createDesk();
  place[key] = desk;
  return desk;
}
