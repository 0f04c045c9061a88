import { describe, expect, test, vi } from 'vitest';
import { createSubscription, type SourceLink } from '../../src/channel/subscription.ts';
import { type BackfillLoad, type BackfillOptions, backfill } from '../../src/delivery/backfill.ts';
import type { Gap } from '../../src/delivery/order.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

const cannotReplay: SourceLink = { id: 1, resume: 'none', isAlone: true, isStreamResumed: false };
const numbered = (...offsets: number[]) => offsets.map((offset) => ({ event: 'said', data: `rest ${offset}`, offset }));
const named = (...ids: string[]) => ids.map((id) => ({ event: 'said', data: `rest ${id}`, id }));

/** A channel with a backfill, and everything that it says. */
function channelOf(load: BackfillLoad, options: BackfillOptions = {}) {
  const clock = manualClock();
  const gaps: Gap[] = [];
  const metrics = { delivered: 0, duplicates: 0 };
  const gap = (told: Gap): void => {
    gaps.push(told);
    said.push(`gap ${told.isFilled ? 'filled' : 'open'}`);
  };
  const subscription = createSubscription(
    'lobby',
    quietHooks({ clock, gap, metrics, reorder: { maxMessages: 0, waitMs: 0 }, backfill: backfill(load, options) }),
  );
  /** In order: the data of what was handed over, and the gaps. */
  const said: unknown[] = [];
  subscription.bus.onAny(({ data }) => said.push(data));
  const words: string[] = [];
  subscription.state.subscribe((state) => words.push(state.backfill));
  return {
    clock,
    gaps,
    said,
    metrics,
    subscription,
    words: () => words.filter((word, index) => word !== words[index - 1]),
    joined: (offset?: number, epoch = 'e', id = 1) =>
      subscription.joined(
        { kind: 'joined', channel: 'lobby', ...(offset === undefined ? {} : { offset, epoch }) },
        { ...cannotReplay, id },
      ),
    live(...what: (number | string)[]) {
      for (const each of what) {
        const frame: EventFrame = { kind: 'event', channel: 'lobby', event: 'said', data: `live ${each}` };
        subscription.receive({ ...frame, ...(typeof each === 'number' ? { offset: each } : { id: each }) }, cannotReplay);
      }
    },
    /** Lets everything happen that needs no time. */
    async settle() {
      for (let turn = 0; turn < 4; turn++) await clock.advance(0);
    },
  };
}

