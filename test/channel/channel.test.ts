import { describe, expect, test, vi } from 'vitest';
import { type Channel, type ChannelHost, createChannel } from '../../src/channel/channel.ts';
import { createSubscription } from '../../src/channel/subscription.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

function setup() {
  const failed: unknown[] = [];
  const subscription = createSubscription('lobby', quietHooks({ handlerFailed: (error) => failed.push(error) }));
  const closing = new AbortController();
  const host = {
    send: vi.fn<ChannelHost['send']>(async (_, event) => ({
      accepted: { id: `id of ${event}`, offset: 4, epoch: 'e' },
      reply: { to: event },
    })),
    announce: vi.fn<ChannelHost['announce']>(),
    release: vi.fn<ChannelHost['release']>(),
    ended: closing.signal,
    newId: () => 'new id',
    platform: systemPlatform,
    report: (error: unknown) => failed.push(error),
    onGap: vi.fn<ChannelHost['onGap']>(() => () => {}),
  };
  const emit = (event: string, data?: unknown): void =>
    subscription.receive(
      { kind: 'event', channel: 'lobby', event, data, from: 'ada' },
      { id: 1, resume: 'none', isAlone: false, isStreamResumed: false },
    );
  return { subscription, host, closing, emit, failed, handle: (): Channel => createChannel(subscription, host) };
}

describe('a handle', () => {
  test('shows the channel', () => {
    const { subscription, handle } = setup();
    const channel = handle();
    expect([channel.name, channel.state, channel.members]).toEqual(['lobby', subscription.state, subscription.members]);
  });

  test('gives a handler the data, and the message that carried it', () => {
    const { handle, emit } = setup();
    const seen: unknown[] = [];
    const stop = handle().on('move', (data, message) => seen.push([data, message]));
    emit('move', 0);
    emit('other', 1);
    const message: EventFrame = { kind: 'event', channel: 'lobby', event: 'move', data: 0, from: 'ada' };
    expect(seen).toEqual([[0, message]]);
    stop();
    stop();
    emit('move', 2);
    expect(seen).toHaveLength(1);
  });

  test('takes a handler away with its signal, and adds none for a signal that has fired', () => {
    const { handle, emit, subscription } = setup();
    const controller = new AbortController();
    const handler = vi.fn();
    const channel = handle();
    channel.on('move', handler, { signal: controller.signal });
    controller.abort();
    channel.on('move', handler, { signal: controller.signal });
    emit('move');
    expect(handler).not.toHaveBeenCalled();
    expect(subscription.bus.size).toBe(0);
  });

  test('reports a handler that throws, and calls the others', () => {
    const { handle, emit, failed } = setup();
    const channel = handle();
    const handler = vi.fn();
    channel.on('move', () => {
      throw 'thrown';
    });
    channel.on('move', handler);
    emit('move');
    expect([failed, handler.mock.calls.length]).toEqual([['thrown'], 1]);
  });

  test('waits for the next event of a name', async () => {
    const { handle, emit, subscription } = setup();
    const next = handle().once('move');
    emit('other', 1);
    emit('move', 0);
    emit('move', 2);
    expect(await next).toBe(0);
    expect(subscription.bus.size).toBe(0);
  });

  test('waits no longer when it is left, or with the signal', async () => {
    const { handle, subscription } = setup();
    const channel = handle();
    const [left, aborted] = [channel.once('move'), channel.once('move', { signal: AbortSignal.abort() })];
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    channel.leave();
    await expect(left).rejects.toMatchObject({ code: 'closed', message: expect.stringContaining('waiting for move') });
    expect(subscription.bus.size).toBe(0);
  });

  test('iterates over the events of a name, or over all', async () => {
    const { handle, emit, subscription } = setup();
    const channel = handle();
    const [moves, all] = [channel.events('move'), channel[Symbol.asyncIterator]()];
    emit('other', 1);
    emit('move', 2);
    channel.leave();
    const rest = async (source: AsyncIterable<{ data: unknown }>): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for await (const { data } of source) seen.push(data);
      return seen;
    };
    expect([await rest(moves), await rest(all)]).toEqual([[2], [1, 2]]);
    expect(subscription.bus.size).toBe(0);
  });

  test('hands its wishes for a loop on', async () => {
    const { handle, emit } = setup();
    const events = handle().events('move', { bufferSize: 1, overflow: 'drop-oldest' });
    emit('move', 1);
    emit('move', 2);
    expect((await events.next()).value).toMatchObject({ data: 2 });
  });

  test('publishes, and gives what was accepted', async () => {
    const { handle, host } = setup();
    const options = { id: 'mine', timeoutMs: 5, volatile: true };
    expect(await handle().publish('move', { x: 1 }, options)).toEqual({ id: 'id of move', offset: 4, epoch: 'e' });
    expect(host.send.mock.calls[0]).toEqual(['lobby', 'move', { x: 1 }, options]);
  });

  test('requests, and gives the answer', async () => {
    const { handle, host } = setup();
    expect(await handle().request('ask', 5, { timeoutMs: 5 })).toEqual({ to: 'ask' });
    expect(host.send.mock.calls[0]).toEqual(['lobby', 'ask', 5, { timeoutMs: 5, reply: true }]);
  });

  test('gives the failure of a send on', async () => {
    const { handle, host } = setup();
    const error = new Error('no');
    host.send.mockRejectedValue(error);
    await expect(handle().publish('move', 1)).rejects.toBe(error);
    await expect(handle().request('move', 1)).rejects.toBe(error);
  });

  test('announces its presence under a name of its own, and takes it back', () => {
    const { handle, host } = setup();
    const [first, second] = [handle(), handle()];
    first.enter({ at: 1 });
    second.enter();
    first.exit();
    const { calls } = host.announce.mock;
    expect(calls.map(([name, , presence]) => [name, presence])).toEqual([
      ['lobby', { data: { at: 1 } }],
      ['lobby', { data: undefined }],
      ['lobby', undefined],
    ]);
    const owners = calls.map(([, owner]) => owner);
    expect(owners[2]).toBe(owners[0]);
    expect(owners[1]).not.toBe(owners[0]);
  });

  test('is given back once, with its presence and its listeners, and without those of others', () => {
    const { handle, host, emit } = setup();
    const [mine, other] = [handle(), handle()];
    const [heard, heardByOther] = [vi.fn(), vi.fn()];
    mine.on('move', heard);
    other.on('move', heardByOther);
    mine.enter();
    mine.leave();
    mine.leave();
    emit('move');
    expect([heard.mock.calls.length, heardByOther.mock.calls.length]).toEqual([0, 1]);
    expect(host.release.mock.calls).toEqual([['lobby']]);
    expect(host.announce.mock.lastCall?.[2]).toBeUndefined();
  });

  test('refuses everything after it was left', async () => {
    const { handle, host } = setup();
    const channel = handle();
    channel.leave();
    const closed = expect.objectContaining({ code: 'closed', message: expect.stringContaining('lobby') });
    expect(() => channel.on('move', () => {})).toThrow(closed);
    expect(() => channel.events('move')).toThrow(closed);
    expect(() => channel[Symbol.asyncIterator]()).toThrow(closed);
    expect(() => channel.enter()).toThrow(closed);
    await expect(channel.once('move')).rejects.toEqual(closed);
    await expect(channel.publish('move', 1)).rejects.toEqual(closed);
    await expect(channel.request('move', 1)).rejects.toEqual(closed);
    expect(host.send).not.toHaveBeenCalled();
  });

  test('leaves nothing on the signal of a handler that was taken away', () => {
    const { handle } = setup();
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    handle().on('move', () => {}, { signal: controller.signal })();
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('can be given back by a using declaration where the platform has the symbol', () => {
    const { handle, host } = setup();
    const channel = handle() as Channel & { [Symbol.dispose]?: () => void };
    channel[Symbol.dispose]?.();
    expect(host.release).toHaveBeenCalledTimes(Symbol.dispose === undefined ? 0 : 1);
  });
});

test('a handle is left when the manager is closed', async () => {
  const { closing, host, handle } = setup();
  const channel = handle();
  const waiting = channel.once('move');
  closing.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'closed' });
  expect(host.release).toHaveBeenCalledTimes(1);
});

