/** Chance that can be repeated. */
export interface Chance {
  /** A number in [0, 1). */
  readonly next: () => number;
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number;
  pick<T>(list: readonly T[]): T;
  /** True in so many of 1 cases. */
  is(probability: number): boolean;
}

/** Everything from one seed: the same seed gives the same numbers in the same order. Source: mulberry32, T. Ettinger, 2017. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    int,
    pick(list) {
      const picked = list[int(0, list.length - 1)];
      if (picked === undefined) throw new Error('there is nothing to pick from');
      return picked;
    },
    is: (probability) => next() < probability,
  };
}

/** The seed of a run. The first one has the seed of the series itself, so that any run can be had alone. */
export function seedOfRun(seed: number, index: number): number {
  return index === 0 ? seed : Math.floor(chanceOf(seed + index * 7919).next() * 2 ** 31);
}
