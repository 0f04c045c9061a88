import type { RealtimeError } from '../errors.ts';
import type { ChannelPosition, EventFrame, JoinedFrame, Position } from '../protocol/frame.ts';
import type { DedupMemory } from './dedup.ts';

/** A message that was handed over, as far as a server that does not number can be asked for what came after it. */
export interface LastEvent {
  /** Its id. */
  readonly id: string;
  /** When the server accepted it, in milliseconds since the Unix epoch, by the server's clock. */
  readonly at: number | undefined;
}

/**
 * A hole in a channel that the server could not replay. It is told of once, when it is known what becomes of it: at once
 * where there is no `backfill`, else when that has ended.
 */
export interface Gap {
  /** The name of the channel. */
  readonly channel: string;
  /**
   * Why: the server no longer holds what is missing (`trimmed`), its log began anew (`epoch-changed`) or went back to an
   * earlier state (`rewound`), messages were skipped on a live link (`skipped`), or the server can replay nothing
   * (`no-replay`).
   */
  readonly reason: 'trimmed' | 'epoch-changed' | 'rewound' | 'skipped' | 'no-replay';
  /** The last position before the hole, if there was one. */
  readonly after: Position | undefined;
  /** The position at the end of the hole: what was seen or will be seen comes right after it. */
  readonly until: Position | undefined;
  /** How many messages are missing, where that can be counted; what a backfill brought is not. */
  readonly missing: number | undefined;
  /** The last message that was handed over before the hole, for servers that do not number. */
  readonly lastEvent: LastEvent | undefined;
  /** True when a backfill brought all that was missing, as far as that can be counted. */
  readonly isFilled: boolean;
  /** Why the backfill failed, if it did. What it had brought until then was handed over. */
  readonly error: RealtimeError | undefined;
}

/**
 * What is to be done with an event: it is the next one, it was here already, something before it is missing (`ahead`), or it
 * belongs to a numbering that nobody told of.
 */
export type Verdict = 'next' | 'duplicate' | 'ahead' | 'elsewhere';

/**
 * Order and once-only delivery of one channel. With offsets this is one comparison and no memory; without, a memory of the
 * application's choice decides.
 */
export interface Order {
  /** Judges an event that arrived on a link; a `next` one counts as received from now on. */
  accept(frame: EventFrame, link: number): Verdict;
  /** Counts the numberings: an event that was accepted in an earlier one moves nothing. */
  readonly era: number;
  /** The event was handed to the handlers: only now the position moves. */
  commit(frame: EventFrame, era?: number): void;
  /**
   * Takes the position of a join answer.
   *
   * @param isExact - no link but this one can have moved our position: an answer before the one that the join named means that the log went back
   * @returns the hole that it shows, if any
   */
  joined(frame: JoinedFrame, link: number, isExact?: boolean): Gap | undefined;
  /** There is no link any more: the next join names the position of now or a later one. */
  mark(): void;
  /** Does the log reach further than what was received? */
  isBehind(head: ChannelPosition): boolean;
  /** Gives up what is missing before an event. @returns the hole */
  skipTo(frame: EventFrame): Gap;
  /** The server can replay nothing and numbers nothing: its ids may begin anew. @returns the hole */
  lost(): Gap;
  /** The offset that is next. */
  readonly expected: number;
  /** The last event that was handed over, where it has an id. */
  readonly lastEvent: LastEvent | undefined;
  /** When the last event that was handed over was accepted, by the server's clock. */
  readonly lastAt: number | undefined;
  /** The server does not take the opaque position: it goes on from wherever it likes. */
  forget(): void;
  /** Forgets where the channel stood: what follows is for another user. */
  reset(): void;
  /** Where to resume: after the last event that was handed over. */
  readonly position: Position | undefined;
}

/** So many epochs that are over are remembered. */
const mostPast = 8;

/**
 * @param channel - for the reports
 * @param isNew - tells repeats of messages without a number
 */
