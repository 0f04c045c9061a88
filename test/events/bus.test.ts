import { describe, expect, test, vi } from 'vitest';
import { createBus } from '../../src/events/bus.ts';

type Events = Record<string, unknown>;

function setup() {
  const errors: unknown[] = [];
  const bus = createBus<Events>((error) => errors.push(error));
  const calls: string[] = [];
  const note = (name: string) => (event: unknown) => {
    calls.push(`${name}:${String(event)}`);
  };
  return { bus, errors, calls, note };
}

describe('a bus', () => {
  test('calls the listeners of a name only, in the order in which they came', () => {
    const { bus, calls, note } = setup();
    bus.on('x', note('first'));
    bus.on('y', note('other'));
    bus.on('x', note('second'));
    bus.emit('x', 1);
    expect(calls).toEqual(['first:1', 'second:1']);
    bus.emit('nobody', 1);
    expect(calls).toHaveLength(2);
  });

  test.each([undefined, null, 0, '', false])('hands %j over as it is', (event) => {
    const { bus } = setup();
    const listener = vi.fn();
    const any = vi.fn();
    bus.on('x', listener);
    bus.onAny(any);
    bus.emit('x', event);
    expect(listener.mock.calls).toEqual([[event]]);
    expect(any.mock.calls).toEqual([[event]]);
  });

  test('calls a function that was added twice twice, and takes it away once per remover', () => {
    const { bus, calls, note } = setup();
    const listener = note('l');
    const removeFirst = bus.on('x', listener);
    const removeSecond = bus.on('x', listener);
    bus.emit('x', 1);
    expect(calls).toEqual(['l:1', 'l:1']);
    removeFirst();
    removeFirst();
    bus.emit('x', 2);
    expect(calls.slice(2)).toEqual(['l:2']);
    removeSecond();
    bus.emit('x', 3);
    expect(calls).toHaveLength(3);
    expect(bus.size).toBe(0);
  });

  test('does not let a late remover take a newer listener of the same name', () => {
    const { bus, calls, note } = setup();
    const listener = note('l');
    const remove = bus.on('x', listener);
    remove();
    bus.on('x', listener);
    remove();
    bus.emit('x', 1);
    expect(calls).toEqual(['l:1']);
  });

  test('reports what a listener throws, and calls the others', () => {
    const { bus, errors, calls, note } = setup();
    const error = new Error('thrown');
    bus.on('x', note('before'));
    bus.on('x', () => {
      throw error;
    });
    bus.on('x', note('after'));
    bus.onAny(note('any'));
    expect(() => bus.emit('x', 1)).not.toThrow();
    expect(calls).toEqual(['before:1', 'after:1', 'any:1']);
    expect(errors).toEqual([error]);
  });

  test('reports what a listener for every name throws', () => {
    const { bus, errors } = setup();
    bus.onAny(() => {
      throw 'any';
    });
    bus.emit('x', 1);
    expect(errors).toEqual(['any']);
  });

  test('reports a listener whose promise is rejected', async () => {
    const { bus, errors } = setup();
    // what the types do not allow and everybody does: an async function as a listener
    const [failing, fine] = [() => Promise.reject('later') as never, () => Promise.resolve('fine') as never];
    bus.on('x', failing);
    bus.on('x', fine);
    bus.emit('x', 1);
    expect(errors).toEqual([]);
    await vi.waitFor(() => expect(errors).toEqual(['later']));
  });

  test('does not call a listener for the event during which it was added', () => {
    const { bus, calls, note } = setup();
    let isAdded = false;
    bus.on('x', () => {
      if (!isAdded) bus.on('x', note('new'));
      isAdded = true;
    });
    bus.emit('x', 1);
    expect(calls).toEqual([]);
    bus.emit('x', 2);
    expect(calls).toEqual(['new:2']);
  });

  test('calls the others when a listener takes itself away', () => {
    const { bus, calls, note } = setup();
    const remove = bus.on('x', (event) => {
      note('once')(event);
      remove();
    });
    bus.on('x', note('other'));
    bus.emit('x', 1);
    bus.emit('x', 2);
    expect(calls).toEqual(['once:1', 'other:1', 'other:2']);
  });

  test('delivers an event that a listener emits', () => {
    const { bus, calls, note } = setup();
    bus.on('x', () => bus.emit('y', 2));
    bus.on('y', note('y'));
    bus.emit('x', 1);
    expect(calls).toEqual(['y:2']);
  });

  test('calls the listeners for every name after those of the name', () => {
    const { bus, calls, note } = setup();
    const remove = bus.onAny(note('any'));
    bus.on('x', note('x'));
    bus.emit('x', 1);
    bus.emit('y', 2);
    expect(calls).toEqual(['x:1', 'any:1', 'any:2']);
    remove();
    remove();
    bus.emit('y', 3);
    expect(calls).toHaveLength(3);
  });

  test.each(['*', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'every name', 'Symbol(*)'])(
    'takes %j for a name like any other',
    (name) => {
      const { bus, calls, note } = setup();
      expect(bus.has(name)).toBe(false);
      const remove = bus.on(name, note('it'));
      bus.on('x', note('x'));
      expect(bus.has(name)).toBe(true);
      bus.emit(name, 1);
      expect(calls).toEqual(['it:1']);
      bus.emit('x', 2);
      expect(calls).toEqual(['it:1', 'x:2']);
      remove();
      expect(bus.has(name)).toBe(false);
    },
  );

  test('forgets a name with its last listener', () => {
    const { bus, note } = setup();
    const removers = Array.from({ length: 1_000 }, (_, index) => bus.on(`name ${index}`, note('l')));
    const second = bus.on('name 0', note('l'));
    expect(bus.size).toBe(1_000);
    for (const remove of removers) remove();
    expect(bus.size).toBe(1);
    expect(bus.has('name 0')).toBe(true);
    second();
    expect(bus.size).toBe(0);
  });

  test('keeps nothing of names that were only emitted or asked for', () => {
    const { bus } = setup();
    bus.emit('x', 1);
    expect(bus.has('y')).toBe(false);
    expect(bus.size).toBe(0);
  });

  test('clear takes all listeners away; their removers stay harmless', () => {
    const { bus, calls, note } = setup();
    const remove = bus.on('x', note('x'));
    bus.onAny(note('any'));
    bus.clear();
    expect(bus.size).toBe(0);
    bus.emit('x', 1);
    expect(calls).toEqual([]);
    bus.on('x', note('new'));
    remove();
    bus.emit('x', 2);
    expect(calls).toEqual(['new:2']);
  });

  test('knows nothing of another bus', () => {
    const [a, b] = [setup(), setup()];
    a.bus.on('x', a.note('a'));
    b.bus.emit('x', 1);
    expect(a.calls).toEqual([]);
  });
});
