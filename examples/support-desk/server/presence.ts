import type { Via, WirePerson } from './notices.ts';

/** One open way in of a user. */
export interface Connection {
  readonly via: Via;
  readonly userId: string;
  readonly channels: readonly string[];
  readonly since: number;
}

/** Who is in which channel. */
export interface Presence {
  people(channelId: string): readonly WirePerson[];
  /** The connections are others now. */
  refresh(connections: readonly Connection[]): void;
  close(): void;
}

/** Who is back within this time never left: a change of the way in is no news. */
const graceMs = 2_000;

/**
 * @param nameOf - the name of a user
 * @param changed - a channel has other people now
 */
export function createPresence(nameOf: (userId: string) => string, changed: (channelId: string) => void): Presence {
  const channels = new Map<string, Map<string, readonly Via[]>>();
  const leaving = new Map<string, NodeJS.Timeout>();

  function set(channelId: string, userId: string, via: readonly Via[]): void {
    const people = channels.get(channelId) ?? new Map<string, readonly Via[]>();
    channels.set(channelId, people);
    if (people.get(userId)?.join() === via.join()) return;
    people.set(userId, via);
    changed(channelId);
  }

  function leave(channelId: string, userId: string): void {
    const key = `${channelId}\n${userId}`;
    if (leaving.has(key)) return;
    const timer = setTimeout(() => {
      leaving.delete(key);
      channels.get(channelId)?.delete(userId);
      changed(channelId);
    }, graceMs);
    leaving.set(key, timer);
  }

  return {
    people: (channelId) => [...(channels.get(channelId) ?? [])].map(([id, via]) => ({ id, name: nameOf(id), via })),
    refresh(connections) {
      const found = new Map<string, Via[]>();
      for (const { via, userId, channels: joined } of connections) {
        for (const channelId of joined) {
          const key = `${channelId}\n${userId}`;
          found.set(key, [...new Set([...(found.get(key) ?? []), via])].sort());
        }
      }
      for (const [key, via] of found) {
        clearTimeout(leaving.get(key));
        leaving.delete(key);
        const [channelId = '', userId = ''] = key.split('\n');
        set(channelId, userId, via);
      }
      for (const [channelId, people] of channels) {
        for (const userId of people.keys()) if (!found.has(`${channelId}\n${userId}`)) leave(channelId, userId);
      }
    },
    close() {
      for (const timer of leaving.values()) clearTimeout(timer);
      leaving.clear();
    },
  };
}
