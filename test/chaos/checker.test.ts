import { beforeEach, describe, expect, test } from 'vitest';
import type { Position } from '../../src/index.ts';
import { check, isUpToDate, mostEffects } from './checker.ts';
import type { Entry, SendOutcome, SendRecord, Timeline } from './ledger.ts';
import { createTruth, type Truth } from './truth.ts';

let truth: Truth;
let sends: SendRecord[];
let timeline: Timeline;

/** Somebody sends, and it is applied. */
async function say(outcome?: SendOutcome, more: Partial<SendRecord> = {}): Promise<void> {
  const n = sends.length;
  const id = `s${n}`;
  const { epoch, offset } = await truth.append('room', { id, event: 'said', data: JSON.stringify({ n }), at: 0, from: 'ada' });
  const common = { client: 0, user: 'ada', channel: 'room', isVolatile: false, mayBePutOff: false };
  sends.push({ ...common, id, n, outcome: outcome ?? { kind: 'accepted', epoch, offset }, ...more });
}

/** What is in the log, as it is delivered. */
function event(offset: number, epoch = 0): Entry {
  const entry = truth.channels.get('room')?.[epoch]?.entries[offset - 1];
  return { kind: 'event', id: entry?.id, offset, from: entry?.from, data: JSON.parse(entry?.data ?? 'null') as unknown };
}

function gap(after: Position | undefined, until: Position | undefined, missing?: number): Entry {
  return {
    kind: 'gap',
    gap: { channel: 'room', reason: 'trimmed', after, until, missing, lastEvent: undefined, isFilled: false, error: undefined },
  };
}

const at = (offset: number, epoch = 0) => ({ epoch: `room-${epoch}`, offset });
const kinds = (): string[] => check({ sends, timelines: [timeline] }, truth).map(({ kind }) => kind);

beforeEach(async () => {
  truth = createTruth();
  sends = [];
  timeline = { client: 0, channel: 'room', entries: [], confirmed: { epoch: 0, offset: 0 }, isLeft: false, late: 0 };
  for (let count = 0; count < 4; count++) await say();
});

describe('a handle', () => {
  test('that was given everything in order is well', () => {
    timeline.entries.push(event(1), event(2), event(3), event(4));
    expect([kinds(), isUpToDate(timeline, truth)]).toEqual([[], true]);
  });

  test('may have been given more than it was promised, at the beginning', () => {
    timeline.confirmed = { epoch: 0, offset: 2 };
    timeline.entries.push(event(2), event(3), event(4));
    expect(kinds()).toEqual([]);
  });

  test.each<[string, () => Entry[], string[]]>([
    ['misses the first', () => [event(2), event(3), event(4)], ['lost']],
    ['misses one in the middle', () => [event(1), event(3), event(4)], ['lost']],
    ['misses the last', () => [event(1), event(2), event(3)], ['lost']],
    ['gets one twice', () => [event(1), event(2), event(2), event(3), event(4)], ['duplicated']],
    ['gets one twice, later', () => [event(1), event(2), event(3), event(4), event(1)], ['duplicated']],
    ['gets one late', () => [event(1), event(3), event(2), event(4)], ['lost', 'reordered']],
    ['gets one that was never there', () => [event(1), event(2), event(3), event(4), event(5)], ['phantom']],
    [
      'gets one that was changed',
      () => [event(1), event(2), event(3), { ...event(4), data: { n: 9 } } as Entry],
      ['phantom', 'lost'],
    ],
    ['is told of a gap over what is there', () => [event(1), gap(at(1), at(3), 2), event(4)], ['false-gap']],
  ])('that %s is not', (_, entries, wrong) => {
    timeline.entries.push(...entries());
    expect(kinds()).toEqual(wrong);
  });

  test('that never joined, and was told something all the same, is not', () => {
    timeline.confirmed = undefined;
    expect(kinds()).toEqual(['lost']);
    timeline.entries.push(event(1));
    expect(kinds()).toEqual(['phantom']);
    timeline = { ...timeline, entries: [], isLeft: true };
    expect(kinds()).toEqual([]);
  });

  test('that was left need not have everything, and must not get anything', () => {
    timeline.entries.push(event(1));
    timeline.isLeft = true;
    expect(kinds()).toEqual([]);
    timeline.late = 1;
    expect(kinds()).toEqual(['late']);
  });

  test('may be given up where messages vanished, in the right range only', () => {
    timeline.entries.push(event(1), gap(at(1), at(3), 2), event(4));
    expect(check({ sends, timelines: [timeline] }, truth, { mayGiveUp: true })).toEqual([]);
    timeline.entries[1] = gap(at(0), at(3), 3);
    expect(check({ sends, timelines: [timeline] }, truth, { mayGiveUp: true })).toMatchObject([{ kind: 'false-gap' }]);
  });
});

