import { describe, expect, test } from 'vitest';
import type { ConnectionFacts } from '../../src/connection/connection.ts';
import { type ConnectionState, initialState } from '../../src/connection/state.ts';
import { nextStatus } from '../../src/connection/status.ts';
import { RealtimeError } from '../../src/errors.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { scripted } from '../support/scripted-transport.ts';

const error = new RealtimeError('forbidden', 'no');
const reason = new RealtimeError('connection-lost', 'gone');
const base = { serial: 3, attempt: 2, holds: ['app'] };
const states = {
  idle: { ...base, phase: 'idle' },
  connecting: { ...base, phase: 'connecting', link: 3, route: 0, hedges: [] },
  open: { ...base, phase: 'open', link: 3, route: 0, proven: false, matured: false, candidate: undefined },
  waiting: { ...base, phase: 'waiting', delayMs: 5 },
  held: { ...base, phase: 'held' },
  closed: { ...base, phase: 'ended', error: undefined },
  failed: { ...base, phase: 'ended', error },
} as const satisfies Record<string, ConnectionState>;

const noFacts: ConnectionFacts = {
  transport: undefined,
  wasEverUp: false,
  network: 'unknown',
  blocked: [],
  reason: undefined,
  latencyMs: undefined,
  lastReceivedMs: undefined,
  nextRetryMs: undefined,
};

const clock = manualClock(5_000);
const before = nextStatus(undefined, initialState, noFacts, 'auto', clock);
const shown = (state: ConnectionState, facts: Partial<ConnectionFacts> = {}) =>
  nextStatus(before, state, { ...noFacts, ...facts }, 'auto', clock);

test('the status of a connection that was never started', () => {
  expect(before).toEqual({
    status: 'idle',
    transport: undefined,
    mode: 'auto',
    network: 'unknown',
    blocked: [],
    since: clock.wallNow(),
    attempt: 0,
    nextRetryAt: undefined,
    reason: undefined,
    latencyMs: undefined,
    lastReceivedAt: undefined,
    everConnected: false,
    holds: [],
  });
});

describe('the word for a state', () => {
  test.each([
    ['idle', 'disconnected', 'disconnected'],
    ['connecting', 'connecting', 'reconnecting'],
    ['open', 'connected', 'connected'],
    ['waiting', 'connecting', 'reconnecting'],
    ['held', 'disconnected', 'disconnected'],
    ['closed', 'disconnected', 'disconnected'],
    ['failed', 'failed', 'failed'],
  ] as const)('%s is %s before the first link and %s after it', (name, first, later) => {
    expect(shown(states[name]).status).toBe(first);
    expect(shown(states[name], { wasEverUp: true }).status).toBe(later);
  });

  test('idle is idle only where nothing was ever dialled', () => {
    expect(shown({ ...states.idle, serial: 0 }).status).toBe('idle');
  });
});

describe('the rest of the status', () => {
  test('comes from the facts and the state', () => {
    const transport = scripted('sse');
    const status = nextStatus(
      before,
      states.waiting,
      { ...noFacts, transport, wasEverUp: true, reason, latencyMs: 12 },
      'sse',
      clock,
    );
    expect(status).toMatchObject({
      transport: 'sse',
      mode: 'sse',
      attempt: 2,
      holds: ['app'],
      everConnected: true,
      latencyMs: 12,
    });
    expect(status.reason).toBe(reason);
  });

  test('shows no reason while a link carries traffic', () => {
    expect(shown(states.open, { reason }).reason).toBeUndefined();
  });

  test('shows why it failed, not why the last link ended', () => {
    expect(shown(states.failed, { reason }).reason).toBe(error);
    expect(shown(states.closed, { reason }).reason).toBeUndefined();
  });

  test('keeps its time as long as the word stays', async () => {
    const time = manualClock();
    const start = time.wallNow();
    const first = nextStatus(undefined, states.connecting, noFacts, 'auto', time);
    await time.advance(100);
    const second = nextStatus(first, states.waiting, noFacts, 'auto', time);
    expect(second.since).toBe(start);
    expect(nextStatus(second, states.open, noFacts, 'auto', time).since).toBe(start + 100);
  });

  test('turns monotonic times into those of the wall', async () => {
    const time = manualClock(5_000);
    const wall = time.wallNow();
    await time.advance(40);
    const facts = { ...noFacts, lastReceivedMs: 5_010, nextRetryMs: 5_900 };
    const status = nextStatus(undefined, states.waiting, facts, 'auto', time);
    expect(status).toMatchObject({ lastReceivedAt: wall + 10, nextRetryAt: wall + 900 });
    // a link that has received nothing does not take back what the one before has
    expect(nextStatus(status, states.connecting, noFacts, 'auto', time)).toMatchObject({
      lastReceivedAt: wall + 10,
      nextRetryAt: undefined,
    });
  });
});
