import { encode, encodeEvent } from './frames.ts';
import type { Log, News } from './log.ts';

/** What a room needs of a session. */
export interface Listener {
  /** A frame of the log: one that can be read again later. */
  kept(frame: string): void;
  /** A frame that nobody can get again. */
  passing(frame: string): void;
}

/** One session in one room. */
export interface Seat {
  readonly listener: Listener;
  /** False while the session still reads the log: news of the log are then only counted. */
  live: boolean;
  /** The numbering that the session was told. */
  epoch: string;
  /** The last entry that the session got. */
  offset: number;
  /** Reads what is missing from the log and goes live again. */
  catchUp(): void;
}

/** All sessions of one channel on this node. One listener on the log serves them all. */
export interface Room {
  readonly channel: string;
  readonly seats: Set<Seat>;
  readonly epoch: string;
  /** The newest entry that is known to exist. */
  readonly offset: number;
  /** Tells the room where the log stands, by a read. */
  heard(epoch: string, offset: number): void;
  /** Sends a frame that is not kept to all who are live. */
  tell(frame: string): void;
  close(): void;
}

/** Opens a room and listens on its log. */
export function openRoom(channel: string, log: Log): Room {
  const seats = new Set<Seat>();
  let epoch = '';
  let offset = 0;
  const unsubscribe = log.subscribe(channel, hear);
  return {
    channel,
    seats,
    get epoch() {
      return epoch;
    },
    get offset() {
      return offset;
    },
    heard(heardEpoch, heardOffset) {
      offset = heardEpoch === epoch ? Math.max(offset, heardOffset) : heardOffset;
      epoch = heardEpoch;
    },
    tell,
    close: unsubscribe,
  };

  function hear(news: News): void {
    switch (news.kind) {
      case 'appended': {
        offset = Math.max(offset, news.entry.offset);
        const frame = encodeEvent(channel, news.entry, news.entry.offset);
        for (const seat of seats) place(seat, news.entry.offset, frame);
        return;
      }
      case 'passing':
        tell(encodeEvent(channel, news.entry, undefined));
        return;
      case 'restarted':
        epoch = news.epoch;
        offset = 0;
        for (const seat of seats) if (seat.live) restart(seat);
        return;
    }
  }

  function place(seat: Seat, number: number, frame: string): void {
    if (!seat.live || number <= seat.offset) return;
    if (number !== seat.offset + 1) {
      // news from another node got lost on the way: the log has them
      seat.live = false;
      seat.catchUp();
      return;
    }
    seat.offset = number;
    seat.listener.kept(frame);
  }

  function restart(seat: Seat): void {
    seat.epoch = epoch;
    seat.offset = 0;
    seat.listener.kept(encode({ kind: 'joined', channel, epoch, offset: 0 }));
  }

  function tell(frame: string): void {
    for (const seat of seats) if (seat.live) seat.listener.passing(frame);
  }
}