describe('a gap', () => {
  test('over what was trimmed is right, and it counts what is missing', async () => {
    truth.trim('room');
    await say();
    timeline.entries.push(event(1), gap(at(1), at(4), 3), event(5));
    expect(kinds()).toEqual([]);
    timeline.entries[1] = gap(at(1), at(4), 2);
    expect(kinds()).toEqual(['false-gap']);
  });

  test('at a new epoch begins after the last and ends at the beginning', async () => {
    truth.lose();
    await say();
    timeline.entries.push(event(1), event(2), gap(at(2), at(0, 1)), event(1, 1));
    expect(kinds()).toEqual([]);
    timeline.entries[2] = gap(at(1), at(0, 1));
    expect(kinds()).toEqual(['false-gap']);
    timeline.entries[2] = gap(at(2), at(1, 1));
    expect(kinds()).toContain('false-gap');
    timeline.entries[2] = gap(undefined, undefined);
    expect(kinds()).toContain('false-gap');
  });

  test('that comes twice is wrong, and so is none', async () => {
    truth.lose();
    await say();
    timeline.entries.push(event(1), event(2), gap(at(2), at(0, 1)), gap(at(2), at(0, 1)), event(1, 1));
    expect(kinds()).toContain('false-gap');
    timeline.entries.splice(2, 2);
    expect(kinds()).toEqual(['lost']);
  });
});

describe('what is not kept', () => {
  const passing = (n: number): Entry => ({ kind: 'event', id: 'p', offset: undefined, from: 'ada', data: { n } });

  test('may come once or not at all', async () => {
    timeline.entries.push(event(1), event(2), event(3), event(4));
    await truth.pass('room', { id: 'p', event: 'said', data: '{"n":7}', at: 0, from: 'ada' });
    expect(kinds()).toEqual([]);
    timeline.entries.push(passing(7));
    expect(kinds()).toEqual([]);
    timeline.entries.push(passing(7));
    expect(kinds()).toEqual(['duplicated']);
    timeline.entries.splice(4, 2, passing(8));
    expect(kinds()).toEqual(['phantom']);
  });
});

describe('a send', () => {
  beforeEach(() => {
    timeline.isLeft = true;
  });

  test.each<[string, Partial<SendRecord>]>([
    ['has not ended', { outcome: { kind: 'open' } }],
    ['was refused and applied', { outcome: { kind: 'failed', code: 'rejected' } }],
    ['is said to be elsewhere', { outcome: { kind: 'accepted', epoch: 'room-0', offset: 9 } }],
    ['was applied as somebody else', { user: 'bob' }],
  ])('that %s is wrong', (_, change) => {
    sends[0] = { ...(sends[0] as SendRecord), ...change };
    expect(kinds()).toEqual(['effect']);
  });

  test('that was accepted and is nowhere is wrong', () => {
    const outcome = { kind: 'accepted', epoch: 'room-0', offset: 1 } as const;
    sends.push({ ...(sends[3] as SendRecord), id: 'nowhere', n: 9, outcome });
    expect(kinds()).toEqual(['effect']);
  });

  test('of which nobody knows what became may be applied or not', () => {
    sends[0] = { ...(sends[0] as SendRecord), outcome: { kind: 'failed', code: 'expired' } };
    sends.push({ ...(sends[0] as SendRecord), id: 'nowhere', n: 9 });
    expect(kinds()).toEqual([]);
  });

  test('that was applied twice in one log is wrong, and in two logs it is not', async () => {
    truth.lose();
    await truth.append('room', { id: 's0', event: 'said', data: '{"n":0}', at: 0, from: 'ada' });
    expect([kinds(), mostEffects(truth)]).toEqual([[], 1]);
    await truth.append('room', { id: 's0', event: 'said', data: '{"n":0}', at: 0, from: 'bob' });
    expect(kinds()).toEqual(['effect', 'effect']);
    expect(mostEffects(truth)).toBe(2);
  });

  test('that overtook one before it is wrong, unless the server may have put that off', () => {
    sends[0] = { ...(sends[0] as SendRecord), n: 9 };
    expect(kinds()).toEqual(['send-order', 'send-order', 'send-order']);
    sends[0] = { ...(sends[0] as SendRecord), mayBePutOff: true };
    expect(kinds()).toEqual([]);
  });
});
