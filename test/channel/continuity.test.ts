import { describe, expect, test } from 'vitest';
import { createSubscription, type SourceLink } from '../../src/channel/subscription.ts';
import type { Gap } from '../../src/delivery/order.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

type Resume = SourceLink['resume'];

/** A channel whose server numbers its messages (or gives ids) and does not answer joins, after message 5 and a cut. */
function reconnected(resume: Resume, { isStreamResumed = false, names = false, at = 0 } = {}) {
  const clock = manualClock();
  const gaps: Gap[] = [];
  const heals: string[] = [];
  const subscription = createSubscription(
    'lobby',
    quietHooks({ clock, gap: (gap) => gaps.push(gap), heal: (name) => heals.push(name) }),
  );
  const seen: unknown[] = [];
  subscription.bus.onAny(({ offset, id }) => seen.push(offset ?? id));
  const link = (id: number): SourceLink => ({ id, resume, isAlone: true, isStreamResumed: id > 1 && isStreamResumed });
  const receive = (number: number, more: Partial<EventFrame> = {}, id = 2): void =>
    subscription.receive(
      {
        kind: 'event',
        channel: 'lobby',
        event: 'said',
        data: null,
        ...(names ? { id: String(number) } : { offset: number }),
        ...more,
      },
      link(id),
    );
  const joined = (id: number): void => subscription.joined({ kind: 'joined', channel: 'lobby' }, link(id));
  joined(1);
  receive(5, at ? { at } : {}, 1);
  subscription.disconnected();
  joined(2);
  seen.length = 0;
  return { clock, gaps, heals, subscription, seen, receive, continuity: () => subscription.state.get().continuity };
}

describe('a server that replays, and does not say where it goes on,', () => {
  test('only claims to, until its next number shows it', () => {
    const { receive, continuity, gaps, seen } = reconnected('channel');
    expect(continuity()).toBe('server-claimed');
    receive(6);
    expect([continuity(), seen, gaps]).toEqual(['verified', [6], []]);
  });

  test('and goes on silently behind a hole is asked again, and then it is a gap', async () => {
    const { clock, receive, continuity, gaps, heals, seen, subscription } = reconnected('channel');
    receive(8);
    expect(continuity()).toBe('server-claimed');
    await clock.advance(200);
    expect([heals, gaps]).toEqual([['lobby'], []]);
    subscription.joined(
      { kind: 'joined', channel: 'lobby' },
      { id: 2, resume: 'channel', isAlone: true, isStreamResumed: false },
    );
    receive(8);
    await clock.advance(200);
    expect(gaps).toMatchObject([{ reason: 'skipped', missing: 2 }]);
    expect([continuity(), seen]).toEqual(['verified', [8]]);
  });

  test('and begins at its oldest message, as for a cursor that it could not read, repeats nothing to the handlers', () => {
    const { receive, continuity, gaps, seen } = reconnected('channel', { at: 1_000 });
    for (const number of [1, 2, 3, 4, 5]) receive(number, { at: number * 200 });
    expect(continuity()).toBe('server-claimed');
    receive(6, { at: 1_200 });
    expect([continuity(), seen, gaps]).toEqual(['verified', [6], []]);
  });

  test('and whose numbers begin anew is found out by the times of its messages', () => {
    const { receive, continuity, gaps, seen } = reconnected('channel', { at: 1_000 });
    for (const number of [1, 2, 3]) receive(number, { at: 5_000 + number });
    expect([continuity(), seen]).toEqual(['verified', [1, 2, 3]]);
    expect(gaps).toMatchObject([{ reason: 'rewound', after: { offset: 5 }, until: { offset: 0 } }]);
  });
});

describe('a server that cannot replay, and numbers,', () => {
  test('proves with its next number that nothing was missed: there is no gap', () => {
    const { receive, continuity, gaps, seen } = reconnected('none');
    expect([continuity(), gaps]).toEqual(['unknown', []]);
    receive(6);
    expect([continuity(), seen, gaps]).toEqual(['verified', [6], []]);
  });

  test('shows with its next number what was missed', async () => {
    const { clock, receive, continuity, gaps, seen } = reconnected('none');
    receive(8);
    await clock.advance(200);
    expect([continuity(), seen]).toEqual(['verified', [8]]);
    expect(gaps).toMatchObject([{ reason: 'skipped', after: { offset: 5 }, until: { offset: 7 }, missing: 2 }]);
  });

  test('and whose numbers begin anew loses no message to the numbers of before', () => {
    const { receive, gaps, seen } = reconnected('none');
    for (const number of [1, 1, 2, 3]) receive(number);
    expect(seen).toEqual([1, 2, 3]);
    expect(gaps).toMatchObject([{ reason: 'rewound', after: { offset: 5 }, until: { offset: 0 } }]);
  });

  test('and says its last message again has not begun anew, as its time tells', () => {
    const { receive, gaps, seen } = reconnected('none', { at: 1_000 });
    receive(5, { at: 1_000 });
    receive(6, { at: 1_100 });
    expect([seen, gaps]).toEqual([[6], []]);
  });
});

describe('a stream that is resumed as a whole', () => {
  test('is believed where there are only ids: that is all that can be known', () => {
    const { receive, continuity, gaps, seen } = reconnected('connection', { isStreamResumed: true, names: true });
    expect(continuity()).toBe('server-claimed');
    for (const number of [4, 5, 6]) receive(number);
    expect([continuity(), seen, gaps]).toEqual(['server-claimed', ['4', '6'], []]);
  });

  test('is held to its numbers where it has them: what it lost, repeated and swapped is seen', async () => {
    const { clock, receive, continuity, gaps, seen } = reconnected('connection', { isStreamResumed: true });
    for (const number of [5, 7, 6, 7, 10, 9]) receive(number);
    await clock.advance(200);
    expect(seen).toEqual([6, 7, 9, 10]);
    expect(gaps).toMatchObject([{ reason: 'skipped', after: { offset: 7 }, until: { offset: 8 }, missing: 1 }]);
    expect(continuity()).toBe('verified');
  });
});

test('the clock of this machine decides nothing', async () => {
  const clock = manualClock();
  const gaps: Gap[] = [];
  const asked: string[] = [];
  const skewed = { ...clock, wallNow: () => asked.push('the time of day') * -86_400_000 };
  const subscription = createSubscription('lobby', quietHooks({ clock: skewed, gap: (gap) => gaps.push(gap) }));
  const seen: unknown[] = [];
  subscription.bus.onAny(({ offset }) => seen.push(offset));
  const link: SourceLink = { id: 1, resume: 'channel', isAlone: true, isStreamResumed: false };
  subscription.joined({ kind: 'joined', channel: 'lobby', epoch: 'e', offset: 0 }, link);
  for (const [offset, at] of [
    [1, 9e12],
    [3, -5],
    [2, 0],
  ] as const) {
    subscription.receive({ kind: 'event', channel: 'lobby', event: 'said', data: null, offset, at }, link);
  }
  expect([seen, gaps, asked]).toEqual([[1, 2, 3], [], []]);
});
