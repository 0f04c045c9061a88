import type { OutboxLink } from '../../src/delivery/outbox-options.ts';
import type { Receipt } from '../../src/protocol/dialect.ts';
import type { ClientFrame } from '../../src/protocol/frame.ts';

/** One batch that left, to be answered by the test. */
export interface Batch {
  readonly ids: readonly string[];
  resolve(receipts: readonly Receipt[]): void;
  reject(error: unknown): void;
}

/** A link whose batches the test answers by hand. */
export interface HandLink {
  readonly link: OutboxLink;
  readonly batches: Batch[];
  /** The ids of each batch that left. */
  ids(): (readonly string[])[];
  acceptAll(index?: number): void;
}

/** Makes a {@link HandLink}. */
export function linkOf(id: number, ack: OutboxLink['ack'] = 'receipt', more: Partial<OutboxLink> = {}): HandLink {
  const batches: Batch[] = [];
  return {
    link: {
      id,
      ack,
      send: (frames: readonly ClientFrame[]) =>
        new Promise((resolve, reject) => {
          batches.push({ ids: frames.map((each) => (each.kind === 'publish' ? each.id : each.kind)), resolve, reject });
        }),
      ...more,
    },
    batches,
    ids: () => batches.map(({ ids }) => ids),
    acceptAll(index = batches.length - 1) {
      batches[index]?.resolve(batches[index].ids.map((each) => ({ id: each, status: 'accepted' })));
    },
  };
}
