import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { AdviceFrame, ClientFrame, Position, ServerFrame } from '../protocol/frame.ts';
import type { Credentials, DownCause, Link, LinkInfo, LinkRequest, Transport } from '../transport/transport.ts';
import type { Auth, AuthReason } from './auth.ts';
import type { LinkNote, LinkNoteKind } from './link-note.ts';
import { type Liveness, type LivenessOptions, watchLiveness } from './liveness.ts';
import { comeBackMs } from './retry.ts';
import type { LinkId } from './state.ts';

/** A link that is up, as the rest of the core sees it. */
export interface LiveLink {
  readonly id: LinkId;
  readonly transport: Transport;
  readonly info: LinkInfo;
  /** It was dialled with the last id of the stream as a whole; without one the server goes on from now, whatever came before. */
  readonly isResumed: boolean;
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
  /** The wanted channels and where each stands at this moment. */
  readonly channels: () => ReadonlyMap<string, Position | undefined>;
  /** The last id of the stream as a whole, of a transport by name. */
  readonly cursor: (transport: string) => string | undefined;
  /** The server refused the position of the stream as a whole, or of a channel. */
  readonly positionRefused?: (transport: string, channel: string | undefined) => void;
  /** Who watches, if anybody does. */
  readonly watch?: (event: LinkNote) => void;
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
  /** Present once the link is up. */
  readonly live?: LiveLink;
  readonly isProven: boolean;
  /** When the transport was asked for a link, by the monotonic clock; absent while the token is still to come. */
  readonly dialledMs?: number;
  readonly credentials?: Credentials;
  /** The last word of the server on when to come back. */
  readonly advice?: Pick<AdviceFrame, 'retryAfterMs' | 'spreadMs'>;
  /** When the link came up, by the monotonic clock. */
  readonly upMs?: number;
  /** The last round trip, in milliseconds. */
  readonly latencyMs?: number;
  /** The watch over the link that is up. */
  readonly liveness?: Liveness;
  /** Calls back after a while, unless the session is over by then. The answer cancels it. */
  later(delayMs: number, callback: () => void): () => void;
  /**
   * Makes sure that the link lives and that its token is good: the world may have stood still.
   *
   * @param isElsewhere - the network may be another one, and the link dead without a word
   */
  wake(isElsewhere: boolean): void;
  /** Frees everything. Once more does nothing. */
  end(): void;
}

/** A token is renewed this long before its end, or in the last fifth of its life if that is shorter: 30 seconds. */
const renewLeadMs = 30_000;
/** A token that ends sooner is left to the server to judge: 1 second. */
const shortestLifeMs = 1_000;

/** A carrier that is open and silent, and that nobody can ping, counts as good after this long: 1 second. */
const proofMs = 1_000;

/** A join answer without a position may be the word of our own gate, for servers that do not answer joins. */
function isBareJoin(frame: ServerFrame): boolean {
  return frame.kind === 'joined' && frame.epoch === undefined && frame.cursor === undefined;
}

