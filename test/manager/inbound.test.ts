import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { backfill } from '../../src/delivery/backfill.ts';
import { createRealtime, type Gap, type RealtimeOptions } from '../../src/index.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { type ScriptedTransport, scripted } from '../support/scripted-transport.ts';

const message = (offset: number, channel = 'room'): EventFrame => ({ kind: 'event', channel, event: 'n', data: offset, offset });

/** A manager with `room` joined at 0, on a clock of the test. */
async function opened(transport: ScriptedTransport, options: Partial<RealtimeOptions> = {}) {
  const clock = manualClock();
  const realtime = createRealtime({ transports: [transport], retry: () => 0, platform: { clock, random: () => 0 }, ...options });
  onTestFinished(() => realtime.close());
  const gaps: Gap[] = [];
  realtime.on('gap', (gap) => gaps.push(gap));
  const faults: unknown[] = [];
  realtime.on('fault', (error) => faults.push(error));
  const channel = realtime.channel('room');
  const got: unknown[] = [];
  channel.onAny(({ data }) => got.push(data));
  realtime.start();
  await clock.advance(0);
  transport.last.up({ joining: ['room'] });
  transport.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 0 }]);
  await clock.advance(0);
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 8; turn++) await clock.advance(0);
  };
  return { realtime, channel, clock, gaps, faults, got, settle };
}

describe('a backfill', () => {
  test('is asked of the application, and live delivery goes on after it', async () => {
    const transport = scripted('ws', { resume: 'none' });
    const load = vi.fn(async (_: string, { after, until }: Gap) => {
      const [from, to] = [after, until].map((position) => (typeof position === 'object' ? position.offset : 0)) as [
        number,
        number,
      ];
      return [...Array(to - from).keys()].map((n) => ({ event: 'n', data: `rest ${from + n + 1}`, offset: from + n + 1 }));
    });
    const { realtime, clock, gaps, got, settle, channel } = await opened(transport, { backfill: backfill(load) });
    transport.last.frames([message(1)]);
    transport.last.down('lost');
    await clock.advance(1);
    transport.last.up({ joining: ['room'] });
    transport.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 3 }, message(4)]);
    expect(channel.state.get()).toMatchObject({ status: 'joined', continuity: 'verified' });
    await settle();
    transport.last.frames([message(5)]);
    expect(got).toEqual([1, 'rest 2', 'rest 3', 4, 5]);
    expect(gaps).toMatchObject([{ channel: 'room', reason: 'trimmed', isFilled: true, missing: 0 }]);
    expect([load.mock.calls.length, realtime.metrics().gaps]).toEqual([1, 1]);
    expect(channel.position).toEqual({ epoch: 'e', offset: 5 });
  });

  test.each(['close', 'leave'] as const)('is ended by %s: no event, no timer', async (how) => {
    const transport = scripted('ws', { resume: 'none' });
    const signals: AbortSignal[] = [];
    const load = backfill(async (_, __, { signal }) => {
      signals.push(signal);
      return new Promise<never>(() => {});
    });
    const { realtime, clock, gaps, got, settle, channel } = await opened(transport, {
      backfill: load,
      leaveAfterMs: 0,
      reorder: { maxMessages: 0 },
    });
    transport.last.frames([message(2), message(4)]);
    await settle();
    if (how === 'close') realtime.close();
    else channel.leave();
    await clock.advance(0);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    realtime.close();
    expect(clock.pending).toBe(0);
    await clock.advance(100_000);
    expect([got, gaps, signals.length]).toEqual([[], [], 1]);
  });

  test('that is no function is refused', () => {
    expect(() => createRealtime({ transports: [scripted('ws')], backfill: {} as never })).toThrow(/options\.backfill/);
  });
});

describe('a message that cannot be read', () => {
  test('is asked for once more, and is then one gap: never a loop', async () => {
    const transport = scripted('ws');
    const { clock, gaps, got, faults, realtime } = await opened(transport);
    const garbled = { kind: 'garbled', message: 'no JSON' } as const;
    transport.last.frames([message(1), garbled, message(3)]);
    await clock.advance(200);
    const joins = (): number => transport.last.sent.filter(({ kind }) => kind === 'join').length;
    expect(joins()).toBe(1);
    transport.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 1 }, garbled, message(3), message(4)]);
    await clock.advance(60_000);
    expect([got, joins(), faults.length]).toEqual([[1, 3, 4], 1, 2]);
    expect(gaps).toMatchObject([{ reason: 'skipped', after: { offset: 1 }, until: { offset: 2 }, missing: 1 }]);
    expect(realtime.metrics().garbled).toBe(2);
  });

  test('moves the place of its stream where its id could be read: it does not come again for ever', async () => {
    const transport = scripted('sse', { resume: 'connection', joining: 'dial' });
    const { clock } = await opened(transport);
    transport.last.frames([{ kind: 'garbled', message: 'no JSON' }], '17');
    transport.last.down('lost');
    await clock.advance(1);
    expect(transport.last.request.cursor).toBe('17');
  });
});

