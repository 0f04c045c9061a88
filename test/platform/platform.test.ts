import { afterEach, describe, expect, test, vi } from 'vitest';
import { abortedError, onAbort } from '../../src/platform/abort.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { routeMemory } from '../../src/platform/memory.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { systemIds, systemRandom } from '../../src/platform/random.ts';
import { reportUnheard } from '../../src/platform/report.ts';
import { systemSignals } from '../../src/platform/signals.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the clock of the platform', () => {
  test('calls back once after the delay', () => {
    vi.useFakeTimers();
    const callback = vi.fn();
    systemClock.schedule(callback, 1_000);
    vi.advanceTimersByTime(999);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(5_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('takes a callback back, before and after it was called', () => {
    vi.useFakeTimers();
    const callback = vi.fn();
    const cancel = systemClock.schedule(callback, 10);
    cancel();
    cancel();
    vi.advanceTimersByTime(100);
    expect(callback).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])('does not fire at once for a delay of %d', (delayMs) => {
    vi.useFakeTimers();
    const setTimeoutSpy = vi.spyOn(globalThis, 'setTimeout');
    const cancel = systemClock.schedule(() => {}, delayMs);
    expect(setTimeoutSpy).toHaveBeenCalledWith(expect.any(Function), 2 ** 31 - 1);
    cancel();
  });

  test('tells monotonic time and wall-clock time apart', () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const before = systemClock.now();
    vi.advanceTimersByTime(250);
    expect(systemClock.now() - before).toBe(250);
    expect(systemClock.wallNow()).toBe(1_700_000_000_250);
    // the user sets the clock of the machine: only the wall-clock follows
    vi.setSystemTime(5);
    expect(systemClock.wallNow()).toBe(5);
    expect(systemClock.now() - before).toBe(250);
  });
});

describe('ids and chance of the platform', () => {
  test('an id has 128 bits in hexadecimal', () => {
    expect(systemIds()).toMatch(/^[0-9a-f]{32}$/);
  });

  test('an id keeps its leading zeros', () => {
    vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      (array as unknown as Uint8Array).set([0, 1, 15, 16, 255]);
      return array;
    });
    expect(systemIds()).toBe(`00010f10ff${'0'.repeat(22)}`);
  });

  test('ids differ', () => {
    expect(new Set(Array.from({ length: 10_000 }, systemIds)).size).toBe(10_000);
  });

  test('ids need no secure context', () => {
    // on plain http there is no randomUUID
    vi.stubGlobal('crypto', { getRandomValues: (array: Uint8Array) => array.fill(7) });
    expect(systemIds()).toBe('07'.repeat(16));
  });

  test('chance is that of Math.random, read at each call', () => {
    vi.spyOn(Math, 'random').mockReturnValueOnce(0.25).mockReturnValueOnce(0.75);
    expect([systemRandom(), systemRandom()]).toEqual([0.25, 0.75]);
  });

  test('the platform is made of these doors', () => {
    expect(systemPlatform).toEqual({ clock: systemClock, random: systemRandom, newId: systemIds, signals: systemSignals });
  });
});

