import type { PresenceFrame, PresenceMember } from '../protocol/frame.ts';

/** How many members of one channel are kept; a server that names more is not believed to mean people. */
const mostMembers = 10_000;

/** The members after a presence frame, in the order of their coming; a member that says something new keeps its place. */
export function mergeMembers(members: readonly PresenceMember[], frame: PresenceFrame): readonly PresenceMember[] {
  const merged = new Map(frame.sync ? [] : members.map((member) => [member.key, member]));
  for (const key of frame.gone ?? []) merged.delete(key);
  for (const member of frame.members) {
    if (merged.size < mostMembers || merged.has(member.key)) merged.set(member.key, member);
  }
  return [...merged.values()];
}
