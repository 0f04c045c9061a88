/** Lets values through in the order of their coming; see {@link createTurns}. */
export interface Turns {
  /** True when nothing is waited for. */
  readonly isIdle: boolean;
  /** Calls `next` with a value: at once, or when it is there and everything before it has had its turn. */
  pass<Value extends object>(value: Value | Promise<Value>, next: (value: Value) => void): void;
}

/**
 * Keeps the order over checks of which some answer at once and some later: what is there at once goes on at once, unless
 * something before it is still waited for. The promises must not reject.
 */
export function createTurns(): Turns {
  let last: Promise<void> | undefined;
  return {
    get isIdle() {
      return !last;
    },
    pass(value, next) {
      if (!last && !(value instanceof Promise)) return next(value);
      const turn: Promise<void> = Promise.all([value, last]).then(([settled]) => {
        if (last === turn) last = undefined;
        next(settled);
      });
      last = turn;
    },
  };
}
