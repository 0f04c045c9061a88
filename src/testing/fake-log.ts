import type { EventFrame, JoinedFrame, JoinFrame, OffsetPosition } from 'keepwire';

/** A numbered event of the log. */
type Entry = EventFrame & OffsetPosition;

/** The log of one channel: numbered events, and the name of the numbering. */
export interface FakeLog {
  readonly epoch: string;
  /** The number of the last event; 0 when there is none. */
  readonly head: number;
  append(event: Omit<EventFrame, 'offset' | 'epoch'>): Entry;
  /** What a join is answered with: where the next event begins, and the replay. See docs/protocol.md, section 3.1. */
  answer(join: JoinFrame): { readonly joined: JoinedFrame; readonly replay: readonly Entry[] };
}

/** Makes an empty log. */
export function createFakeLog(channel: string, epoch: string): FakeLog {
  const entries: Entry[] = [];
  return {
    epoch,
    get head() {
      return entries.length;
    },
    append(event) {
      const entry: Entry = { ...event, epoch, offset: entries.length + 1 };
      entries.push(entry);
      return entry;
    },
    answer(join) {
      const offset = startOf(join, epoch, entries.length);
      return { joined: { kind: 'joined', channel, epoch, offset }, replay: entries.slice(offset) };
    },
  };
}

function startOf(join: JoinFrame, epoch: string, head: number): number {
  if (join.epoch === undefined || join.offset === undefined) return head;
  return join.epoch === epoch ? Math.min(join.offset, head) : 0;
}
