import type { Auth, Identity } from './auth.ts';
import type { AdviceFrame, ClientFrame, PublishFrame } from './frames.ts';
import { encode } from './frames.ts';
import { pairKey } from './keys.ts';
import type { Log } from './log.ts';
import type { End } from './outlet.ts';
import { createPresence, type Presence } from './presence.ts';
import { readFrame } from './read.ts';
import { openRoom, type Room, type Seat } from './room.ts';
import { createSends, type Refusal, type SendHooks } from './sends.ts';
import { type Arrival, type Carrier, openSession, type Session } from './session.ts';
import type { Time } from './time.ts';

/** The bounds of what a client can make grow. */
export interface Limits {
  /** A link that was silent for so long gets a heartbeat, in milliseconds. @defaultValue `15_000` */
  readonly heartbeatMs: number;
  /** The longest hold of a poll, in milliseconds. @defaultValue `30_000` */
  readonly maxHoldMs: number;
  /** A hello that is a first frame has to come within, in milliseconds. @defaultValue `10_000` */
  readonly helloTimeoutMs: number;
  /** How long a user without a link stays in the presence, in milliseconds. @defaultValue `10_000` */
  readonly graceMs: number;
  /** One inbound message or body, in bytes. @defaultValue `1_048_576` */
  readonly maxBodyBytes: number;
  /** The data of one event as JSON, in bytes. @defaultValue `65_536` */
  readonly maxEventBytes: number;
  /** Channels of one link. @defaultValue `200` */
  readonly maxChannels: number;
  /** Unreadable messages on one link. @defaultValue `20` */
  readonly maxUnreadable: number;
  /** Bytes that wait to go out on one link. @defaultValue `8_388_608` */
  readonly maxWaitingBytes: number;
  /**
   * So many clients may come back within a second when all links are cut at once. Each is told how wide a window that makes,
   * when it comes and each time their number has doubled. @defaultValue `4_000`
   */
  readonly maxReturnsPerSecond: number;
}

/** See `docs/protocol.md`, section 10. */
export type Advice = Omit<AdviceFrame, 'kind'>;

/** What the server knows of a link, for filters. */
export interface LinkFilter {
  readonly client?: string;
  readonly user?: string;
  readonly carrier?: Carrier;
}

/** The protocol, without any carrier: who is linked, who is in which channel, what goes where. */
export interface Hub {
  readonly auth: Auth;
  readonly log: Log;
  readonly presence: Presence;
  readonly limits: Limits;
  readonly time: Time;
  /** The links that are open. A poll counts while it is held. */
  readonly sessions: ReadonlySet<Session>;
  /** The channels that somebody is in. */
  readonly rooms: ReadonlyMap<string, Room>;
  /** How many links were ever opened, by carrier. Each poll counts. */
  readonly opened: Readonly<Record<Carrier, number>>;
  /** Within which time a link comes back that ends without a word: a window for the clients that there may be. */
  readonly window: Advice;
  /** Lets a link in. */
  open(arrival: Arrival): Session;
  authorize(identity: Identity, channel: string): true | Refusal;
  /** Takes one send; the answer is an encoded ack or reject. */
  publish(frame: PublishFrame, identity: Identity): Promise<string>;
  /** Takes an announcement; the answer is an encoded refusal, if it is refused. */
  announce(frame: ClientFrame & { kind: 'announce' }, identity: Identity, client: string): string | undefined;
  /** Takes the frames of a POST; the answers are encoded frames. */
  post(frames: readonly unknown[], identity: Identity, client: string): Promise<readonly string[]>;
  /** For sessions: they come, go, take seats, have something to send. */
  started(session: Session): void;
  ended(session: Session): void;
  enter(channel: string): Room;
  exit(channel: string, seat: Seat): void;
  touch(session: Session): void;
  /** Tells the observers that something happened. */
  notify(): void;
  /** Cuts links as a broken network would. @returns how many */
  cut(filter?: LinkFilter): number;
  /** Ends links with a reason. @returns how many */
  end(reason: End, filter?: LinkFilter): number;
  /** Tells all links. From then on the window does not grow with their number. */
  advise(advice: Advice): void;
  /** Forgets the answers to sends. */
  forget(): void;
  /** Hears of each link and each join that comes or goes, and each send; the answer ends it. */
  observe(listener: () => void): () => void;
  close(): void;
}

/** What a hub is made of. */
export interface HubParts {
  readonly auth: Auth;
  readonly log: Log;
  readonly hooks: SendHooks;
  readonly limits: Limits;
  readonly time: Time;
}

