/** Lets values through in the order of their coming. */
export interface Turns {
  /** How many wait; 0 when nothing is waited for. */
  readonly size: number;
  /**
   * Calls `next` with a value: at once, or when it is there and everything before it has had its turn. When `next` answers
   * with a promise, its turn lasts until that is settled.
   */
  pass<Value>(value: Value | Promise<Value>, next: (value: Value) => void | Promise<void>): void;
}

/**
 * Keeps the order over checks of which some answer at once and some later: what is there at once goes on at once, unless
 * something before it is still waited for. The promises must not reject.
 */
export function createTurns(): Turns {
  let last: Promise<void> | undefined;
  let size = 0;
  return {
    get size() {
      return size;
    },
    pass(value, next) {
      if (!size && !(value instanceof Promise)) return void next(value);
      size += 1;
      last = Promise.all([value, last]).then(async ([settled]) => {
        const turn = next(settled);
        if (turn !== undefined) await turn;
        size -= 1;
        // nothing that was passed on is kept
        if (!size) last = undefined;
      });
    },
  };
}