describe('a handler', () => {
  test('may take itself and others away, add some, and leave: nobody is skipped, nobody is called twice', async () => {
    const transport = scripted('ws');
    const { realtime } = await opened(transport);
    const channel = realtime.channel('room');
    const calls: string[] = [];
    const stop = channel.on('n', () => {
      calls.push('once');
      stop();
      stopOther();
      channel.on('n', () => calls.push('late'));
    });
    const stopOther = channel.on('n', () => calls.push('other'));
    channel.on('n', (data) => {
      calls.push(`always ${data}`);
      if (data === 2) channel.leave();
    });
    for (const offset of [1, 2, 3]) transport.last.frames([message(offset)]);
    expect(calls).toEqual(['once', 'always 1', 'always 2']);
  });

  test('may close the manager in the middle of a batch: it is the last that is called', async () => {
    const transport = scripted('ws');
    const { realtime, got, clock } = await opened(transport);
    const calls: unknown[] = [];
    realtime.channel('room').on('n', (data) => {
      calls.push(data);
      if (data === 2) realtime.close();
    });
    transport.last.frames([message(1), message(2), message(3)]);
    await clock.advance(0);
    // those that listen for every name come after those that listen for this one
    expect([calls, got, clock.pending, transport.heldCount]).toEqual([[1, 2], [1], 0, 0]);
  });

  test('may switch the transport in the middle of a batch: order and position stay', async () => {
    const [ws, sse] = [scripted('ws'), scripted('sse')];
    const clock = manualClock();
    const realtime = createRealtime({ transports: [ws, sse], platform: { clock, random: () => 0 } });
    onTestFinished(() => realtime.close());
    const got: unknown[] = [];
    realtime.channel('room').on('n', (data) => {
      got.push(data);
      if (data === 1) realtime.setMode('sse');
    });
    realtime.start();
    await clock.advance(0);
    ws.last.up({ joining: ['room'] });
    ws.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 0 }, message(1), message(2)]);
    await clock.advance(0);
    expect(sse.last.request.channels.get('room')).toEqual({ epoch: 'e', offset: 2 });
    sse.last.up({ joining: ['room'] });
    ws.last.frames([message(3)]);
    sse.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 2 }, message(3), message(4)]);
    expect(got).toEqual([1, 2, 3, 4]);
  });

  test('that is slow holds nobody up: the loop over events falls behind alone, and says so', async () => {
    const transport = scripted('ws');
    const { channel, got } = await opened(transport);
    const slow = channel.events('n', { bufferSize: 10 });
    const latest = channel.events('n', { bufferSize: 10, overflow: 'drop-oldest' });
    for (let offset = 1; offset <= 1_000; offset++) transport.last.frames([message(offset)]);
    expect(got).toHaveLength(1_000);
    const read: unknown[] = [];
    await expect(async () => {
      for await (const { data } of slow) read.push(data);
    }).rejects.toMatchObject({ code: 'queue-full' });
    expect(read).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect((await latest.next()).value?.data).toBe(991);
  });

  test('leaves nothing behind after 10,000 mounts', async () => {
    const transport = scripted('ws');
    const { realtime, clock, channel, got } = await opened(transport);
    const before = clock.pending;
    for (let mount = 0; mount < 10_000; mount++) {
      const handle = realtime.channel(`room ${mount % 7}`);
      const stop = handle.on('n', () => got.push('ghost'));
      handle.onAny(() => got.push('ghost'));
      if (mount % 2) stop();
      handle.leave();
    }
    await clock.advance(1_000);
    expect(clock.pending).toBe(before);
    for (let room = 0; room < 7; room++) transport.last.frames([message(1, `room ${room}`)]);
    expect([got, realtime.metrics().unwanted]).toEqual([[], 7]);
    channel.leave();
    await clock.advance(1_000);
    expect(transport.last.sent.filter(({ kind }) => kind === 'leave').length).toBe(
      transport.last.sent.filter(({ kind }) => kind === 'join').length + 1,
    );
  });
});
