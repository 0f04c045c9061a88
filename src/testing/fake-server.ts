import {
  type ClientFrame,
  type Clock,
  type DownCause,
  type Greeting,
  type JoinFrame,
  type PresenceMember,
  type PublishFrame,
  protocolVersion,
  RealtimeError,
  type Receipt,
  type ServerFrame,
  systemPlatform,
  type Transport,
} from 'keepwire';
import { type MemoryClient, type MemoryServer, memory } from 'keepwire/memory';
import { createFakeLog, type FakeLog } from './fake-log.ts';
import { createFakePresence } from './fake-presence.ts';
import { createFakeWay } from './fake-way.ts';

/** How a server turns clients away. */
export type Refusal = Exclude<DownCause['kind'], 'aborted'>;

/** One send that arrived: each once, however often it was sent. */
export interface FakeSend {
  /** The id of the send; the same over every retry. */
  readonly id: string;
  /** The channel that it was sent to. */
  readonly channel: string;
  /** The name of the event. */
  readonly event: string;
  /** The payload, before any schema. */
  readonly data: unknown;
  /** Who sent it, see {@link FakeServerOptions.user}. */
  readonly from: string;
  /** True for what is not kept, such as typing. */
  readonly volatile: boolean;
  /** True when the sender waits for an answer: a request. */
  readonly reply: boolean;
}

/** The options of {@link fakeServer}; none is needed. */
export interface FakeServerOptions {
  /**
   * Asked once for each send. What it answers is the answer to a request; what it throws rejects the send, under the
   * `serverCode` of a {@link RealtimeError} or else `rejected`.
   *
   * @defaultValue every send is accepted, and requests are answered with `undefined`
   */
  readonly answer?: (send: FakeSend) => unknown;
  /** Who a client is. @defaultValue `user-1`, `user-2`, … in the order in which clients arrive */
  readonly user?: (token: string | undefined) => string;
  /** Dates the events, and makes them late. @defaultValue events have no date, and the platform's clock makes them late */
  readonly clock?: Clock;
}

/** A server in the same process, for tests of applications. Nothing in it waits for real time. */
export interface FakeServer {
  /**
   * A transport that ends at this server. Several of different names test a switch.
   *
   * @param options - its name. `'fake'` by default
   */
  transport(options?: { readonly name?: string }): Transport;
  /**
   * Publishes an event to everybody in a channel, and keeps it for those who come back.
   *
   * @param options - `volatile` for what is not kept; `from`, the user who is said to have sent it
   * @returns its number in the channel's log; `undefined` when it is volatile
   */
  publish(
    channel: string,
    event: string,
    data?: unknown,
    options?: { readonly volatile?: boolean; readonly from?: string },
  ): number | undefined;
  /** Cuts all links, as a broken network would. Clients may come back at once. @returns how many there were */
  drop(): number;
  /**
   * Turns away everybody who dials from now on, until {@link FakeServer.admit}; links that are up stay.
   *
   * @param kind - what they are told; `refused` is an outage that passes
   */
  refuse(kind: Refusal): void;
  /** Lets clients in again. */
  admit(): void;
  /** Says that the token of every link has ended, as a server does whose tokens expire. The clients have to bring another. */
  expire(): void;
  /**
   * From now on everything takes longer to arrive, in both directions, by the clock of {@link FakeServerOptions.clock}.
   *
   * @param delayMs - in milliseconds; 0 ends it
   */
  lag(delayMs: number): void;
  /**
   * Sends the newest event of a channel once more to everybody in it.
   *
   * @throws RealtimeError `invalid-option` when there is none
   */
  duplicate(channel: string): void;
  /**
   * Holds back the next events of all channels, and sends them in the opposite order when there are enough.
   *
   * @param count - how many. 2 by default
   */
  reorder(count?: number): void;
  /**
   * Loses the next events on their way to the clients. They are in the log, so a client that notices gets them.
   *
   * @param count - how many. 1 by default
   */
  lose(count?: number): void;
  /**
   * Makes a hole that nobody can fill: so many events get their numbers and are gone, with all that was in the log of the
   * channel. Clients notice at the next event, or when they come back.
   *
   * @param count - how many. 1 by default
   */
  gap(channel: string, count?: number): void;
  /** Loses the log of a channel, or of all, as a crash would: numbering starts again in another epoch. */
  forget(channel?: string): void;
  /** Resolves when somebody is in the channel, at once if somebody is. */
  joined(channel: string): Promise<void>;
  /** Who has entered a channel. */
  members(channel: string): readonly PresenceMember[];
  /** What clients have sent and the server has accepted, oldest first. */
  readonly received: readonly FakeSend[];
  /** The tokens of all dials, oldest first. */
  readonly tokens: readonly (string | undefined)[];
  /** How many links are up. */
  readonly links: number;
  /** How many links are in each channel. */
  readonly channels: ReadonlyMap<string, number>;
}

