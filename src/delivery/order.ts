import type { ChannelPosition, EventFrame, JoinedFrame, Position } from '../protocol/frame.ts';
import { createIdWindow } from './id-window.ts';

/** A hole in a channel that could not be replayed. */
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
  /** How many messages are missing, where that can be counted. */
  readonly missing: number | undefined;
}

/** What is to be done with an event: it is the next one, it was here already, or something before it is missing. */
export type Verdict = 'next' | 'duplicate' | 'hole';

/**
 * Order and once-only delivery of one channel. With offsets this is one comparison and no memory; with ids alone it is a
 * bounded memory of ids; with neither, everything is next.
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
   * @param isExact - our position is the one that the join named: an answer before it means that the log went back
   * @returns the hole that it shows, if any
   */
  joined(frame: JoinedFrame, link: number, isExact?: boolean): Gap | undefined;
  /** Does the log reach further than what was received? */
  isBehind(head: ChannelPosition): boolean;
  /** Gives up what is missing before an event. @returns the hole */
  skipTo(frame: EventFrame): Gap;
  /** Where to resume: after the last event that was handed over. */
  readonly position: Position | undefined;
}

/** So many epochs that are over are remembered. */
const mostPast = 8;

/**
 * @param channel - for the reports
 * @param idWindow - how many ids are remembered at least, for servers that give only ids
 */
export function createOrder(channel: string, idWindow: number): Order {
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
  let cursor: string | undefined;
  /** The link whose join answer began this epoch: bare offsets of older links belong to the epoch before. */
  let epochLink = 0;
  const ids = createIdWindow(idWindow);

  function position(): Position | undefined {
    return epoch === undefined ? cursor : { epoch, offset: committed };
  }

  /** Goes on from another place. @returns the hole that this leaves */
  function jump(nextEpoch: string, offset: number, reason: Gap['reason']): Gap {
    const isSameEpoch = nextEpoch === epoch;
    // what was received will be handed over, also where a check of its payload still takes its time
    const after = epoch === undefined ? cursor : { epoch, offset: received };
    const missing = isSameEpoch && offset >= received ? offset - received : undefined;
    if (!isSameEpoch) {
      if (epoch !== undefined) past.push(epoch);
      if (past.length > mostPast) past.shift();
      ids.clear();
      era += 1;
    }
    epoch = nextEpoch;
    received = offset;
    committed = offset;
    return { channel, reason: isSameEpoch ? reason : 'epoch-changed', after, until: position(), missing };
  }

  return {
    accept(frame, link) {
      const { offset } = frame;
      if (offset === undefined) return frame.id === undefined || ids.add(frame.id) ? 'next' : 'duplicate';
      if (frame.epoch === undefined) {
        if (link < epochLink || link === staleLink) return 'duplicate';
      } else if (frame.epoch !== epoch && epoch !== undefined) {
        return past.includes(frame.epoch) ? 'duplicate' : 'hole';
      }
      if (epoch === undefined) jump(frame.epoch ?? '', offset - 1, 'skipped');
      if (offset <= received) return 'duplicate';
      if (offset !== received + 1) return 'hole';
      received = offset;
      return 'next';
    },
    commit(frame, acceptedIn = era) {
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
      else if (offset < committed && isExact) return jump(joinedEpoch, offset, 'rewound');
      else if (offset <= received) return undefined;
      const isFirst = epoch === undefined;
      const gap = jump(joinedEpoch, offset, 'trimmed');
      return isFirst ? undefined : gap;
    },
    isBehind: (head) => head.epoch === epoch && head.offset > received,
    skipTo(frame) {
      const offset = frame.offset ?? received + 1;
      const gap = jump(frame.epoch ?? epoch ?? '', offset - 1, 'skipped');
      received = offset;
      return gap;
    },
    get position() {
      return position();
    },
    get era() {
      return era;
    },
  };
}
