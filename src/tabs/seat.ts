import type { ClientFrame, ServerFrame } from '../protocol/frame.ts';

/**
 * One virtual link's part of the shared connection: which channels it has asked for, which it is in, and so which frames
 * are for it. Nothing of a channel passes before the answer to the link's own join, as on a connection of its own.
 */
export interface Seat {
  /** The channels that it has asked for or is in. */
  readonly channels: ReadonlyMap<string, 'asked' | 'in'>;
  /** Notes the joins and leaves that the link sends. */
  sent(frames: readonly ClientFrame[]): void;
  /**
   * Picks what is for this link.
   *
   * @param isDirect - the frames are for this link alone: a `joined` is the answer to its own join
   */
  hear(batch: readonly ServerFrame[], isDirect: boolean): readonly ServerFrame[];
}

/** Makes a {@link Seat} that is in no channel. */
export function createSeat(): Seat {
  const channels = new Map<string, 'asked' | 'in'>();

  function isForIt(frame: ServerFrame, isDirect: boolean): boolean {
    switch (frame.kind) {
      case 'joined':
        if (isDirect) channels.set(frame.channel, 'in');
        return isIn(frame);
      case 'event':
      case 'presence':
        return isIn(frame);
      case 'left':
        // the server's own decision, or the answer to a leave that another join has followed
        return channels.get(frame.channel) !== 'asked' && (channels.delete(frame.channel) || true);
      case 'denied':
        return channels.delete(frame.channel);
      default:
        // an answer to somebody else's ping or send is known as such above
        return true;
    }
  }

  function isIn({ channel }: { readonly channel: string }): boolean {
    return channels.get(channel) === 'in';
  }

  return {
    channels,
    sent(frames) {
      for (const frame of frames) {
        if (frame.kind === 'join' && !channels.has(frame.channel)) channels.set(frame.channel, 'asked');
        else if (frame.kind === 'leave') channels.delete(frame.channel);
      }
    },
    hear(batch, isDirect) {
      return batch
        .filter((frame) => isForIt(frame, isDirect))
        .map((frame) => (frame.kind === 'heartbeat' ? { ...frame, positions: frame.positions?.filter(isIn) } : frame));
    },
  };
}