/** Starts an attempt; returns at once. */
export function startSession(
  id: LinkId,
  route: number,
  transport: Transport,
  reason: AuthReason,
  parts: SessionParts,
  listener: SessionListener,
): Session {
  const { platform, auth, client, connectTimeoutMs } = parts;
  const { clock, random } = platform;
  const { name, capabilities } = transport;
  const controller = new AbortController();
  const { signal } = controller;
  /** Is `signal.aborted` in cheap: that is a getter of the platform, and this is asked for each message. */
  let isOver = false;
  const timers = new Set<() => void>();
  let link: Link | undefined;
  let isResumed = false;
  /** What went over the link to take the place of its credentials, and is not answered yet. */
  let offered: Credentials | undefined;
  /** When the token is renewed, by the wall clock, as the end of the token is. */
  let renewAtMs = Number.POSITIVE_INFINITY;
  let cancelRenewal = (): void => {};
  let cancelDrain = (): void => {};
  /** An answer to a ping of the server is on its way: a flood of pings gets one at a time. */
  let isAnswering = false;
  const session: { -readonly [Key in keyof Session]: Session[Key] } = {
    id,
    route,
    transport,
    isProven: false,
    later,
    wake,
    end,
  };

  note({ kind: 'dialled' });
  // never in the same tick: the channels that are opened right after `start` travel with the first flight
  Promise.resolve(auth.credentials(reason)).then(connect, (error: RealtimeError) =>
    over({ kind: error.code === 'unauthorized' ? 'unauthorized' : 'refused', error }),
  );
  return session;

  function note(event: LinkNoteKind): void {
    parts.watch?.({ link: id, transport: name, ...event });
  }

  function end(cause: DownCause = { kind: 'aborted' }): void {
    if (isOver) return;
    isOver = true;
    session.liveness?.stop();
    for (const cancel of timers) cancel();
    controller.abort();
    note({ kind: 'down', cause });
  }

  function over(cause: DownCause): void {
    if (isOver) return;
    end(cause);
    listener.over(session, cause);
  }

  function later(delayMs: number, callback: () => void): () => void {
    const stop = clock.schedule(() => {
      timers.delete(cancel);
      callback();
    }, delayMs);
    const cancel = (): void => {
      timers.delete(cancel);
      stop();
    };
    timers.add(cancel);
    return cancel;
  }

  function wake(isElsewhere: boolean): void {
    if (!session.live) return;
    // the timer of the token may have stood still, too; one that is over is of no use to a probe
    const isOverdue = clock.wallNow() >= renewAtMs;
    if (isOverdue) startRenewal();
    if (session.liveness?.wake(isElsewhere) && !(isOverdue && !capabilities.reauth)) listener.replace(session, 'reconnect');
  }

  function connect(credentials: Credentials | undefined): void {
    if (isOver) return;
    session.credentials = credentials;
    session.dialledMs = clock.now();
    later(connectTimeoutMs, () => {
      if (!session.live) over({ kind: 'lost', error: connectTimedOut(name, connectTimeoutMs) });
    });
    const request: LinkRequest = {
      signal,
      client,
      credentials,
      get channels() {
        return parts.channels();
      },
      get cursor() {
        return parts.cursor(name);
      },
      positionRefused: (channel) => parts.positionRefused?.(name, channel),
      clock,
    };
    isResumed = Boolean(request.cursor);
    try {
      link = transport.connect(request, { up, frames, alive, down: over });
    } catch (cause) {
      over({
        kind: 'unsupported',
        error: RealtimeError.from(cause, 'unsupported', `the transport ${name} broke while it dialled`),
      });
    }
  }

  function up(info: LinkInfo): void {
    if (isOver || !link) return;
    const opened = link;
    session.upMs = clock.now();
    session.advice = info;
    session.live = {
      id,
      transport,
      info,
      isResumed,
      send(batch) {
        // a token is for the server alone
        if (parts.watch) note({ kind: 'sent', frames: batch.map(withoutToken) });
        return opened.send(batch);
      },
    };
    const { liveness: mode } = capabilities;
    const silent = (error: RealtimeError): void => over({ kind: 'lost', error });
    const watch = watchLiveness(mode, parts.liveness, info.heartbeatMs, clock, () => void tell([{ kind: 'ping' }]), silent);
    session.liveness = watch;
    if (!info.isRelayed) scheduleRenewal();
    note({ kind: 'up', info });
    listener.up(session, session.live);
    if (isOver) return;
    // the first ping measures the round trip; a carrier that is open and cannot be pinged shows itself by a byte or by staying
    watch.probe();
    if (info.greeted) prove();
    else if (mode !== 'ping') later(proofMs, prove);
  }

  function prove(): void {
    if (session.isProven || isOver) return;
    session.isProven = true;
    listener.proved(session);
  }

  function alive(): void {
    session.liveness?.alive();
    if (!session.isProven) prove();
  }

  function frames(batch: readonly ServerFrame[], cursor: string | undefined): void {
    if (isOver) return;
    if (session.isProven || !batch.every(isBareJoin)) alive();
    listener.frames(session, batch, cursor);
    for (const frame of batch) if (frame.kind !== 'event') control(frame);
  }

  function control(frame: ServerFrame): void {
    if (isOver) return;
    if (frame.kind === 'pong') {
      const roundTripMs = session.liveness?.pong();
      if (roundTripMs !== undefined) {
        session.latencyMs = roundTripMs;
        note({ kind: 'measured', roundTripMs, at: frame.at });
      }
      listener.measured(session);
    } else if (frame.kind === 'ping') {
      if (isAnswering) return;
      isAnswering = true;
      void tell([{ kind: 'pong', data: frame.data }]).then(() => {
        isAnswering = false;
      });
    } else if (frame.kind === 'auth') {
      // one that has ended is the one before: the server may not even have got the new one
      if (frame.status !== 'expired') session.credentials = offered ?? session.credentials;
      offered = undefined;
      if (frame.status !== 'accepted') over({ kind: 'unauthorized', error: tokenRefused(name, frame.message) });
    } else if (frame.kind === 'advice') {
      session.advice = frame;
      if (!frame.drain) return;
      // the last word counts
      cancelDrain();
      cancelDrain = later(comeBackMs(frame, random), () => listener.replace(session, 'reconnect'));
    }
  }

  async function tell(batch: readonly ClientFrame[]): Promise<void> {
    try {
      await session.live?.send(batch);
    } catch (error) {
      fault(error, 'connection-lost', 'a control frame could not be sent');
    }
  }

  /** A session that is over says so itself. */
  function fault(error: unknown, code: RealtimeErrorCode, message: string): void {
    if (!isOver) listener.fault(RealtimeError.from(error, code, message));
  }

  /** Renews the token before it ends: on the live link where that is possible, else by a link that replaces it. */
  function scheduleRenewal({ expiresAt }: Partial<Credentials> = session.credentials ?? {}): void {
    if (expiresAt === undefined || !auth.renewable) return;
    const lifeMs = expiresAt - clock.wallNow();
    // over already: our clock is wrong, or the provider gave an old one; renewing it again and again would not help
    if (lifeMs < shortestLifeMs) return;
    const leadMs = Math.min(renewLeadMs, lifeMs / 5);
    renewAtMs = expiresAt - leadMs;
    cancelRenewal = later(lifeMs - leadMs, startRenewal);
  }

  function startRenewal(): void {
    cancelRenewal();
    renewAtMs = Number.POSITIVE_INFINITY;
    if (capabilities.reauth) void renew();
    else listener.replace(session, 'expiring');
  }

  async function renew(): Promise<void> {
    try {
      const credentials = await auth.credentials('expiring');
      if (!credentials || isOver) return;
      offered = credentials;
      void tell([{ kind: 'authenticate', token: credentials.token }]);
      scheduleRenewal(credentials);
    } catch (error) {
      // the link lives until the server ends it; the next attempt asks again
      fault(error, 'refused', 'the token could not be renewed');
    }
  }
}

function connectTimedOut(transport: string, timeoutMs: number): RealtimeError {
  return new RealtimeError('timeout', `connecting over ${transport} took longer than ${timeoutMs} ms`, {
    transport,
    hint: 'The server or a proxy takes the connection and does not answer.',
  });
}

function withoutToken(frame: ClientFrame): ClientFrame {
  return frame.kind === 'authenticate' ? { ...frame, token: '' } : frame;
}

function tokenRefused(transport: string, message = 'no reason was given'): RealtimeError {
  return new RealtimeError('unauthorized', `the server no longer accepts the token: ${message}`, { transport });
}
