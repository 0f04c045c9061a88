import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  initialState,
  type Phase,
  transition,
} from '../../src/connection/state.ts';
import { RealtimeError } from '../../src/errors.ts';

const error = new RealtimeError('forbidden', 'no');
const base = { serial: 5, attempt: 2, holds: [] as readonly string[] };

/** One state for each phase, and those that behave differently within it. */
const states = {
  idle: { ...base, phase: 'idle' },
  connecting: { ...base, phase: 'connecting', link: 5, route: 0, hedges: [] },
  'connecting with hedges': {
    ...base,
    phase: 'connecting',
    link: 3,
    route: 0,
    hedges: [
      { link: 4, route: 1 },
      { link: 5, route: 2 },
    ],
  },
  open: { ...base, phase: 'open', link: 5, route: 0, proven: false, matured: false, candidate: undefined },
  'open with a candidate': {
    ...base,
    phase: 'open',
    link: 4,
    route: 0,
    proven: true,
    matured: true,
    candidate: { link: 5, route: 1, isUp: false, isHedge: false },
  },
  'open in a race': {
    ...base,
    phase: 'open',
    link: 5,
    route: 1,
    proven: false,
    matured: false,
    candidate: { link: 4, route: 0, isUp: false, isHedge: true },
  },
  waiting: { ...base, phase: 'waiting', delayMs: 100 },
  held: { ...base, phase: 'held', holds: ['app'] },
  closed: { ...base, phase: 'ended', error: undefined },
  failed: { ...base, phase: 'ended', error },
} as const satisfies Record<string, ConnectionState>;

const events = {
  start: { kind: 'start', route: 0 },
  stop: { kind: 'stop' },
  close: { kind: 'close' },
  hold: { kind: 'hold', name: 'app', severs: false },
  'hold that severs': { kind: 'hold', name: 'app', severs: true },
  release: { kind: 'release', name: 'app', route: 0 },
  up: { kind: 'up', link: 5 },
  proved: { kind: 'proved', link: 5 },
  matured: { kind: 'matured', link: 5 },
  down: { kind: 'down', link: 5, next: { kind: 'retry', delayMs: 70 } },
  'down for good': { kind: 'down', link: 5, next: { kind: 'end', error } },
  'down of the old link': { kind: 'down', link: 4, next: { kind: 'retry', delayMs: 70 } },
  due: { kind: 'due', route: 0 },
  redial: { kind: 'redial', route: 1 },
  hedge: { kind: 'hedge', route: 1 },
  swap: { kind: 'swap', route: 0 },
  keep: { kind: 'keep' },
  wake: { kind: 'wake', route: 0 },
} as const satisfies Record<string, ConnectionEvent>;

type Row = Record<keyof typeof events, string>;

