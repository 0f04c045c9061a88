import type { RealtimeError } from '../errors.ts';

/** Numbers the links of one connection; a later link has a higher number. */
export type LinkId = number;

/** What holds in every phase. */
interface Context {
  /** The number of the last link that was dialled. */
  readonly serial: LinkId;
  /** Failed attempts since the connection last settled. */
  readonly attempt: number;
  /** The named reasons to stay disconnected, in the order in which they came. */
  readonly holds: readonly string[];
}

/** A link that is dialled beside another one. */
interface Beside {
  readonly link: LinkId;
  readonly route: number;
}

/** A link that is to replace the one in use. */
interface Candidate extends Beside {
  /** It is up, and has still to prove itself. */
  readonly isUp: boolean;
  /** It was dialled because the link in use took long to come up: the first of the two that proves itself is kept. */
  readonly isHedge: boolean;
}

/** The phases of a connection, each with what is only true in it. */
type Phases =
  /** Not wanted: never started, or stopped. */
  | { readonly phase: 'idle' }
  /** A link is being dialled, and others beside it, because it takes long; the first that comes up is the one. */
  | { readonly phase: 'connecting'; readonly link: LinkId; readonly route: number; readonly hedges: readonly Beside[] }
  /** A link carries traffic; a candidate may be on its way to replace it. */
  | {
      readonly phase: 'open';
      readonly link: LinkId;
      readonly route: number;
      /** The link has carried something from the server. */
      readonly proven: boolean;
      /** The link has stayed up for the settle time. */
      readonly matured: boolean;
      readonly candidate: Candidate | undefined;
    }
  /** The last attempt failed; the next one has a time. */
  | { readonly phase: 'waiting'; readonly delayMs: number }
  /** Wanted, and held back by a named reason. */
  | { readonly phase: 'held' }
  /** Over: closed by us, or refused for good. */
  | { readonly phase: 'ended'; readonly error: RealtimeError | undefined };

/** The connection as one value: a phase cannot be half true. */
export type ConnectionState = Context & Phases;

/** The name of a phase. */
export type Phase = ConnectionState['phase'];

/** What comes after the end of a link; the runner decides it, with time, chance and the user's policy. */
export type Next =
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** The error is shown; none when the connection was ended on purpose. */
  | { readonly kind: 'end'; readonly error: RealtimeError };

/** Everything that can happen to a connection. */
export type ConnectionEvent =
  /** The application wants a connection. */
  | { readonly kind: 'start'; readonly route: number }
  /** The application wants none for now. */
  | { readonly kind: 'stop' }
  /** The application is done with it. */
  | { readonly kind: 'close' }
  /** A named reason to stay disconnected came; `severs` when an open link is to end as well. */
  | { readonly kind: 'hold'; readonly name: string; readonly severs: boolean }
  /** A named reason went. */
  | { readonly kind: 'release'; readonly name: string; readonly route: number }
  /** A link came up. */
  | { readonly kind: 'up'; readonly link: LinkId }
  /** A link has carried something from the server. */
  | { readonly kind: 'proved'; readonly link: LinkId }
  /** A link has stayed up for the settle time. */
  | { readonly kind: 'matured'; readonly link: LinkId }
  /** A link ended. */
  | { readonly kind: 'down'; readonly link: LinkId; readonly next: Next }
  /** The time of the next attempt has come. */
  | { readonly kind: 'due'; readonly route: number }
  /** Another link is wanted (mode, channels, token, drain): it replaces the one of now when it has proved itself. */
  | { readonly kind: 'redial'; readonly route: number }
  /** The link on its way takes long: another route is dialled beside it. */
  | { readonly kind: 'hedge'; readonly route: number }
  /** Another link is wanted, and there is no room for two: the one of now ends first. */
  | { readonly kind: 'swap'; readonly route: number }
  /** The link in use, or on its way, is the one that is wanted: a candidate to replace it is given up. */
  | { readonly kind: 'keep' }
  /** The world has changed for the better: do not wait any longer. */
  | { readonly kind: 'wake'; readonly route: number };

