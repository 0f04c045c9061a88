import { RealtimeError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { AdviceFrame, ClientFrame, Position, ServerFrame } from '../protocol/frame.ts';
import type { Credentials, DownCause, Link, LinkInfo, LinkRequest, Transport } from '../transport/transport.ts';
import type { Auth, AuthReason } from './auth.ts';
import { type Liveness, type LivenessOptions, watchLiveness } from './liveness.ts';
import type { LinkId } from './state.ts';

/** A link that is up, as the rest of the core sees it. */
export interface LiveLink {
  readonly id: LinkId;
  readonly transport: Transport;
  readonly info: LinkInfo;
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
}

/** What every session of a connection shares. */
export interface SessionParts {
  readonly platform: Platform;
  readonly auth: Auth;
  readonly liveness: LivenessOptions;
  /** How long an attempt may take until the link is up, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly client: string;
  /** The live view of the joined channels. */
  readonly channels: ReadonlyMap<string, Position | undefined>;
  /** The last id of the stream as a whole. */
  readonly cursor: () => string | undefined;
}

/** What a session tells the connection. Nothing more is told after `over`, nor after {@link Session.end}. */
export interface SessionListener {
  up(session: Session, live: LiveLink): void;
  /** The server has shown that the link works. Once, after `up`. */
  proved(session: Session): void;
  frames(session: Session, batch: readonly ServerFrame[], cursor: string | undefined): void;
  /** A round trip was measured: {@link Session.latencyMs} is new. */
  measured(session: Session): void;
  /** Another link is wanted in place of this one: the server drains, or the token ends and cannot be renewed in place. */
  replace(session: Session, reason: AuthReason): void;
  over(session: Session, cause: DownCause): void;
  fault(error: RealtimeError): void;
}

/** One attempt and the link that comes of it, with all its timers: token, dial, deadline, watch, renewal. */
export interface Session {
  readonly id: LinkId;
  readonly route: number;
  readonly transport: Transport;
  readonly live: LiveLink | undefined;
  readonly isProven: boolean;
  readonly credentials: Credentials | undefined;
  /** The last word of the server on when to come back. */
  readonly advice: AdviceFrame | undefined;
  /** How long the link has been up, in milliseconds; 0 when it never was. */
  readonly uptimeMs: number;
  /** The last round trip, in milliseconds; `undefined` where none was measured. */
  readonly latencyMs: number | undefined;
  /** When something last arrived, by the monotonic clock; `undefined` before the link was up. */
  readonly lastReceivedMs: number | undefined;
  /** Makes sure that the link lives. */
  probe(): void;
  /** Ends it after a while. */
  endLater(delayMs: number, then: () => void): void;
  /** Frees everything. Once more does nothing. */
  end(): void;
}

/** A token is renewed this long before its end, or in the last fifth of its life if that is shorter: 30 seconds. */
const renewLeadMs = 30_000;

/** Starts an attempt; returns at once. */
export function startSession(
  id: LinkId,
  route: number,
  transport: Transport,
  reason: AuthReason,
  parts: SessionParts,
  listener: SessionListener,
): Session {
  const { platform, auth } = parts;
  const { clock, random } = platform;
  const controller = new AbortController();
  const timers = new Set<() => void>();
  let isOver = false;
  let link: Link | undefined;
  let live: LiveLink | undefined;
  let liveness: Liveness | undefined;
  let credentials: Credentials | undefined;
  let advice: AdviceFrame | undefined;
  let upMs: number | undefined;
  let isProven = false;
  let latencyMs: number | undefined;

  const session: Session = {
    id,
    route,
    transport,
    get live() {
      return live;
    },
    get isProven() {
      return isProven;
    },
    get credentials() {
      return credentials;
    },
    get advice() {
      return advice;
    },
    get uptimeMs() {
      return upMs === undefined ? 0 : clock.now() - upMs;
    },
    get latencyMs() {
      return latencyMs;
    },
    get lastReceivedMs() {
      return liveness?.lastReceivedMs;
    },
    probe: () => liveness?.probe(),
    endLater: later,
    end,
  };

  // never in the same tick: the channels that are opened right after `start` travel with the first flight
  Promise.resolve(auth.credentials(reason)).then(connect, withoutToken);
  return session;

  function end(): void {
    if (isOver) return;
    isOver = true;
    liveness?.stop();
    for (const cancel of timers) cancel();
    controller.abort();
  }

  function over(cause: DownCause): void {
    if (isOver) return;
    end();
    listener.over(session, cause);
  }

  function later(delayMs: number, callback: () => void): void {
    const cancel = clock.schedule(() => {
      timers.delete(cancel);
      callback();
    }, delayMs);
    timers.add(cancel);
  }

  function withoutToken(error: RealtimeError): void {
    over({ kind: error.code === 'unauthorized' ? 'unauthorized' : 'refused', error });
  }

  function connect(given: Credentials | undefined): void {
    if (isOver) return;
    credentials = given;
    const request: LinkRequest = {
      signal: controller.signal,
      client: parts.client,
      credentials,
      channels: parts.channels,
      get cursor() {
        return parts.cursor();
      },
      clock,
    };
    later(parts.connectTimeoutMs, () => {
      if (upMs === undefined) over({ kind: 'lost', error: connectTimedOut(transport, parts.connectTimeoutMs) });
    });
    link = transport.connect(request, { up, frames, alive, down: over });
  }

  function up(info: LinkInfo): void {
    if (isOver || link === undefined) return;
    const opened = link;
    upMs = clock.now();
    live = { id, transport, info, send: (batch) => opened.send(batch) };
    const mode = transport.capabilities.liveness;
    const silent = (error: RealtimeError): void => over({ kind: 'lost', error });
    liveness = watchLiveness(mode, parts.liveness, info.heartbeatMs, clock, () => send([{ kind: 'ping' }]), silent);
    scheduleRenewal();
    listener.up(session, live);
    if (isOver) return;
    // the first ping measures the round trip; a carrier that is open and cannot be pinged has nothing more to show
    liveness.probe();
    if (info.greeted || mode !== 'ping') prove();
  }

  function prove(): void {
    if (isProven || isOver) return;
    isProven = true;
    listener.proved(session);
  }

  function alive(): void {
    liveness?.alive();
    prove();
  }

  function frames(batch: readonly ServerFrame[], cursor: string | undefined): void {
    if (isOver) return;
    alive();
    listener.frames(session, batch, cursor);
    for (const frame of batch) if (frame.kind !== 'event') control(frame);
  }

  function control(frame: ServerFrame): void {
    if (isOver) return;
    if (frame.kind === 'pong') {
      latencyMs = liveness?.pong() ?? latencyMs;
      listener.measured(session);
    } else if (frame.kind === 'auth' && frame.status !== 'accepted') {
      over({ kind: 'unauthorized', error: tokenRefused(transport, frame.message) });
    } else if (frame.kind === 'advice') {
      advice = frame;
      const delayMs = (frame.retryAfterMs ?? 0) + random() * (frame.spreadMs ?? 0);
      if (frame.drain === true) later(delayMs, () => listener.replace(session, 'reconnect'));
    }
  }

  function send(batch: readonly ClientFrame[]): void {
    live?.send(batch).catch((error) => {
      // a link that is over says so itself
      if (!isOver) listener.fault(RealtimeError.from(error, 'connection-lost', 'a control frame could not be sent'));
    });
  }

  /** Renews the token before it ends: on the live link where that is possible, else by a link that replaces it. */
  function scheduleRenewal(): void {
    if (credentials?.expiresAt === undefined || !auth.renewable) return;
    const lifeMs = Math.max(0, credentials.expiresAt - clock.wallNow());
    later(lifeMs - Math.min(renewLeadMs, lifeMs / 5), () => {
      if (transport.capabilities.reauth) void renew();
      else listener.replace(session, 'expiring');
    });
  }

  async function renew(): Promise<void> {
    try {
      const renewed = await auth.credentials('expiring');
      if (renewed === undefined || isOver) return;
      credentials = renewed;
      send([{ kind: 'authenticate', token: renewed.token }]);
      scheduleRenewal();
    } catch (error) {
      // the link lives until the server ends it; the next attempt asks again
      if (!isOver) listener.fault(RealtimeError.from(error, 'refused', 'the token could not be renewed'));
    }
  }
}

function connectTimedOut(transport: Transport, timeoutMs: number): RealtimeError {
  return new RealtimeError('timeout', `connecting over ${transport.name} took longer than ${timeoutMs} ms`, {
    transport: transport.name,
    hint: 'The server or a proxy takes the connection and does not answer.',
  });
}

function tokenRefused(transport: Transport, message = 'no reason was given'): RealtimeError {
  return new RealtimeError('unauthorized', `the server no longer accepts the token: ${message}`, { transport: transport.name });
}
