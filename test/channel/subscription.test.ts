import { describe, expect, test } from 'vitest';
import { createSubscription, type SourceLink, type SubscriptionHooks } from '../../src/channel/subscription.ts';
import type { Gap } from '../../src/delivery/order.ts';
import type { RealtimeError } from '../../src/errors.ts';
import type { EventFrame, JoinedFrame } from '../../src/protocol/frame.ts';
import { createValidator, type EventSchemas } from '../../src/protocol/schema.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

/** A schema that answers when the test lets it, with the data in capitals; data that begins with `!` it refuses. */
function slowSchema() {
  const answers: (() => void)[] = [];
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (data: unknown) =>
        new Promise((resolve) => {
          answers.push(() =>
            resolve(String(data).startsWith('!') ? { issues: [{ message: 'no' }] } : { value: String(data).toUpperCase() }),
          );
        }),
    },
  };
  return { answers, schemas: { slow: schema } as unknown as EventSchemas };
}

const quickSchema = {
  quick: {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (data: unknown) => (data === 'wrong' ? { issues: [{ message: 'no' }] } : { value: data }),
    },
  },
} as unknown as EventSchemas;

function setup(schemas?: EventSchemas, more: Partial<SubscriptionHooks> = {}) {
  const gaps: Gap[] = [];
  const heals: string[] = [];
  const invalid: { error: RealtimeError; offset: number | undefined }[] = [];
  const failed: unknown[] = [];
  const metrics = { delivered: 0, duplicates: 0 };
  const clock = manualClock();
  const subscription = createSubscription(
    'lobby',
    quietHooks({
      clock,
      validator: createValidator(schemas),
      metrics,
      handlerFailed: (error) => failed.push(error),
      invalid: (error, { offset }) => invalid.push({ error, offset }),
      gap: (gap) => gaps.push(gap),
      heal: (channel) => heals.push(channel),
      ...more,
    }),
  );
  const seen: unknown[] = [];
  subscription.bus.onAny(({ offset, data, id }) => seen.push(offset ?? id ?? data));
  const data: unknown[] = [];
  subscription.bus.onAny((frame) => data.push(frame.data));
  const receive = (offset: number, more: Partial<EventFrame> = {}, link = numbered): void =>
    subscription.receive({ kind: 'event', channel: 'lobby', event: 'move', data: offset, offset, ...more }, link);
  const joined = (offset?: number, epoch: string | undefined = 'e', link = numbered): void =>
    subscription.joined({ kind: 'joined', channel: 'lobby', epoch: offset === undefined ? undefined : epoch, offset }, link);
  return { clock, subscription, gaps, heals, invalid, failed, metrics, seen, data, receive, joined };
}

const numbered: SourceLink = { id: 1, resume: 'channel', isAlone: false, isStreamResumed: false };
const second: SourceLink = { ...numbered, id: 2 };
const plain: SourceLink = { id: 1, resume: 'none', isAlone: false, isStreamResumed: false };
const at = (offset: number, epoch = 'e') => ({ epoch, offset });
/** What a gap tells where there is no backfill. */
const open = { lastEvent: undefined, isFilled: false, error: undefined };

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('a channel', () => {
  test('delivers in order, each once, and moves its position after the handlers', () => {
    const { subscription, receive, joined, seen, metrics } = setup();
    joined(4);
    const positions: unknown[] = [];
    subscription.bus.on('move', () => positions.push(subscription.position));
    receive(5);
    receive(6);
    receive(5);
    receive(6);
    receive(7);
    expect(seen).toEqual([5, 6, 7]);
    expect(positions).toEqual([at(4), at(5), at(6)]);
    expect(subscription.position).toEqual(at(7));
    expect(metrics).toEqual({ delivered: 3, duplicates: 2 });
  });

  test('asks for a replay when a join that left without its position is answered from further on', () => {
    const { joined, receive, heals, gaps, seen } = setup();
    joined(0);
    receive(1);
    joined(3, 'e', second);
    expect([heals, gaps]).toEqual([['lobby'], []]);
    joined(1, 'e', second);
    for (const offset of [2, 3, 4]) receive(offset, {}, second);
    expect([seen, gaps]).toEqual([[1, 2, 3, 4], []]);
  });

  test('goes on when a handler throws, and reports it', () => {
    const { subscription, receive, joined, failed, seen } = setup();
    joined(0);
    const error = new Error('thrown');
    subscription.bus.on('move', () => {
      throw error;
    });
    receive(1);
    receive(2);
    expect(failed).toEqual([error, error]);
    expect(seen).toEqual([1, 2]);
    expect(subscription.position).toEqual(at(2));
  });

  test('delivers what the server does not number as it comes', () => {
    const { subscription, joined, seen } = setup();
    joined(4);
    const typing: EventFrame = { kind: 'event', channel: 'lobby', event: 'typing', data: 'ada' };
    subscription.receive(typing, numbered);
    subscription.receive(typing, numbered);
    expect(seen).toEqual(['ada', 'ada']);
    expect(subscription.position).toEqual(at(4));
  });

  test('delivers what has only an id once', () => {
    const { subscription, seen, metrics } = setup();
    const message: EventFrame = { kind: 'event', channel: 'lobby', event: 'm', data: null, id: 'x' };
    subscription.receive(message, plain);
    subscription.receive(message, { ...plain, id: 2 });
    expect(seen).toEqual(['x']);
    expect(metrics.duplicates).toBe(1);
  });
});

