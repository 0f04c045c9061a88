/** How somebody is. */
export type PresenceStatus = 'online' | 'away' | 'offline';

/** Somebody whom the server knows. */
export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly status: PresenceStatus;
  readonly lastSeen: number;
  readonly currentChannel?: string | undefined;
}

/** Who is there. */
export interface Presence {
  readonly people: ReadonlyMap<string, Person>;
  /** Makes somebody known. */
  meet(userId: string, username: string): void;
  /** Somebody says how things are, and is there for a while, also without a stream. */
  say(userId: string, status: PresenceStatus, currentChannel?: string): void;
  /** Somebody has asked for news, and is there for a while after that: away, if that was the last word. */
  seen(userId: string): void;
  /** Somebody has opened a stream. @returns what is to be called when it has ended */
  enter(userId: string): () => void;
}

/** Somebody whose last stream has ended is offline after this long. */
const graceMs = 1_500;
/** Somebody without a stream is there for this long after each poll: longer than from one to the next. */
const pollerMs = 8_000;

/** @param changed - somebody is there, is gone, or is elsewhere */
export function createPresence(changed: (person: Person) => void): Presence {
  const people = new Map<string, Person>();
  const streams = new Map<string, number>();
  const leaving = new Map<string, NodeJS.Timeout>();

  function set(userId: string, status: PresenceStatus, currentChannel?: string): void {
    const before = people.get(userId);
    if (!before) return;
    const after = { ...before, status, lastSeen: Date.now(), currentChannel: currentChannel ?? before.currentChannel };
    people.set(userId, after);
    if (after.status !== before.status || after.currentChannel !== before.currentChannel) changed(after);
  }

  function show(userId: string): void {
    if (people.get(userId)?.status === 'offline') set(userId, 'online');
  }

  /** Who has no stream is gone after a time, unless something is heard meanwhile. */
  function leaveAfter(userId: string, ms: number): void {
    stay(userId);
    if ((streams.get(userId) ?? 0) > 0) return;
    const timer = setTimeout(() => {
      leaving.delete(userId);
      set(userId, 'offline');
    }, ms);
    leaving.set(userId, timer.unref());
  }

  function stay(userId: string): void {
    clearTimeout(leaving.get(userId));
    leaving.delete(userId);
  }

  return {
    people,
    meet(userId, username) {
      if (!people.has(userId)) people.set(userId, { userId, username, status: 'offline', lastSeen: Date.now() });
    },
    say(userId, status, currentChannel) {
      set(userId, status, currentChannel);
      // the last word of a page that is being closed may come after the end of its stream
      if (!leaving.has(userId)) leaveAfter(userId, pollerMs);
    },
    seen(userId) {
      show(userId);
      leaveAfter(userId, pollerMs);
    },
    enter(userId) {
      streams.set(userId, (streams.get(userId) ?? 0) + 1);
      stay(userId);
      show(userId);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        streams.set(userId, (streams.get(userId) ?? 1) - 1);
        leaveAfter(userId, graceMs);
      };
    },
  };
}
