import type { RealtimeError } from '../errors.ts';
import type { ServerFrame } from '../protocol/frame.ts';
import type { Transport } from '../transport/transport.ts';
import type { AuthReason } from './auth.ts';
import type { Note } from './history.ts';
import type { RetryPolicy } from './retry.ts';
import type { Routes } from './routes.ts';
import { type LiveLink, type Session, type SessionListener, type SessionParts, startSession } from './session.ts';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  initialState,
  type LinkId,
  transition,
} from './state.ts';
import { createVerdict } from './verdict.ts';

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
  /** Keeps the decisions and their reasons. */
  readonly note: Note;
  readonly listener: ConnectionListener;
}

/** Facts about a connection that are not part of its state. */
export interface ConnectionFacts {
  /** The transport of the link of now, up or on its way. */
  readonly transport: Transport | undefined;
  /** Has a link ever been up? */
  readonly wasEverUp: boolean;
  /** Does anything get through? `unknown` while that is being found out. */
  readonly network: 'up' | 'down' | 'unknown';
  /** The transports that failed while another one worked, by name. The same array as long as nothing changes. */
  readonly blocked: readonly string[];
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
  /**
   * Does not wait any longer, and makes sure that open links live.
   *
   * @param isElsewhere - the network may be another one: what is known of routes and of open links may not hold there
   */
  wake(isElsewhere?: boolean): void;
  /** What was sent on a link is answered: if it was replaced, it need not be kept. */
  drained(link: LinkId): void;
}

/** Why a link is dialled, by the event that had it dialled. */
const dialReasons: Partial<Readonly<Record<ConnectionEvent['kind'], string>>> = {
  start: 'a connection is wanted',
  due: 'the wait is over',
  wake: 'the network, the page or the device is back',
  release: 'nothing holds it back any more',
  hedge: 'what was dialled before is silent for too long',
  redial: 'another link is wanted: mode, channels, token or drain',
  swap: 'the link in use takes the place that its successor needs',
};

