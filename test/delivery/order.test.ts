import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dedupById } from '../../src/delivery/dedup.ts';
import { createIdWindow } from '../../src/delivery/id-window.ts';
import { createOrder, type Order } from '../../src/delivery/order.ts';
import type { EventFrame, JoinedFrame } from '../../src/protocol/frame.ts';

const event = (fields: Partial<EventFrame> = {}): EventFrame => ({
  kind: 'event',
  channel: 'c',
  event: 'e',
  data: null,
  ...fields,
});
const joined = (fields: Partial<JoinedFrame> = {}): JoinedFrame => ({ kind: 'joined', channel: 'c', ...fields });

const memory = () => dedupById({ window: 10 })('c');
/** What a gap tells where there is no backfill. */
const open = { lastEvent: undefined, isFilled: false, error: undefined };

/** Accepts and, like the subscription, commits what is next. */
function take(order: Order, frame: EventFrame, link = 1): string {
  const verdict = order.accept(frame, link);
  if (verdict === 'next') order.commit(frame);
  return verdict;
}

describe('with offsets', () => {
  function joinedAt(offset: number): Order {
    const order = createOrder('c', memory());
    expect(order.joined(joined({ epoch: 'a', offset }), 1)).toBeUndefined();
    return order;
  }

  test('the position is the one of the join answer before the first event', () => {
    expect(joinedAt(7).position).toEqual({ epoch: 'a', offset: 7 });
  });

  test('each offset is next once, and an older one is a duplicate', () => {
    const order = joinedAt(7);
    expect([8, 9, 9, 8, 3, 10].map((offset) => take(order, event({ offset })))).toEqual([
      'next',
      'next',
      'duplicate',
      'duplicate',
      'duplicate',
      'next',
    ]);
    expect(order.position).toEqual({ epoch: 'a', offset: 10 });
  });

  test('an offset that is not next is ahead, and changes nothing', () => {
    const order = joinedAt(7);
    expect(order.accept(event({ offset: 9 }), 1)).toBe('ahead');
    expect(order.position).toEqual({ epoch: 'a', offset: 7 });
    expect(take(order, event({ offset: 8 }))).toBe('next');
  });

  test('what was received is not received again, and the position waits for the commit', () => {
    const order = joinedAt(7);
    expect(order.accept(event({ offset: 8 }), 1)).toBe('next');
    expect(order.accept(event({ offset: 8 }), 1)).toBe('duplicate');
    expect(order.position).toEqual({ epoch: 'a', offset: 7 });
    order.commit(event({ offset: 8 }));
    expect(order.position).toEqual({ epoch: 'a', offset: 8 });
  });

  test('giving up a hole reports its range and goes on after it', () => {
    const order = joinedAt(7);
    const late = event({ offset: 12 });
    expect(order.skipTo(late)).toEqual({
      channel: 'c',
      reason: 'skipped',
      after: { epoch: 'a', offset: 7 },
      until: { epoch: 'a', offset: 11 },
      missing: 4,
      ...open,
    });
    order.commit(late);
    expect(order.position).toEqual({ epoch: 'a', offset: 12 });
    expect(take(order, event({ offset: 13 }))).toBe('next');
  });

  test('a join answer at our own position, or before it, is no hole', () => {
    const order = joinedAt(7);
    take(order, event({ offset: 8 }));
    expect(order.joined(joined({ epoch: 'a', offset: 8 }), 2)).toBeUndefined();
    expect(order.joined(joined({ epoch: 'a', offset: 5 }), 3)).toBeUndefined();
    expect(order.position).toEqual({ epoch: 'a', offset: 8 });
    expect(take(order, event({ offset: 7 }), 3)).toBe('duplicate');
  });

  test('a join answer past our position is a hole with its range', () => {
    const order = joinedAt(7);
    expect(order.joined(joined({ epoch: 'a', offset: 20 }), 2)).toEqual({
      channel: 'c',
      reason: 'trimmed',
      after: { epoch: 'a', offset: 7 },
      until: { epoch: 'a', offset: 20 },
      missing: 13,
      ...open,
    });
    expect(take(order, event({ offset: 21 }), 2)).toBe('next');
  });

  test('another epoch is one hole, and its small offsets are no duplicates', () => {
    const order = joinedAt(7);
    const gap = order.joined(joined({ epoch: 'b', offset: 0 }), 2);
    expect(gap).toEqual({
      channel: 'c',
      reason: 'epoch-changed',
      after: { epoch: 'a', offset: 7 },
      until: { epoch: 'b', offset: 0 },
      missing: undefined,
      ...open,
    });
    expect(take(order, event({ offset: 1 }), 2)).toBe('next');
    expect(order.position).toEqual({ epoch: 'b', offset: 1 });
  });

  test('bare offsets of a link that joined the old epoch are not taken for the new one', () => {
    const order = joinedAt(7);
    order.joined(joined({ epoch: 'b', offset: 0 }), 2);
    expect(take(order, event({ offset: 1 }), 1)).toBe('duplicate');
    expect(take(order, event({ offset: 1 }), 2)).toBe('next');
  });

  test('an epoch that is over does not come back with the late answer of another link', () => {
    const order = joinedAt(7);
    expect(order.joined(joined({ epoch: 'b', offset: 0 }), 2)).toMatchObject({ reason: 'epoch-changed' });
    expect(take(order, event({ offset: 1 }), 2)).toBe('next');
    expect(order.joined(joined({ epoch: 'a', offset: 7 }), 3)).toBeUndefined();
    expect([2, 8].map((offset) => take(order, event({ offset }), 3))).toEqual(['duplicate', 'duplicate']);
    expect(take(order, event({ offset: 8, epoch: 'a' }), 2)).toBe('duplicate');
    expect(order.joined(joined({ epoch: 'b', offset: 1 }), 3)).toBeUndefined();
    expect(take(order, event({ offset: 2 }), 3)).toBe('next');
    expect(order.position).toEqual({ epoch: 'b', offset: 2 });
  });

  test('an epoch that is over does come back when the only link says so', () => {
    const order = joinedAt(7);
    order.joined(joined({ epoch: 'b', offset: 0 }), 2);
    expect(order.joined(joined({ epoch: 'a', offset: 7 }), 3, true)).toMatchObject({ reason: 'epoch-changed' });
    expect(take(order, event({ offset: 8 }), 3)).toBe('next');
  });

  test('an event that names another epoch is from elsewhere even when its offset would fit', () => {
    const order = joinedAt(7);
    expect(order.accept(event({ offset: 8, epoch: 'b' }), 1)).toBe('elsewhere');
    expect(order.skipTo(event({ offset: 8, epoch: 'b' }))).toMatchObject({ reason: 'epoch-changed', missing: undefined });
    expect(order.accept(event({ offset: 9, epoch: 'b' }), 1)).toBe('next');
  });

  test('without a join answer the first event sets the position', () => {
    const order = createOrder('c', memory());
    expect(take(order, event({ offset: 41, epoch: 'a' }))).toBe('next');
    expect(order.position).toEqual({ epoch: 'a', offset: 41 });
  });

  test('a heartbeat shows a tail that never arrived', () => {
    const order = joinedAt(7);
    expect(order.isBehind({ channel: 'c', epoch: 'a', offset: 7 })).toBe(false);
    expect(order.isBehind({ channel: 'c', epoch: 'a', offset: 8 })).toBe(true);
    expect(order.isBehind({ channel: 'c', epoch: 'b', offset: 8 })).toBe(false);
  });

  test('whatever is repeated and swapped, each message is next at most once and in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 200, size: 'max' }), (offsets) => {
        const order = joinedAt(0);
        const delivered = offsets.filter((offset) => take(order, event({ offset })) === 'next');
        expect(delivered).toEqual(delivered.map((_, index) => index + 1));
      }),
    );
  });
});

