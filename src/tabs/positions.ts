import type { JoinedFrame, JoinFrame, Position, ServerFrame } from '../protocol/frame.ts';

/** Channels, and how far each was received. */
export type Stands = Map<string, Position | undefined>;

/** The position that a join names. */
export function positionOf({ cursor, epoch, offset }: JoinFrame): Position | undefined {
  return epoch === undefined || offset === undefined ? cursor : { epoch, offset };
}

/** What a position belongs to: positions compare only within it. */
export function logOf(position: Position | undefined): string | undefined {
  return typeof position === 'object' ? position.epoch : position;
}

/** The earlier one of two positions of one numbering; positions that do not compare leave the first. */
export function earlier(first: Position | undefined, second: Position | undefined): Position | undefined {
  return first === undefined || isBefore(second, first) ? second : first;
}

/**
 * The answer to a join as the link that asked must see it: the shared connection may have joined from an earlier position,
 * for somebody else, and then what lies between is a repeat for this link.
 *
 * @param from - where the shared connection joined
 * @param wanted - where the link asked to go on
 */
export function answerFor(frame: JoinedFrame, from: Position | undefined, wanted: Position | undefined): JoinedFrame {
  const isAsAsked = typeof from === 'object' && from.epoch === frame.epoch && from.offset === frame.offset;
  return isAsAsked && isBefore(from, wanted) ? { ...frame, ...(wanted as object) } : frame;
}

/** Takes note of how far a channel is. @returns whether its log is another one now */
export function note(stands: Stands, frame: ServerFrame): boolean {
  if (frame.kind === 'denied' || frame.kind === 'left') stands.delete(frame.channel);
  // what still comes of a channel that was left does not bring it back
  if ((frame.kind !== 'event' && frame.kind !== 'joined') || !stands.has(frame.channel)) return false;
  const { channel, offset, cursor } = frame;
  const stand = stands.get(channel);
  const known = typeof stand === 'object' ? stand.epoch : undefined;
  const { epoch = known } = frame;
  stands.set(channel, epoch !== undefined && offset !== undefined ? { epoch, offset } : (cursor ?? stand));
  return known !== undefined && epoch !== known;
}

function isBefore(first: Position | undefined, second: Position | undefined): boolean {
  return typeof first === 'object' && typeof second === 'object' && first.epoch === second.epoch && first.offset < second.offset;
}
