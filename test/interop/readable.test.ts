import { effect as preactEffect, signal as preactSignal } from '@preact/signals-core';
import { coalesce, type Readable, type Writable, writable } from 'keepwire';
import { distinctUntilChanged, from as fromObservable, map } from 'rxjs';
// Node gets the build for servers, where nothing is reactive
import { createEffect, createRoot, from as fromSolid } from 'solid-js/dist/solid.js';
import { derived, get as getStore } from 'svelte/store';
import { expect, test } from 'vitest';
import { effectScope, onScopeDispose, shallowRef, watchEffect } from 'vue';

interface Status {
  readonly word: string;
  readonly attempt: number;
}

const idle: Status = { word: 'idle', attempt: 0 };
const connected: Status = { word: 'connected', attempt: 1 };

/** What the library does with a readable: it shows the words that it sees, until it is stopped. */
type Binding = (source: Readable<Status>, show: (word: string) => void) => () => void;

const bindings: Readonly<Record<string, Binding>> = {
  'Vue, by shallowRef and onScopeDispose'(source, show) {
    const scope = effectScope();
    scope.run(() => {
      const ref = shallowRef(source.get());
      onScopeDispose(
        source.subscribe((value) => {
          ref.value = value;
        }),
      );
      watchEffect(() => show(ref.value.word), { flush: 'sync' });
    });
    return () => scope.stop();
  },
  'Svelte, as a store'(source, show) {
    return derived(source, ({ word }) => word).subscribe(show);
  },
  'Solid, by from'(source, show) {
    return createRoot((dispose) => {
      const word = fromSolid(source);
      createEffect(() => show(word()?.word ?? 'nothing'));
      return dispose;
    });
  },
  'RxJS, by from'(source, show) {
    const words = fromObservable(source).pipe(
      map(({ word }) => word),
      distinctUntilChanged(),
    );
    const subscription = words.subscribe(show);
    return () => subscription.unsubscribe();
  },
  'Preact signals, by a signal'(source, show) {
    const signal = preactSignal(source.get());
    const stop = source.subscribe((value) => {
      signal.value = value;
    });
    const end = preactEffect(() => show(signal.value.word));
    return () => {
      end();
      stop();
    };
  },
};

/** A readable that knows how many listen to it. */
function watched(): { readonly source: Writable<Status>; readonly listeners: () => number } {
  let listeners = 0;
  const inner = writable<Status>(idle, (error) => {
    throw error;
  });
  const source: Writable<Status> = {
    ...inner,
    '@@observable': () => source,
    subscribe(listener) {
      listeners += 1;
      const stop = inner.subscribe(listener);
      const remove = (): void => {
        listeners -= 1;
        stop();
      };
      return Object.assign(remove, { unsubscribe: remove, [Symbol.dispose]: remove });
    },
  };
  return { source, listeners: () => listeners };
}

test.each(Object.entries(bindings))('a readable works in %s', (_, bind) => {
  const { source, listeners } = watched();
  const seen: string[] = [];
  const stop = bind(source, (word) => seen.push(word));
  source.set(connected);
  source.set({ ...connected });
  expect(seen[0]).toBe('idle');
  expect(new Set(seen)).toEqual(new Set(['idle', 'connected']));
  expect(seen.at(-1)).toBe('connected');
  expect(listeners()).toBe(1);
  stop();
  expect(listeners()).toBe(0);
  const { length } = seen;
  source.set(idle);
  expect(seen).toHaveLength(length);
});

test.each(Object.entries(bindings))('a coalesced readable works in %s', (_, bind) => {
  const { source, listeners } = watched();
  let paint = (): void => {};
  const frames = (callback: () => void) => {
    paint = callback;
    return () => {};
  };
  const seen: string[] = [];
  const stop = bind(coalesce(source, { frames }), (word) => seen.push(word));
  source.set({ word: 'never seen', attempt: 1 });
  source.set(connected);
  paint();
  expect(new Set(seen)).toEqual(new Set(['idle', 'connected']));
  stop();
  expect(listeners()).toBe(0);
});

test('Svelte can read a readable once', () => {
  const { source, listeners } = watched();
  expect(getStore(source)).toBe(idle);
  expect(listeners()).toBe(0);
});

test('using ends a subscription', () => {
  const { source, listeners } = watched();
  {
    using _subscription = source.subscribe(() => {});
    expect(listeners()).toBe(1);
  }
  expect(listeners()).toBe(0);
});