/** Makes a connection; nothing happens until `start`. */
export function createConnection(parts: ConnectionParts): Connection {
  const { transports, auth, routes, listener, note } = parts;
  const { clock } = parts.platform;
  const verdict = createVerdict({ ...parts, fault: listener.fault });
  const sessions = new Map<LinkId, Session>();
  let state = initialState;
  let events: ConnectionEvent[] = [];
  let isDispatching = false;
  let cancelRetry = (): void => {};
  let cancelSettle = (): void => {};
  let wasEverUp = false;
  let reason: RealtimeError | undefined;
  let nextRetryMs: number | undefined;
  let authReason: AuthReason = 'connect';
  /** The last link that was dialled while there was another. */
  let lastShared: LinkId = 0;
  /** The candidate that was dialled to come back to a better route. */
  let promoted: LinkId = 0;
  let cancelPromotion = (): void => {};

  const sessionListener: SessionListener = {
    up(session, live) {
      wasEverUp = true;
      if (hasOther(session.id)) lastShared = Math.max(...sessions.keys());
      dispatch({ kind: 'up', link: session.id });
      // what was told of the change may have ended it
      if (sessions.has(session.id)) listener.up(live);
    },
    proved(session) {
      const { id, route, dialledMs } = session;
      verdict.proved();
      // the race is over: who is still on the way, or up in silence, had as much time
      if (state.phase === 'open' && state.candidate?.isHedge) {
        const other = sessions.get(state.link === id ? state.candidate.link : state.link);
        if (other?.dialledMs !== undefined) routes.failed(other.route);
      }
      note('proved', session.transport.name, 'the server has shown that the link works');
      worked(route, dialledMs === undefined ? undefined : clock.now() - dialledMs);
      dispatch({ kind: 'proved', link: id });
      if (sessions.has(id)) watchForBetter(session);
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
      // how often that happens is up to the life of the tokens
      const pauseMs = why === 'expiring' ? 0 : verdict.beforeReplacing(session);
      const replace = (): void => {
        if (session !== currentSession()) return;
        authReason = why;
        dispatch({ kind: 'redial', route: routes.pick() });
      };
      if (pauseMs === 0) replace();
      else if (pauseMs !== false) session.later(pauseMs, replace);
    },
    over(session, cause) {
      forget(session);
      const wasCandidate = isCandidate(session.id);
      if (!wasCandidate && !isCurrent(session.id)) return;
      const isHedge = state.phase === 'open' && state.candidate?.isHedge;
      const next = verdict.after(session, cause, state.attempt + 1);
      const error = cause.kind === 'aborted' ? undefined : cause.error;
      note('ended', session.transport.name, error?.message ?? 'we ended it');
      if (!wasCandidate) reason = error ?? reason;
      else if (error && !isHedge) listener.fault(error);
      const current = currentSession();
      // browsers have few connections for each server: a request that works, and whose like gets no answer, may hold the last
      const isLike = session.route === current?.route && session.transport.capabilities.joining === 'dial';
      const isRoomMissing = isLike && !session.live && error?.code === 'timeout' && verdict.isSettled(current);
      dispatch({ kind: 'down', link: session.id, next });
      if (!wasCandidate || current !== currentSession()) return;
      // another route works, so this one does not
      if (current?.isProven) {
        worked(current.route);
        watchForBetter(current);
      }
      if (isRoomMissing) dispatch({ kind: 'swap', route: session.route });
      else if (!isHedge) listener.candidateFailed();
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
        network: network(),
        blocked: routes.blocked,
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
      verdict.fresh();
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
    release(name) {
      verdict.changed();
      dispatch({ kind: 'release', name, route: routes.pick() });
    },
    redial: () => dispatch({ kind: 'redial', route: routes.pick() }),
    reroute() {
      const route = routes.pick();
      const isOnRoute = 'route' in state && state.route === route;
      const isHeading = state.phase === 'open' && state.candidate !== undefined && state.candidate.route === route;
      if (isHeading) return;
      dispatch(isOnRoute ? { kind: 'keep' } : { kind: 'redial', route });
      // what the given-up candidate was to bring has to come some other way
      if (isOnRoute) listener.candidateFailed();
      const session = currentSession();
      if (session?.isProven) watchForBetter(session);
    },
    wake(isElsewhere = false) {
      verdict.changed();
      if (isElsewhere) routes.forgive();
      dispatch({ kind: 'wake', route: routes.pick() });
      for (const session of [...sessions.values()]) session.wake(isElsewhere);
    },
    drained(link) {
      // a server that replays from positions has nothing more to give on it; any other one has until the drain time
      const isReplaced = !isCurrent(link) && !isCandidate(link);
      if (isReplaced && sessions.get(link)?.transport.capabilities.resume === 'channel') end(link);
    },
  };

  /** The link in use, or on its way to be the first one. */
  function isCurrent(link: LinkId): boolean {
    return linkOf(state) === link || (state.phase === 'connecting' && state.hedges.some((hedge) => hedge.link === link));
  }

  /** Is another link up? */
  function hasOther(link: LinkId): boolean {
    return [...sessions.values()].some(({ id, live }) => live && id !== link);
  }

  function network(): ConnectionFacts['network'] {
    if (currentSession()?.isProven) return 'up';
    return state.holds.includes('offline') || routes.isUnreachable ? 'down' : 'unknown';
  }

  /** A route carries something; others that failed are set aside. */
  function worked(route: number, afterMs?: number): void {
    for (const aside of routes.proved(route, afterMs)) {
      note('aside', transports[aside]?.name, `it failed where ${transports[route]?.name} works; it is tried again later`);
    }
  }

  /** On another route than the first: tries a better one in the background after a while. */
  function watchForBetter(session: Session): void {
    cancelPromotion();
    const delayMs = routes.promoteInMs(session.route);
    if (delayMs === undefined) return;
    cancelPromotion = session.later(delayMs, () => {
      const route = routes.pick();
      if (session !== currentSession()) return;
      if (route >= session.route || (state.phase === 'open' && state.candidate)) return watchForBetter(session);
      promoted = state.serial + 1;
      dispatch({ kind: 'redial', route });
    });
  }

  /** Dials the next route beside a link that is silent for too long while it comes up. */
  function hedge(session: Session, afterMs: number): void {
    if (state.phase !== 'connecting' || !isCurrent(session.id)) return;
    const leftMs = session.dialledMs === undefined ? afterMs : session.dialledMs + afterMs - clock.now();
    // the wait for a token is none for the server
    if (leftMs > 0) return void session.later(leftMs, () => hedge(session, afterMs));
    const route = routes.beside([state.route, ...state.hedges.map((other) => other.route)]);
    if (route !== undefined) dispatch({ kind: 'hedge', route });
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
    for (const effect of effects) carryOut(effect, event);
    if (after !== before) listener.changed();
  }

  function carryOut(effect: ConnectionEffect, event: ConnectionEvent): void {
    switch (effect.kind) {
      case 'dial':
        return dial(effect.link, effect.route, event);
      case 'abort':
        return end(effect.link);
      case 'retire':
        sessions.get(effect.link)?.later(parts.drainMs, () => end(effect.link));
        return;
      case 'schedule-retry':
        if (effect.delayMs > 0) note('wait', undefined, `the next attempt is due in ${Math.round(effect.delayMs)} ms`);
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

  function dial(id: LinkId, route: number, { kind }: ConnectionEvent): void {
    const transport = transports[route] as Transport;
    const why = authReason;
    authReason = 'reconnect';
    if (hasOther(id)) lastShared = id;
    const isBeside = kind === 'hedge' || kind === 'swap' || (kind === 'redial' && state.phase === 'open');
    if (id === promoted) note('promote', transport.name, 'it comes before the one in use, and may work by now');
    else note(isBeside ? kind : 'dial', transport.name, dialReasons[kind] ?? kind);
    const session = startSession(id, route, transport, why, parts, sessionListener);
    sessions.set(id, session);
    const afterMs = routes.hedgeAfterMs();
    if (state.phase === 'connecting' && afterMs !== undefined) hedge(session, afterMs);
  }

  function end(id: LinkId): void {
    const session = sessions.get(id);
    session?.end();
    if (session) forget(session);
  }

  function forget(session: Session): void {
    if (!sessions.delete(session.id)) return;
    if (session.live) listener.down(session.live);
    if (!sessions.size) auth.cancel();
  }

  function endAll(): void {
    for (const id of [...sessions.keys()]) end(id);
  }
}

function linkOf(state: ConnectionState): LinkId | undefined {
  return 'link' in state ? state.link : undefined;
}
