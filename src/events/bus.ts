import mitt from 'mitt';

/** Every name that a listener can wait for, with what it is given. */
export type EventMap = Record<string, unknown>;

/**
 * Things that *happen*: named events and their listeners. A layer over mitt that adds what a long-lived client needs: a
 * name without listeners is forgotten, a listener that throws stops nobody, and the same function can listen twice.
 */
export interface Bus<Events extends EventMap> {
  /** Adds a listener. The answer takes it away; calling it twice is harmless. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  /** Adds a listener for every name. */
  onAny(listener: (event: Events[keyof Events]) => void): () => void;
  /** Calls the listeners of a name, in the order in which they came; those added meanwhile are not called. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
  /** Does anybody listen for this name? */
  has(name: keyof Events): boolean;
  /** Takes all listeners away. */
  clear(): void;
  /** How many names have listeners; for tests and the monitor. */
  readonly size: number;
}

/**
 * Makes a bus.
 *
 * @param report - gets what a listener throws, or what its promise is rejected with
 */
export function createBus<Events extends EventMap>(report: (error: unknown) => void): Bus<Events> {
  type Key = string | symbol;
  const handlers = new Map<Key, Handler[]>();
  /** Grows when all listeners are taken away at once. */
  let generation = 0;
  // the map has the shape that mitt keeps its handlers in
  const emitter = mitt<Record<Key, unknown>>(handlers as never);
  /** The key of those that listen for every name; no name from outside can be equal to it. */
  const every = Symbol('every name');
  /** mitt gives `*` a meaning of its own; here it is a name like any other. */
  const star = Symbol('*');

  /** Has anybody ever listened for every name? */
  let isEveryHeard = false;

  function keyOf(name: keyof Events): Key {
    return name === '*' ? star : String(name);
  }

  /** mitt copies the list twice for each event; a single listener needs no copy. */
  function call(key: Key, event: unknown): void {
    const list = handlers.get(key);
    const only = list?.length === 1 ? list[0] : undefined;
    if (only !== undefined) only(event);
    else if (list !== undefined) emitter.emit(key, event);
  }

  function add(key: Key, listener: Handler): () => void {
    const born = generation;
    let isListening = true;
    /** A function of its own per listener, which keeps what the listener throws away from the others. */
    const guarded: Handler = (event) => {
      // mitt calls also those that were taken away during the event
      if (!isListening || born !== generation) return;
      try {
        const outcome = listener(event);
        if (outcome instanceof Promise) outcome.catch(report);
      } catch (error) {
        report(error);
      }
    };
    emitter.on(key, guarded);
    return () => {
      isListening = false;
      emitter.off(key, guarded);
      // mitt alone keeps the empty array of every name that it ever saw
      if (handlers.get(key)?.length === 0) handlers.delete(key);
    };
  }

  return {
    on: (name, listener) => add(keyOf(name), listener as Handler),
    onAny(listener) {
      isEveryHeard = true;
      return add(every, listener as Handler);
    },
    emit(name, event) {
      call(keyOf(name), event);
      if (isEveryHeard) call(every, event);
    },
    has: (name) => handlers.has(keyOf(name)),
    clear() {
      handlers.clear();
      generation += 1;
    },
    get size() {
      return handlers.size;
    },
  };
}

type Handler = (event: unknown) => unknown;
