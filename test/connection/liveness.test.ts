import { describe, expect, test, vi } from 'vitest';
import { defaultLiveness, watchLiveness } from '../../src/connection/liveness.ts';
import type { RealtimeError } from '../../src/errors.ts';
import { manualClock } from '../../src/testing/clock.ts';
import type { Capabilities } from '../../src/transport/transport.ts';

const options = { pingAfterMs: 25_000, pongTimeoutMs: 10_000, silenceMs: 60_000 };

function setup(mode: Capabilities['liveness'], heartbeatMs?: number) {
  const clock = manualClock(1_000);
  const schedule = vi.spyOn(clock, 'schedule');
  const pings: number[] = [];
  const deaths: { at: number; error: RealtimeError }[] = [];
  const liveness = watchLiveness(
    mode,
    options,
    heartbeatMs,
    clock,
    () => pings.push(clock.now() - 1_000),
    (error) => deaths.push({ at: clock.now() - 1_000, error }),
  );
  return { clock, schedule, pings, deaths, liveness, diedAt: () => deaths.map(({ at }) => at) };
}

test('the defaults are the documented ones', () => {
  expect(defaultLiveness).toEqual({ pingAfterMs: 25_000, pongTimeoutMs: 10_000, silenceMs: 60_000 });
});

describe('a link that watches itself', () => {
  test('has no timer, and is never given up', async () => {
    const { clock, diedAt, pings, liveness } = setup('self');
    liveness.probe();
    expect(clock.pending).toBe(0);
    await clock.advance(10_000_000);
    expect([diedAt(), pings]).toEqual([[], []]);
  });
});

describe('a link that can be pinged', () => {
  test('is pinged when it was quiet, and given up when no answer comes', async () => {
    const { clock, pings, diedAt, deaths } = setup('ping');
    await clock.advance(24_999);
    expect(pings).toEqual([]);
    await clock.advance(1);
    expect(pings).toEqual([25_000]);
    await clock.advance(9_999);
    expect(diedAt()).toEqual([]);
    await clock.advance(1);
    expect(diedAt()).toEqual([35_000]);
    expect(deaths[0]?.error).toMatchObject({
      code: 'timeout',
      message: 'the link showed no sign of life for 35000 ms',
    });
    expect(clock.pending).toBe(0);
    await clock.advance(1_000_000);
    expect([pings.length, deaths.length]).toEqual([1, 1]);
  });

  test('is pinged on and on while answers come, and measures each', async () => {
    const { clock, pings, diedAt, liveness } = setup('ping');
    const roundTrips: (number | undefined)[] = [];
    for (let turn = 0; turn < 3; turn++) {
      await clock.advance(25_000);
      await clock.advance(80);
      liveness.alive();
      roundTrips.push(liveness.pong());
    }
    expect(pings).toEqual([25_000, 50_080, 75_160]);
    expect(roundTrips).toEqual([80, 80, 80]);
    expect(diedAt()).toEqual([]);
  });

  test('is not pinged while it is busy', async () => {
    const { clock, pings, liveness } = setup('ping');
    for (let turn = 0; turn < 20; turn++) {
      await clock.advance(20_000);
      liveness.alive();
    }
    expect(pings).toEqual([]);
    await clock.advance(24_999);
    expect(pings).toEqual([]);
    await clock.advance(1);
    expect(pings).toEqual([425_000]);
  });

  test('any sign of life answers a ping', async () => {
    const { clock, pings, diedAt, liveness } = setup('ping');
    await clock.advance(30_000);
    liveness.alive();
    await clock.advance(24_999);
    expect([pings, diedAt()]).toEqual([[25_000], []]);
    await clock.advance(1);
    expect(pings).toEqual([25_000, 55_000]);
  });

  test('an answer that comes after other traffic still measures its ping', async () => {
    const { clock, liveness } = setup('ping');
    await clock.advance(25_000);
    await clock.advance(10);
    liveness.alive();
    await clock.advance(20);
    liveness.alive();
    expect(liveness.pong()).toBe(30);
    expect(liveness.pong()).toBeUndefined();
  });

  test('an answer that was not asked for measures nothing', () => {
    expect(setup('ping').liveness.pong()).toBeUndefined();
  });

  test('is pinged at its own pace, whatever heartbeat the server announced', async () => {
    const { clock, pings } = setup('ping', 1_000);
    await clock.advance(24_999);
    expect(pings).toEqual([]);
    await clock.advance(1);
    expect(pings).toHaveLength(1);
  });

  test('can be probed at any time, and is given up when no answer comes', async () => {
    const { clock, pings, diedAt, liveness } = setup('ping');
    await clock.advance(5_000);
    liveness.probe();
    expect(pings).toEqual([5_000]);
    expect(clock.pending).toBe(1);
    await clock.advance(9_999);
    expect(diedAt()).toEqual([]);
    await clock.advance(1);
    expect(diedAt()).toEqual([15_000]);
  });

  test('is not probed while a ping is out', async () => {
    const { clock, pings, diedAt, liveness } = setup('ping');
    liveness.probe();
    await clock.advance(9_000);
    liveness.probe();
    expect(pings).toEqual([0]);
    await clock.advance(1_000);
    expect(diedAt()).toEqual([10_000]);
  });

  test('goes on being watched after a probe was answered', async () => {
    const { clock, pings, diedAt, liveness } = setup('ping');
    liveness.probe();
    await clock.advance(100);
    liveness.alive();
    expect(liveness.pong()).toBe(100);
    await clock.advance(24_999);
    expect(pings).toEqual([0]);
    await clock.advance(1);
    expect(pings).toEqual([0, 25_100]);
    await clock.advance(10_000);
    expect(diedAt()).toEqual([35_100]);
  });
});

