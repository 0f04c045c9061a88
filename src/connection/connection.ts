import { RealtimeError } from '../errors.ts';
import type { ServerFrame } from '../protocol/frame.ts';
import type { DownCause, Transport } from '../transport/transport.ts';
import type { AuthReason } from './auth.ts';
import { comeBackMs, type RetryContext, type RetryPolicy } from './retry.ts';
import type { Routes } from './routes.ts';
import { type LiveLink, type Session, type SessionListener, type SessionParts, startSession } from './session.ts';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  initialState,
  type LinkId,
  type Next,
  transition,
} from './state.ts';

/** Who hears what the connection does. */
export interface ConnectionListener {
  /** The state, or a fact about it, has changed. */
  changed(): void;
  /** A link came up: the one in use, or a candidate. */
  up(link: LiveLink): void;
  /** A batch arrived; only from links that are up. */
  frames(batch: readonly ServerFrame[], link: LiveLink, cursor: string | undefined): void;
  /** A link that was up is gone: what was under way on it is unknown. */
  down(link: LiveLink): void;
  /** A candidate is gone, and the link in use stays. */
  candidateFailed(): void;
  /** Something went wrong that the state does not show: a candidate failed, a token could not be renewed. */
  fault(error: RealtimeError): void;
}

/** What a connection is made of. */
export interface ConnectionParts extends SessionParts {
  readonly transports: readonly Transport[];
  readonly routes: Routes;
  readonly retry: RetryPolicy;
  /** How long a link must stay up until earlier failures stop counting, in milliseconds. */
  readonly settleAfterMs: number;
  /** How long a replaced link is kept for the answers to what was sent on it, in milliseconds. */
  readonly drainMs: number;
  readonly listener: ConnectionListener;
}

/** Facts about a connection that are not part of its state. */
export interface ConnectionFacts {
  /** The transport of the link of now, up or on its way. */
  readonly transport: Transport | undefined;
  /** Has a link ever been up? */
  readonly wasEverUp: boolean;
  /** Why the last link ended. */
  readonly reason: RealtimeError | undefined;
  /** The last round trip, in milliseconds. */
  readonly latencyMs: number | undefined;
  /** When something last arrived, by the monotonic clock. */
  readonly lastReceivedMs: number | undefined;
  /** When the next attempt is due, by the monotonic clock. */
  readonly nextRetryMs: number | undefined;
}

/** Runs the machine of `state.ts`: carries out its effects and brings it the events. */
export interface Connection {
  readonly state: ConnectionState;
  facts(): ConnectionFacts;
  /** The link that sends go to. */
  readonly current: LiveLink | undefined;
  /** Has there been no other link at any time since this one was dialled? */
  isAlone(link: LinkId): boolean;
  start(): void;
  stop(): void;
  close(): void;
  hold(name: string, severs: boolean): void;
  release(name: string): void;
  /** Dials another link, which takes over when it has proved itself. */
  redial(): void;
  /** Chooses the route anew: another link is dialled if it is not the one in use or on its way. */
  reroute(): void;
  /** Does not wait any longer, and makes sure that open links live. */
  wake(): void;
  /** What was sent on a link is answered: if it was replaced, it need not be kept. */
  drained(link: LinkId): void;
}

/** The wait where the retry policy says nothing that can be used: 30 seconds. */
const brokenPolicyMs = 30_000;

/** After so many ends in a row by a message that is too large, the connection fails with that error. */
const mostTooLarge = 3;

