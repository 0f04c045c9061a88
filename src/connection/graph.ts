import { RealtimeError } from '../errors.ts';
import { type ConnectionEvent, type ConnectionState, initialState, type Phase, transition } from './state.ts';

/** A way from one phase of a connection to another. */
export interface PhaseEdge {
  /** The phase before. */
  readonly from: string;
  /** The phase after. */
  readonly to: string;
  /** What can lead there, one of these each time. */
  readonly events: readonly string[];
}

/** The phases of a connection, and the ways between them. */
export interface ConnectionGraph {
  /** `idle`, `connecting`, `open`, `waiting`, `held` and `ended`. */
  readonly phases: readonly string[];
  /** Each pair of phases once. */
  readonly edges: readonly PhaseEdge[];
}

/** More states than these are not looked at; there are some fifty. */
const mostStates = 1_000;

/**
 * The phases of a connection and the ways between them, found by walking the transition table itself: whatever the table
 * allows is here, and nothing else.
 */
export function connectionGraph(): ConnectionGraph {
  const seen = new Set<string>();
  const phases = new Set<Phase>();
  const ways = new Map<string, { from: Phase; to: Phase; events: Set<ConnectionEvent['kind']> }>();
  const open: ConnectionState[] = [initialState];
  for (let state = open.shift(); state !== undefined && seen.size < mostStates; state = open.shift()) {
    const key = shapeOf(state);
    if (seen.has(key)) continue;
    seen.add(key);
    phases.add(state.phase);
    for (const event of eventsIn(state)) {
      const { state: next } = transition(state, event);
      open.push(next);
      if (next.phase === state.phase) continue;
      const name = `${state.phase} ${next.phase}`;
      const way = ways.get(name) ?? { from: state.phase, to: next.phase, events: new Set() };
      way.events.add(event.kind);
      ways.set(name, way);
    }
  }
  return { phases: [...phases], edges: [...ways.values()].map(({ from, to, events }) => ({ from, to, events: [...events] })) };
}

/** What makes a difference in the table; numbers of links and attempts do not. */
function shapeOf(state: ConnectionState): string {
  const candidate = 'candidate' in state ? state.candidate : undefined;
  return JSON.stringify([
    state.phase,
    state.holds.length > 0,
    'proven' in state && state.proven,
    'matured' in state && state.matured,
    candidate?.isUp,
    'error' in state && state.error !== undefined,
  ]);
}

/** One of each event that can happen now, about each link that there is. */
function eventsIn(state: ConnectionState): readonly ConnectionEvent[] {
  const route = 0;
  const error = new RealtimeError('refused', 'refused');
  const candidate = 'candidate' in state ? state.candidate : undefined;
  const links = [...('link' in state ? [state.link] : []), ...(candidate ? [candidate.link] : [])];
  return [
    { kind: 'start', route },
    { kind: 'stop' },
    { kind: 'close' },
    { kind: 'hold', name: 'a', severs: true },
    { kind: 'release', name: 'a', route },
    { kind: 'due', route },
    { kind: 'redial', route },
    { kind: 'keep' },
    { kind: 'wake', route },
    ...links.flatMap((link): ConnectionEvent[] => [
      { kind: 'up', link },
      { kind: 'proved', link },
      { kind: 'matured', link },
      { kind: 'down', link, next: { kind: 'retry', delayMs: 0 } },
      { kind: 'down', link, next: { kind: 'end', error } },
    ]),
  ];
}
