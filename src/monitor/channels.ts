import type { Gap } from '../delivery/order.ts';
import type { EventFrame, ServerFrame } from '../protocol/frame.ts';
import type { ChannelNumbers } from './snapshot.ts';

/** Follows the channels by what passes. */
export interface ChannelBook {
  frame(frame: ServerFrame): void;
  duplicate(frame: EventFrame): void;
  gap(gap: Gap): void;
  read(): readonly ChannelNumbers[];
  readonly size: number;
}

/** So many channels are remembered; what was not heard of for the longest time goes first. */
export const mostChannels = 200;
/** So many member keys are kept for each channel. */
const mostMembers = 50;

type Row = { -readonly [Name in keyof Omit<ChannelNumbers, 'members'>]: ChannelNumbers[Name] } & { members: Set<string> };

/** Makes an empty book. */
export function createChannelBook(): ChannelBook {
  const rows = new Map<string, Row>();
  /** The row of now: messages come in runs of one channel. */
  let last: Row | undefined;

  function rowOf(name: string): Row {
    if (last?.name === name) return last;
    const row = rows.get(name) ?? {
      name,
      status: 'joined',
      offset: undefined,
      events: 0,
      duplicates: 0,
      gaps: 0,
      members: new Set(),
    };
    // the one that was heard of last is at the end
    rows.delete(name);
    rows.set(name, row);
    for (const [oldest] of rows) {
      if (rows.size <= mostChannels) break;
      rows.delete(oldest);
    }
    last = row;
    return row;
  }

  return {
    frame(frame) {
      switch (frame.kind) {
        case 'event': {
          const row = rowOf(frame.channel);
          row.events += 1;
          if (frame.offset !== undefined) row.offset = Math.max(row.offset ?? 0, frame.offset);
          return;
        }
        case 'joined': {
          const row = rowOf(frame.channel);
          row.status = 'joined';
          // a new numbering may start below the old one
          row.offset = frame.offset;
          return;
        }
        case 'denied':
        case 'left': {
          const row = rowOf(frame.channel);
          row.status = frame.kind;
          row.members.clear();
          return;
        }
        case 'presence': {
          const { members } = rowOf(frame.channel);
          if (frame.sync) members.clear();
          for (const { key } of frame.members) if (members.size < mostMembers) members.add(key);
          for (const key of frame.gone ?? []) members.delete(key);
          return;
        }
        default:
      }
    },
    duplicate({ channel }) {
      rowOf(channel).duplicates += 1;
    },
    gap({ channel }) {
      rowOf(channel).gaps += 1;
    },
    read: () => [...rows.values()].map((row) => ({ ...row, members: [...row.members] })),
    get size() {
      return rows.size;
    },
  };
}
