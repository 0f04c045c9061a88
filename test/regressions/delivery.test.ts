import { describe, expect, onTestFinished, test } from 'vitest';
import { iterate } from '../../src/channel/events.ts';
import { createJoining } from '../../src/channel/joining.ts';
import { createSubscription } from '../../src/channel/subscription.ts';
import { createOutbox } from '../../src/delivery/outbox.ts';
import { defaultOutboxLimits, type OutboxLimits } from '../../src/delivery/outbox-options.ts';
import { RealtimeError } from '../../src/errors.ts';
import { createBus } from '../../src/events/bus.ts';
import { resolveOptions } from '../../src/options.ts';
import type { ClientFrame, PublishFrame } from '../../src/protocol/frame.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { createValidator, type EventSchemas } from '../../src/protocol/schema.ts';
import { createRealtime } from '../../src/realtime.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { scripted } from '../support/scripted-transport.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

const frame = (id: string, data: unknown = 'x'): PublishFrame => ({ kind: 'publish', id, channel: 'lobby', event: 'move', data });
function outboxOf(limits: Partial<OutboxLimits> = {}) {
  const clock = manualClock();
  const drained: number[] = [];
  return { clock, drained, outbox: createOutbox({ ...defaultOutboxLimits, ...limits }, clock, (link) => drained.push(link)) };
}

test('a send after close fails with it, and leaves no timer', async () => {
  const { outbox, clock } = outboxOf();
  outbox.close(new RealtimeError('closed', 'over'));
  let outcome = 'pending';
  outbox.send(frame('a'), {}).catch(({ code }) => (outcome = code));
  await Promise.resolve();
  await Promise.resolve();
  expect([outcome, clock.pending, outbox.size]).toEqual(['closed', 0, 0]);
});

test('a send that can never fit drops no others', async () => {
  const { outbox } = outboxOf({ maxBytes: 200, overflow: 'drop-oldest' });
  outbox.send(frame('a'), {}).catch(() => {});
  await expect(outbox.send(frame('b', 'x'.repeat(500)), {})).rejects.toMatchObject({ code: 'queue-full' });
  expect(outbox.size).toBe(1);
});

test('a link is drained when the server answers its last send with `later`', async () => {
  const { outbox, drained, clock } = outboxOf();
  const link = (id: number) => ({ id, ack: 'frame' as const, send: async () => [] });
  outbox.use(link(1));
  outbox.send(frame('a'), {}).catch(() => {});
  await clock.advance(0);
  outbox.use(link(2));
  outbox.answered({ kind: 'reject', id: 'a', code: 'busy', retryAfterMs: 5 });
  expect(outbox.isBusy?.(1) ?? false).toBe(false);
  expect(drained).toEqual([1]);
});

describe('a listener that was taken away during an event is not called for it', () => {
  test('by its remover', () => {
    const bus = createBus<Record<string, unknown>>(() => {});
    let calls = 0;
    bus.on('x', () => remove());
    const remove = bus.on('x', () => (calls += 1));
    bus.emit('x', 1);
    expect(calls).toBe(0);
  });
  test('by clear', () => {
    const bus = createBus<Record<string, unknown>>(() => {});
    let calls = 0;
    bus.on('x', () => bus.clear());
    bus.on('x', () => (calls += 1));
    bus.onAny(() => (calls += 1));
    bus.emit('x', 1);
    expect(calls).toBe(0);
  });
});

test('an event that was checked slowly does not move the position of a later epoch', async () => {
  const answers: (() => void)[] = [];
  const slow = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) => new Promise((resolve) => answers.push(() => resolve({ value }))),
    },
  };
  const subscription = createSubscription('lobby', quietHooks({ validator: createValidator({ slow } as never) }));
  const link = { id: 1, resume: 'channel', isAlone: false, isStreamResumed: false } as const;
  subscription.joined({ kind: 'joined', channel: 'lobby', epoch: 'old', offset: 56 }, link);
  subscription.receive({ kind: 'event', channel: 'lobby', event: 'slow', data: 1, offset: 57 }, link);
  subscription.joined({ kind: 'joined', channel: 'lobby', epoch: 'new', offset: 3 }, { ...link, id: 2 });
  for (const answer of answers) answer();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  expect(subscription.position).toEqual({ epoch: 'new', offset: 3 });
});

describe('a known kind with a wrong field is garbled', () => {
  test.each([
    { kind: 'welcome', version: 1, heartbeatMs: 'soon' },
    { kind: 'welcome', version: 1, session: 5 },
    { kind: 'advice', retryAfterMs: 'soon' },
    { kind: 'advice', spreadMs: {} },
    { kind: 'advice', drain: 'no' },
    { kind: 'reject', id: 'i', code: 'E', retryAfterMs: null },
    { kind: 'reject', id: 'i', code: 'E', retryAfterMs: 'soon' },
    { kind: 'reject', id: 'i', code: 5 },
    { kind: 'reject', id: 'i' },
    { kind: 'denied', channel: 'c' },
    { kind: 'denied', channel: 'c', code: 'E', message: {} },
    { kind: 'left', channel: 'c', reason: 5 },
    { kind: 'auth', status: 'unknown' },
    { kind: 'auth' },
    { kind: 'event', channel: 'c', event: 'e', at: 'now' },
    { kind: 'event', channel: 'c', event: 'e', from: 5 },
    { kind: 'heartbeat', at: 'now' },
    { kind: 'presence', channel: 'c', members: [], sync: 'yes' },
  ])('%j', (value) => {
    expect(keepwireDialect.decode(value)).toMatchObject([{ kind: 'garbled' }]);
  });
});