/** Longer than an event that came before its turn is kept. */
const patienceMs = 200;

describe('events out of order', () => {
  test('are kept until what is missing before them comes: no replay, no gap', async () => {
    const { clock, receive, joined, seen, heals, gaps } = setup();
    joined(0);
    for (const offset of [1, 4, 3, 6]) receive(offset);
    expect(seen).toEqual([1]);
    await clock.advance(patienceMs - 1);
    receive(2);
    expect(seen).toEqual([1, 2, 3, 4]);
    await clock.advance(patienceMs - 1);
    receive(5);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect([heals, gaps, clock.pending]).toEqual([[], [], 0]);
  });

  test('are kept up to a number: with one more the replay is asked for at once, and what has no place comes with it', () => {
    const { receive, joined, seen, heals, gaps } = setup(undefined, { reorder: { maxMessages: 3, waitMs: 200 } });
    joined(0);
    for (const offset of [3, 4, 5]) receive(offset);
    expect(heals).toEqual([]);
    for (const offset of [6, 7, 8]) receive(offset);
    expect([seen, heals]).toEqual([[], ['lobby']]);
    joined(0);
    for (const offset of [1, 2, 3, 4, 5, 6, 7, 8, 9]) receive(offset);
    expect([seen, heals.length, gaps]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], 1, []]);
  });

  test('where nothing can be replayed, what has come is never dropped: each hole is a gap of its own', () => {
    const { receive, joined, seen, gaps } = setup(undefined, { reorder: { maxMessages: 3, waitMs: 200 } });
    joined(0, 'e', plain);
    for (const offset of [9, 4, 5, 2, 3, 10, 11]) receive(offset, {}, plain);
    expect(seen).toEqual([2, 3, 4, 5]);
    receive(12, {}, plain);
    expect(seen).toEqual([2, 3, 4, 5, 9, 10, 11, 12]);
    expect(gaps.map(({ after, until, missing }) => [after, until, missing])).toEqual([
      [at(0), at(1), 1],
      [at(5), at(8), 3],
    ]);
  });

  test('are not kept with a limit of 0', () => {
    const { clock, receive, joined, seen, heals, gaps } = setup(undefined, { reorder: { maxMessages: 0, waitMs: 200 } });
    joined(0, 'e', plain);
    receive(3, {}, plain);
    expect([seen, gaps.map(({ missing }) => missing), clock.pending]).toEqual([[3], [2], 0]);
    joined(3, 'e', second);
    receive(5, {}, second);
    expect([heals, seen]).toEqual([['lobby'], [3]]);
  });

  test('that a join answer leaves behind are handed over, and are no part of a gap', () => {
    const { clock, receive, joined, seen, gaps } = setup();
    joined(0, 'e', plain);
    for (const offset of [3, 8, 9]) receive(offset, {}, plain);
    joined(6, 'e', { ...plain, id: 2 });
    receive(7, {}, { ...plain, id: 2 });
    expect(seen).toEqual([3, 7, 8, 9]);
    expect(gaps.map(({ reason, after, until }) => [reason, after, until])).toEqual([
      ['skipped', at(0), at(2)],
      ['trimmed', at(3), at(6)],
    ]);
    expect(clock.pending).toBe(0);
  });

  test('of a log that is over are not taken for those of the new one', () => {
    const { receive, joined, seen, gaps } = setup();
    joined(0);
    receive(3);
    joined(1, 'new', second);
    for (const offset of [2, 3]) receive(offset, { data: 'new' }, second);
    expect(seen).toEqual([2, 3]);
    expect(gaps).toMatchObject([{ reason: 'epoch-changed', after: at(0), until: at(1, 'new') }]);
  });

  test('leave no timer when the channel is given up', () => {
    const { clock, receive, joined, subscription } = setup();
    joined(0);
    receive(3);
    expect(clock.pending).toBe(1);
    subscription.ended();
    expect(clock.pending).toBe(0);
  });
});