/** What follows, as `phase: effects`; `-` where nothing happens. Every cell is written out. */
const table: Record<keyof typeof states, Row> = {
  idle: {
    start: 'connecting: dial 6',
    stop: '-',
    close: 'ended:',
    hold: 'idle:',
    'hold that severs': 'idle:',
    release: '-',
    up: '-',
    proved: '-',
    matured: '-',
    down: '-',
    'down for good': '-',
    'down of the old link': '-',
    due: '-',
    redial: '-',
    hedge: '-',
    swap: '-',
    keep: '-',
    wake: '-',
  },
  connecting: {
    start: '-',
    stop: 'idle: abort 5',
    close: 'ended: abort 5',
    hold: 'held: abort 5',
    'hold that severs': 'held: abort 5',
    release: '-',
    up: 'open: schedule-settle 5',
    proved: '-',
    matured: '-',
    down: 'waiting: abort 5, schedule-retry 70',
    'down for good': 'ended: abort 5',
    'down of the old link': '-',
    due: '-',
    redial: 'connecting: abort 5, dial 6',
    hedge: 'connecting: dial 6',
    swap: '-',
    keep: '-',
    wake: '-',
  },
  'connecting with hedges': {
    start: '-',
    stop: 'idle: abort 3, abort 4, abort 5',
    close: 'ended: abort 3, abort 4, abort 5',
    hold: 'held: abort 3, abort 4, abort 5',
    'hold that severs': 'held: abort 3, abort 4, abort 5',
    release: '-',
    up: 'open: abort 4, schedule-settle 5',
    proved: '-',
    matured: '-',
    down: 'connecting:',
    'down for good': 'connecting:',
    'down of the old link': 'connecting:',
    due: '-',
    redial: 'connecting: abort 3, abort 4, abort 5, dial 6',
    hedge: 'connecting: dial 6',
    swap: '-',
    keep: 'connecting: abort 4, abort 5',
    wake: '-',
  },
  open: {
    start: '-',
    stop: 'idle: cancel-settle, abort 5',
    close: 'ended: cancel-settle, abort 5',
    hold: 'open:',
    'hold that severs': 'held: cancel-settle, abort 5',
    release: '-',
    up: '-',
    proved: 'open:',
    matured: 'open:',
    down: 'waiting: cancel-settle, abort 5, schedule-retry 70',
    'down for good': 'ended: cancel-settle, abort 5',
    'down of the old link': '-',
    due: '-',
    redial: 'open: dial 6',
    hedge: '-',
    swap: 'connecting: cancel-settle, abort 5, dial 6',
    keep: '-',
    wake: '-',
  },
  'open with a candidate': {
    start: '-',
    stop: 'idle: cancel-settle, abort 5, abort 4',
    close: 'ended: cancel-settle, abort 5, abort 4',
    hold: 'open:',
    'hold that severs': 'held: cancel-settle, abort 5, abort 4',
    release: '-',
    up: 'open:',
    proved: 'open: cancel-settle, retire 4, schedule-settle 5',
    matured: '-',
    down: 'open:',
    'down for good': 'open:',
    'down of the old link': 'connecting: cancel-settle',
    due: '-',
    redial: 'open: abort 5, dial 6',
    hedge: '-',
    swap: 'connecting: cancel-settle, abort 5, abort 4, dial 6',
    keep: 'open: abort 5',
    wake: '-',
  },
  'open in a race': {
    start: '-',
    stop: 'idle: cancel-settle, abort 4, abort 5',
    close: 'ended: cancel-settle, abort 4, abort 5',
    hold: 'open:',
    'hold that severs': 'held: cancel-settle, abort 4, abort 5',
    release: '-',
    up: '-',
    proved: 'open: abort 4',
    matured: 'open:',
    down: 'connecting: cancel-settle',
    'down for good': 'ended: cancel-settle, abort 4, abort 5',
    'down of the old link': 'open:',
    due: '-',
    redial: 'open: abort 4, dial 6',
    hedge: '-',
    swap: 'connecting: cancel-settle, abort 4, abort 5, dial 6',
    keep: 'open: abort 4',
    wake: '-',
  },
  waiting: {
    start: 'connecting: cancel-retry, dial 6',
    stop: 'idle: cancel-retry',
    close: 'ended: cancel-retry',
    hold: 'held: cancel-retry',
    'hold that severs': 'held: cancel-retry',
    release: '-',
    up: '-',
    proved: '-',
    matured: '-',
    down: '-',
    'down for good': '-',
    'down of the old link': '-',
    due: 'connecting: cancel-retry, dial 6',
    redial: 'connecting: cancel-retry, dial 6',
    hedge: '-',
    swap: '-',
    keep: '-',
    wake: 'connecting: cancel-retry, dial 6',
  },
  held: {
    start: '-',
    stop: 'idle:',
    close: 'ended:',
    hold: '-',
    'hold that severs': '-',
    release: 'connecting: dial 6',
    up: '-',
    proved: '-',
    matured: '-',
    down: '-',
    'down for good': '-',
    'down of the old link': '-',
    due: '-',
    redial: '-',
    hedge: '-',
    swap: '-',
    keep: '-',
    wake: '-',
  },
  closed: {
    start: '-',
    stop: '-',
    close: 'ended:',
    hold: 'ended:',
    'hold that severs': 'ended:',
    release: '-',
    up: '-',
    proved: '-',
    matured: '-',
    down: '-',
    'down for good': '-',
    'down of the old link': '-',
    due: '-',
    redial: '-',
    hedge: '-',
    swap: '-',
    keep: '-',
    wake: '-',
  },
  failed: {
    start: 'connecting: dial 6',
    stop: 'idle:',
    close: 'ended:',
    hold: 'ended:',
    'hold that severs': 'ended:',
    release: '-',
    up: '-',
    proved: '-',
    matured: '-',
    down: '-',
    'down for good': '-',
    'down of the old link': '-',
    due: '-',
    redial: '-',
    hedge: '-',
    swap: '-',
    keep: '-',
    wake: '-',
  },
};

function describeEffect(effect: ConnectionEffect): string {
  if ('link' in effect) return `${effect.kind} ${effect.link}`;
  return 'delayMs' in effect ? `${effect.kind} ${effect.delayMs}` : effect.kind;
}

