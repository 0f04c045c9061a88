/** How a quantity is spread, in a fixed amount of memory. Quantiles are within 10 percent of a value that was really there. */
export interface Distribution {
  /** How many values there were. */
  readonly count: number;
  /** Their sum. */
  readonly sum: number;
  /** The smallest one; `undefined` while there is none. */
  readonly min: number | undefined;
  /** The largest one; `undefined` while there is none. */
  readonly max: number | undefined;
  /** Half of the values are not larger; `undefined` while there is none. */
  readonly p50: number | undefined;
  /** 90 percent of the values are not larger; `undefined` while there is none. */
  readonly p90: number | undefined;
  /** 99 percent of the values are not larger; `undefined` while there is none. */
  readonly p99: number | undefined;
}

/** Takes values and tells how they are spread. */
export interface Histogram {
  /** Takes a value; what is no number is left out, and what is negative counts as 0. */
  add(value: number): void;
  read(): Distribution;
}

/** Buckets grow by this factor: a value and the middle of its bucket differ by less than a tenth. */
const growth = 1.2;
const logOfGrowth = Math.log(growth);
/** Below this, all values are one: 0.01. Milliseconds have no use for more. */
const finest = 0.01;
/** From 0.01 to 1.5e8, which is 42 hours in milliseconds; what is larger is counted as the largest. */
const bucketCount = 130;

/**
 * Makes an empty histogram of exponentially growing buckets, 520 bytes each. The form is that of the DDSketch (Masson, Rim,
 * Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019,
 * https://arxiv.org/abs/1908.10693), with a fixed range instead of collapsing buckets.
 */
export function createHistogram(): Histogram {
  const buckets = new Uint32Array(bucketCount);
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;

  function quantile(part: number): number | undefined {
    if (count === 0) return undefined;
    /** The rank of the value that is looked for; the first is 1. */
    const rank = Math.max(1, Math.ceil(part * count));
    let seen = 0;
    for (const [index, inBucket] of buckets.entries()) {
      seen += inBucket;
      // no quantile lies outside of what was seen
      if (seen >= rank) return Math.min(max, Math.max(min, middleOf(index)));
    }
    return max;
  }

  return {
    add(given) {
      if (Number.isNaN(given)) return;
      const value = Math.max(0, given);
      const index = indexOf(value);
      buckets[index] = (buckets[index] ?? 0) + 1;
      count += 1;
      sum += value;
      min = Math.min(min, value);
      max = Math.max(max, value);
    },
    read: () => ({
      count,
      sum,
      min: count ? min : undefined,
      max: count ? max : undefined,
      p50: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
    }),
  };
}

function indexOf(value: number): number {
  if (value <= finest) return 0;
  return Math.min(bucketCount - 1, Math.ceil(Math.log(value / finest) / logOfGrowth));
}

/** The value in a bucket from which no other one in it is further away, relatively. */
function middleOf(index: number): number {
  return index === 0 ? 0 : (finest * growth ** index * 2) / (1 + growth);
}