describe('a link that is silent', () => {
  test('is given up after the silence time, and never pinged', async () => {
    const { clock, pings, diedAt, liveness } = setup('silence');
    liveness.probe();
    await clock.advance(30_000);
    liveness.alive();
    await clock.advance(59_999);
    expect(diedAt()).toEqual([]);
    await clock.advance(1);
    expect([diedAt(), pings]).toEqual([[90_000], []]);
    expect(clock.pending).toBe(0);
  });

  test('is given up after two heartbeats and 5 seconds where the server announces them', async () => {
    const { clock, diedAt } = setup('silence', 10_000);
    await clock.advance(24_999);
    expect(diedAt()).toEqual([]);
    await clock.advance(1);
    expect(diedAt()).toEqual([25_000]);
  });

  test('is also given up when the heartbeats are longer than the silence time', async () => {
    const { clock, diedAt } = setup('silence', 50_000);
    await clock.advance(104_999);
    expect(diedAt()).toEqual([]);
    await clock.advance(1);
    expect(diedAt()).toEqual([105_000]);
  });
});

describe.each(['ping', 'silence'] as const)('the watch in mode %s', (mode) => {
  test('sets no timer per message', async () => {
    const { clock, schedule, liveness } = setup(mode);
    const before = schedule.mock.calls.length;
    for (let message = 0; message < 10_000; message++) liveness.alive();
    expect(schedule.mock.calls.length).toBe(before);
    expect(clock.pending).toBe(1);
    // one more look per quiet period, however many messages came in it
    for (let second = 0; second < 100; second++) {
      await clock.advance(1_000);
      for (let message = 0; message < 100; message++) liveness.alive();
    }
    expect(schedule.mock.calls.length - before).toBeLessThanOrEqual(5);
    expect(clock.pending).toBe(1);
  });

  test('knows when something last arrived', async () => {
    const { clock, liveness } = setup(mode);
    expect(liveness.lastReceivedMs).toBe(1_000);
    await clock.advance(70);
    expect(liveness.lastReceivedMs).toBe(1_000);
    liveness.alive();
    expect(liveness.lastReceivedMs).toBe(1_070);
  });

  test('ends with stop', async () => {
    const { clock, pings, diedAt, liveness } = setup(mode);
    await clock.advance(20_000);
    liveness.stop();
    liveness.stop();
    expect(clock.pending).toBe(0);
    await clock.advance(1_000_000);
    expect([pings, diedAt()]).toEqual([[], []]);
  });
});

describe('after a sleep, when every timer comes late', () => {
  /** A clock whose time jumps without its timers being called, as that of a machine that slept. */
  function sleepy(mode: Capabilities['liveness']) {
    let nowMs = 0;
    const due: (() => void)[] = [];
    const pings: number[] = [];
    const deaths: number[] = [];
    const liveness = watchLiveness(
      mode,
      options,
      undefined,
      {
        now: () => nowMs,
        wallNow: () => nowMs,
        schedule(callback) {
          due.push(callback);
          return () => due.splice(due.indexOf(callback), 1);
        },
      },
      () => pings.push(nowMs),
      () => deaths.push(nowMs),
    );
    const wakeAt = (ms: number): void => {
      nowMs = ms;
      for (const callback of due.splice(0)) callback();
    };
    return { liveness, wakeAt, pings, deaths };
  }

  test('a link that can be pinged is asked before it is given up', () => {
    const { wakeAt, pings, deaths } = sleepy('ping');
    wakeAt(8 * 3_600_000);
    expect([pings, deaths]).toEqual([[8 * 3_600_000], []]);
    wakeAt(8 * 3_600_000 + 10_000);
    expect(deaths).toHaveLength(1);
  });

  test('a link with a ping out is asked once more, and has 5 seconds', () => {
    const { liveness, wakeAt, pings, deaths } = sleepy('ping');
    liveness.probe();
    wakeAt(3_600_000);
    expect([pings, deaths]).toEqual([[0, 3_600_000], []]);
    wakeAt(3_605_000);
    expect([pings.length, deaths]).toEqual([2, [3_605_000]]);
  });

  test('a silent link has 5 seconds to show that what it missed is only late', () => {
    const { liveness, wakeAt, deaths } = sleepy('silence');
    wakeAt(3_600_000);
    expect(deaths).toEqual([]);
    liveness.alive();
    wakeAt(3_605_000);
    expect(deaths).toEqual([]);
    const other = sleepy('silence');
    other.wakeAt(3_600_000);
    other.wakeAt(3_605_000);
    expect(other.deaths).toEqual([3_605_000]);
  });

  test('a timer that is a little late is no sleep', () => {
    const { wakeAt, deaths } = sleepy('silence');
    wakeAt(options.silenceMs + 5_000);
    expect(deaths).toHaveLength(1);
  });
});
