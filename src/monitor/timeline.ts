import type { Status } from '../connection/status.ts';

/** When something happened. */
export interface TimelinePlace {
  /** Counts the entries, so that a list can be keyed. */
  readonly serial: number;
  /** In milliseconds since the Unix epoch, by our clock. */
  readonly at: number;
}

/** What happened: names, numbers and ids, no payloads. */
export type TimelineNote =
  | {
      /** An event arrived, or one that had been here. */
      readonly kind: 'in' | 'duplicate';
      /** The name of the channel. */
      readonly channel: string;
      /** The name of the event. */
      readonly event: string;
      /** Its id, where it has one. */
      readonly id: string | undefined;
      /** Its number, where it has one. */
      readonly offset: number | undefined;
    }
  | {
      /** A send was queued. */
      readonly kind: 'out';
      /** The name of the channel. */
      readonly channel: string;
      /** The name of the event. */
      readonly event: string;
      /** Its id. */
      readonly id: string;
    }
  | {
      /** A send was decided. */
      readonly kind: 'accepted' | 'failed';
      /** The name of the channel. */
      readonly channel: string;
      /** The name of the event. */
      readonly event: string;
      /** Its id. */
      readonly id: string;
      /** Since it was queued, in milliseconds. */
      readonly durationMs: number;
      /** Why it failed. */
      readonly code: string | undefined;
    }
  | {
      /** Events are missing. */
      readonly kind: 'gap';
      /** The name of the channel. */
      readonly channel: string;
      /** How many, where that can be counted. */
      readonly missing: number | undefined;
      /** Why. */
      readonly reason: string;
    }
  | {
      /** A link was dialled, came up or ended. */
      readonly kind: 'link';
      /** Which of these. */
      readonly step: 'dialled' | 'up' | 'down';
      /** Its number. */
      readonly link: number;
      /** Its transport, by name. */
      readonly transport: string;
      /** Why it ended, in one word. */
      readonly cause: string | undefined;
    }
  | {
      /** The status of the connection changed. */
      readonly kind: 'status';
      /** What it is now. */
      readonly status: Status;
    }
  | {
      /** Another transport carries the traffic. */
      readonly kind: 'switched';
      /** The one until now. */
      readonly from: string;
      /** The one from now on. */
      readonly to: string;
    }
  | {
      /** Something went wrong. */
      readonly kind: 'fault';
      /** Its code. */
      readonly code: string;
    };

/** One thing on the timeline. */
export type TimelineEntry = TimelinePlace & TimelineNote;

/** A bounded list of what happened last. */
export interface Timeline {
  add(note: TimelineNote, at: number): void;
  /** Oldest first. */
  read(): readonly TimelineEntry[];
  readonly size: number;
}

/** @param limit - how many entries are kept; 0 keeps none */
export function createTimeline(limit: number): Timeline {
  /** A ring: `serial % limit` is the place of an entry. */
  const ring: TimelineEntry[] = [];
  let serial = 0;
  return {
    add(note, at) {
      if (limit === 0) return;
      ring[serial % limit] = { ...note, serial, at };
      serial += 1;
    },
    read() {
      const next = serial % Math.max(1, limit);
      return ring.length < limit ? [...ring] : [...ring.slice(next), ...ring.slice(0, next)];
    },
    get size() {
      return ring.length;
    },
  };
}
