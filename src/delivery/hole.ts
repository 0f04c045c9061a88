import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { DedupMemory } from './dedup.ts';
import type { Gap, LastEvent } from './order.ts';
import type { Turns } from './turns.ts';

/** A channel whose holes are to be filled, as far as a {@link Backfill} needs to know it. */
export interface HoledChannel {
  /** Its name. */
  readonly name: string;
  /** What is handed over next waits here for its turn. */
  readonly turns: Turns;
  /** Where the channel stands. */
  readonly order: Standing;
  /** The memory of messages without a number. */
  readonly isNew: DedupMemory;
  /** The source of time. */
  readonly clock: Clock;
  /** Jitter. */
  readonly random: Random;
  /**
   * Checks a message and hands it over, at once or when the schema has answered. To be called in a turn only.
   *
   * @param era - the one of the hole: a message of a numbering that is over moves no position
   */
  deliver(frame: EventFrame, era: number): void | Promise<void>;
  /** A hole is being filled. */
  running(): void;
  /** What became of a hole. */
  tell(gap: Gap): void;
}

/** Where a channel stands, beside its position. */
export interface Standing {
  /** The last message that was handed over, where it has an id. */
  readonly lastEvent: LastEvent | undefined;
  /** How often its numbering began anew, or may have: the numbering of messages without an epoch, see {@link DedupMemory}. */
  readonly era: number;
}

/** Fills the holes of one channel. */
export interface Filler {
  /** Messages are missing. What comes live from now on waits until the hole was dealt with. */
  lose(gap: Gap): void;
  /** One more live message waits for its turn. */
  waits(): void;
  /** Nobody wants the channel any more. */
  close(): void;
}

/** Fills holes that the server cannot replay. Made by `backfill()` of `keepwire/backfill`; called once for each channel. */
export type Backfill = (channel: HoledChannel) => Filler;

/** How long, and how many, messages that came before their turn are kept. */
export interface ReorderLimits {
  /** So many of a channel. 0 keeps none. @defaultValue 64 */
  readonly maxMessages: number;
  /** So long for the one before them, in milliseconds. @defaultValue 200 */
  readonly waitMs: number;
}

/** The default limits. */
export const defaultReorder: ReorderLimits = { maxMessages: 64, waitMs: 200 };
