import type { PresenceFrame, PresenceMember } from 'keepwire';

/** Who is in which channel: by user, however many links they have. */
export interface FakePresence {
  /** A link enters its user into a channel, or says something new. @returns what everybody is to be told */
  enter(channel: string, user: string, link: object, data: unknown): PresenceFrame;
  /** A link takes its user out. @returns what everybody is to be told, when it was the user's last one */
  leave(channel: string, user: string, link: object): PresenceFrame | undefined;
  /** A link is gone. @returns what everybody is to be told */
  gone(user: string, link: object): PresenceFrame[];
  members(channel: string): PresenceMember[];
}

/** Makes an empty presence. */
export function createFakePresence(): FakePresence {
  /** By channel, then user, then link; the last link that spoke is the last of its map. */
  const channels = new Map<string, Map<string, Map<object, unknown>>>();

  const presence: FakePresence = {
    enter(channel, user, link, data) {
      const users = channels.get(channel) ?? new Map<string, Map<object, unknown>>();
      const links = users.get(user) ?? new Map<object, unknown>();
      channels.set(channel, users.set(user, links));
      links.delete(link);
      links.set(link, data);
      return { kind: 'presence', channel, sync: false, members: [{ key: user, data }] };
    },
    leave(channel, user, link) {
      const users = channels.get(channel);
      const links = users?.get(user);
      if (users === undefined || links?.delete(link) !== true || links.size > 0) return undefined;
      users.delete(user);
      return { kind: 'presence', channel, sync: false, members: [], gone: [user] };
    },
    gone: (user, link) => [...channels.keys()].flatMap((channel) => presence.leave(channel, user, link) ?? []),
    members: (channel) => [...(channels.get(channel) ?? [])].map(([key, links]) => ({ key, data: [...links.values()].at(-1) })),
  };
  return presence;
}