/** A load that answers when the test says so. */
function slowLoad() {
  const calls: {
    gap: Gap;
    context: Parameters<BackfillLoad>[2];
    answer: (page: Awaited<ReturnType<BackfillLoad>>) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const load: BackfillLoad = (_, gap, context) =>
    new Promise((answer, fail) => {
      calls.push({ gap, context, answer, fail });
    });
  return { calls, load };
}

describe('a hole between two numbers', () => {
  test('is filled before what came live meanwhile, and told of once', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load);
    channel.joined(0);
    channel.live(1, 4, 5);
    await channel.settle();
    channel.live(6);
    expect(channel.said).toEqual(['live 1']);
    expect(channel.subscription.state.get().backfill).toBe('running');
    expect(calls[0]?.gap).toMatchObject({ reason: 'skipped', after: { offset: 1 }, until: { offset: 3 }, missing: 2 });
    calls[0]?.answer(numbered(2, 3));
    await channel.settle();
    channel.live(7);
    expect(channel.said).toEqual(['live 1', 'rest 2', 'rest 3', 'gap filled', 'live 4', 'live 5', 'live 6', 'live 7']);
    expect(channel.gaps).toMatchObject([{ isFilled: true, missing: 0, error: undefined }]);
    expect(channel.words()).toEqual(['idle', 'running', 'idle']);
    expect([channel.subscription.state.get().gap, channel.clock.pending, calls.length]).toEqual([undefined, 0, 1]);
  });

  test('takes each number once, in order, and nothing from beside it', async () => {
    const channel = channelOf(async () => numbered(5, 3, 2, 3, 1, 9, 4));
    channel.joined(1);
    channel.live(5, 6);
    await channel.settle();
    expect(channel.said).toEqual(['rest 2', 'rest 3', 'rest 4', 'gap filled', 'live 5', 'live 6']);
  });

  test('that the application knows only in part stays a gap, with what is still missing counted', async () => {
    const channel = channelOf(async () => numbered(2, 4));
    channel.joined(1);
    channel.live(6);
    await channel.settle();
    expect(channel.said).toEqual(['rest 2', 'rest 4', 'gap open', 'live 6']);
    expect(channel.gaps).toMatchObject([{ isFilled: false, missing: 2, error: undefined }]);
    expect(channel.subscription.state.get()).toMatchObject({ backfill: 'failed', gap: channel.gaps[0] });
  });

  test('of a log that began anew is filled from its beginning', async () => {
    const load = vi.fn(async () => [...numbered(1, 2), { event: 'said', data: 'old', epoch: 'e', offset: 8 }]);
    const channel = channelOf(load);
    channel.joined(7);
    channel.joined(2, 'new', 2);
    channel.subscription.receive(
      { kind: 'event', channel: 'lobby', event: 'said', data: 'live 3', offset: 3 },
      { ...cannotReplay, id: 2 },
    );
    await channel.settle();
    expect(channel.said).toEqual(['rest 1', 'rest 2', 'gap filled', 'live 3']);
  });

  test('that a log left by going back is not filled: what was shown cannot be taken back', async () => {
    const load = vi.fn(async () => []);
    const channel = channelOf(load);
    channel.joined(0);
    channel.live(1, 2);
    channel.subscription.disconnected();
    channel.joined(1, 'e', 2);
    await channel.settle();
    expect(channel.gaps).toMatchObject([{ reason: 'rewound', isFilled: false }]);
    expect(load).not.toHaveBeenCalled();
  });

  test('refuses messages without a number', async () => {
    const channel = channelOf(async () => named('a'));
    channel.joined(1);
    channel.live(3);
    await channel.settle();
    expect(channel.gaps).toMatchObject([{ isFilled: false, error: { code: 'protocol' } }]);
    expect(channel.said).toEqual(['gap open', 'live 3']);
  });
});

describe('several holes', () => {
  test('of two logs: what is brought of the old one does not move the position in the new one', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load);
    channel.joined(0);
    channel.joined(5, 'e', 2);
    await channel.settle();
    channel.joined(1, 'new', 3);
    calls[0]?.answer(numbered(1, 2, 3, 4, 5));
    await channel.settle();
    expect(channel.said).toHaveLength(6);
    expect(channel.subscription.position).toEqual({ epoch: 'new', offset: 1 });
  });

  test('of one channel are filled one after the other, each in its place', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load);
    channel.joined(0);
    channel.live(2, 4);
    await channel.settle();
    expect(calls).toHaveLength(1);
    calls[0]?.answer(numbered(1));
    await channel.settle();
    calls[1]?.answer(numbered(3));
    await channel.settle();
    expect(channel.said).toEqual(['rest 1', 'gap filled', 'live 2', 'rest 3', 'gap filled', 'live 4']);
  });

  test('with nothing between them are one', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load);
    channel.joined(1);
    channel.live(3);
    await channel.settle();
    channel.joined(5, 'e', 2);
    channel.joined(8, 'e', 3);
    calls[0]?.answer(numbered(2));
    await channel.settle();
    expect(calls[1]?.gap).toMatchObject({ reason: 'trimmed', after: { offset: 3 }, until: { offset: 8 }, missing: 5 });
    calls[1]?.answer(numbered(4, 5, 6, 7, 8));
    await channel.settle();
    expect(channel.gaps.map(({ isFilled, missing }) => [isFilled, missing])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    expect(channel.said.filter((word) => String(word).startsWith('rest'))).toHaveLength(6);
  });
});

