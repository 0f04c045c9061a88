import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ChannelHost, createChannel } from '../../src/channel/channel.ts';
import { createSubscription, type SourceLink } from '../../src/channel/subscription.ts';
import { type Loaded, type SnapshotOptions, snapshot } from '../../src/delivery/backfill.ts';
import type { RealtimeError } from '../../src/errors.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

type Items = readonly string[];

/** A channel, a snapshot of it whose loads the test answers, and what is shown. */
function shown(options: Partial<SnapshotOptions<Items>> = {}) {
  const clock = manualClock();
  const closing = new AbortController();
  const handlerFailed = vi.fn();
  const subscription = createSubscription('lobby', quietHooks({ clock, handlerFailed, reorder: { maxMessages: 0, waitMs: 0 } }));
  const host = { ended: closing.signal, announce() {}, release() {} } as Partial<ChannelHost> as ChannelHost;
  const channel = createChannel(subscription, host);
  const loads: {
    context: Parameters<SnapshotOptions<Items>['load']>[0];
    answer: (loaded: Loaded<Items>) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const errors: RealtimeError[] = [];
  let list: string[] = [];
  const handle = snapshot<Items>(channel, {
    load: (context) => new Promise((answer, fail) => loads.push({ context, answer, fail })),
    loaded: (items) => {
      list = [...items];
    },
    event: ({ data }) => list.push(String(data)),
    failed: (error) => errors.push(error),
    clock,
    random: () => 1,
    ...options,
  });
  onTestFinished(() => handle.stop());
  const link = (id: number): SourceLink => ({ id, resume: 'none', isAlone: true, isStreamResumed: false });
  return {
    clock,
    closing,
    subscription,
    channel,
    handle,
    loads,
    errors,
    handlerFailed,
    list: () => list,
    joined: (offset?: number, epoch = 'e', id = 1) =>
      subscription.joined({ kind: 'joined', channel: 'lobby', ...(offset === undefined ? {} : { offset, epoch }) }, link(id)),
    live(...what: (number | string)[]) {
      for (const each of what) {
        const number = typeof each === 'number' ? { offset: each } : { id: each };
        subscription.receive({ kind: 'event', channel: 'lobby', event: 'said', data: `live ${each}`, ...number }, link(1));
      }
    },
    settle: () => clock.advance(0),
  };
}

const at = (offset: number, epoch = 'e') => ({ epoch, offset });

describe('position first, then the snapshot, then what comes live', () => {
  test('nothing is loaded before the channel is joined, and nothing falls between', async () => {
    const { joined, live, loads, list, settle } = shown();
    await settle();
    expect(loads).toHaveLength(0);
    joined(5);
    live(6);
    await settle();
    expect(loads[0]?.context.position).toEqual(at(5));
    live(7, 8);
    expect(list()).toEqual([]);
    loads[0]?.answer({ data: ['rest 1-7'], position: at(7) });
    await settle();
    live(9);
    expect(list()).toEqual(['rest 1-7', 'live 8', 'live 9']);
  });

  test('what the snapshot was the first to bring is not shown again when it comes live', async () => {
    const { joined, live, loads, list, settle } = shown();
    joined(5);
    await settle();
    loads[0]?.answer({ data: ['rest 1-8'], position: at(8) });
    await settle();
    live(6, 7, 8, 9);
    expect(list()).toEqual(['rest 1-8', 'live 9']);
  });

  test('with ids it is the same', async () => {
    const { joined, live, loads, list, settle } = shown();
    joined();
    live('b');
    await settle();
    live('c');
    loads[0]?.answer({ data: ['rest a-d'], ids: ['a', 'b', 'c', 'd'] });
    await settle();
    live('d', 'e');
    expect(list()).toEqual(['rest a-d', 'live e']);
  });

  test('a snapshot that is older than the stream is loaded again: between the two something would be missing', async () => {
    const { joined, loads, list, settle, clock } = shown();
    joined(5);
    await settle();
    loads[0]?.answer({ data: ['rest 1-4'], position: at(4) });
    await clock.advance(500);
    expect([list(), loads.length]).toEqual([[], 2]);
    loads[1]?.answer({ data: ['rest 1-5'], position: at(5) });
    await settle();
    expect(list()).toEqual(['rest 1-5']);
  });

  test('so is one of another log', async () => {
    const { joined, loads, list, clock } = shown();
    joined(5);
    await clock.advance(0);
    loads[0]?.answer({ data: ['rest of before'], position: at(50, 'before') });
    await clock.advance(500);
    expect([list(), loads.length]).toEqual([[], 2]);
  });
});

describe('loading anew', () => {
  test('follows a gap; what came before it waits no longer', async () => {
    const { joined, live, loads, list, settle } = shown();
    joined(0);
    await settle();
    loads[0]?.answer({ data: ['rest 0'], position: at(0) });
    await settle();
    live(1, 3);
    await settle();
    expect(loads).toHaveLength(2);
    // what was skipped must be in it; what came after it waits
    expect(loads[1]?.context.position).toEqual(at(2));
    live(4);
    expect(list()).toEqual(['rest 0', 'live 1']);
    loads[1]?.answer({ data: ['rest 1-3'], position: at(3) });
    await settle();
    expect(list()).toEqual(['rest 1-3', 'live 4']);
  });

  test('is had by reload, and an answer to an earlier load counts no more', async () => {
    const { joined, loads, list, settle, handle } = shown();
    joined(0);
    await settle();
    handle.reload();
    await settle();
    expect(loads[0]?.context.signal.aborted).toBe(true);
    loads[1]?.answer({ data: ['second'], position: at(0) });
    loads[0]?.answer({ data: ['first'], position: at(0) });
    await settle();
    expect(list()).toEqual(['second']);
  });

  test('asked for by a handler does not lose the message that it handles', async () => {
    const { joined, live, loads, list, clock, channel, handle } = shown();
    joined(0);
    await clock.advance(0);
    loads[0]?.answer({ data: [], position: at(0) });
    await clock.advance(0);
    channel.on('said', () => {});
    channel.onAny(() => handle.reload());
    live(1);
    await clock.advance(0);
    loads[1]?.answer({ data: ['rest 0'], position: at(0) });
    await clock.advance(500);
    loads[2]?.answer({ data: ['rest 1'], position: at(1) });
    await clock.advance(0);
    expect(list()).toEqual(['rest 1']);
  });

  test('follows when too much waits', async () => {
    const { joined, live, loads, list, settle } = shown({ maxWaiting: 2 });
    joined(0);
    await settle();
    live(1, 2, 3, 4);
    await settle();
    expect(loads[1]?.context.position).toEqual(at(2));
    loads[1]?.answer({ data: ['rest 1-2'], position: at(2) });
    await settle();
    expect(list()).toEqual(['rest 1-2', 'live 3', 'live 4']);
  });

  test('is tried later and later, and then told of; the next join begins again', async () => {
    const { joined, loads, list, clock, errors, subscription, live } = shown({ maxAttempts: 2 });
    joined(0);
    await clock.advance(0);
    loads[0]?.fail(new Error('503'));
    await clock.advance(499);
    expect(loads).toHaveLength(1);
    await clock.advance(1);
    loads[1]?.fail(new Error('503'));
    await clock.advance(0);
    expect(errors).toMatchObject([{ code: 'handler-failed', cause: { message: '503' } }]);
    live(1);
    subscription.disconnected();
    joined(1, 'e', 2);
    await clock.advance(0);
    loads[2]?.answer({ data: ['rest 1'], position: at(1) });
    await clock.advance(0);
    expect([list(), clock.pending]).toEqual([['rest 1'], 0]);
  });

  test('has a deadline for each try', async () => {
    const { joined, loads, clock, errors } = shown({ maxAttempts: 1, timeoutMs: 3_000 });
    joined(0);
    await clock.advance(3_000);
    expect(loads[0]?.context.signal.aborted).toBe(true);
    expect(errors).toMatchObject([{ code: 'timeout' }]);
  });
});

describe('the end', () => {
  test.each(['while it loads', 'while it waits for another try', 'while it is live'])('%s leaves nothing', async (when) => {
    const { joined, live, loads, list, clock, handle, subscription } = shown();
    joined(0);
    await clock.advance(0);
    if (when === 'while it waits for another try') loads[0]?.fail(new Error('503'));
    if (when === 'while it is live') loads[0]?.answer({ data: [], position: at(0) });
    await clock.advance(0);
    handle.stop();
    handle.stop();
    handle.reload();
    loads[0]?.answer({ data: ['late'] });
    live(1);
    subscription.disconnected();
    joined(1, 'e', 2);
    await clock.advance(60_000);
    expect([list(), clock.pending, loads.length, subscription.bus.size]).toEqual([[], 0, 1, 0]);
  });

  test('comes with the signal, and with the handle', async () => {
    const ending = new AbortController();
    const { joined, loads, list, settle, channel, live, subscription } = shown({ signal: ending.signal });
    joined(0);
    await settle();
    loads[0]?.answer({ data: [], position: at(0) });
    await settle();
    live(1);
    ending.abort();
    live(2);
    expect([list(), subscription.bus.size]).toEqual([['live 1'], 0]);
    channel.leave();
    expect(() => snapshot(channel, { load: async () => ({ data: [] }), loaded() {}, event() {} })).toThrow();
  });

  test('what the application throws is told of, and the rest goes on', async () => {
    const seen: unknown[] = [];
    const { joined, live, loads, settle, errors } = shown({
      event({ offset }) {
        if (offset === 2) throw new Error('a bug');
        seen.push(offset);
      },
    });
    joined(0);
    await settle();
    live(1, 2, 3);
    loads[0]?.answer({ data: [], position: at(0) });
    await settle();
    live(4);
    expect(seen).toEqual([1, 3, 4]);
    expect(errors).toMatchObject([{ code: 'handler-failed', cause: { message: 'a bug' } }]);
  });
});
