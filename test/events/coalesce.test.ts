import { coalesce, conflate, createRealtime, writable } from 'keepwire';
import { fakeServer, manualClock } from 'keepwire/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

/** Pictures that the test paints. */
function screen() {
  const waiting = new Set<() => void>();
  return {
    waiting,
    frames: (callback: () => void) => {
      const entry = (): void => callback();
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    paint() {
      for (const callback of [...waiting]) if (waiting.delete(callback)) callback();
    },
  };
}

const value = <T>(initial: T) =>
  writable(initial, (error) => {
    throw error;
  });

describe('a coalesced readable', () => {
  test('tells once per picture, of the newest value, and counts what it left out', () => {
    const { frames, paint, waiting } = screen();
    const source = value(0);
    const slow = coalesce(source, { frames });
    const seen: number[] = [];
    slow.subscribe((now) => seen.push(now));
    expect(seen).toEqual([0]);
    for (let n = 1; n <= 100; n++) source.set(n);
    expect([seen, slow.get(), waiting.size]).toEqual([[0], 0, 1]);
    paint();
    expect([seen, slow.get(), slow.conflated]).toEqual([[0, 100], 100, 99]);
    paint();
    source.set(101);
    source.set(100);
    paint();
    // back where it was: nothing to tell
    expect(seen).toEqual([0, 100]);
  });

  test('is the source itself while nobody listens, and leaves nothing behind', () => {
    const { frames, waiting } = screen();
    const source = value(0);
    const subscribe = vi.spyOn(source, 'subscribe');
    const slow = coalesce(source, { frames });
    source.set(1);
    expect([slow.get(), subscribe.mock.calls.length]).toEqual([1, 0]);
    const [first, second] = [slow.subscribe(() => {}), slow.subscribe(() => {})];
    expect(subscribe).toHaveBeenCalledTimes(1);
    source.set(2);
    first();
    first.unsubscribe();
    expect(waiting.size).toBe(1);
    second[Symbol.dispose]();
    expect(waiting.size).toBe(0);
    source.set(3);
    expect([slow.get(), waiting.size]).toEqual([3, 0]);
    const seen: number[] = [];
    slow.subscribe((now) => seen.push(now));
    expect(seen).toEqual([3]);
  });

  test('can go by a clock', async () => {
    const clock = manualClock();
    const source = value(0);
    const seen: number[] = [];
    coalesce(source, { per: 100, clock }).subscribe((now) => seen.push(now));
    source.set(1);
    await clock.advance(50);
    source.set(2);
    await clock.advance(50);
    expect(seen).toEqual([0, 2]);
    expect(() => coalesce(source, { per: Number.NaN })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });

  test('goes by pictures of the platform where nothing else is given, and without a page by a timer', async () => {
    const source = value(0);
    const seen = await new Promise<number>((resolve) => {
      coalesce(source).subscribe((now) => now && resolve(now));
      source.set(1);
      source.set(2);
    });
    expect(seen).toBe(2);
  });
});

describe('conflated events', () => {
  function events<T>() {
    const listeners = new Set<(event: T) => void>();
    return {
      listeners,
      listen: (listener: (event: T) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      emit(...each: T[]) {
        for (const event of each) for (const listener of listeners) listener(event);
      },
    };
  }

  test('come together, all of them', () => {
    const { frames, paint } = screen();
    const { listen, emit } = events<number>();
    const deliver = vi.fn();
    const gathered = conflate(listen, deliver, { frames });
    emit(1, 1, 2);
    expect(deliver).not.toHaveBeenCalled();
    paint();
    paint();
    emit(3);
    paint();
    expect(deliver.mock.calls).toEqual([[[1, 1, 2]], [[3]]]);
    expect(gathered.conflated).toBe(0);
  });

  test('come once per key, the newest, in the order of the newest, with a count of the others', () => {
    const { frames, paint } = screen();
    const { listen, emit } = events<[string, number]>();
    const deliver = vi.fn();
    const gathered = conflate(listen, deliver, { frames, key: ([key]) => key });
    emit(['a', 1], ['b', 2], ['a', 3]);
    paint();
    expect(deliver.mock.calls).toEqual([
      [
        [
          ['b', 2],
          ['a', 3],
        ],
      ],
    ]);
    expect(gathered.conflated).toBe(1);
  });

  test('are bounded while nothing is painted, can be had at once, and end', () => {
    const { frames, paint, waiting } = screen();
    const { listen, emit, listeners } = events<number>();
    const deliver = vi.fn();
    const controller = new AbortController();
    const gathered = conflate(listen, deliver, { frames, limit: 3, signal: controller.signal });
    emit(1, 2, 3, 4, 5);
    expect(gathered.conflated).toBe(2);
    gathered.flush();
    gathered.flush();
    expect([deliver.mock.calls, waiting.size]).toEqual([[[[3, 4, 5]]], 0]);
    emit(6);
    controller.abort();
    gathered.stop();
    gathered[Symbol.dispose]();
    paint();
    expect([deliver.mock.calls.length, listeners.size, waiting.size]).toEqual([1, 0, 0]);
    expect(() => conflate(listen, deliver, { limit: 0 })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });

  test('10,000 of a channel are one delivery per picture', async () => {
    const { frames, paint } = screen();
    const server = fakeServer();
    const clock = manualClock();
    const realtime = createRealtime({ transports: [server.transport()], platform: { clock } });
    onTestFinished(() => realtime.close());
    realtime.start();
    const channel = realtime.channel('quotes');
    await clock.advance(0);
    const deliver = vi.fn();
    const gathered = conflate<unknown>((tick) => channel.on('quote', tick), deliver, {
      frames,
      key: (quote) => Number(quote) % 10,
    });
    for (let n = 0; n < 10_000; n++) server.publish('quotes', 'quote', n, { volatile: true });
    await clock.advance(0);
    paint();
    expect(deliver.mock.calls).toEqual([[[9990, 9991, 9992, 9993, 9994, 9995, 9996, 9997, 9998, 9999]]]);
    expect(gathered.conflated).toBe(9_990);
  });
});