describe('a backfill that has trouble', () => {
  test('is tried again, later and later, and is then a state and an event', async () => {
    const load = vi.fn(async () => {
      throw new Error('503');
    });
    const channel = channelOf(load, { maxAttempts: 3, baseMs: 1_000 });
    channel.joined(0);
    channel.live(2);
    await channel.settle();
    expect([load.mock.calls.length, channel.said]).toEqual([1, []]);
    await channel.clock.advance(500);
    expect(load).toHaveBeenCalledTimes(2);
    await channel.clock.advance(999);
    expect(load).toHaveBeenCalledTimes(2);
    await channel.clock.advance(1);
    expect(load).toHaveBeenCalledTimes(3);
    expect(channel.said).toEqual(['gap open', 'live 2']);
    expect(channel.gaps).toMatchObject([{ missing: 1, isFilled: false, error: { code: 'handler-failed' } }]);
    expect(channel.gaps[0]?.error?.cause).toMatchObject({ message: '503' });
    expect(channel.subscription.state.get()).toMatchObject({ backfill: 'failed', gap: channel.gaps[0] });
    expect(channel.clock.pending).toBe(0);
  });

  test('is not tried before the time that the server asks for', async () => {
    const load = vi
      .fn<BackfillLoad>()
      .mockRejectedValueOnce(Object.assign(new Error('429'), { retryAfterMs: 7_000 }))
      .mockResolvedValue(numbered(1));
    const channel = channelOf(load);
    channel.joined(0);
    channel.live(2);
    await channel.clock.advance(6_999);
    expect(load).toHaveBeenCalledTimes(1);
    await channel.clock.advance(1);
    expect(channel.said).toEqual(['rest 1', 'gap filled', 'live 2']);
  });

  test.each([
    ['a page', { timeoutMs: 2_000, maxAttempts: 1, deadlineMs: 60_000 }],
    ['all of it', { timeoutMs: 60_000, deadlineMs: 2_000 }],
  ])('has a deadline for %s, also where the load does not listen', async (_, options) => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load, options);
    channel.joined(0);
    channel.live(2);
    await channel.clock.advance(1_999);
    expect(calls[0]?.context.signal.aborted).toBe(false);
    await channel.clock.advance(1);
    expect(calls[0]?.context.signal.aborted).toBe(true);
    expect(channel.gaps).toMatchObject([{ isFilled: false, error: { code: 'timeout' } }]);
    expect([channel.said, channel.clock.pending]).toEqual([['gap open', 'live 2'], 0]);
    calls[0]?.answer(numbered(1));
    await channel.settle();
    expect(channel.said).toHaveLength(2);
  });

  test('ends when too much comes live meanwhile: the hole is a gap, and nothing that came is dropped', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load, { maxWaiting: 3 });
    channel.joined(0);
    channel.live(2, 3, 4);
    await channel.settle();
    expect(channel.gaps).toEqual([]);
    channel.live(5);
    await channel.settle();
    expect(channel.gaps).toMatchObject([{ isFilled: false, error: { code: 'queue-full' } }]);
    expect(channel.said).toEqual(['gap open', 'live 2', 'live 3', 'live 4', 'live 5']);
    expect(calls[0]?.context.signal.reason).toMatchObject({ code: 'queue-full' });
  });

  test.each(['what is no page', 'what throws at once'])('is tried again for %s, and ends', async (kind) => {
    const load = vi.fn<BackfillLoad>(
      kind === 'what is no page'
        ? async () => 7 as never
        : () => {
            throw new Error('at once');
          },
    );
    const channel = channelOf(load, { maxAttempts: 2 });
    channel.joined(0);
    channel.live(2);
    await channel.clock.advance(60_000);
    expect(channel.said).toEqual(['gap open', 'live 2']);
    expect(channel.gaps).toMatchObject([{ error: { code: 'handler-failed' } }]);
  });
});