describe('a hole', () => {
  test('is healed by a replay when what is missing does not come', async () => {
    const { clock, receive, joined, seen, heals, gaps } = setup();
    joined(0);
    receive(1);
    receive(3);
    receive(4);
    await clock.advance(patienceMs);
    expect([seen, heals, gaps]).toEqual([[1], ['lobby'], []]);
    joined(1);
    for (const offset of [2, 3, 4, 5]) receive(offset);
    expect([seen, heals, gaps]).toEqual([[1, 2, 3, 4, 5], ['lobby'], []]);
    expect(clock.pending).toBe(0);
  });

  test('that the replay does not fill is a gap, once, and life goes on', async () => {
    const { clock, receive, joined, seen, heals, gaps } = setup();
    joined(0);
    receive(1);
    receive(3);
    await clock.advance(patienceMs);
    joined(1);
    receive(3);
    receive(4);
    await clock.advance(patienceMs);
    expect(seen).toEqual([1, 3, 4]);
    expect(heals).toEqual(['lobby']);
    expect(gaps).toEqual([{ channel: 'lobby', reason: 'skipped', after: at(1), until: at(2), missing: 1, ...open }]);
  });

  test('whose replay does not begin in 30 s is a gap', async () => {
    const { clock, receive, joined, seen, gaps } = setup();
    joined(0);
    receive(2);
    await clock.advance(patienceMs);
    await clock.advance(29_999);
    expect([seen, gaps]).toEqual([[], []]);
    await clock.advance(1);
    expect([seen, gaps.length, clock.pending]).toEqual([[2], 1, 0]);
  });

  test('at another place is healed again', async () => {
    const { clock, receive, joined, heals, gaps } = setup();
    joined(0);
    receive(2);
    await clock.advance(patienceMs);
    joined(0);
    for (const offset of [1, 2]) receive(offset);
    receive(4);
    await clock.advance(patienceMs);
    expect([heals.length, gaps]).toEqual([2, []]);
  });

  test.each(['none', 'connection'] as const)('is a gap where the server replays no channel (%s)', async (resume) => {
    const { clock, receive, joined, seen, heals, gaps } = setup();
    const link = { ...plain, resume };
    joined(0, 'e', link);
    receive(3, {}, link);
    await clock.advance(patienceMs);
    expect([seen, heals, gaps.map(({ missing }) => missing)]).toEqual([[3], [], [2]]);
  });

  test('on an older link than the last join is not a hole', () => {
    const { receive, joined, seen, heals, gaps } = setup();
    joined(0);
    joined(0, 'e', second);
    receive(3, {}, numbered);
    expect([seen, heals, gaps]).toEqual([[], [], []]);
    receive(1, {}, second);
    expect(seen).toEqual([1]);
  });

  test('is looked for again when the link broke before the replay came', async () => {
    const { clock, subscription, receive, joined, seen } = setup();
    joined(0);
    receive(2);
    await clock.advance(patienceMs);
    subscription.disconnected();
    expect(clock.pending).toBe(0);
    joined(0, 'e', second);
    for (const offset of [1, 2]) receive(offset, {}, second);
    expect(seen).toEqual([1, 2]);
  });

  test('at the tail is shown by a heartbeat, healed once, and a gap if it still is', () => {
    const { subscription, joined, heals, gaps } = setup();
    joined(5);
    const head = (offset: number, epoch = 'e') => ({ channel: 'lobby', epoch, offset });
    subscription.heartbeat(head(5), numbered);
    subscription.heartbeat(head(4), numbered);
    subscription.heartbeat(head(9, 'other'), numbered);
    subscription.heartbeat(head(9), { ...numbered, id: 0 });
    subscription.heartbeat(head(9), plain);
    expect(heals).toEqual([]);
    subscription.heartbeat(head(7), numbered);
    subscription.heartbeat(head(8), numbered);
    expect(heals).toEqual(['lobby']);
    joined(5);
    expect(gaps).toEqual([]);
    subscription.heartbeat(head(8), numbered);
    subscription.heartbeat(head(8), numbered);
    expect(heals).toHaveLength(1);
    expect(gaps).toMatchObject([{ after: { offset: 5 }, until: { offset: 8 }, missing: 3 }]);
  });
});