function outcome(state: ConnectionState, event: ConnectionEvent): string {
  const { state: after, effects } = transition(state, event);
  if (after === state && effects.length === 0) return '-';
  return `${after.phase}: ${effects.map(describeEffect).join(', ')}`.trimEnd();
}

describe('the transition table', () => {
  for (const [name, state] of Object.entries(states)) {
    test(name, () => {
      const row = Object.fromEntries(Object.entries(events).map(([event, value]) => [event, outcome(state, value)]));
      expect(row).toEqual(table[name as keyof typeof states]);
    });
  }
});

describe('attempts', () => {
  const open = states.open;
  const step = (state: ConnectionState, ...sequence: ConnectionEvent[]): ConnectionState =>
    sequence.reduce((at, event) => transition(at, event).state, state);

  test('count up with each failure', () => {
    expect(step(states.connecting, events.down).attempt).toBe(3);
    expect(step(open, events.down).attempt).toBe(3);
  });

  test('start again only after the link has stayed up and delivered, in either order', () => {
    expect(step(open, events.proved).attempt).toBe(2);
    expect(step(open, events.matured).attempt).toBe(2);
    expect(step(open, events.proved, events.matured).attempt).toBe(0);
    expect(step(open, events.matured, events.proved).attempt).toBe(0);
  });

  test('start again when a hold on our side is released, and with a fresh start', () => {
    expect(step(states.held, events.release).attempt).toBe(0);
    expect(step(states.failed, events.start).attempt).toBe(0);
    expect(step(states.idle, events.start).attempt).toBe(0);
  });

  test('a promoted link has to settle anew', () => {
    const promoted = step(states['open with a candidate'], events.proved);
    expect(promoted).toMatchObject({ phase: 'open', link: 5, route: 1, proven: true, matured: false, candidate: undefined });
    expect(promoted.attempt).toBe(2);
  });
});

test('a candidate that is up takes over at once when the link in use breaks', () => {
  const up = transition(states['open with a candidate'], events.up).state;
  expect(transition(up, events['down of the old link'])).toMatchObject({
    state: { phase: 'open', link: 5, route: 1, proven: false, candidate: undefined },
    effects: [{ kind: 'cancel-settle' }, { kind: 'schedule-settle', link: 5 }],
  });
});

describe('a race', () => {
  const racing = states['connecting with hedges'];

  test('goes on between the one that is up and the first choice among the others', () => {
    expect(transition(racing, events.up).state).toMatchObject({
      phase: 'open',
      link: 5,
      route: 2,
      candidate: { link: 3, route: 0, isUp: false, isHedge: true },
    });
    expect(transition(racing, { kind: 'up', link: 3 })).toMatchObject({
      state: { link: 3, route: 0, candidate: { link: 4, route: 1, isHedge: true } },
      effects: [
        { kind: 'abort', link: 5 },
        { kind: 'schedule-settle', link: 3 },
      ],
    });
  });

  test('is won by the first that proves itself, also when it came up later', () => {
    const up = transition(states['open in a race'], { kind: 'up', link: 4 }).state;
    expect(transition(up, { kind: 'proved', link: 4 }).state).toMatchObject({ link: 4, proven: true, candidate: undefined });
    expect(transition(up, { kind: 'proved', link: 5 }).state).toMatchObject({ link: 5, proven: true, candidate: undefined });
  });

  test('goes on without the one that ended, and the attempt has failed when the last one has', () => {
    const first = transition(racing, { kind: 'down', link: 3, next: { kind: 'retry', delayMs: 70 } }).state;
    expect(first).toMatchObject({ phase: 'connecting', link: 4, route: 1, hedges: [{ link: 5, route: 2 }], attempt: 2 });
    const second = transition(first, events.down).state;
    expect(second).toMatchObject({ phase: 'connecting', link: 4, hedges: [] });
    expect(transition(second, { ...events.down, link: 4 }).state).toMatchObject({ phase: 'waiting', attempt: 3 });
  });

  test('is over when the first choice is refused for good, and not when another one is', () => {
    expect(transition(racing, { ...events['down for good'], link: 3 }).state.phase).toBe('ended');
    expect(transition(racing, events['down for good']).state.phase).toBe('connecting');
  });
});

