import { describe, expect, test } from 'vitest';
import { manualClock } from '../src/testing/clock.ts';

describe('manualClock', () => {
  test('stands still until it is moved', async () => {
    const clock = manualClock(50);
    let calls = 0;
    clock.schedule(() => (calls += 1), 0);
    await Promise.resolve();
    expect([clock.now(), calls]).toEqual([50, 0]);
    await clock.advance(0);
    expect([clock.now(), calls]).toEqual([50, 1]);
    await clock.advance(7);
    expect(clock.now()).toBe(57);
  });

  test('moves the wall-clock with the monotonic one, from another origin', async () => {
    const clock = manualClock();
    const before = clock.wallNow();
    await clock.advance(1_234);
    expect(clock.wallNow() - before).toBe(1_234);
    expect(clock.wallNow()).not.toBe(clock.now());
  });

  test('calls in order of due time, those of one time in order of scheduling, each at its own time', async () => {
    const clock = manualClock();
    const calls: [string, number][] = [];
    const note = (name: string) => () => calls.push([name, clock.now()]);
    clock.schedule(note('c'), 30);
    clock.schedule(note('a'), 10);
    clock.schedule(note('b1'), 20);
    clock.schedule(note('b2'), 20);
    clock.schedule(note('late'), 31);
    await clock.advance(30);
    expect(calls).toEqual([
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['c', 30],
    ]);
    expect(clock.pending).toBe(1);
  });

  test('calls what a callback schedules, also through promises, if it falls due on the way', async () => {
    const clock = manualClock();
    const calls: number[] = [];
    const later = async (): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      clock.schedule(() => calls.push(clock.now()), 5);
    };
    clock.schedule(() => void later(), 10);
    await clock.advance(20);
    expect(calls).toEqual([15]);
  });

  test('lets promises run before the first callback, so that they can cancel it', async () => {
    const clock = manualClock();
    let calls = 0;
    const cancel = clock.schedule(() => (calls += 1), 0);
    void Promise.resolve().then(cancel);
    await clock.advance(10);
    expect(calls).toBe(0);
  });

  test('lets promises run after the last callback', async () => {
    const clock = manualClock();
    let isDone = false;
    clock.schedule(() => {
      void Promise.resolve().then(() => {
        isDone = true;
      });
    }, 10);
    await clock.advance(10);
    expect(isDone).toBe(true);
  });

  test('cancels, once or more often', async () => {
    const clock = manualClock();
    let calls = 0;
    const cancel = clock.schedule(() => (calls += 1), 10);
    clock.schedule(() => {}, 4);
    expect(clock.pending).toBe(2);
    expect(clock.dueIn()).toEqual([4, 10]);
    await clock.advance(3);
    expect(clock.dueIn()).toEqual([1, 7]);
    cancel();
    cancel();
    expect(clock.dueIn()).toEqual([1]);
    await clock.advance(20);
    expect([calls, clock.pending]).toEqual([0, 0]);
  });

  test('takes a negative delay for none, and never goes back', async () => {
    const clock = manualClock(100);
    let at: number | undefined;
    clock.schedule(() => {
      at = clock.now();
    }, -50);
    await clock.advance(10);
    expect(at).toBe(100);
    expect(clock.now()).toBe(110);
  });

  test('says so when something schedules itself without a delay, instead of going on for ever', async () => {
    const clock = manualClock();
    const again = (): void => void clock.schedule(again, 0);
    again();
    await expect(clock.advance(10)).rejects.toMatchObject({ code: 'timeout' });
  });

  test('takes any number of callbacks that are due one after the other', async () => {
    const clock = manualClock();
    let calls = 0;
    const again = (): void => {
      calls += 1;
      clock.schedule(again, 1);
    };
    again();
    await clock.advance(20_000);
    expect(calls).toBe(20_001);
  });
});
