import { disposable, type Remover } from '../platform/dispose.ts';

declare global {
  interface SymbolConstructor {
    /** Where a library or a polyfill defines it; the declaration is that of RxJS and Redux. */
    readonly observable: symbol;
  }
}

/** Takes a listener away. Calling it twice is harmless; it is also what RxJS and `Symbol.observable` users expect. */
export interface Unsubscribe extends Remover {
  /** The same as calling it. */
  unsubscribe(): void;
}

/** A listener of a {@link Readable}: a function, or an observer. */
export type Observer<T> =
  | ((value: T) => void)
  | {
      /** Gets the value of now, and each later one. */
      next?: (value: T) => void;
    };

/**
 * A thing that *is*: it has a value now, and tells when the value changes. One contract that React's
 * `useSyncExternalStore`, Svelte's `$store`, Vue, Solid's `from`, RxJS's `from` and Preact signals take as it is.
 *
 * Values are immutable snapshots: `get` gives the same object until something has changed.
 *
 * @example
 * ```ts
 * const stop = realtime.status.subscribe(({ status }) => badge.textContent = status);
 * stop();
 * ```
 */
export interface Readable<T> {
  /** The value now. */
  get(): T;
  /** Calls the listener at once with the value of now, then on every change. The answer takes it away. */
  subscribe(listener: Observer<T>): Unsubscribe;
  /** Makes the Readable an Observable for RxJS and its like. Present where the platform or a polyfill defines the symbol, and under `'@@observable'`. */
  readonly '@@observable': () => Readable<T>;
  /** The same, for the types of RxJS and its like. */
  readonly [Symbol.observable]: () => Readable<T>;
}

/** A {@link Readable} with the means to change it. */
export interface Writable<T> extends Readable<T> {
  /** Changes the value; nothing happens when it is the same (`Object.is`). */
  set(value: T): void;
}

/**
 * Makes a value that can be watched.
 *
 * @param initial - the first value
 * @param report - gets what a listener throws; the other listeners go on
 */
export function writable<T>(initial: T, report: (error: unknown) => void): Writable<T> {
  let value = initial;
  const listeners = new Set<(value: T) => void>();

  function call(listener: (value: T) => void): void {
    try {
      listener(value);
    } catch (error) {
      report(error);
    }
  }

  return observable<Writable<T>>({
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) {
        // a listener that set another value has had everybody told of it already
        if (!Object.is(value, next)) return;
        if (listeners.has(listener)) call(listener);
      }
    },
    subscribe(observer) {
      // a function of its own per call, so that the same listener can be added twice and removed once
      const listener = (next: T): void => (typeof observer === 'function' ? observer(next) : observer.next?.(next));
      listeners.add(listener);
      call(listener);
      const remove = (): void => {
        listeners.delete(listener);
      };
      return Object.assign(disposable(remove, remove), { unsubscribe: remove });
    },
  });
}

/** Makes a readable an Observable for RxJS and its like. */
export function observable<R extends Readable<unknown>>(parts: Omit<R, '@@observable' | typeof Symbol.observable>): R {
  const readable: R = Object.assign(parts, { '@@observable': () => readable }) as unknown as R;
  const { observable } = Symbol as { readonly observable?: symbol };
  if (observable) Object.defineProperty(readable, observable, { value: () => readable });
  return readable;
}
