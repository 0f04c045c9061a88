import { RealtimeError } from '../errors.ts';
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

/** What became of a send that failed, where others of its batch have an answer: they must not be sent again with it. */
export function failedReceipt(cause: unknown): Omit<Receipt, 'id'> {
  const { code, message } = RealtimeError.from(cause, 'connection-lost', 'a send failed');
  if (code === 'invalid-payload') return { status: 'rejected', code, message };
  // not applied: the token was refused, or it never left
  const isHarmless = code === 'unauthorized' || code === 'closed';
  return { status: isHarmless ? 'rejected' : 'unknown', code, message, retryAfterMs: 0 };
}

/** A part of a batch that is sent by itself. */
interface Part {
  readonly frames: readonly ClientFrame[];
  readonly sent: Promise<readonly Receipt[]>;
}

/**
 * The receipts of a batch whose parts may fail each by itself.
 *
 * @throws what a part threw, where no part has an answer, or where it has frames without receipts that could tell
 */
export async function receiptsOfParts(parts: readonly Part[]): Promise<readonly Receipt[]> {
  const outcomes = await Promise.allSettled(parts.map(({ sent }) => sent));
  const isNoneKnown = outcomes.every(({ status }) => status === 'rejected');
  return parts.flatMap(({ frames }, at) => {
    const outcome = outcomes[at];
    if (outcome?.status !== 'rejected') return outcome?.value ?? [];
    if (isNoneKnown || frames.some(({ kind }) => kind !== 'publish')) throw outcome.reason;
    return receiptsFor(frames, [], failedReceipt(outcome.reason));
  });
}
