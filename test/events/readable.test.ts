import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Readable, writable } from '../../src/events/readable.ts';

function setup<T>(initial: T) {
  const errors: unknown[] = [];
  return { errors, value: writable<T>(initial, (error) => errors.push(error)) };
}

describe('a readable', () => {
  test('has its first value', () => {
    expect(setup(5).value.get()).toBe(5);
  });

  test('calls a new listener at once, then on every change', () => {
    const { value } = setup('a');
    const listener = vi.fn();
    value.subscribe(listener);
    expect(listener.mock.calls).toEqual([['a']]);
    value.set('b');
    expect(value.get()).toBe('b');
    expect(listener.mock.calls).toEqual([['a'], ['b']]);
  });

  test.each([[Number.NaN], [0], [''], [undefined]])('says nothing when %j is set to itself', (same) => {
    const { value } = setup<unknown>(same);
    const listener = vi.fn();
    value.subscribe(listener);
    value.set(same);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('tells 0 and -0 apart, and equal objects', () => {
    const { value } = setup<unknown>(0);
    const listener = vi.fn();
    value.subscribe(listener);
    value.set(-0);
    value.set({});
    value.set({});
    expect(listener).toHaveBeenCalledTimes(4);
  });

  test('calls a listener that was added twice twice, and removes it once per remover', () => {
    const { value } = setup(0);
    const listener = vi.fn();
    const stop = value.subscribe(listener);
    value.subscribe(listener);
    listener.mockClear();
    value.set(1);
    expect(listener).toHaveBeenCalledTimes(2);
    stop();
    stop();
    value.set(2);
    expect(listener).toHaveBeenCalledTimes(3);
  });

  test('can also be left by unsubscribe', () => {
    const { value } = setup(0);
    const listener = vi.fn();
    const subscription = value.subscribe(listener);
    subscription.unsubscribe();
    subscription.unsubscribe();
    value.set(1);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('reports what a listener throws, at once and later, and calls the others', () => {
    const { value, errors } = setup(0);
    const listener = vi.fn();
    value.subscribe((now) => {
      throw `thrown at ${now}`;
    });
    value.subscribe(listener);
    value.set(1);
    expect(errors).toEqual(['thrown at 0', 'thrown at 1']);
    expect(listener.mock.calls).toEqual([[0], [1]]);
  });

  test('gives every listener the newest value last, and none twice, when a listener sets another', () => {
    const { value } = setup(0);
    const before: number[] = [];
    const after: number[] = [];
    value.subscribe((now) => before.push(now));
    value.subscribe((now) => {
      if (now === 1) value.set(2);
    });
    value.subscribe((now) => after.push(now));
    value.set(1);
    expect(value.get()).toBe(2);
    expect(before).toEqual([0, 1, 2]);
    expect(after).toEqual([0, 2]);
  });

  test('ends with the newest value when listeners set values over several rounds', () => {
    const { value } = setup(0);
    const seen: number[] = [];
    value.subscribe((now) => {
      if (now > 0 && now < 5) value.set(now + 1);
    });
    value.subscribe((now) => {
      if (now === 5) value.set(6);
    });
    value.subscribe((now) => seen.push(now));
    value.set(1);
    expect(value.get()).toBe(6);
    expect(seen.at(-1)).toBe(6);
    expect(seen).toEqual([0, 6]);
  });

  test('does not call a listener that was removed meanwhile', () => {
    const { value } = setup(0);
    const listener = vi.fn();
    let stop = (): void => {};
    value.subscribe((now) => {
      if (now === 1) stop();
    });
    stop = value.subscribe(listener);
    value.set(1);
    expect(listener.mock.calls).toEqual([[0]]);
  });

  test('calls a listener that was added meanwhile once, with the value of now', () => {
    const { value } = setup(0);
    const listener = vi.fn();
    let isAdded = false;
    value.subscribe((now) => {
      if (now === 1 && !isAdded) {
        isAdded = true;
        value.subscribe(listener);
      }
    });
    value.set(1);
    expect(listener.mock.calls).toEqual([[1]]);
  });

  test('takes an observer, with its own this, also one without next', () => {
    const { value, errors } = setup(0);
    const observer = {
      seen: [] as number[],
      next(now: number) {
        this.seen.push(now);
      },
    };
    const stop = value.subscribe(observer);
    value.subscribe({});
    value.set(1);
    stop();
    value.set(2);
    expect(observer.seen).toEqual([0, 1]);
    expect(errors).toEqual([]);
  });
});

describe('a readable as an observable', () => {
  const symbol = Symbol as { observable?: symbol };
  afterEach(() => {
    Reflect.deleteProperty(symbol, 'observable');
  });

  /** What RxJS's `from` does with a foreign observable. */
  function from<T>(source: Readable<T>, key: PropertyKey, next: (value: T) => void): () => void {
    const interop = (source as unknown as Record<PropertyKey, () => Readable<T>>)[key];
    if (interop === undefined) throw new TypeError('not observable');
    const subscription = interop.call(source).subscribe({ next });
    return () => subscription.unsubscribe();
  }

  function watch(source: Readable<number> & { set(value: number): void }, key: PropertyKey): number[] {
    const seen: number[] = [];
    const stop = from(source, key, (value) => seen.push(value));
    source.set(1);
    stop();
    source.set(2);
    return seen;
  }

  test('is one under the name that libraries agree on without a symbol', () => {
    expect(watch(setup(0).value, '@@observable')).toEqual([0, 1]);
  });

  test('is one under Symbol.observable where there is one', () => {
    const observable = Symbol('observable');
    Object.defineProperty(Symbol, 'observable', { value: observable, configurable: true });
    expect(watch(setup(0).value, observable)).toEqual([0, 1]);
  });

  test('defines no symbol of its own where there is none', () => {
    expect(Object.getOwnPropertySymbols(setup(0).value)).toEqual([]);
    expect('undefined' in setup(0).value).toBe(false);
  });
});
