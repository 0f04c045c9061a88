import type { EventFrame, JoinedFrame, JoinFrame, OffsetPosition } from 'keepwire';

/** A numbered event of the log. */
type Entry = EventFrame & OffsetPosition;

/** The log of one channel: numbered events, and the name of the numbering. */
export interface FakeLog {
  readonly epoch: string;
  /** The number of the last event; 0 when there is none. */
  readonly head: number;
  append(event: Omit<EventFrame, 'offset' | 'epoch'>): Entry;
  /** Forgets all that is in it; the numbering goes on. */
  trim(): void;
  /** The newest event that is kept. */
  readonly newest: Entry | undefined;
  /** What a join is answered with: where the next event begins, and the replay. See docs/protocol.md, section 3.1. */
  answer(join: JoinFrame): { readonly joined: JoinedFrame; readonly replay: readonly Entry[] };
}

/** Makes an empty log. */
export function createFakeLog(channel: string, epoch: string): FakeLog {
  const entries: Entry[] = [];
  /** So many were forgotten: the first kept one has the number after it. */
  let trimmed = 0;
  return {
    epoch,
    get head() {
      return trimmed + entries.length;
    },
    get newest() {
      return entries.at(-1);
    },
    append(event) {
      const entry: Entry = { ...event, epoch, offset: trimmed + entries.length + 1 };
      entries.push(entry);
      return entry;
    },
    trim() {
      trimmed += entries.length;
      entries.length = 0;
    },
    answer(join) {
      const offset = Math.max(trimmed, startOf(join, epoch, trimmed + entries.length));
      return { joined: { kind: 'joined', channel, epoch, offset }, replay: entries.slice(offset - trimmed) };
    },
  };
}

function startOf(join: JoinFrame, epoch: string, head: number): number {
  if (join.epoch === undefined || join.offset === undefined) return head;
  return join.epoch === epoch ? Math.min(join.offset, head) : 0;
}
