import { aCount, check } from '../platform/rules.ts';
import type { EventFrame } from '../protocol/frame.ts';
import { createIdWindow } from './id-window.ts';

/**
 * Tells repeats of messages that have no number. It is called once for each channel, and answers with the memory of that
 * channel. Messages with an `offset` never come here: for them it is one comparison and no memory.
 *
 * An id alone must never be the key: a server that was restarted may begin its ids anew, and then the bare id would drop
 * real messages. So the memory is asked with the numbering that the message belongs to.
 *
 * @example A policy of one's own, for a server whose repeats can be told by two fields of the payload:
 * ```ts
 * const dedup: DedupPolicy = () => {
 *   let last = '';
 *   return ({ data }, numbering) => {
 *     const { device, serial } = data as Reading;
 *     const key = `${numbering} ${device} ${serial}`;
 *     const isNew = key !== last;
 *     last = key;
 *     return isNew;
 *   };
 * };
 * createRealtime({ transports, dedup });
 * ```
 */
export type DedupPolicy = (channel: string) => DedupMemory;

/**
 * The memory of one channel: remembers a message, and answers whether it was new. It must be bounded.
 *
 * @param event - the message, before validation
 * @param numbering - the epoch that the message or its channel is in; where the server has none, a count that grows each
 * time the server could not go on where the channel stood
 * @param isLoaded - a backfill asks, for one numbering after the other, where a message belongs: only this one counts
 */
export type DedupMemory = (event: EventFrame, numbering: string, isLoaded?: boolean) => boolean;

/** The numbers of {@link dedupById}. */
export interface DedupByIdOptions {
  /**
   * How many ids of a channel are remembered at least; twice as many at most. A repeat that comes later than that is shown
   * again. @defaultValue 1000
   */
  readonly window?: number;
}

/** The form of an id of which there is only one, whoever gives it, with its version. Source: RFC 9562, section 4. */
const uuid = /^\w{8}-\w{4}-[1-8]\w{3}-\w{4}-\w{12}$/;

/**
 * The default policy: a message is a repeat when one with its id was here in the same numbering of the same channel. In another
 * numbering it is one where the id is a UUID, or the time (`at`) is the same: a server that begins its ids anew gives other
 * times. A message without an id is new.
 *
 * @throws RealtimeError `invalid-option` for a window under 1
 * @example
 * ```ts
 * createRealtime({ transports, dedup: dedupById({ window: 5_000 }) });
 * ```
 */
export function dedupById({ window = 1000 }: DedupByIdOptions = {}): DedupPolicy {
  check('window of dedupById()', window, aCount);
  return () => {
    const ids = createIdWindow(window);
    /** What is the same message in every numbering: a server may send its latest ones again after a cut. */
    const unique = createIdWindow(window);
    return ({ id, at }, numbering, isLoaded = false) => {
      if (id === undefined) return true;
      const isNew = ids.add(`${numbering}\n${id}`);
      const name = uuid.test(id) ? id : at && `${at}\n${id}`;
      return (!name || unique.add(name) || isLoaded) && isNew;
    };
  };
}

/**
 * The policy that remembers nothing, for servers that never repeat a message, or whose ids mean something else.
 *
 * @example
 * ```ts
 * createRealtime({ transports, dedup: noDedup });
 * ```
 */
export const noDedup: DedupPolicy = () => () => true;