describe('pages', () => {
  test('are asked for one by one, and handed over as they come', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load);
    channel.joined(0);
    channel.live(6);
    await channel.settle();
    calls[0]?.answer({ messages: numbered(1, 2), next: 'p2' });
    await channel.settle();
    expect(channel.said).toEqual(['rest 1', 'rest 2']);
    expect(calls.map(({ context }) => [context.cursor, context.limit])).toEqual([
      [undefined, 1_000],
      ['p2', 998],
    ]);
    calls[1]?.answer({ messages: numbered(2, 3, 4), next: 'p3' });
    await channel.settle();
    calls[2]?.answer({ messages: numbered(5), next: 'p4' });
    await channel.settle();
    expect([channel.said.slice(2), calls.length]).toEqual([['rest 3', 'rest 4', 'rest 5', 'gap filled', 'live 6'], 3]);
  });

  test('are limited in number, and a server that never ends does not keep us', async () => {
    let pages = 0;
    const load = vi.fn(async () => {
      if (++pages > 50) throw new Error('this test has an end');
      return { messages: [], next: 'again' };
    });
    const channel = channelOf(load, { maxPages: 5 });
    channel.joined(0);
    channel.live(2);
    await channel.settle();
    expect(load).toHaveBeenCalledTimes(5);
    expect(channel.gaps).toMatchObject([{ isFilled: false, error: { code: 'too-large' } }]);
    expect(channel.said).toEqual(['gap open', 'live 2']);
  });

  test('are limited in messages: what fits is handed over', async () => {
    const channel = channelOf(async () => ({ messages: numbered(1, 2), next: 'more' }), { maxMessages: 3 });
    channel.joined(0);
    channel.live(9);
    await channel.settle();
    expect(channel.said).toEqual(['rest 1', 'rest 2', 'gap open', 'live 9']);
    expect(channel.gaps).toMatchObject([{ missing: 6, error: { code: 'too-large' } }]);
  });

  test('that fail in the middle leave what came before them', async () => {
    let page = 0;
    const channel = channelOf(
      async () => {
        page += 1;
        if (page > 1) throw new Error('500');
        return { messages: numbered(1), next: 'p2' };
      },
      { maxAttempts: 1 },
    );
    channel.joined(0);
    channel.live(3);
    await channel.settle();
    expect(channel.said).toEqual(['rest 1', 'gap open', 'live 3']);
    expect(channel.gaps).toMatchObject([{ missing: 1, error: { code: 'handler-failed' } }]);
  });
});

describe('a server that numbers nothing', () => {
  /** Joined, heard a and b, and then without a link for a while. */
  async function reconnected(load: BackfillLoad) {
    const channel = channelOf(load);
    channel.joined();
    channel.live('a', 'b');
    channel.subscription.disconnected();
    channel.joined(undefined, 'e', 2);
    await channel.settle();
    return channel;
  }

  test('is asked for what came after the last message', async () => {
    const { calls, load } = slowLoad();
    const channel = await reconnected(load);
    expect(calls[0]?.gap).toMatchObject({ reason: 'no-replay', lastEvent: { id: 'b', at: undefined } });
    channel.live('e');
    calls[0]?.answer(named('c', 'd'));
    await channel.settle();
    expect(channel.said).toEqual(['live a', 'live b', 'rest c', 'rest d', 'gap filled', 'live e']);
  });

  test('shows nothing twice where the answer begins too early, or reaches into what came live', async () => {
    const { calls, load } = slowLoad();
    const channel = await reconnected(load);
    channel.live('d', 'e');
    calls[0]?.answer(named('a', 'b', 'c', 'd', 'e', 'f'));
    await channel.settle();
    channel.live('f', 'g');
    expect(channel.said.slice(2)).toEqual(['rest c', 'gap filled', 'live d', 'live e', 'live f', 'live g']);
  });

  test('shows what an answer has twice once', async () => {
    const { calls, load } = slowLoad();
    const channel = await reconnected(load);
    calls[0]?.answer({ messages: named('c', 'd', 'c', 'e'), next: 'p2' });
    await channel.settle();
    calls[1]?.answer(named('e', 'f'));
    await channel.settle();
    expect(channel.said.slice(2)).toEqual(['rest c', 'rest d', 'rest e', 'rest f', 'gap filled']);
  });

  test('does not show late what an earlier answer had failed to bring', async () => {
    const { calls, load } = slowLoad();
    const channel = channelOf(load, { maxAttempts: 1 });
    channel.joined();
    channel.live('a');
    channel.subscription.disconnected();
    channel.joined(undefined, 'e', 2);
    await channel.settle();
    channel.live('c');
    calls[0]?.fail(new Error('503'));
    await channel.settle();
    channel.subscription.disconnected();
    channel.joined(undefined, 'e', 3);
    await channel.settle();
    calls[1]?.answer(named('a', 'b', 'c', 'd'));
    await channel.settle();
    expect(channel.said).toEqual(['live a', 'gap open', 'live c', 'rest d', 'gap filled']);
  });

  test('shows what the answer was the first to bring once, when it comes live later', async () => {
    const { calls, load } = slowLoad();
    const channel = await reconnected(load);
    calls[0]?.answer(named('c', 'd'));
    await channel.settle();
    channel.live('d', 'e');
    expect(channel.said.slice(2)).toEqual(['rest c', 'rest d', 'gap filled', 'live e']);
    expect(channel.metrics.duplicates).toBe(1);
  });

  test('keeps the order also over a second hole in the meantime', async () => {
    const { calls, load } = slowLoad();
    const channel = await reconnected(load);
    channel.live('d');
    channel.subscription.disconnected();
    channel.joined(undefined, 'e', 3);
    channel.live('g');
    calls[0]?.answer(named('c', 'd', 'e', 'f', 'g'));
    await channel.settle();
    expect(channel.said.slice(2)).toEqual(['rest c', 'gap filled', 'live d']);
    expect(calls[1]?.gap.lastEvent).toMatchObject({ id: 'd' });
    calls[1]?.answer(named('c', 'd', 'e', 'f', 'g'));
    await channel.settle();
    expect(channel.said.slice(5)).toEqual(['rest e', 'rest f', 'gap filled', 'live g']);
  });

  test('may begin its ids anew: they are other messages', async () => {
    const channel = await reconnected(async () => []);
    channel.live('a', 'b', 'a');
    await channel.settle();
    expect(channel.said).toEqual(['live a', 'live b', 'gap filled', 'live a', 'live b']);
  });
});