describe('the signals of the platform', () => {
  test.each([
    ['says nothing of the network', {}, true],
    ['says that it is online', { onLine: true }, true],
    ['says that it is offline', { onLine: false }, false],
  ])('is online where the platform %s', (_, navigator, isOnline) => {
    vi.stubGlobal('navigator', navigator);
    expect(systemSignals.isOnline()).toBe(isOnline);
  });

  test('is online where there is no navigator', () => {
    vi.stubGlobal('navigator', undefined);
    expect(systemSignals.isOnline()).toBe(true);
  });

  test('follows online and offline until it is removed', () => {
    const scope = stubTarget();
    const listener = vi.fn();
    const remove = systemSignals.onOnlineChange(listener);
    scope.dispatchEvent(new Event('online'));
    scope.dispatchEvent(new Event('offline'));
    expect(listener).toHaveBeenCalledTimes(2);
    remove();
    remove();
    scope.dispatchEvent(new Event('online'));
    scope.dispatchEvent(new Event('offline'));
    expect(listener).toHaveBeenCalledTimes(2);
  });

  test('wakes when the page is visible again, resumed, or shown from the back-forward cache', () => {
    const scope = stubTarget();
    const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
    vi.stubGlobal('document', page);
    const listener = vi.fn();
    const remove = systemSignals.onWake(listener);
    page.dispatchEvent(new Event('visibilitychange'));
    expect(listener).not.toHaveBeenCalled();
    page.visibilityState = 'visible';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(listener).toHaveBeenCalledTimes(1);
    page.dispatchEvent(new Event('resume'));
    expect(listener).toHaveBeenCalledTimes(2);
    scope.dispatchEvent(new Event('pageshow'));
    expect(listener).toHaveBeenCalledTimes(3);
    remove();
    page.dispatchEvent(new Event('visibilitychange'));
    page.dispatchEvent(new Event('resume'));
    scope.dispatchEvent(new Event('pageshow'));
    expect(listener).toHaveBeenCalledTimes(3);
  });

  test('tell that the page is put away, and that it is back', () => {
    const scope = stubTarget();
    const listener = vi.fn();
    const remove = systemSignals.onAway?.(listener);
    scope.dispatchEvent(new Event('pagehide'));
    scope.dispatchEvent(new Event('pageshow'));
    expect(listener.mock.calls).toEqual([[true], [false]]);
    remove?.();
    scope.dispatchEvent(new Event('pagehide'));
    expect(listener).toHaveBeenCalledTimes(2);
  });

  test('does nothing where the platform has no events', () => {
    vi.stubGlobal('addEventListener', undefined);
    vi.stubGlobal('removeEventListener', undefined);
    vi.stubGlobal('document', undefined);
    const removers = [systemSignals.onOnlineChange(() => {}), systemSignals.onWake(() => {}), systemSignals.onAway?.(() => {})];
    expect(() => removers.forEach((remove) => void remove?.())).not.toThrow();
  });

  /** Puts the events of a page or worker in place of those of this process. */
  function stubTarget(): EventTarget {
    const target = new EventTarget();
    vi.stubGlobal('addEventListener', target.addEventListener.bind(target));
    vi.stubGlobal('removeEventListener', target.removeEventListener.bind(target));
    return target;
  }
});

describe('what is kept for this origin', () => {
  test('is which transports were blocked', () => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    });
    const memory = routeMemory();
    expect(memory.recall(5)).toEqual({});
    memory.keep({ websocket: 2 }, 5);
    expect([[...kept.keys()], memory.recall(6)]).toEqual([['keepwire.routes'], { websocket: 2 }]);
  });

  test('is nothing where there is no storage', () => {
    vi.stubGlobal('localStorage', undefined);
    expect(routeMemory().recall(5)).toEqual({});
  });
});

describe('onAbort', () => {
  test('calls back once when the signal fires', () => {
    const controller = new AbortController();
    const callback = vi.fn();
    onAbort(controller.signal, callback);
    expect(callback).not.toHaveBeenCalled();
    controller.abort();
    controller.signal.dispatchEvent(new Event('abort'));
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('calls back at once when the signal has fired', () => {
    const callback = vi.fn();
    const remove = onAbort(AbortSignal.abort(), callback);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(remove()).toBeUndefined();
  });

  test('does not call back after it was removed', () => {
    const controller = new AbortController();
    const callback = vi.fn();
    const remove = onAbort(controller.signal, callback);
    remove();
    remove();
    controller.abort();
    expect(callback).not.toHaveBeenCalled();
  });

  test('does nothing without a signal', () => {
    const callback = vi.fn();
    onAbort(undefined, callback)();
    expect(callback).not.toHaveBeenCalled();
  });

  test('the error names what was aborted and keeps the reason', () => {
    const reason = new Error('no longer needed');
    const error = abortedError('publishing move', AbortSignal.abort(reason));
    expect(error).toMatchObject({ code: 'aborted', message: 'publishing move was aborted', cause: reason });
  });
});

test('an error that nobody listens for is shown on the console', () => {
  const shown = vi.spyOn(console, 'error').mockImplementation(() => {});
  const error = new Error('lost');
  reportUnheard(error);
  expect(shown.mock.calls).toEqual([[error]]);
});