describe('with ids alone', () => {
  test('an id is next once', () => {
    const order = createOrder('c', memory());
    expect(['a', 'b', 'a'].map((id) => take(order, event({ id })))).toEqual(['next', 'next', 'duplicate']);
    expect(order.position).toBeUndefined();
  });

  test('the same id after a change of epoch is another message', () => {
    const order = createOrder('c', memory());
    order.joined(joined({ epoch: 'a', offset: 0 }), 1);
    expect(take(order, event({ id: 'x' }))).toBe('next');
    order.joined(joined({ epoch: 'b', offset: 0 }), 2);
    expect(take(order, event({ id: 'x' }), 2)).toBe('next');
  });

  test('an opaque cursor is the position once its event was handed over', () => {
    const order = createOrder('c', memory());
    order.joined(joined({ cursor: 'start' }), 1);
    expect(order.position).toBe('start');
    const frame = event({ cursor: 'next' });
    order.accept(frame, 1);
    expect(order.position).toBe('start');
    order.commit(frame);
    expect(order.position).toBe('next');
  });
});

test('with neither, everything is next', () => {
  const order = createOrder('c', memory());
  expect([event(), event(), event()].map((frame) => take(order, frame))).toEqual(['next', 'next', 'next']);
});

describe('the window of ids', () => {
  test('remembers at least its size and forgets after twice its size', () => {
    const window = createIdWindow(100);
    for (let n = 0; n < 100; n++) expect(window.add(`id ${n}`)).toBe(true);
    for (let n = 0; n < 100; n++) expect(window.add(`id ${n}`)).toBe(false);
    for (let n = 100; n < 301; n++) window.add(`id ${n}`);
    expect(window.add('id 0')).toBe(true);
  });

  test('never forgets one of the last `size` ids', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 300, size: 'max' }),
        (size, ids) => {
          const window = createIdWindow(size);
          const fresh: number[] = [];
          for (const id of ids) {
            const isNew = window.add(String(id));
            if (fresh.slice(-size).includes(id)) expect(isNew).toBe(false);
            if (isNew) fresh.push(id);
          }
        },
      ),
    );
  });
});