/** Makes a hub without any link. */
export function createHub({ auth, log, hooks, limits, time }: HubParts): Hub {
  const sessions = new Set<Session>();
  const rooms = new Map<string, Room>();
  /** The open links of each client of each user. */
  const links = new Map<string, Set<Session>>();
  const opened: Record<Carrier, number> = { websocket: 0, sse: 0, 'long-poll': 0, 'socket-io': 0 };
  const observers = new Set<() => void>();
  const sends = createSends(log, hooks, limits.maxEventBytes, time);
  const presence = createPresence(limits.graceMs, time, (frame) => rooms.get(frame.channel)?.tell(encode(frame)));
  /** The sessions that have something to send at the end of this tick. */
  let touched: Session[] = [];
  let isAdvised = false;
  /** For how many links those that are here were told a window. */
  let mostTold = 1;

  const hub: Hub = {
    auth,
    log,
    presence,
    limits,
    time,
    sessions,
    rooms,
    opened,
    get window() {
      return windowFor(sessions.size);
    },
    open: (arrival) => openSession(hub, arrival),
    authorize: (identity, channel) => hooks.authorize(identity.user, channel, identity),
    async publish(frame, identity) {
      const answer = await sends(frame, identity);
      notify();
      return encode(answer);
    },
    announce({ channel, present, data }, identity, client) {
      if (!present) {
        presence.leave(channel, identity.user, client);
        return undefined;
      }
      const allowed = hub.authorize(identity, channel);
      if (allowed !== true) return encode({ kind: 'denied', channel, code: allowed.code, message: allowed.message });
      if (
        JSON.stringify(data ?? null).length > limits.maxEventBytes ||
        presence.count(identity.user, client) >= limits.maxChannels
      ) {
        return encode({ kind: 'denied', channel, code: 'too-large', message: 'the announcement is over a limit' });
      }
      presence.enter(channel, identity.user, client, data);
      return undefined;
    },
    post,
    started(session) {
      const key = pairKey(session.user, session.client);
      const count = sessions.size + 1;
      // never again for as many: polls come and go, and one that is told is answered
      if (!isAdvised && count >= mostTold * 2) {
        mostTold = count;
        tell(windowFor(count));
      }
      sessions.add(session);
      links.set(key, (links.get(key) ?? new Set()).add(session));
      opened[session.carrier] += 1;
      presence.linkStarted(session.user, session.client);
      notify();
    },
    ended(session) {
      const key = pairKey(session.user, session.client);
      sessions.delete(session);
      links.get(key)?.delete(session);
      if (links.get(key)?.size === 0) links.delete(key);
      presence.linkEnded(session.user, session.client);
      notify();
    },
    enter(channel) {
      const room = rooms.get(channel) ?? openRoom(channel, log);
      rooms.set(channel, room);
      return room;
    },
    exit(channel, seat) {
      const room = rooms.get(channel);
      if (room === undefined) return;
      room.seats.delete(seat);
      if (room.seats.size === 0) {
        room.close();
        rooms.delete(channel);
      }
      notify();
    },
    touch(session) {
      touched.push(session);
      // runs after all that is readable now was read: a burst becomes one message, and a lone frame does not wait
      if (touched.length === 1) setImmediate(flush);
    },
    notify,
    cut: (filter) => each(filter, (session) => session.outlet.cut()),
    end: (reason, filter) => each(filter, (session) => session.end(reason)),
    advise(advice) {
      isAdvised = true;
      tell(advice);
    },
    forget: () => sends.forget(),
    observe(listener) {
      observers.add(listener);
      return () => observers.delete(listener);
    },
    close() {
      presence.close();
      for (const room of rooms.values()) room.close();
      rooms.clear();
    },
  };
  return hub;

  function tell(advice: Advice): void {
    each({}, (session) => session.push(encode({ kind: 'advice', ...advice })));
  }

  /** Room for twice as many: until then nothing else is said. */
  function windowFor(links: number): Advice {
    return { spreadMs: Math.ceil((links * 2 * 1000) / limits.maxReturnsPerSecond) };
  }

  function flush(): void {
    const due = touched;
    touched = [];
    for (const session of due) session.flush();
  }

  function each(filter: LinkFilter = {}, act: (session: Session) => void): number {
    const { client, user, carrier } = filter;
    const chosen = [...sessions].filter(
      (session) =>
        (client === undefined || session.client === client) &&
        (user === undefined || session.user === user) &&
        (carrier === undefined || session.carrier === carrier),
    );
    chosen.forEach(act);
    return chosen.length;
  }

  function post(frames: readonly unknown[], identity: Identity, client: string): Promise<readonly string[]> {
    const streams = [...(links.get(pairKey(identity.user, client)) ?? [])].filter(({ carrier }) => carrier === 'sse');
    return Promise.all(frames.flatMap((item) => answers(item)));

    function answers(item: unknown): (string | Promise<string>)[] {
      const frame = readFrame(item);
      switch (frame.kind) {
        case 'unknown':
          return [];
        case 'unreadable':
          if (frame.id === undefined) return [encode({ kind: 'garbled', message: frame.message })];
          return [encode({ kind: 'reject', id: frame.id, code: 'bad-frame', message: frame.message })];
        case 'publish':
          return [hub.publish(frame, identity)];
        case 'announce': {
          const refusal = hub.announce(frame, identity, client);
          return refusal === undefined ? [] : [refusal];
        }
        case 'leave':
          presence.leave(frame.channel, identity.user, client);
          break;
        case 'join':
          if (streams.length === 0) {
            return [
              encode({
                kind: 'denied',
                channel: frame.channel,
                code: 'no-stream',
                message: 'this client has no open stream here',
              }),
            ];
          }
          break;
        case 'ping':
        case 'authenticate':
          break;
      }
      for (const stream of streams) stream.receive(item);
      return [];
    }
  }

  function notify(): void {
    for (const observer of [...observers]) observer();
  }
}
