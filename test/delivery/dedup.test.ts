import { describe, expect, onTestFinished, test } from 'vitest';
import { createSubscription, type SourceLink } from '../../src/channel/subscription.ts';
import { createRealtime, type DedupPolicy, dedupById, noDedup, RealtimeError } from '../../src/index.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { scripted } from '../support/scripted-transport.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

const message = (fields: Partial<EventFrame>): EventFrame => ({
  kind: 'event',
  channel: 'lobby',
  event: 'said',
  data: null,
  ...fields,
});
const link = (id: number): SourceLink => ({ id, resume: 'none', isAlone: true, isStreamResumed: false });

/** What handlers get of the messages, with a policy. */
function heard(dedup: DedupPolicy) {
  const subscription = createSubscription('lobby', quietHooks({ dedup }));
  const seen: unknown[] = [];
  subscription.bus.onAny(({ id, data }) => seen.push(id ?? data));
  return { subscription, seen };
}

describe('by id', () => {
  test('an id is a repeat only in its own numbering', () => {
    const isNew = dedupById()('lobby');
    expect(isNew(message({ id: '1' }), 'a')).toBe(true);
    expect(isNew(message({ id: '1' }), 'a')).toBe(false);
    expect(isNew(message({ id: '1' }), 'b')).toBe(true);
    expect(isNew(message({ id: '1' }), 'a')).toBe(false);
  });

  test('each channel has a memory of its own', () => {
    const policy = dedupById();
    expect(policy('lobby')(message({ id: '1' }), '0')).toBe(true);
    expect(policy('kitchen')(message({ id: '1' }), '0')).toBe(true);
  });

  test('a message without an id is always new', () => {
    const isNew = dedupById()('lobby');
    expect([isNew(message({}), '0'), isNew(message({}), '0')]).toEqual([true, true]);
  });

  test.each([0, -1, Number.NaN, 'many' as never])('a window of %j is refused', (window) => {
    expect(() => dedupById({ window })).toThrow(RealtimeError);
  });

  test('the same id under the epoch of another server start is another message', () => {
    const { subscription, seen } = heard(dedupById());
    for (const epoch of ['boot 1', 'boot 1', 'boot 2', 'boot 2']) subscription.receive(message({ id: '1', epoch }), link(1));
    expect(seen).toEqual(['1', '1']);
  });

  test('a server that begins its ids anew after a cut loses no message', () => {
    const { subscription, seen } = heard(dedupById());
    subscription.joined({ kind: 'joined', channel: 'lobby' }, link(1));
    for (const id of ['1', '2', '2']) subscription.receive(message({ id }), link(1));
    subscription.disconnected();
    subscription.joined({ kind: 'joined', channel: 'lobby' }, link(2));
    for (const id of ['1', '1', '2', '3']) subscription.receive(message({ id }), link(2));
    expect(seen).toEqual(['1', '2', '1', '2', '3']);
  });

  test('the overlap of two links and a stream that is resumed by its ids are shown once', () => {
    const { subscription, seen } = heard(dedupById());
    const resumed = { ...link(2), resume: 'connection', isStreamResumed: true } as const;
    subscription.joined({ kind: 'joined', channel: 'lobby' }, link(1));
    for (const id of ['1', '2']) subscription.receive(message({ id }), link(1));
    subscription.disconnected();
    subscription.joined({ kind: 'joined', channel: 'lobby' }, resumed);
    for (const id of ['1', '2', '3']) subscription.receive(message({ id }), resumed);
    expect(seen).toEqual(['1', '2', '3']);
  });

  test.each([
    ['are UUIDs', (number: number) => ({ id: `0e1f2a3b-4c5d-4e6f-8a9b-00000000000${number}` })],
    ['come with their times', (number: number) => ({ id: `${number}`, at: 1_000 * number })],
  ])('what a server sends again after a cut is shown once where its ids %s', (_, named) => {
    const { subscription, seen } = heard(dedupById());
    const say = (number: number, on: number): void => subscription.receive(message(named(number)), link(on));
    subscription.joined({ kind: 'joined', channel: 'lobby' }, link(1));
    for (const number of [1, 2]) say(number, 1);
    for (const next of [2, 3]) {
      subscription.disconnected();
      subscription.joined({ kind: 'joined', channel: 'lobby' }, link(next));
      for (const number of [1, 2, 3, 3]) say(number, next);
    }
    expect(seen).toEqual([1, 2, 3].map((number) => named(number).id));
  });

  test('the same id with another time is another message after a cut', () => {
    const { subscription, seen } = heard(dedupById());
    subscription.joined({ kind: 'joined', channel: 'lobby' }, link(1));
    subscription.receive(message({ id: '1', at: 1_000 }), link(1));
    subscription.disconnected();
    subscription.joined({ kind: 'joined', channel: 'lobby' }, link(2));
    subscription.receive(message({ id: '1', at: 2_000 }), link(2));
    expect(seen).toEqual(['1', '1']);
  });
});

test('a policy that throws costs no message, and is reported', () => {
  const broken: DedupPolicy = () => () => {
    throw new Error('broken');
  };
  const reported: unknown[] = [];
  const subscription = createSubscription('lobby', quietHooks({ dedup: broken, handlerFailed: (error) => reported.push(error) }));
  const seen: unknown[] = [];
  subscription.bus.onAny(({ id }) => seen.push(id));
  for (const id of ['1', '2']) subscription.receive(message({ id }), link(1));
  expect(seen).toEqual(['1', '2']);
  expect(reported).toEqual([new Error('broken'), new Error('broken')]);
});

test('with no dedup everything is shown, and numbers still count', () => {
  const { subscription, seen } = heard(noDedup);
  for (const id of ['1', '1']) subscription.receive(message({ id }), link(1));
  for (const offset of [1, 1, 2]) subscription.receive(message({ data: offset, offset }), link(1));
  expect(seen).toEqual(['1', '1', 1, 2]);
});

test('an application brings a policy of its own', async () => {
  const asked: string[] = [];
  /** Repeats are told by the device and its serial number. */
  const bySerial: DedupPolicy = (channel) => {
    const last = new Map<string, number>();
    return ({ data }, numbering) => {
      const { device, serial } = data as { device: string; serial: number };
      asked.push(`${channel} ${numbering} ${device}`);
      const isNew = serial > (last.get(device) ?? 0);
      if (isNew) last.set(device, serial);
      return isNew;
    };
  };
  const clock = manualClock();
  const transport = scripted('ws', { resume: 'none' });
  const realtime = createRealtime({ transports: [transport], dedup: bySerial, platform: { clock } });
  onTestFinished(() => realtime.close());
  const got: unknown[] = [];
  realtime.channel('lobby').on('reading', (data) => got.push(data));
  realtime.start();
  await clock.advance(0);
  transport.last.up({ joining: ['lobby'] });
  const reading = (device: string, serial: number) => message({ event: 'reading', data: { device, serial } });
  transport.last.frames([
    { kind: 'joined', channel: 'lobby' },
    reading('a', 1),
    reading('b', 1),
    reading('a', 1),
    reading('a', 2),
  ]);
  expect(got).toEqual([
    { device: 'a', serial: 1 },
    { device: 'b', serial: 1 },
    { device: 'a', serial: 2 },
  ]);
  expect(realtime.metrics().duplicates).toBe(1);
  expect(asked[0]).toBe('lobby 0 a');
});

test('a policy that is no function is refused', () => {
  expect(() => createRealtime({ transports: [scripted('ws')], dedup: 1_000 as never })).toThrow(/options\.dedup/);
});