describe('a join answer', () => {
  test('before our position is a log that went back only as the first answer of a link that was alone', () => {
    const { subscription, gaps } = setup();
    const alone = (id: number) => ({ id, resume: 'channel', isAlone: true, isStreamResumed: false }) as const;
    const answer = (offset: number, id: number): void =>
      subscription.joined({ kind: 'joined', channel: 'lobby', epoch: 'e', offset }, alone(id));
    answer(5, 1);
    subscription.receive({ kind: 'event', channel: 'lobby', event: 'move', data: 1, offset: 6 }, alone(1));
    answer(5, 1);
    expect(gaps).toEqual([]);
    subscription.disconnected();
    answer(6, 2);
    subscription.disconnected();
    answer(3, 3);
    expect(gaps).toMatchObject([{ reason: 'rewound', after: { offset: 6 }, until: { offset: 3 } }]);
  });

  test('of a log that began anew is a gap', () => {
    const { subscription, receive, joined, gaps, seen } = setup();
    joined(0);
    receive(1);
    joined(2, 'new', second);
    expect(gaps).toEqual([
      { channel: 'lobby', reason: 'epoch-changed', after: at(1), until: at(2, 'new'), missing: undefined, ...open },
    ]);
    receive(3, {}, second);
    expect(seen).toEqual([1, 3]);
    expect(subscription.position).toEqual(at(3, 'new'));
  });

  test('further than we are is healed where the server may replay, and a gap if it still is', () => {
    const { joined, receive, gaps, heals } = setup();
    joined(0);
    receive(1);
    joined(5, 'e', second);
    joined(5, 'e', second);
    expect(heals.length).toBeLessThanOrEqual(1);
    expect(gaps).toEqual([{ channel: 'lobby', reason: 'trimmed', after: at(1), until: at(5), missing: 4, ...open }]);
  });

  test('without any position tells of a gap only where there was a join and then no link', () => {
    const { subscription, joined, gaps } = setup();
    subscription.disconnected();
    joined(undefined, undefined, plain);
    joined(undefined, undefined, plain);
    expect(gaps).toEqual([]);
    subscription.disconnected();
    joined(undefined, undefined, plain);
    expect(gaps).toEqual([
      { channel: 'lobby', reason: 'no-replay', after: undefined, until: undefined, missing: undefined, ...open },
    ]);
    joined(undefined, undefined, plain);
    expect(gaps).toHaveLength(1);
  });

  test('without any position is believed where the stream was resumed, or the channel by its cursor', () => {
    for (const link of [{ ...plain, isAlone: false, isStreamResumed: true }, plain]) {
      const { subscription, gaps } = setup();
      const frame: JoinedFrame = { kind: 'joined', channel: 'lobby', cursor: link.isStreamResumed ? undefined : 'c1' };
      subscription.joined(frame, link);
      subscription.disconnected();
      subscription.joined(frame, link);
      expect(gaps).toEqual([]);
      expect(subscription.state.get().continuity).toBe('server-claimed');
    }
  });
});

describe('the state of a channel', () => {
  const reject = { code: 'rejected' };

  test('begins as joining, and follows the server', () => {
    const { subscription, joined } = setup();
    const words: string[] = [];
    subscription.state.subscribe(({ status, continuity }) => words.push(`${status} ${continuity}`));
    joined(0);
    subscription.disconnected();
    joined(0);
    expect(words).toEqual(['joining unknown', 'joined verified', 'joining verified', 'joined verified']);
  });

  test('joined without positions knows nothing of continuity', () => {
    const { subscription, joined } = setup();
    joined(undefined, undefined, plain);
    expect(subscription.state.get()).toMatchObject({ status: 'joined', continuity: 'unknown', error: undefined });
  });

  test('is denied with the word of the server, until it lets us in', () => {
    const { subscription, joined } = setup();
    subscription.denied({ kind: 'denied', channel: 'lobby', code: 'private', message: 'members only' });
    expect(subscription.state.get()).toMatchObject({ status: 'denied', error: { ...reject, serverCode: 'private' } });
    expect(subscription.state.get().error?.message).toContain('members only');
    subscription.disconnected();
    expect(subscription.state.get().status).toBe('denied');
    joined(0);
    expect(subscription.state.get()).toMatchObject({ status: 'joined', error: undefined });
  });

  test('is left with the reason of the server, and nobody is there', () => {
    const { subscription } = setup();
    subscription.presence({ kind: 'presence', channel: 'lobby', sync: true, members: [{ key: 'ada' }] });
    expect(subscription.members.get()).toEqual([{ key: 'ada' }]);
    subscription.left({ kind: 'left', channel: 'lobby', reason: 'archived' });
    expect(subscription.state.get()).toMatchObject({ status: 'left', error: reject });
    expect(subscription.state.get().error?.message).toContain('archived');
    expect(subscription.members.get()).toEqual([]);
    subscription.disconnected();
    expect(subscription.state.get().status).toBe('left');
  });

  test('what listeners of it throw is reported', () => {
    const { subscription, joined, failed } = setup();
    subscription.state.subscribe(({ status }) => {
      if (status === 'joined') throw 'state';
    });
    subscription.members.subscribe((members) => {
      if (members.length > 0) throw 'members';
    });
    joined(0);
    subscription.presence({ kind: 'presence', channel: 'lobby', sync: false, members: [{ key: 'ada' }] });
    expect(failed).toEqual(['state', 'members']);
  });
});

