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
        return channels.get(frame.channel) === 'in';
      case 'event':
      case 'presence':
        return channels.get(frame.channel) === 'in';
      case 'left':
        // the answer to a leave, or the server's own decision
        return isDirect ? !channels.has(frame.channel) : channels.get(frame.channel) === 'in' && channels.delete(frame.channel);
      case 'denied':
        return channels.delete(frame.channel);
      case 'pong':
        return isDirect;
      // one answer of each tab does no harm
      case 'ping':
      case 'heartbeat':
      case 'ack':
      case 'reject':
      case 'advice':
      case 'auth':
      case 'welcome':
      case 'garbled':
        return true;
    }
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
      const heard = batch.filter((frame) => isForIt(frame, isDirect));
      return heard.map((frame) => {
        if (frame.kind !== 'heartbeat' || !frame.positions) return frame;
        return { ...frame, positions: frame.positions.filter(({ channel }) => channels.get(channel) === 'in') };
      });
    },
  };
}