describe('holds', () => {
  test('a start waits for them', () => {
    const held = transition({ ...states.idle, holds: ['offline'] }, events.start);
    expect(held).toMatchObject({ state: { phase: 'held' }, effects: [] });
  });

  test('the last one that goes dials', () => {
    const both: ConnectionState = { ...states.held, holds: ['app', 'offline'] };
    const one = transition(both, events.release);
    expect(one.state).toMatchObject({ phase: 'held', holds: ['offline'] });
    expect(transition(one.state, { kind: 'release', name: 'offline', route: 0 }).state.phase).toBe('connecting');
  });

  test('a hold that came while the link was open keeps the next attempt back', () => {
    const noted = transition(states.open, events.hold).state;
    expect(transition(noted, events.down)).toMatchObject({ state: { phase: 'held', holds: ['app'], attempt: 3 } });
  });
});

/** Keeps the books that the runner would keep, and checks them against the state after each step. */
function walk(sequence: readonly ConnectionEvent[]): void {
  let state = initialState;
  const live = new Set<number>();
  let isRetryScheduled = false;
  let isSettleScheduled = false;
  for (const drawn of sequence) {
    const event = aimed(state, drawn);
    const { state: after, effects } = transition(state, event);
    if (event.kind === 'down') live.delete(event.link);
    if (event.kind === 'due' && state.phase === 'waiting') isRetryScheduled = false;
    if (event.kind === 'matured') isSettleScheduled = false;
    for (const effect of effects) {
      if (effect.kind === 'dial') {
        expect(effect.link).toBeGreaterThan(state.serial);
        live.add(effect.link);
      } else if (effect.kind === 'abort' || effect.kind === 'retire') live.delete(effect.link);
      else if (effect.kind === 'schedule-retry') isRetryScheduled = true;
      else if (effect.kind === 'cancel-retry') isRetryScheduled = false;
      else if (effect.kind === 'schedule-settle') isSettleScheduled = true;
      else isSettleScheduled = false;
    }
    state = after;
    expect([...live].sort((a, b) => a - b)).toEqual(linksOf(state));
    expect(isRetryScheduled).toBe(state.phase === 'waiting');
    if (state.phase !== 'open') expect(isSettleScheduled).toBe(false);
    if (state.phase === 'connecting' || state.phase === 'waiting') expect(state.holds).toEqual([]);
  }
}

/** The drawn number counts back from the last link, so that most events concern a link that exists. */
function aimed(state: ConnectionState, event: ConnectionEvent): ConnectionEvent {
  return 'link' in event ? { ...event, link: state.serial - event.link } : event;
}

function linksOf(state: ConnectionState): number[] {
  if (state.phase === 'connecting') return [state.link, ...state.hedges.map((hedge) => hedge.link)].sort((a, b) => a - b);
  if (state.phase !== 'open') return [];
  return [state.link, ...(state.candidate === undefined ? [] : [state.candidate.link])].sort((a, b) => a - b);
}

const link = fc.integer({ min: 0, max: 2 });
const route = fc.integer({ min: 0, max: 2 });
const livelyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'start' as const,
      'due' as const,
      'redial' as const,
      'hedge' as const,
      'swap' as const,
      'wake' as const,
    ),
    route,
  }),
  fc.constantFrom({ kind: 'stop' as const }, { kind: 'keep' as const }),
  fc.record({ kind: fc.constant('hold' as const), name: fc.constantFrom('app', 'offline'), severs: fc.boolean() }),
  fc.record({ kind: fc.constant('release' as const), name: fc.constantFrom('app', 'offline'), route }),
  fc.record({ kind: fc.constantFrom('up' as const, 'proved' as const, 'matured' as const), link }),
  fc.record({
    kind: fc.constant('down' as const),
    link,
    next: fc.oneof(
      fc.record({ kind: fc.constant('retry' as const), delayMs: fc.nat(1000) }),
      fc.record({ kind: fc.constant('end' as const), error: fc.constant(error) }),
    ),
  }),
);
/** Nothing comes after a close, so it is rare. */
const anyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  { arbitrary: livelyEvent, weight: 60 },
  { arbitrary: fc.constant({ kind: 'close' as const }), weight: 1 },
);

test('no sequence of events leaves a link, a timer or a hold without its state', () => {
  // fast-check prints the seed and the shortest sequence when this fails
  fc.assert(fc.property(fc.array(anyEvent, { maxLength: 60, size: 'max' }), walk), { numRuns: 3000 });
}, 60_000);

test('every phase is reached by some walk', () => {
  const seen = new Set<Phase>();
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60, size: 'max' }), (sequence) => {
      let state = initialState;
      for (const event of sequence) {
        state = transition(state, aimed(state, event)).state;
        seen.add(state.phase);
      }
    }),
    { numRuns: 1000 },
  );
  expect([...seen].sort()).toEqual(['connecting', 'ended', 'held', 'idle', 'open', 'waiting']);
});