describe('what is built on a handle', () => {
  test('is ended with the handle, by its signal or by itself, once, and may still send then', async () => {
    const { handle, host, closing } = setup();
    const channel = handle();
    const controller = new AbortController();
    const ended: string[] = [];
    channel.context.until(() => ended.push('with the handle'));
    channel.context.until(() => ended.push('by its signal'), controller.signal);
    const end = channel.context.until(() => ended.push('by itself'));
    channel.context.until(() => void channel.publish('last', 1));
    controller.abort();
    end();
    end[Symbol.dispose]();
    expect(ended).toEqual(['by its signal', 'by itself']);
    closing.abort();
    channel.leave();
    expect(ended).toEqual(['by its signal', 'by itself', 'with the handle']);
    expect(host.send).toHaveBeenCalledTimes(1);
    await expect(channel.publish('late', 1)).rejects.toMatchObject({ code: 'closed' });
    channel.context.until(() => ended.push('at once'));
    expect(ended.at(-1)).toBe('at once');
  });

  test('hears of the gaps of its channel until the handle is left, and reports in the name of the channel', () => {
    const { handle, host, failed } = setup();
    const stop = vi.fn();
    host.onGap.mockReturnValue(stop);
    const channel = handle();
    const listener = vi.fn();
    channel.context.onGap(listener);
    expect(host.onGap).toHaveBeenCalledWith('lobby', listener);
    channel.context.report('broken');
    expect(failed).toEqual(['broken']);
    channel.leave();
    channel.leave();
    expect(stop).toHaveBeenCalledTimes(1);
  });

  test('using ends a listener and a handle', () => {
    const { handle, emit, host } = setup();
    const seen: unknown[] = [];
    {
      using channel = handle();
      using _stop = channel.on('move', (data) => seen.push(data));
      emit('move', 1);
    }
    emit('move', 2);
    expect(seen).toEqual([1]);
    expect(host.release).toHaveBeenCalledTimes(1);
  });
});
