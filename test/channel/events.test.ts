import { describe, expect, test, vi } from 'vitest';
import { type EventStreamOptions, iterate } from '../../src/channel/events.ts';

function setup<T = unknown>(options: EventStreamOptions = {}, ended = new AbortController()) {
  const listeners = new Set<(value: T) => void>();
  const removed = vi.fn();
  const events = iterate<T>(
    (listener) => {
      listeners.add(listener);
      return () => {
        removed();
        listeners.delete(listener);
      };
    },
    options,
    ended.signal,
  );
  const emit = (...values: T[]): void => {
    for (const value of values) for (const listener of listeners) listener(value);
  };
  return { events, emit, ended, listeners, removed };
}

const end = { done: true, value: undefined };

describe('iterating over events', () => {
  test('gives what came before it was asked for, and what comes after', async () => {
    const { events, emit } = setup();
    emit(1, 2);
    expect(await events.next()).toEqual({ done: false, value: 1 });
    expect(await events.next()).toEqual({ done: false, value: 2 });
    const next = events.next();
    emit(3);
    expect(await next).toEqual({ done: false, value: 3 });
  });

  test.each([0, '', false, null, Number.NaN])('gives %j like any other value', async (value) => {
    const { events, emit } = setup();
    emit(value, 'after');
    expect(await events.next()).toEqual({ done: false, value });
    expect(await events.next()).toEqual({ done: false, value: 'after' });
  });

  test('is iterable itself', async () => {
    const { events, emit, ended } = setup<number>();
    emit(1, 2, 3);
    const seen: number[] = [];
    for await (const value of events) {
      seen.push(value);
      if (value === 3) ended.abort();
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test('listens no longer after break', async () => {
    const { events, emit, listeners } = setup<number>();
    emit(1, 2);
    for await (const value of events) {
      expect(value).toBe(1);
      break;
    }
    expect(listeners.size).toBe(0);
    expect(await events.next()).toEqual(end);
  });

  test('listens no longer after an error in the loop', async () => {
    const { events, emit, listeners } = setup<number>();
    emit(1);
    await expect(
      (async () => {
        for await (const value of events) throw new Error(`at ${value}`);
      })(),
    ).rejects.toThrow('at 1');
    expect(listeners.size).toBe(0);
  });

  test('return lets go of those that wait, and of what waits', async () => {
    const { events, emit, listeners } = setup();
    const waiting = [events.next(), events.next()];
    expect(await events.return?.()).toEqual(end);
    expect(await Promise.all(waiting)).toEqual([end, end]);
    expect(listeners.size).toBe(0);
    emit(1);
    expect(await events.next()).toEqual(end);
    expect(await events.return?.()).toEqual(end);
  });

  test('gives each event to one of those that wait, in the order of asking', async () => {
    const { events, emit } = setup();
    const asked = [events.next(), events.next(), events.next()];
    emit('a', 'b');
    emit('c', 'd');
    expect((await Promise.all(asked)).map(({ value }) => value)).toEqual(['a', 'b', 'c']);
    expect(await events.next()).toEqual({ done: false, value: 'd' });
  });

  test('two loops share the events of one iterator', async () => {
    const { events, emit, ended } = setup<number>();
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const value of { [Symbol.asyncIterator]: () => ({ next: () => events.next() }) }) seen.push(value);
    };
    const loops = [loop(), loop()];
    emit(1, 2, 3, 4);
    ended.abort();
    await Promise.all(loops);
    expect(seen.sort()).toEqual([1, 2, 3, 4]);
  });

  test('fails when it falls too far behind, after what it still holds', async () => {
    const { events, emit, listeners } = setup<number>({ bufferSize: 2 });
    emit(1, 2);
    expect(listeners.size).toBe(1);
    emit(3);
    expect(listeners.size).toBe(0);
    expect(await events.next()).toEqual({ done: false, value: 1 });
    expect(await events.next()).toEqual({ done: false, value: 2 });
    await expect(events.next()).rejects.toMatchObject({ code: 'queue-full', message: expect.stringContaining('2 events') });
  });

  test('what waits for it does not count as falling behind', async () => {
    const { events, emit } = setup<number>({ bufferSize: 1 });
    const asked = [events.next(), events.next()];
    emit(1, 2, 3);
    expect((await Promise.all(asked)).map(({ value }) => value)).toEqual([1, 2]);
    expect(await events.next()).toEqual({ done: false, value: 3 });
  });

  test('drops the oldest where it is told to', async () => {
    const { events, emit, ended } = setup<number>({ bufferSize: 2, overflow: 'drop-oldest' });
    emit(1, 2, 3, 4);
    ended.abort();
    expect(await events.next()).toEqual({ done: false, value: 3 });
    expect(await events.next()).toEqual({ done: false, value: 4 });
    expect(await events.next()).toEqual(end);
  });

  test('holds 1,000 events unless told otherwise', async () => {
    const { events, emit, listeners } = setup<number>();
    emit(...Array.from({ length: 1_000 }, (_, index) => index));
    expect(listeners.size).toBe(1);
    emit(1_000);
    expect(listeners.size).toBe(0);
    expect(await events.next()).toEqual({ done: false, value: 0 });
  });

  test.each(['signal', 'ended'])('ends with the %s, after what it still holds', async (which) => {
    const controllers = { signal: new AbortController(), ended: new AbortController() };
    const { events, emit, listeners, removed } = setup<number>({ signal: controllers.signal.signal }, controllers.ended);
    emit(1);
    controllers[which as 'signal' | 'ended'].abort();
    expect(listeners.size).toBe(0);
    emit(2);
    expect(await events.next()).toEqual({ done: false, value: 1 });
    expect(await events.next()).toEqual(end);
    controllers.signal.abort();
    controllers.ended.abort();
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('ends those that wait with the signal', async () => {
    const controller = new AbortController();
    const { events } = setup({ signal: controller.signal });
    const waiting = events.next();
    controller.abort();
    expect(await waiting).toEqual(end);
  });

  test('does not listen when the signal had fired before', async () => {
    const { events, emit, listeners } = setup({ signal: AbortSignal.abort() });
    expect(listeners.size).toBe(0);
    emit(1);
    expect(await events.next()).toEqual(end);
  });

  test('takes its listeners off the signals when it is over', async () => {
    const controller = new AbortController();
    const removeListener = vi.spyOn(controller.signal, 'removeEventListener');
    const { events } = setup({ signal: controller.signal });
    await events.return?.();
    expect(removeListener).toHaveBeenCalledTimes(1);
  });

  test.each([0, -1, Number.NaN, '1x' as never])('refuses a bufferSize of %j', (bufferSize) => {
    expect(() => setup({ bufferSize })).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining('bufferSize') }),
    );
  });
});
