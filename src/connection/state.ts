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

/** A link that is to replace the one in use. */
interface Candidate {
  readonly link: LinkId;
  readonly route: number;
  /** It is up, and has still to prove itself. */
  readonly isUp: boolean;
}

/** The phases of a connection, each with what is only true in it. */
type Phases =
  /** Not wanted: never started, or stopped. */
  | { readonly phase: 'idle' }
  /** A link is being dialled. */
  | { readonly phase: 'connecting'; readonly link: LinkId; readonly route: number }
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
      return [{ kind: 'abort', link: state.link }];
    case 'open':
      return [
        { kind: 'cancel-settle' },
        ...(state.candidate === undefined ? [] : [{ kind: 'abort', link: state.candidate.link } as const]),
        { kind: 'abort', link: state.link },
      ];
    case 'waiting':
      return [{ kind: 'cancel-retry' }];
    case 'idle':
    case 'held':
    case 'ended':
      return [];
  }
}

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
    state: { ...context(state), phase: 'connecting', serial: link, link, route: event.route },
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
    : { state: { ...context(state), phase: 'connecting', link, route }, effects: [{ kind: 'cancel-settle' }] };
}

function openProved(state: In<'open'>, event: On<'proved'>): Transition {
  if (event.link === state.link) return stay(state.proven ? state : settled({ ...state, proven: true }));
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
    state: { ...state, serial: link, candidate: { link, route: event.route, isUp: false } },
    effects: state.candidate === undefined ? [dial] : [{ kind: 'abort', link: state.candidate.link }, dial],
  };
}

function openKeep(state: In<'open'>): Transition {
  if (state.candidate === undefined) return stay(state);
  return { state: { ...state, candidate: undefined }, effects: [{ kind: 'abort', link: state.candidate.link }] };
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
    keep: stay,
    wake: stay,
  },
  connecting: {
    start: stay,
    stop: toIdle,
    close: (state) => toEnded(state),
    hold: toHeld,
    release: noteRelease,
    up: (state, event) =>
      event.link === state.link
        ? {
            state: { ...state, phase: 'open', proven: false, matured: false, candidate: undefined },
            effects: [{ kind: 'schedule-settle', link: state.link }],
          }
        : stay(state),
    proved: stay,
    matured: stay,
    down: (state, event) => (event.link === state.link ? afterDown(state, event.next) : stay(state)),
    due: stay,
    redial: toConnecting,
    keep: stay,
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
    keep: stay,
    wake: stay,
  },
};