test('a schema that answers later keeps the order of what a backfill brings', async () => {
  const answers: (() => void)[] = [];
  const clock = manualClock();
  const seen: unknown[] = [];
  const subscription = createSubscription(
    'lobby',
    quietHooks({
      clock,
      reorder: { maxMessages: 0, waitMs: 0 },
      backfill: backfill(async () => numbered(2, 3)),
      validator: {
        needsNoCheck: () => false,
        validate: (_, data) => new Promise((resolve) => answers.push(() => resolve({ kind: 'valid', data }))),
      },
    }),
  );
  subscription.bus.onAny(({ data }) => seen.push(data));
  subscription.joined({ kind: 'joined', channel: 'lobby', epoch: 'e', offset: 0 }, cannotReplay);
  for (const offset of [1, 4]) {
    subscription.receive({ kind: 'event', channel: 'lobby', event: 'said', data: offset, offset }, cannotReplay);
  }
  for (let turn = 0; turn < 4; turn++) {
    await clock.advance(0);
    answers.pop()?.();
  }
  for (const answer of answers.splice(0)) answer();
  await clock.advance(0);
  for (const answer of answers.splice(0)) answer();
  await clock.advance(0);
  expect(seen).toEqual([1, 'rest 2', 'rest 3', 4]);
});

test('a channel that is left ends its backfill, and nothing is told any more', async () => {
  const { calls, load } = slowLoad();
  const channel = channelOf(load);
  channel.joined(0);
  channel.live(2, 4);
  await channel.settle();
  channel.subscription.ended();
  channel.subscription.bus.clear();
  await channel.settle();
  expect(calls).toHaveLength(1);
  expect(calls[0]?.context.signal.reason).toMatchObject({ code: 'closed' });
  expect([channel.said, channel.clock.pending]).toEqual([[], 0]);
});

test.each([{ maxPages: 0 }, { deadlineMs: -1 }, { timeoutMs: Number.NaN }, { maxAttempts: '3' as never }])(
  'bounds that make no sense are refused: %j',
  (options) => {
    expect(() => backfill(async () => [], options)).toThrow(RealtimeError);
  },
);
