import type { JoinFrame } from './frames.ts';
import { encode, encodeEvent } from './frames.ts';
import type { Hub } from './hub.ts';
import type { Head } from './log.ts';
import type { End } from './outlet.ts';
import type { Listener, Room, Seat } from './room.ts';
import type { Arrival } from './session.ts';

/** What joining needs of its link. */
export interface SeatedLink extends Listener {
  isLive(): boolean;
  /** Characters that wait for the end of the tick. */
  backlog(): number;
  flush(): void;
  end(end: End): void;
}

/** The channels that one link is in: the answers to joins, and the replay. */
export interface Seating {
  readonly seats: ReadonlyMap<string, Seat>;
  /** Answers a join; resolves when the replay is done. Never rejects: a log that cannot be read ends the link. */
  join(frame: JoinFrame): Promise<void>;
  leave(channel: string): void;
}

/** Entries that one read of the log brings. With data of the greatest length they are just below what a link may hold. */
const pageSize = 100;

/** A poll is answered with the first part of a replay that is longer, as clients bound what they read; in characters. */
const longestAnswer = 2 ** 19;

/** Makes the seating of one link. */
export function createSeating(hub: Hub, { hello, identity, outlet, poll }: Arrival, link: SeatedLink): Seating {
  const isHeldPoll = poll !== undefined && hello.waitMs > 0;
  const seats = new Map<string, Seat>();

  return { seats, join, leave };

  async function join(frame: JoinFrame): Promise<void> {
    const { channel } = frame;
    const allowed = hub.authorize(identity, channel);
    if (allowed !== true) return link.kept(encode({ kind: 'denied', channel, code: allowed.code, message: allowed.message }));
    if (!seats.has(channel) && seats.size >= hub.limits.maxChannels) {
      return link.kept(
        encode({ kind: 'denied', channel, code: 'too-many-channels', message: `a link may have ${hub.limits.maxChannels}` }),
      );
    }
    leave(channel);
    const room = hub.enter(channel);
    const seat: Seat = {
      listener: link,
      live: false,
      epoch: '',
      offset: 0,
      catchUp: () => void readOn(room, seat, { kind: 'join', channel }),
    };
    seats.set(channel, seat);
    room.seats.add(seat);
    await readOn(room, seat, frame);
  }

  async function readOn(room: Room, seat: Seat, from: JoinFrame): Promise<void> {
    try {
      if (seat.epoch === '') await takeSeat(room, seat, from);
      if (!(await replay(room, seat))) return;
      sync(room, from);
      hub.notify();
    } catch {
      link.end({ kind: 'restart', message: 'the log cannot be read', retryAfterMs: 1000 });
    }
  }

  /** Tells where the log stands, as seen from the position of the client. */
  async function takeSeat(room: Room, seat: Seat, from: JoinFrame): Promise<void> {
    const head = await hub.log.head(room.channel);
    room.heard(head.epoch, head.offset);
    seat.epoch = head.epoch;
    seat.offset = startOf(head, from);
    const isContinued = from.epoch === seat.epoch && from.offset === seat.offset;
    if (isHeldPoll && isContinued) return;
    if (isSeated(room, seat))
      link.kept(encode({ kind: 'joined', channel: room.channel, epoch: seat.epoch, offset: seat.offset }));
  }

  /**
   * Reads the log until it holds no more than what was sent, then goes live in the same tick, so that nothing falls
   * between. Waits for the link between two pages.
   *
   * @returns whether the seat went live here
   */
  async function replay(room: Room, seat: Seat): Promise<boolean> {
    while (isSeated(room, seat)) {
      const page = await hub.log.read(room.channel, seat.offset, pageSize);
      if (!isSeated(room, seat)) return false;
      if (page.epoch !== seat.epoch || room.epoch !== seat.epoch) {
        // the log was lost while it was read, or right after: from its new beginning
        await takeSeat(room, seat, { kind: 'join', channel: room.channel, epoch: seat.epoch, offset: seat.offset });
        continue;
      }
      for (const entry of page.entries) {
        link.kept(encodeEvent(room.channel, entry, entry.offset));
        seat.offset = entry.offset;
        if (poll !== undefined && link.backlog() > longestAnswer) return false;
      }
      // an empty page although more is known to exist: it was trimmed at once, and the client will see the hole
      if (page.entries.length === 0) seat.offset = Math.max(seat.offset, room.offset);
      if (page.entries.length < pageSize && seat.offset >= room.offset) {
        seat.live = true;
        return true;
      }
      if (poll !== undefined) continue;
      link.flush();
      await outlet.drained();
    }
    return false;
  }

  /** Tells who is here, to those who may have another picture. */
  function sync(room: Room, from: JoinFrame): void {
    const members = hub.presence.members(room.channel);
    if (poll?.leftover?.channels.has(room.channel)) return;
    if (members.length === 0 && from.offset === undefined) return;
    link.passing(encode({ kind: 'presence', channel: room.channel, sync: true, members }));
  }

  function isSeated(room: Room, seat: Seat): boolean {
    return link.isLive() && seats.get(room.channel) === seat;
  }

  function leave(channel: string): void {
    const seat = seats.get(channel);
    if (seat === undefined) return;
    seats.delete(channel);
    hub.exit(channel, seat);
  }
}

/** The offset after which a link begins; the table of docs/protocol.md, section 3.1. */
function startOf(head: Head, { epoch, offset }: JoinFrame): number {
  if (epoch === undefined || offset === undefined) return head.offset;
  if (epoch !== head.epoch) return head.oldest - 1;
  if (offset > head.offset) return head.offset;
  return Math.max(offset, head.oldest - 1);
}