/** The server's end of one link. */
interface Peer {
  readonly client: MemoryClient;
  readonly user: string;
  readonly channels: Set<string>;
}

/**
 * Makes a {@link FakeServer}. It numbers and replays, applies each send once, tells who is there, and can be cut.
 *
 * @example
 * ```ts
 * const server = fakeServer();
 * const realtime = createRealtime({ transports: [server.transport()] });
 * realtime.start();
 * ```
 */
export function fakeServer(options: FakeServerOptions = {}): FakeServer {
  const { answer = () => undefined, user: userOf, clock } = options;
  const logs = new Map<string, FakeLog>();
  const presence = createFakePresence();
  const peers = new Set<Peer>();
  /** The name of each client that was ever here. */
  const users = new Map<string, string>();
  /** The answers that were given, by sender and id. */
  const answers = new Map<string, Promise<Receipt>>();
  const received: FakeSend[] = [];
  const tokens: (string | undefined)[] = [];
  const waiting = new Set<{ readonly channel: string; readonly resolve: () => void }>();
  let refusal: Refusal | undefined;
  const way = createFakeWay(clock ?? systemPlatform.clock);
  let epochs = 0;
  let messages = 0;

  const memoryServer: MemoryServer = { accept };

  return {
    transport: ({ name = 'fake' } = {}) => memory({ server: memoryServer, name }),
    publish: (channel, event, data, { volatile = false, from } = {}) =>
      spread({ id: `message-${++messages}`, channel, event, data }, from, volatile)?.offset,
    drop() {
      const cut = [...peers];
      for (const { client } of cut) client.close();
      return cut.length;
    },
    refuse(kind) {
      refusal = kind;
    },
    admit() {
      refusal = undefined;
    },
    expire() {
      for (const { client } of [...peers]) {
        say(client, [{ kind: 'auth', status: 'expired', message: 'the token has ended' }]);
        way.pass(() => client.close(causeOf('unauthorized')));
      }
    },
    lag: way.lag,
    duplicate(channel) {
      const entry = logs.get(channel)?.newest;
      if (entry === undefined) throw new RealtimeError('invalid-option', `no event of ${channel} is kept that could come twice`);
      tell(channel, entry);
    },
    reorder: (count = 2) => way.reorder(count),
    lose: (count = 1) => way.lose(count),
    gap(channel, count = 1) {
      const log = logOf(channel);
      for (let index = 0; index < count; index++) log.append({ kind: 'event', channel, event: 'lost', data: undefined });
      log.trim();
    },
    forget(channel) {
      way.forget();
      if (channel === undefined) logs.clear();
      else logs.delete(channel);
      answers.clear();
    },
    async joined(channel) {
      if ([...peers].some(({ channels }) => channels.has(channel))) return;
      await new Promise<void>((resolve) => waiting.add({ channel, resolve }));
    },
    members: (channel) => presence.members(channel),
    received,
    tokens,
    get links() {
      return peers.size;
    },
    get channels() {
      const counts = new Map<string, number>();
      for (const { channels } of peers) for (const channel of channels) counts.set(channel, (counts.get(channel) ?? 0) + 1);
      return counts;
    },
  };

  function accept(client: MemoryClient, { token, client: name, joins }: Greeting): void {
    tokens.push(token);
    if (refusal !== undefined) return client.close(causeOf(refusal));
    const user = userOf?.(token) ?? users.get(name) ?? `user-${users.size + 1}`;
    users.set(name, user);
    const peer: Peer = { client, user, channels: new Set() };
    peers.add(peer);
    client.signal.onabort = () => {
      peers.delete(peer);
      for (const frame of presence.gone(user, peer)) tell(frame.channel, frame);
    };
    client.onframes = (frames) => way.carry(() => take(peer, frames));
    say(client, [{ kind: 'welcome', version: protocolVersion, user }]);
    for (const frame of joins) join(peer, frame);
  }

  /** Every frame is dealt with before the first answer is given, so that the order of sends is that of their arrival. */
  async function take(peer: Peer, frames: readonly ClientFrame[]): Promise<readonly Receipt[]> {
    return Promise.all(frames.flatMap((frame) => handle(peer, frame)));
  }

  function handle(peer: Peer, frame: ClientFrame): Promise<Receipt>[] {
    const { client, user, channels } = peer;
    switch (frame.kind) {
      case 'publish':
        return [once(peer, frame)];
      case 'join':
        join(peer, frame);
        return [];
      case 'leave':
        channels.delete(frame.channel);
        tell(frame.channel, presence.leave(frame.channel, user, peer));
        say(client, [{ kind: 'left', channel: frame.channel }]);
        return [];
      case 'announce':
        tell(
          frame.channel,
          frame.present ? presence.enter(frame.channel, user, peer, frame.data) : presence.leave(frame.channel, user, peer),
        );
        return [];
      case 'ping':
        say(client, [{ kind: 'pong', at: clock?.wallNow() }]);
        return [];
      case 'authenticate':
        say(client, [{ kind: 'auth', status: 'accepted' }]);
        return [];
      case 'pong':
        return [];
    }
  }

  function join({ client, channels }: Peer, frame: JoinFrame): void {
    const { channel } = frame;
    const { joined, replay } = logOf(channel).answer(frame);
    channels.add(channel);
    say(client, [joined, ...replay, { kind: 'presence', channel, sync: true, members: presence.members(channel) }]);
    for (const wait of waiting) {
      if (wait.channel !== channel) continue;
      waiting.delete(wait);
      wait.resolve();
    }
  }

  /** A send that was here already gets the answer that it got then. */
  function once({ user }: Peer, frame: PublishFrame): Promise<Receipt> {
    const key = JSON.stringify([user, frame.id]);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const decided = decide(frame, user).then((receipt) => {
      // a rejection is no answer for ever: the same send may be right later
      if (receipt.status === 'rejected') answers.delete(key);
      return receipt;
    });
    answers.set(key, decided);
    return decided;
  }

  async function decide(frame: PublishFrame, from: string): Promise<Receipt> {
    const { id, channel, event, data, volatile = false, reply = false, traceparent } = frame;
    const send: FakeSend = { id, channel, event, data, from, volatile, reply };
    try {
      const said = answer(send);
      const word = said instanceof Promise ? await said : said;
      received.push(send);
      if (reply) return { id, status: 'accepted', data: word };
      const place = spread({ id, channel, event, data, traceparent }, from, volatile);
      return { id, status: 'accepted', offset: place?.offset, epoch: place?.epoch };
    } catch (error) {
      const code = RealtimeError.is(error) ? (error.serverCode ?? error.code) : 'rejected';
      return { id, status: 'rejected', code, message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Tells everybody of an event, and keeps it unless it is volatile. */
  function spread(
    event: Pick<PublishFrame, 'id' | 'channel' | 'event' | 'data' | 'traceparent'>,
    from: string | undefined,
    volatile: boolean,
  ): { readonly offset: number; readonly epoch: string } | undefined {
    const frame = { kind: 'event', ...event, from, at: clock?.wallNow() } as const;
    const entry = volatile ? undefined : logOf(event.channel).append(frame);
    way.event(() => tell(event.channel, entry ?? frame));
    return entry;
  }

  function say(client: MemoryClient, frames: readonly ServerFrame[]): void {
    way.pass(() => client.send(frames));
  }

  function tell(channel: string, frame: ServerFrame | undefined): void {
    if (frame === undefined) return;
    for (const { client, channels } of peers) if (channels.has(channel)) say(client, [frame]);
  }

  function logOf(channel: string): FakeLog {
    const log = logs.get(channel) ?? createFakeLog(channel, `epoch-${++epochs}`);
    logs.set(channel, log);
    return log;
  }
}

function causeOf(kind: Refusal): Exclude<DownCause, { kind: 'aborted' }> {
  const code = kind === 'lost' ? 'connection-lost' : kind;
  return { kind, error: new RealtimeError(code, 'the fake server turned the client away') };
}
