import type { Receipt } from './dialect.ts';
import type { ClientFrame } from './frame.ts';

/**
 * A receipt for each frame that has an id, in their order.
 *
 * @param known - what is known of some of them
 * @param unknown - what became of the others
 */
export function receiptsFor(
  frames: readonly ClientFrame[],
  known: readonly Receipt[],
  unknown: Omit<Receipt, 'id'>,
): readonly Receipt[] {
  const byId = new Map(known.map((receipt) => [receipt.id, receipt]));
  return frames.flatMap((frame) => (frame.kind === 'publish' ? [byId.get(frame.id) ?? { ...unknown, id: frame.id }] : []));
}