export function createOrder(channel: string, isNew: DedupMemory): Order {
  let epoch: string | undefined;
  let era = 0;
  /** The epochs before, the newest last. */
  const past: string[] = [];
  /** A link that has still to hear of the epoch of now. */
  let staleLink: number | undefined;
  /** The offset of the last event that was accepted; handlers may still be waiting for it. */
  let received = 0;
  /** The offset of the last event that was handed over. */
  let committed = 0;
  /** The join of the next link names this offset, or a later one: handlers may still be at work. */
  let named = 0;
  let cursor: string | undefined;
  /** The link whose join answer began this epoch: bare offsets of older links belong to the epoch before. */
  let epochLink = 0;
  /** Of the last event that was handed over; not the event itself, which would keep its payload. */
  let lastId: string | undefined;
  let lastAt: number | undefined;
  /** Was there a message without a number since the last hole without numbers? */
  let isHeard = false;

  function position(): Position | undefined {
    return epoch === undefined ? cursor : { epoch, offset: committed };
  }

  /** Goes on from another place. @returns the hole that this leaves */
  function jump(nextEpoch: string, offset: number, reason: Gap['reason']): Gap {
    const isSameEpoch = nextEpoch === epoch;
    // events that are handed over later are not missing
    const after = epoch === undefined ? cursor : { epoch, offset: received };
    const missing = isSameEpoch && offset >= received ? offset - received : undefined;
    if (!isSameEpoch) {
      if (epoch !== undefined) past.push(epoch);
      if (past.length > mostPast) past.shift();
      era += 1;
    }
    epoch = nextEpoch;
    received = offset;
    committed = offset;
    named = 0;
    return gapOf(isSameEpoch ? reason : 'epoch-changed', after, position(), missing);
  }

  function gapOf(reason: Gap['reason'], after?: Position, until?: Position, missing?: number): Gap {
    return { channel, reason, after, until, missing, lastEvent: lastEvent(), isFilled: false, error: undefined };
  }

  function lastEvent(): LastEvent | undefined {
    return lastId === undefined ? undefined : { id: lastId, at: lastAt };
  }

  return {
    accept(frame, link) {
      const { offset } = frame;
      if (offset === undefined) {
        isHeard = true;
        return isNew(frame, frame.epoch ?? epoch ?? `${era}`) ? 'next' : 'duplicate';
      }
      if (frame.epoch === undefined) {
        if (link < epochLink || link === staleLink) return 'duplicate';
      } else if (frame.epoch !== epoch && epoch !== undefined) {
        return past.includes(frame.epoch) ? 'duplicate' : 'elsewhere';
      }
      if (epoch === undefined) jump(frame.epoch ?? '', offset - 1, 'skipped');
      if (offset <= received) return 'duplicate';
      if (offset !== received + 1) return 'ahead';
      received = offset;
      return 'next';
    },
    commit(frame, acceptedIn = era) {
      lastId = frame.id ?? lastId;
      lastAt = frame.at ?? lastAt;
      if (acceptedIn !== era) return;
      cursor = frame.cursor ?? cursor;
      committed = Math.max(committed, frame.offset ?? 0);
    },
    joined({ epoch: joinedEpoch, offset, cursor: joinedCursor }, link, isExact = false) {
      cursor ??= joinedCursor;
      if (joinedEpoch === undefined || offset === undefined) return undefined;
      // two links at once may bring the answers in the wrong order: what is over stays over
      if (past.includes(joinedEpoch) && !isExact) {
        staleLink = link;
        return undefined;
      }
      if (staleLink === link) staleLink = undefined;
      if (joinedEpoch !== epoch) epochLink = link;
      else if (offset < named && isExact) return jump(joinedEpoch, offset, 'rewound');
      else if (offset <= received) return undefined;
      const isFirst = epoch === undefined;
      const gap = jump(joinedEpoch, offset, 'trimmed');
      return isFirst ? undefined : gap;
    },
    mark() {
      named = committed;
    },
    isBehind: (head) => head.epoch === epoch && head.offset > received,
    skipTo(frame) {
      const offset = frame.offset ?? received + 1;
      const gap = jump(frame.epoch ?? epoch ?? '', offset - 1, 'skipped');
      received = offset;
      return gap;
    },
    lost() {
      // a row of links that brought nothing is one hole
      if (isHeard) era += 1;
      isHeard = false;
      return gapOf('no-replay');
    },
    forget() {
      cursor = undefined;
    },
    reset() {
      epoch = undefined;
      era += 1;
      past.length = 0;
      staleLink = undefined;
      received = 0;
      committed = 0;
      named = 0;
      cursor = undefined;
      epochLink = 0;
      lastId = undefined;
      lastAt = undefined;
    },
    get position() {
      return position();
    },
    get expected() {
      return received + 1;
    },
    get lastEvent() {
      return lastEvent();
    },
    get lastAt() {
      return lastAt;
    },
    get era() {
      return era;
    },
  };
}
