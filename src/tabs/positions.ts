import type { JoinedFrame, JoinFrame, Position } from '../protocol/frame.ts';

/** The position that a join names. */
export function positionOf({ cursor, epoch, offset }: JoinFrame): Position | undefined {
  return epoch === undefined || offset === undefined ? cursor : { epoch, offset };
}

/** The earlier one of two positions of one numbering; positions that do not compare leave the first. */
export function earlier(first: Position | undefined, second: Position | undefined): Position | undefined {
  if (first === undefined) return second;
  return isBefore(second, first) ? second : first;
}

/**
 * The answer to a join as the link that asked must see it: the shared connection may have joined from an earlier position,
 * for somebody else, and then what lies between is a repeat for this link.
 *
 * @param from - where the shared connection joined
 * @param wanted - where the link asked to go on
 */
export function answerFor(frame: JoinedFrame, from: Position | undefined, wanted: Position | undefined): JoinedFrame {
  const { epoch, offset } = frame;
  if (typeof from !== 'object' || from.epoch !== epoch || from.offset !== offset || !isBefore(from, wanted)) return frame;
  return { ...frame, offset: (wanted as { readonly offset: number }).offset };
}

function isBefore(first: Position | undefined, second: Position | undefined): boolean {
  return typeof first === 'object' && typeof second === 'object' && first.epoch === second.epoch && first.offset < second.offset;
}
