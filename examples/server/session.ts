import { randomUUID } from 'node:crypto';
import type { Identity } from './auth.ts';
import type { ClientFrame } from './frames.ts';
import { encode, protocolVersion } from './frames.ts';
import type { Hub } from './hub.ts';
import type { End, Outlet } from './outlet.ts';
import type { Hello } from './read.ts';
import { readFrame } from './read.ts';
import type { Seat } from './room.ts';
import { createSeating } from './seating.ts';

/** The carriers that links can have. */
export type Carrier = 'websocket' | 'sse' | 'long-poll' | 'socket-io';

/** What a carrier brings when a link arrives. */
export interface Arrival {
  readonly carrier: Carrier;
  readonly hello: Hello;
  readonly identity: Identity;
  readonly outlet: Outlet;
  /** For polls: what the poll before it left over. */
  readonly poll?: {
    readonly leftover: Leftover | undefined;
    /** There is something to answer. The carrier flushes; nothing else does. */
    readonly wake: () => void;
  };
}

/** What a finished poll collected for the next one: frames that are in no log, and the channels they are from. */
export interface Leftover {
  readonly frames: readonly string[];
  readonly channels: ReadonlySet<string>;
}

/** One link, seen from the protocol. */
export interface Session {
  readonly carrier: Carrier;
  readonly client: string;
  readonly user: string;
  readonly seats: ReadonlyMap<string, Seat>;
  readonly outlet: Outlet;
  /** Resolves when the joins of the hello are answered. */
  readonly opened: Promise<void>;
  /** Takes what arrived: a frame or a list of frames. The answers to sends go to `answer`, without one to the link. */
  receive(message: unknown, answer?: (frame: Promise<string>) => void): void;
  /** Something arrived that cannot be read. */
  garbled(message: string): void;
  /** Puts a frame into the next message. */
  push(frame: string): void;
  /** Sends what waits. Called by the hub once a tick, and by a poll. */
  flush(): void;
  /** True when something waits to be sent. */
  ready(): boolean;
  /** Ends the link with a reason. */
  end(end: End): void;
  /** The carrier is gone. */
  close(): void;
  /** A poll was answered: from now on only frames that are in no log are collected, until `close`. */
  rest(): void;
  /** What was collected; `undefined` when it got too much. */
  leftover(): Leftover | undefined;
}

/** More frames that are in no log are not collected between two polls. */
const mostLeftovers = 200;