/** What the runner has to do. */
export type ConnectionEffect =
  | { readonly kind: 'dial'; readonly link: LinkId; readonly route: number }
  /** End a link now. */
  | { readonly kind: 'abort'; readonly link: LinkId }
  /** End a link when what was sent on it is answered: another one has taken over. */
  | { readonly kind: 'retire'; readonly link: LinkId }
  | { readonly kind: 'schedule-retry'; readonly delayMs: number }
  | { readonly kind: 'cancel-retry' }
  | { readonly kind: 'schedule-settle'; readonly link: LinkId }
  | { readonly kind: 'cancel-settle' };

/** A new state and what follows from it. */
export interface Transition {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

/** The state of a connection that was never started. */
export const initialState: ConnectionState = { phase: 'idle', serial: 0, attempt: 0, holds: [] };

type In<P extends Phase> = Extract<ConnectionState, { phase: P }>;
type Kind = ConnectionEvent['kind'];
type On<K extends Kind> = Extract<ConnectionEvent, { kind: K }>;

/** For each phase and each event: what follows. `stay` is written out, so that nothing is left to chance. */
type Table = { readonly [P in Phase]: { readonly [K in Kind]: (state: In<P>, event: On<K>) => Transition } };

/**
 * The whole life of a connection, as a pure function: no time, no chance, no socket.
 *
 * @returns the next state and the effects to carry out, in order
 */
export function transition(state: ConnectionState, event: ConnectionEvent): Transition {
  const step = table[state.phase][event.kind] as (state: ConnectionState, event: ConnectionEvent) => Transition;
  return step(state, event);
}

/** What must be undone when a phase is left for good; the single list of exits. */
function exits(state: ConnectionState): readonly ConnectionEffect[] {
  switch (state.phase) {
    case 'connecting':
      return [abort(state), ...state.hedges.map(abort)];
    case 'open':
      return [{ kind: 'cancel-settle' }, ...(state.candidate === undefined ? [] : [abort(state.candidate)]), abort(state)];
    case 'waiting':
      return [{ kind: 'cancel-retry' }];
    case 'idle':
    case 'held':
    case 'ended':
      return [];
  }
}

const abort = ({ link }: { readonly link: LinkId }): ConnectionEffect => ({ kind: 'abort', link });
const stay = (state: ConnectionState): Transition => ({ state, effects: [] });

function context(state: ConnectionState): Context {
  return { serial: state.serial, attempt: state.attempt, holds: state.holds };
}

function toIdle(state: ConnectionState): Transition {
  return { state: { ...context(state), phase: 'idle', attempt: 0 }, effects: exits(state) };
}

function toEnded(state: ConnectionState, error?: RealtimeError): Transition {
  return { state: { ...context(state), phase: 'ended', error }, effects: exits(state) };
}

function toConnecting(state: ConnectionState, event: { readonly route: number }): Transition {
  const link = state.serial + 1;
  return {
    state: { ...context(state), phase: 'connecting', serial: link, link, route: event.route, hedges: [] },
    effects: [...exits(state), { kind: 'dial', link, route: event.route }],
  };
}

function toHeld(state: ConnectionState, event: { readonly name: string }): Transition {
  return { state: { ...context(withHold(state, event)), phase: 'held' }, effects: exits(state) };
}

/** A start is a fresh beginning, and waits while something holds. */
function start(state: ConnectionState, event: On<'start'>): Transition {
  const fresh = { ...state, attempt: 0 };
  return state.holds.length > 0 ? { state: { ...context(fresh), phase: 'held' }, effects: [] } : toConnecting(fresh, event);
}

function withHold<S extends ConnectionState>(state: S, event: { readonly name: string }): S {
  return state.holds.includes(event.name) ? state : { ...state, holds: [...state.holds, event.name] };
}

function withoutHold<S extends ConnectionState>(state: S, event: { readonly name: string }): S {
  return state.holds.includes(event.name) ? { ...state, holds: state.holds.filter((name) => name !== event.name) } : state;
}

const noteHold = (state: ConnectionState, event: On<'hold'>): Transition => stay(withHold(state, event));
const noteRelease = (state: ConnectionState, event: On<'release'>): Transition => stay(withoutHold(state, event));

/** The link of an attempt, or the only link of an open connection, ended. Aborting it once more does nothing. */
function afterDown(state: ConnectionState, next: Next): Transition {
  if (next.kind === 'end') return toEnded(state, next.error);
  const failed = { ...context(state), attempt: state.attempt + 1 };
  if (state.holds.length > 0) return { state: { ...failed, phase: 'held' }, effects: exits(state) };
  return {
    state: { ...failed, phase: 'waiting', delayMs: next.delayMs },
    effects: [...exits(state), { kind: 'schedule-retry', delayMs: next.delayMs }],
  };
}

/** All that are on their way, the first choice first. */
const racers = ({ link, route, hedges }: In<'connecting'>): readonly Beside[] => [{ link, route }, ...hedges];

function connectingUp(state: In<'connecting'>, event: On<'up'>): Transition {
  const winner = racers(state).find(({ link }) => link === event.link);
  if (winner === undefined) return stay(state);
  // what is up may still be swallowed: the first choice among the others goes on until one has proved itself
  const [next, ...rest] = racers(state).filter(({ link }) => link !== event.link);
  const candidate = next && { ...next, isUp: false, isHedge: true };
  return {
    state: { ...context(state), phase: 'open', ...winner, proven: false, matured: false, candidate },
    effects: [...rest.map(abort), { kind: 'schedule-settle', link: winner.link }],
  };
}

function connectingDown(state: In<'connecting'>, event: On<'down'>): Transition {
  const [next, ...hedges] = racers(state).filter(({ link }) => link !== event.link);
  const isHedge = event.link !== state.link;
  if (isHedge) return stay(hedges.length === state.hedges.length ? state : { ...state, hedges });
  // the others go on; a refusal for good is one for all of them
  if (next !== undefined && event.next.kind === 'retry') return stay({ ...state, ...next, hedges });
  return afterDown(state, event.next);
}

function connectingHedge(state: In<'connecting'>, event: On<'hedge'>): Transition {
  const link = state.serial + 1;
  return {
    state: { ...state, serial: link, hedges: [...state.hedges, { link, route: event.route }] },
    effects: [{ kind: 'dial', link, route: event.route }],
  };
}

/** Stayed up and delivered: only then do earlier failures stop counting. */
function settled(state: In<'open'>): In<'open'> {
  return state.proven && state.matured ? { ...state, attempt: 0 } : state;
}

function openDown(state: In<'open'>, event: On<'down'>): Transition {
  if (event.link === state.candidate?.link) return stay({ ...state, candidate: undefined });
  if (event.link !== state.link) return stay(state);
  if (event.next.kind === 'end' || state.candidate === undefined || state.holds.length > 0) return afterDown(state, event.next);
  const { link, route, isUp } = state.candidate;
  // the candidate is there already, or on its way: it becomes the link
  return isUp
    ? {
        state: { ...context(state), phase: 'open', link, route, proven: false, matured: false, candidate: undefined },
        effects: [{ kind: 'cancel-settle' }, { kind: 'schedule-settle', link }],
      }
    : { state: { ...context(state), phase: 'connecting', link, route, hedges: [] }, effects: [{ kind: 'cancel-settle' }] };
}

function openProved(state: In<'open'>, event: On<'proved'>): Transition {
  if (event.link === state.link) {
    if (state.proven) return stay(state);
    const proven = settled({ ...state, proven: true });
    return state.candidate?.isHedge ? openKeep(proven) : stay(proven);
  }
  if (event.link !== state.candidate?.link) return stay(state);
  const { link, route } = state.candidate;
  return {
    state: { ...state, link, route, proven: true, matured: false, candidate: undefined },
    effects: [{ kind: 'cancel-settle' }, { kind: 'retire', link: state.link }, { kind: 'schedule-settle', link }],
  };
}

function openRedial(state: In<'open'>, event: On<'redial'>): Transition {
  const link = state.serial + 1;
  const dial: ConnectionEffect = { kind: 'dial', link, route: event.route };
  return {
    state: { ...state, serial: link, candidate: { link, route: event.route, isUp: false, isHedge: false } },
    effects: state.candidate === undefined ? [dial] : [abort(state.candidate), dial],
  };
}

function openKeep(state: In<'open'>): Transition {
  if (state.candidate === undefined) return stay(state);
  return { state: { ...state, candidate: undefined }, effects: [abort(state.candidate)] };
}

const table: Table = {
  idle: {
    start,
    stop: stay,
    close: (state) => toEnded(state),
    hold: noteHold,
    release: noteRelease,
    up: stay,
    proved: stay,
    matured: stay,
    down: stay,
    due: stay,
    redial: stay,
    hedge: stay,
    swap: stay,
    keep: stay,
    wake: stay,
  },
  connecting: {
    start: stay,
    stop: toIdle,
    close: (state) => toEnded(state),
    hold: toHeld,
    release: noteRelease,
    up: connectingUp,
    proved: stay,
    matured: stay,
    down: connectingDown,
    due: stay,
    redial: toConnecting,
    hedge: connectingHedge,
    swap: stay,
    keep: (state) =>
      state.hedges.length > 0 ? { state: { ...state, hedges: [] }, effects: state.hedges.map(abort) } : stay(state),
    wake: stay,
  },
  open: {
    start: stay,
    stop: toIdle,
    close: (state) => toEnded(state),
    hold: (state, event) => (event.severs ? toHeld(state, event) : noteHold(state, event)),
    release: noteRelease,
    up: (state, event) =>
      stay(event.link === state.candidate?.link ? { ...state, candidate: { ...state.candidate, isUp: true } } : state),
    proved: openProved,
    matured: (state, event) => stay(event.link === state.link ? settled({ ...state, matured: true }) : state),
    down: openDown,
    due: stay,
    redial: openRedial,
    hedge: stay,
    // with a hold there would be no attempt after it
    swap: (state, event) => (state.holds.length > 0 ? stay(state) : toConnecting(state, event)),
    keep: openKeep,
    wake: stay,
  },
  waiting: {
    start: toConnecting,
    stop: toIdle,
    close: (state) => toEnded(state),
    hold: toHeld,
    release: noteRelease,
    up: stay,
    proved: stay,
    matured: stay,
    down: stay,
    due: toConnecting,
    redial: toConnecting,
    hedge: stay,
    swap: stay,
    keep: stay,
    wake: toConnecting,
  },
  held: {
    start: stay,
    stop: toIdle,
    close: (state) => toEnded(state),
    hold: noteHold,
    release: (state, event) => {
      const rest = withoutHold(state, event);
      // what held us back was on this side, so the server has nothing to be spared from
      return rest.holds.length > 0 ? stay(rest) : toConnecting({ ...rest, attempt: 0 }, event);
    },
    up: stay,
    proved: stay,
    matured: stay,
    down: stay,
    due: stay,
    redial: stay,
    hedge: stay,
    swap: stay,
    keep: stay,
    wake: stay,
  },
  ended: {
    start: (state, event) => (state.error === undefined ? stay(state) : start(state, event)),
    stop: (state) => (state.error === undefined ? stay(state) : toIdle(state)),
    close: (state) => toEnded(state),
    hold: noteHold,
    release: noteRelease,
    up: stay,
    proved: stay,
    matured: stay,
    down: stay,
    due: stay,
    redial: stay,
    hedge: stay,
    swap: stay,
    keep: stay,
    wake: stay,
  },
};
