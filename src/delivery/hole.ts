import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { DedupMemory } from './dedup.ts';
import type { Gap, LastEvent } from './order.ts';

/** A hole that is to be filled, and the means to do it. */
export interface Hole {
  /** Where it is and why. */
  readonly gap: Gap;
  /** The last message that was handed over before the hole, at this moment. */
  readonly lastEvent: LastEvent | undefined;
  /** Fires when too many live messages wait, with an error as its reason, or when the channel was left. */
  readonly signal: AbortSignal;
  /** The memory of the channel's messages without a number, and the count of its numberings; see {@link DedupMemory}. */
  readonly isNew: DedupMemory;
  /** How often the numbering of the channel has begun anew. */
  readonly era: number;
  /** Hands a message over, before everything live that came after the hole. It is done when the schema has answered. */
  deliver(frame: EventFrame): Promise<void>;
  /** The source of time. */
  readonly clock: Clock;
  /** Jitter. */
  readonly random: Random;
}

/**
 * Fills holes that the server cannot replay. Made by `backfill()` of `keepwire/backfill`. While it works on a hole, what
 * comes live on that channel waits.
 */
export interface Backfill {
  /** How many live messages of a channel may wait. With one more the hole's signal fires. */
  readonly maxWaiting: number;
  /** Makes one hole of two that have nothing between them. */
  merge(first: Gap, second: Gap): Gap;
  /** Fills a hole as far as it can. @returns what is to be told of it */
  fill(hole: Hole): Promise<Gap>;
}

/** How long, and how many, messages that came before their turn are kept. */
export interface ReorderLimits {
  /** So many of a channel. 0 keeps none. @defaultValue 64 */
  readonly maxMessages: number;
  /** So long for the one before them, in milliseconds. @defaultValue 200 */
  readonly waitMs: number;
}

/** The default limits. */
export const defaultReorder: ReorderLimits = { maxMessages: 64, waitMs: 200 };