test('an undefined value is iterated over like any other', async () => {
  let emit = (_: unknown): void => {};
  const events = iterate<unknown>(
    (listener) => {
      emit = listener;
      return () => {};
    },
    {},
    new AbortController().signal,
  );
  emit(undefined);
  emit(1);
  expect(await events.next()).toEqual({ done: false, value: undefined });
});

describe('after close of the manager', () => {
  const made = async () => {
    const clock = manualClock();
    const realtime = createRealtime({ transports: [scripted('a')], platform: { clock } });
    realtime.start();
    const channel = realtime.channel('lobby');
    await clock.advance(0);
    return { clock, realtime, channel };
  };
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  test('a wait on a channel fails with closed', async () => {
    const { realtime, channel } = await made();
    let outcome = 'pending';
    channel.once('x').catch(({ code }) => (outcome = code));
    realtime.close();
    await turns();
    expect(outcome).toBe('closed');
  });
  test('a loop over a channel ends', async () => {
    const { realtime, channel } = await made();
    const next = channel.events('x').next();
    realtime.close();
    expect((await next).done).toBe(true);
  });
  test('a publish on a channel fails with closed, and leaves no timer', async () => {
    const { realtime, channel, clock } = await made();
    realtime.close();
    let outcome = 'pending';
    channel.publish('x', 1).catch(({ code }) => (outcome = code));
    await turns();
    expect([outcome, clock.pending]).toEqual(['closed', 0]);
  });
  test('a publish that was being checked then fails with closed, and leaves no timer', async () => {
    const { realtime, channel, clock } = await made();
    let outcome = 'pending';
    channel.publish('x', 1).catch(({ code }) => (outcome = code));
    realtime.close();
    await turns();
    expect([outcome, clock.pending]).toEqual(['closed', 0]);
  });
});

test('our presence is not announced before the join', async () => {
  const positions = new Map<string, undefined>();
  const joining = createJoining(
    () => positions,
    manualClock(),
    () => {},
  );
  const told: ClientFrame[] = [];
  joining.up({ id: 1, joining: 'frame', carried: [], tell: async (frames) => told.push(...frames) });
  await Promise.resolve();
  positions.set('lobby', undefined);
  joining.added('lobby');
  joining.announce('lobby', {}, { data: 1 });
  await Promise.resolve();
  await Promise.resolve();
  expect(told.map(({ kind }) => kind)).toEqual(['join', 'announce']);
});

test('one send that is too large does not take the others of its batch with it', async () => {
  const { outbox, clock } = outboxOf();
  const outcomes: string[] = [];
  for (const id of ['a', 'big', 'c']) {
    outbox.send(frame(id), {}).then(
      () => outcomes.push(`${id} accepted`),
      ({ code }) => outcomes.push(`${id} ${code}`),
    );
  }
  outbox.use({
    id: 1,
    ack: 'receipt',
    async send(frames) {
      const ids = frames.flatMap((each) => (each.kind === 'publish' ? [each.id] : []));
      if (ids.includes('big')) throw new RealtimeError('too-large', 'no');
      return ids.map((id) => ({ id, status: 'accepted' as const }));
    },
  });
  await clock.advance(60_000);
  expect(outcomes.sort()).toEqual(['a accepted', 'big too-large', 'c accepted']);
});

describe('options that can only be a mistake', () => {
  test.each([
    ['outbox', { windowSize: 0 }],
    ['outbox', { overflow: 'drop-newest' }],
    ['auth', 5],
    ['auth', ''],
  ])('%s: %j', (name, value) => {
    expect(() => resolveOptions({ transports: [scripted('a')], [name]: value } as never)).toThrow(/is not valid/);
  });
});

/** A manager on a frame-joining transport, with what a channel gets: offsets, and gaps in their places. */
function joinedRoom(events?: EventSchemas) {
  const clock = manualClock();
  const transport = scripted('a');
  const realtime = createRealtime({ transports: [transport], retry: () => 0, leaveAfterMs: 0, platform: { clock }, events });
  onTestFinished(() => realtime.close());
  const got: unknown[] = [];
  realtime.on('gap', ({ after, until }) => got.push({ after, until }));
  const open = () => {
    const channel = realtime.channel('room');
    channel.on('n', (_, { offset }) => got.push(offset));
    return channel;
  };
  const event = (offset: number) => transport.last.frames([{ kind: 'event', channel: 'room', event: 'n', data: offset, offset }]);
  const joined = (offset: number, epoch = 'e') => transport.last.frames([{ kind: 'joined', channel: 'room', epoch, offset }]);
  return { clock, transport, realtime, got, open, event, joined };
}

test('what is still on its way for handles that were left does not become the beginning of the next ones', async () => {
  const { clock, transport, realtime, got, open, event, joined } = joinedRoom();
  const first = open();
  realtime.start();
  await clock.advance(0);
  transport.last.up({ joining: ['room'] });
  joined(5);
  first.leave();
  await clock.advance(1);
  open();
  await clock.advance(0);
  event(6);
  event(7);
  joined(7);
  event(8);
  expect(got).toEqual([8]);
});

test('a gap waits for what was received before it and is still being checked, and begins after it', async () => {
  const answers: (() => void)[] = [];
  const n = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => new Promise<{ value: unknown }>((resolve) => answers.push(() => resolve({ value }))),
    },
  };
  const { clock, transport, realtime, got, open, event, joined } = joinedRoom({ n });
  open();
  realtime.start();
  await clock.advance(0);
  transport.last.up({ joining: ['room'] });
  joined(5);
  event(6);
  event(7);
  joined(0, 'next');
  for (const answer of answers) answer();
  await clock.advance(0);
  expect(got).toEqual([6, 7, { after: { epoch: 'e', offset: 7 }, until: { epoch: 'next', offset: 0 } }]);
});