/** Makes a connection; nothing happens until `start`. */
export function createConnection(parts: ConnectionParts): Connection {
  const { transports, auth, routes, listener } = parts;
  const { clock, random } = parts.platform;
  const sessions = new Map<LinkId, Session>();
  let state = initialState;
  let events: ConnectionEvent[] = [];
  let isDispatching = false;
  let cancelRetry = (): void => {};
  let cancelSettle = (): void => {};
  let wasEverUp = false;
  let reason: RealtimeError | undefined;
  let nextRetryMs: number | undefined;
  /** Tokens refused in a row, with nothing proven in between. */
  let refusals = 0;
  let authReason: AuthReason = 'connect';
  /** Links in a row that were to be replaced before they had settled. */
  let hastyReplacements = 0;
  /** Links in a row that ended because of a message that was too large, before they had settled. */
  let tooLarge = 0;
  /** The last link that was dialled while there was another. */
  let lastShared: LinkId = 0;

  const sessionListener: SessionListener = {
    up(session, live) {
      wasEverUp = true;
      session.note({ kind: 'up', info: live.info });
      dispatch({ kind: 'up', link: session.id });
      // what was told of the change may have ended it
      if (sessions.has(session.id)) listener.up(live);
    },
    proved(session) {
      refusals = 0;
      routes.proved(session.route);
      dispatch({ kind: 'proved', link: session.id });
    },
    frames(session, batch, cursor) {
      const { live } = session;
      if (!live) return;
      // nothing tells an event without a number and an id from the same one on the new link: only the link in use counts
      const isFenced = session.transport.capabilities.resume === 'none' && session !== currentSession();
      if (!isFenced) return listener.frames(batch, live, cursor);
      listener.frames(
        batch.filter((frame) => frame.kind !== 'event' || frame.id !== undefined || frame.offset !== undefined),
        live,
        undefined,
      );
    },
    measured(session) {
      if (session === currentSession()) listener.changed();
    },
    replace(session, why) {
      if (session !== currentSession()) return;
      if (isSettled(session)) hastyReplacements = 0;
      const attempt = hastyReplacements++;
      // a server that wants every new link replaced must not be dialled in a loop
      const pauseMs = attempt === 0 ? 0 : ask({ attempt, cause: { kind: 'aborted' }, uptimeMs: uptimeMsOf(session), random });
      const replace = (): void => {
        if (session !== currentSession()) return;
        authReason = why;
        dispatch({ kind: 'redial', route: routes.pick() });
      };
      if (pauseMs === 0) replace();
      else if (pauseMs !== false) session.later(pauseMs, replace);
    },
    over(session, cause) {
      forget(session, cause);
      const wasCandidate = isCandidate(session.id);
      if (!wasCandidate && !isCurrent(session.id)) return;
      const next = decide(session, cause);
      if (cause.kind !== 'aborted') {
        if (wasCandidate) listener.fault(cause.error);
        else reason = cause.error;
      }
      dispatch({ kind: 'down', link: session.id, next });
      if (wasCandidate) listener.candidateFailed();
    },
    fault: (error) => listener.fault(error),
  };

  return {
    get state() {
      return state;
    },
    facts() {
      const session = currentSession();
      return {
        transport: 'route' in state ? transports[state.route] : undefined,
        wasEverUp,
        reason,
        latencyMs: session?.latencyMs,
        lastReceivedMs: session?.liveness?.lastReceivedMs,
        nextRetryMs: state.phase === 'waiting' ? nextRetryMs : undefined,
      };
    },
    isAlone: (link) => link > lastShared,
    get current() {
      return currentSession()?.live;
    },
    start() {
      refusals = 0;
      tooLarge = 0;
      dispatch({ kind: 'start', route: routes.pick() });
    },
    stop() {
      dispatch({ kind: 'stop' });
      endAll();
    },
    close() {
      dispatch({ kind: 'close' });
      endAll();
    },
    hold: (name, severs) => dispatch({ kind: 'hold', name, severs }),
    release: (name) => dispatch({ kind: 'release', name, route: routes.pick() }),
    redial: () => dispatch({ kind: 'redial', route: routes.pick() }),
    reroute() {
      const route = routes.pick();
      const isOnRoute = 'route' in state && state.route === route;
      const isHeading = state.phase === 'open' && state.candidate !== undefined && state.candidate.route === route;
      if (isHeading) return;
      dispatch(isOnRoute ? { kind: 'keep' } : { kind: 'redial', route });
      // what the given-up candidate was to bring has to come some other way
      if (isOnRoute) listener.candidateFailed();
    },
    wake() {
      dispatch({ kind: 'wake', route: routes.pick() });
      for (const { liveness } of [...sessions.values()]) liveness?.probe();
    },
    drained(link) {
      // a server that replays from positions has nothing more to give on it; any other one has until the drain time
      const isReplaced = !isCurrent(link) && !isCandidate(link);
      if (isReplaced && sessions.get(link)?.transport.capabilities.resume === 'channel') end(link);
    },
  };

  /** The link in use, or on its way to be the first one. */
  function isCurrent(link: LinkId): boolean {
    return 'link' in state && state.link === link;
  }

  function isCandidate(link: LinkId): boolean {
    return state.phase === 'open' && state.candidate?.link === link;
  }

  function currentSession(): Session | undefined {
    return state.phase === 'open' ? sessions.get(state.link) : undefined;
  }

  /** One event at a time: what a listener or an effect causes comes after what caused it. */
  function dispatch(event: ConnectionEvent): void {
    events.push(event);
    if (isDispatching) return;
    isDispatching = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) step(next);
    } finally {
      isDispatching = false;
      events = [];
    }
  }

  function step(event: ConnectionEvent): void {
    const before = state;
    const { state: after, effects } = transition(state, event);
    state = after;
    for (const effect of effects) carryOut(effect);
    if (after !== before) listener.changed();
  }

  function carryOut(effect: ConnectionEffect): void {
    switch (effect.kind) {
      case 'dial':
        return dial(effect.link, effect.route);
      case 'abort':
        return end(effect.link);
      case 'retire':
        return sessions.get(effect.link)?.later(parts.drainMs, () => end(effect.link));
      case 'schedule-retry':
        nextRetryMs = clock.now() + effect.delayMs;
        cancelRetry = clock.schedule(() => dispatch({ kind: 'due', route: routes.pick() }), effect.delayMs);
        return;
      case 'cancel-retry':
        return cancelRetry();
      case 'schedule-settle':
        cancelSettle = clock.schedule(() => dispatch({ kind: 'matured', link: effect.link }), parts.settleAfterMs);
        return;
      case 'cancel-settle':
        return cancelSettle();
    }
  }

  function dial(id: LinkId, route: number): void {
    const transport = transports[route];
    if (!transport) throw new RealtimeError('invalid-option', `there is no transport number ${route}`);
    const why = authReason;
    authReason = 'reconnect';
    if (sessions.size) lastShared = id;
    sessions.set(id, startSession(id, route, transport, why, parts, sessionListener));
  }

  function end(id: LinkId): void {
    const session = sessions.get(id);
    if (!session) return;
    session.end();
    forget(session, { kind: 'aborted' });
  }

  function forget(session: Session, cause: DownCause): void {
    if (!sessions.delete(session.id)) return;
    session.note({ kind: 'down', cause });
    if (session.live) listener.down(session.live);
    if (!sessions.size) auth.cancel();
  }

  function endAll(): void {
    for (const id of [...sessions.keys()]) end(id);
  }

  /** What comes after the end of a link: when to dial again, or that it is over. */
  function decide(session: Session, cause: DownCause): Next {
    const { isDialled, isProven, route, credentials, advice } = session;
    const attempt = state.attempt + 1;
    const uptimeMs = uptimeMsOf(session);
    const isFinal = cause.kind === 'unauthorized' || cause.kind === 'forbidden' || cause.kind === 'dismissed';
    // what the server or the auth provider says of us is no fault of the transport
    if (isDialled && !isProven && !isFinal) routes.failed(route);
    if (cause.kind === 'unauthorized') {
      auth.refuse(credentials);
      refusals += 1;
      // one new token is worth a try; a second refusal is an answer
      if (auth.renewable && refusals < 2 && credentials) {
        // a server that lets every token in and then turns it away must not be dialled in a loop
        const isHasty = isProven && attempt > 1 && !isSettled(session);
        const delayMs = isHasty ? ask({ attempt, cause, uptimeMs, random }) : 0;
        return delayMs === false ? { kind: 'end', error: cause.error } : { kind: 'retry', delayMs };
      }
    }
    if (isFinal) return { kind: 'end', error: cause.error };
    // the same message would end every link that replays it
    if (isSettled(session) || cause.kind === 'aborted' || cause.error.code !== 'too-large') tooLarge = 0;
    else if (++tooLarge > mostTooLarge) return { kind: 'end', error: cause.error };
    const asked = routes.hasFresherThan(route) ? 0 : ask({ attempt, cause, uptimeMs, random });
    if (asked === false) return { kind: 'end', error: gaveUp(attempt, cause) };
    const own = cause.kind === 'lost' || cause.kind === 'refused' ? cause : undefined;
    const hasOwn = own?.retryAfterMs !== undefined || own?.spreadMs !== undefined;
    return { kind: 'retry', delayMs: Math.max(0, asked, comeBackMs((hasOwn ? own : advice) ?? {}, random)) };
  }

  function uptimeMsOf({ upMs }: Session): number {
    return upMs === undefined ? 0 : clock.now() - upMs;
  }

  function isSettled(session: Session): boolean {
    return uptimeMsOf(session) >= parts.settleAfterMs;
  }

  /** A policy that throws, or answers what cannot be waited for, must neither stop the connection nor make it dial in a loop. */
  function ask(context: RetryContext): number | false {
    try {
      const asked = parts.retry(context);
      return asked === false || Number.isFinite(asked) ? asked : brokenPolicyMs;
    } catch (error) {
      listener.fault(new RealtimeError('handler-failed', 'the retry policy threw', { cause: error }));
      return brokenPolicyMs;
    }
  }
}

function gaveUp(attempt: number, cause: DownCause): RealtimeError {
  return new RealtimeError('refused', `the retry policy gave up after ${attempt - 1} retries`, {
    cause: cause.kind === 'aborted' ? undefined : cause.error,
    hint: 'Call start() to try again.',
  });
}
