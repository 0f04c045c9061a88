/** Keeps which transports were blocked, over reloads. Make one with {@link routeMemory}. */
export interface RouteMemory {
  /** How often each was found blocked, by name, as far as that is still of use. */
  recall(nowMs: number): Readonly<Record<string, number>>;
  /** Keeps this in place of what was kept before. */
  keep(strikes: Readonly<Record<string, number>>, nowMs: number): void;
}

/** Where {@link routeMemory} keeps its text. Both functions may throw; then nothing is kept. */
export interface TextStore {
  /** What was kept last. */
  get(): string | null | undefined;
  /** Keeps this in its place. */
  set(text: string): void;
}

/** What was found out is good for a day. */
const goodForMs = 86_400_000;
/** More than these say nothing more, and what is stored may be anything. */
const mostStrikes = 10;

/**
 * Keeps for a day which transports were blocked, so that the next page begins with one that works.
 *
 * @param store - where; `localStorage` where nothing else is said. Managers of different servers need different ones
 * @example
 * ```ts
 * createRealtime({ transports, remember: routeMemory() });
 * ```
 */
export function routeMemory(store: TextStore = localStore('keepwire.routes')): RouteMemory {
  return {
    recall(nowMs) {
      const known: [string, number][] = [];
      try {
        const { at, strikes } = JSON.parse(store.get() ?? '{}') as { at: number; strikes: object };
        const isGood = Math.abs(nowMs - at) < goodForMs;
        for (const [name, count] of isGood ? Object.entries(strikes) : []) {
          if (typeof count === 'number' && count >= 1) known.push([name, Math.min(Math.floor(count), mostStrikes)]);
        }
      } catch {
        // private mode, or somebody else's text: it is found out anew
        return {};
      }
      return Object.fromEntries(known);
    },
    keep(strikes, nowMs) {
      try {
        store.set(JSON.stringify({ at: nowMs, strikes }));
      } catch {
        // the same, or the storage is full
        return;
      }
    },
  };
}

function localStore(key: string): TextStore {
  return { get: () => localStorage.getItem(key), set: (text) => localStorage.setItem(key, text) };
}
