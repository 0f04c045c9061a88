/** One key for two texts that others chose; the length keeps `a` + `bc` apart from `ab` + `c`. */
export function pairKey(first: string, second: string): string {
  return `${first.length}:${first}${second}`;
}

/** A memory that is bounded: it keeps the newest entries and forgets older ones. */
export interface Recent<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
}

/**
 * Remembers at least the newest `count` entries, and at most twice as many. Two generations instead of one map whose
 * oldest entry is deleted each time: finding the oldest entry of a map gets slow when many before it were deleted.
 */
export function createRecent<V>(count: number): Recent<V> {
  let young = new Map<string, V>();
  let old = new Map<string, V>();
  return {
    get: (key) => young.get(key) ?? old.get(key),
    set(key, value) {
      if (young.size >= count) {
        old = young;
        young = new Map();
      }
      young.set(key, value);
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