describe('a schema', () => {
  test('sets wrong data aside: it is reported, not delivered, and the position moves', () => {
    const { subscription, receive, joined, seen, invalid, metrics } = setup(quickSchema);
    joined(0);
    receive(1, { event: 'quick', data: 'right' });
    receive(2, { event: 'quick', data: 'wrong' });
    receive(3, { event: 'quick', data: 'right' });
    receive(4, { event: 'unknown' });
    expect(seen).toEqual([1, 3]);
    expect(invalid).toMatchObject([
      { offset: 2, error: { code: 'invalid-payload' } },
      { offset: 4, error: { code: 'invalid-payload' } },
    ]);
    expect(subscription.position).toEqual(at(4));
    expect(metrics.delivered).toBe(2);
  });

  test('that answers later keeps the order, in whatever order it answers', async () => {
    const { answers, schemas } = slowSchema();
    const { subscription, receive, joined, data, invalid } = setup({ ...schemas, ...quickSchema });
    joined(0);
    receive(1, { event: 'slow', data: 'a' });
    receive(2, { event: 'quick', data: 'b' });
    receive(3, { event: 'slow', data: '!' });
    receive(4, { event: 'slow', data: 'd' });
    expect([data, subscription.position]).toEqual([[], at(0)]);
    expect(answers).toHaveLength(3);
    answers[2]?.();
    answers[1]?.();
    await turns();
    expect(data).toEqual([]);
    answers[0]?.();
    await turns();
    expect(data).toEqual(['A', 'b', 'D']);
    expect(invalid).toMatchObject([{ offset: 3 }]);
    expect(subscription.position).toEqual(at(4));
  });

  test('that answers later does not make a duplicate of what waits, nor forget it', async () => {
    const { answers, schemas } = slowSchema();
    const { receive, joined, data, metrics } = setup(schemas);
    joined(0);
    receive(1, { event: 'slow', data: 'a' });
    receive(1, { event: 'slow', data: 'a' });
    expect(metrics.duplicates).toBe(1);
    for (const answer of answers) answer();
    await turns();
    expect(data).toEqual(['A']);
  });

  test('that answers later does not hide a second hole behind the first', async () => {
    const { answers, schemas } = slowSchema();
    const { clock, receive, joined, heals, gaps, data } = setup(schemas);
    const slow = (offset: number): void => receive(offset, { event: 'slow', data: `${offset}` });
    joined(0);
    slow(2);
    await clock.advance(patienceMs);
    joined(0);
    slow(1);
    slow(4);
    await clock.advance(patienceMs);
    expect([heals.length, gaps]).toEqual([2, []]);
    joined(0);
    slow(3);
    for (const answer of answers) answer();
    await turns();
    await turns();
    expect([data, gaps]).toEqual([['1', '2', '3', '4'], []]);
  });

  test('that has answered everything is no longer waited for', async () => {
    const { answers, schemas } = slowSchema();
    const { receive, joined, data } = setup({ ...schemas, ...quickSchema });
    joined(0);
    receive(1, { event: 'slow', data: 'a' });
    answers[0]?.();
    await turns();
    receive(2, { event: 'quick', data: 'b' });
    // in the same call, as nothing waits
    expect(data).toEqual(['A', 'b']);
  });

  test('gives the handlers what it made of the data, and leaves the rest of the message', async () => {
    const { answers, schemas } = slowSchema();
    const { subscription, receive, joined } = setup(schemas);
    joined(0);
    const frames: EventFrame[] = [];
    subscription.bus.on('slow', (frame) => frames.push(frame));
    receive(1, { event: 'slow', data: 'a', id: 'x', from: 'ada' });
    answers[0]?.();
    await turns();
    expect(frames).toEqual([{ kind: 'event', channel: 'lobby', event: 'slow', data: 'A', offset: 1, id: 'x', from: 'ada' }]);
  });
});