/** Opens a session: welcome, joins, replay, and everything after. */
export function openSession(hub: Hub, arrival: Arrival): Session {
  const { carrier, hello, identity, outlet, poll } = arrival;
  const { time, limits } = hub;
  const isHeldPoll = poll !== undefined && hello.waitMs > 0;
  const seating = createSeating(hub, arrival, {
    kept: (frame) => push(frame, true),
    passing: (frame) => push(frame, false),
    isLive: () => phase === 'live',
    backlog: () => outgoingLength,
    flush,
    end,
  });
  const { seats } = seating;
  let outgoing: string[] = [];
  /** The characters in `outgoing`. */
  let outgoingLength = 0;
  let phase: 'live' | 'resting' | 'closed' = 'live';
  let unreadable = 0;
  let lastSentAt = time.now();
  let token = identity;
  let cancelHeartbeat = (): void => {};
  let cancelExpiry = (): void => {};
  let opened: Promise<void> = Promise.resolve();

  const session: Session = {
    carrier,
    client: hello.client,
    user: identity.user,
    seats,
    outlet,
    get opened() {
      return opened;
    },
    receive,
    garbled,
    push: (frame) => push(frame, true),
    flush,
    ready: () => outgoing.length > 0,
    end,
    close,
    rest() {
      if (phase !== 'live') return;
      phase = 'resting';
      stop();
    },
    leftover() {
      if (outgoing.length > mostLeftovers) return undefined;
      return { frames: outgoing, channels: new Set([...seats].filter(([, seat]) => seat.live).map(([channel]) => channel)) };
    },
  };

  hub.started(session);
  watchExpiry();
  for (const frame of poll?.leftover?.frames ?? []) push(frame, false);
  if (!isHeldPoll) {
    const heartbeatMs = poll === undefined ? limits.heartbeatMs : undefined;
    const { user } = identity;
    push(encode({ kind: 'welcome', version: protocolVersion, session: randomUUID(), heartbeatMs, ...hub.window, user }), true);
  }
  if (poll === undefined) watchSilence(limits.heartbeatMs);
  opened = Promise.all(hello.joins.map(seating.join)).then(() => undefined);
  return session;

  function push(frame: string, isKept: boolean): void {
    if (phase === 'closed') return;
    if (phase === 'resting') {
      if (!isKept && outgoing.length <= mostLeftovers) outgoing.push(frame);
      return;
    }
    outgoing.push(frame);
    outgoingLength += frame.length;
    if (outgoing.length > 1) return;
    if (poll === undefined) hub.touch(session);
    else poll.wake();
  }

  function flush(): void {
    if (outgoing.length === 0 || phase !== 'live') return;
    const frames = outgoing;
    outgoing = [];
    outgoingLength = 0;
    lastSentAt = time.now();
    outlet.send(frames);
    if (outlet.waiting() > limits.maxWaitingBytes) {
      end({ kind: 'overloaded', message: 'this link is too slow' });
    }
  }

  function receive(message: unknown, answer?: (frame: Promise<string>) => void): void {
    for (const item of Array.isArray(message) ? message : [message]) {
      if (phase !== 'live') return;
      const frame = readFrame(item);
      if (frame.kind === 'unreadable') {
        if (frame.id === undefined) garbled(frame.message);
        else reply(Promise.resolve(encode({ kind: 'reject', id: frame.id, code: 'bad-frame', message: frame.message })), answer);
      } else if (frame.kind === 'publish') {
        reply(hub.publish(frame, identity), answer);
      } else if (frame.kind !== 'unknown') {
        handle(frame);
      }
    }
  }

  function reply(frame: Promise<string>, answer?: (frame: Promise<string>) => void): void {
    if (answer !== undefined) answer(frame);
    else void frame.then(session.push);
  }

  function handle(frame: Exclude<ClientFrame, { kind: 'publish' }>): void {
    switch (frame.kind) {
      case 'ping':
        return session.push(encode({ kind: 'pong', at: time.wallNow() }));
      case 'join':
        void seating.join(frame);
        return;
      case 'leave':
        seating.leave(frame.channel);
        hub.presence.leave(frame.channel, identity.user, hello.client);
        return session.push(encode({ kind: 'left', channel: frame.channel }));
      case 'announce': {
        const refusal = hub.announce(frame, identity, hello.client);
        if (refusal !== undefined) session.push(refusal);
        return;
      }
      case 'authenticate':
        void authenticate(frame.token);
        return;
    }
  }

  function garbled(message: string): void {
    unreadable += 1;
    if (unreadable > limits.maxUnreadable) end({ kind: 'protocol', message: 'too many messages could not be read' });
    else session.push(encode({ kind: 'garbled', message }));
  }

  async function authenticate(newToken: string): Promise<void> {
    const verdict = await hub.auth.identify(newToken, hello.client);
    if (phase !== 'live') return;
    if (verdict.kind === 'refused') return session.push(encode({ kind: 'auth', status: 'refused', message: verdict.message }));
    if (verdict.identity.user !== identity.user) {
      return session.push(encode({ kind: 'auth', status: 'refused', message: 'the token is for another user' }));
    }
    token = verdict.identity;
    watchExpiry();
    session.push(encode({ kind: 'auth', status: 'accepted' }));
  }

  function watchExpiry(): void {
    cancelExpiry();
    const { expiresAt } = token;
    if (expiresAt === undefined) return;
    // a timer can be cut short (24.8 days are the longest), so it looks again
    cancelExpiry = time.schedule(
      () => {
        if (time.wallNow() < expiresAt) watchExpiry();
        else end({ kind: 'unauthorized', message: 'the token has ended', status: 'expired' });
      },
      Math.max(0, expiresAt - time.wallNow()),
    );
  }

  function watchSilence(delayMs: number): void {
    cancelHeartbeat = time.schedule(() => {
      const silentMs = time.now() - lastSentAt;
      if (silentMs >= limits.heartbeatMs) beat();
      watchSilence(silentMs >= limits.heartbeatMs ? limits.heartbeatMs : limits.heartbeatMs - silentMs);
    }, delayMs);
  }

  function beat(): void {
    const positions = [...seats].flatMap(([channel, { live, epoch, offset }]) => (live ? [{ channel, epoch, offset }] : []));
    session.push(encode({ kind: 'heartbeat', at: time.wallNow(), positions }));
  }

  function end(reason: End): void {
    if (phase !== 'live') return;
    if (reason.status !== undefined) session.push(encode({ kind: 'auth', status: reason.status, message: reason.message }));
    const { retryAfterMs, spreadMs } = reason;
    if (retryAfterMs !== undefined || spreadMs !== undefined) session.push(encode({ kind: 'advice', retryAfterMs, spreadMs }));
    const frames = outgoing;
    outgoing = [];
    if (frames.length > 0) outlet.send(frames);
    outlet.end(reason);
    close();
  }

  /** Frees what a live link has and a resting poll has not. */
  function stop(): void {
    cancelHeartbeat();
    cancelExpiry();
    hub.ended(session);
  }

  function close(): void {
    if (phase === 'closed') return;
    const wasLive = phase === 'live';
    phase = 'closed';
    outgoing = [];
    for (const channel of [...seats.keys()]) seating.leave(channel);
    if (wasLive) stop();
  }
}
