import type { PresenceFrame, PresenceMember } from './frames.ts';
import { pairKey } from './keys.ts';
import type { Time } from './time.ts';

/** Who is in which channel, by user, on this node. */
export interface Presence {
  /** Enters a client of a user into a channel, or changes what it says about itself. */
  enter(channel: string, user: string, client: string, data: unknown): void;
  /** Takes a client out of a channel. */
  leave(channel: string, user: string, client: string): void;
  /** A link of a client came up. */
  linkStarted(user: string, client: string): void;
  /** A link of a client ended; after the last one, the client has the grace time to come back. */
  linkEnded(user: string, client: string): void;
  members(channel: string): readonly PresenceMember[];
  /** In how many channels a client is. */
  count(user: string, client: string): number;
  /** Cancels all that is pending. */
  close(): void;
}

interface Client {
  readonly user: string;
  links: number;
  readonly channels: Set<string>;
  cancelGrace?: () => void;
}

/** Makes an empty presence; `tell` gets each change. */
export function createPresence(graceMs: number, time: Time, tell: (frame: PresenceFrame) => void): Presence {
  /** By channel, then user, then client: the data as JSON and as a value, in order of announcement. */
  const rooms = new Map<string, Map<string, Map<string, { json: string; data: unknown }>>>();
  /** Clients that have a link or are in a channel. */
  const clients = new Map<string, Client>();

  return {
    enter(channel, user, client, data) {
      const room = rooms.get(channel) ?? new Map<string, Map<string, { json: string; data: unknown }>>();
      rooms.set(channel, room);
      const member = room.get(user) ?? new Map<string, { json: string; data: unknown }>();
      room.set(user, member);
      const before = newest(member)?.json;
      const json = JSON.stringify({ data });
      // the newest announcement is the last in the map
      if (member.get(client)?.json !== json) member.delete(client);
      member.set(client, { json, data });
      const entry = clientOf(user, client);
      entry.channels.add(channel);
      if (entry.links === 0) startGrace(entry, client);
      if (newest(member)?.json !== before)
        tell({ kind: 'presence', channel, sync: false, members: [{ key: user, data: newest(member)?.data }] });
    },
    leave,
    linkStarted(user, client) {
      const entry = clientOf(user, client);
      entry.links += 1;
      entry.cancelGrace?.();
      entry.cancelGrace = undefined;
    },
    linkEnded(user, client) {
      const entry = clientOf(user, client);
      entry.links -= 1;
      if (entry.links === 0) startGrace(entry, client);
    },
    members(channel) {
      return [...(rooms.get(channel) ?? [])].map(([key, member]) => ({ key, data: newest(member)?.data }));
    },
    count: (user, client) => clients.get(pairKey(user, client))?.channels.size ?? 0,
    close() {
      for (const entry of clients.values()) entry.cancelGrace?.();
      clients.clear();
      rooms.clear();
    },
  };

  function clientOf(user: string, client: string): Client {
    const key = pairKey(user, client);
    const entry = clients.get(key) ?? { user, links: 0, channels: new Set() };
    clients.set(key, entry);
    return entry;
  }

  function startGrace(entry: Client, client: string): void {
    entry.cancelGrace?.();
    const end = (): void => {
      for (const channel of [...entry.channels]) leave(channel, entry.user, client);
      clients.delete(pairKey(entry.user, client));
    };
    if (entry.channels.size === 0) end();
    else entry.cancelGrace = time.schedule(end, graceMs);
  }

  function leave(channel: string, user: string, client: string): void {
    const room = rooms.get(channel);
    const member = room?.get(user);
    clients.get(pairKey(user, client))?.channels.delete(channel);
    if (room === undefined || member === undefined) return;
    const before = newest(member)?.json;
    if (!member.delete(client)) return;
    const now = newest(member);
    if (now === undefined) {
      room.delete(user);
      if (room.size === 0) rooms.delete(channel);
      tell({ kind: 'presence', channel, sync: false, members: [], gone: [user] });
    } else if (now.json !== before) {
      tell({ kind: 'presence', channel, sync: false, members: [{ key: user, data: now.data }] });
    }
  }
}

function newest<T>(member: ReadonlyMap<string, T>): T | undefined {
  return [...member.values()].at(-1);
}
