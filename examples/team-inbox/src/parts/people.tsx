import type { Member } from 'keepwire/presence';
import { type People, PresenceIndicator } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import type { Person } from '../events.ts';
import { load } from '../session.ts';

/** What people say about themselves. */
export type Said = Pick<Person, 'name' | 'role'>;

/**
 * The agents of our organisation, as the server names them: what somebody says of itself is no proof. They are asked for
 * again when others are there.
 */
export function useAgents(members: readonly Member[]): readonly Person[] {
  const [agents, setAgents] = useState<readonly Person[]>([]);
  const keys = members.map(({ key }) => key).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the keys are why it is asked again
  useEffect(() => {
    const controller = new AbortController();
    load<Person[]>('/api/agents', controller.signal).then(setAgents, () => {});
    return () => controller.abort();
  }, [keys]);
  return agents;
}

/** Somebody with a mark for the status, and a word. */
export function PersonLine({
  name,
  member,
  note,
}: {
  readonly name: string;
  readonly member: Member<Said> | undefined;
  readonly note?: string;
}): ReactNode {
  return (
    <li className="person" data-person={name} data-status={member?.status ?? 'offline'}>
      <span className="avatar" aria-hidden="true">
        {name.slice(0, 1).toUpperCase()}
      </span>
      <span className="who">
        <b>{name}</b>
        {note ? <span className="dim"> {note}</span> : null}
      </span>
      <PresenceIndicator member={member} className="presence" />
    </li>
  );
}

/** Chooses how the others see us. */
export function StatusChoice({ people }: { readonly people: People<Said> }): ReactNode {
  const status = people.me?.status ?? 'offline';
  return (
    <select
      className="choice"
      aria-label="Your status"
      value={status}
      disabled={!people.me}
      onChange={({ target }) => people.setStatus(target.value === 'away' ? 'away' : 'online')}
    >
      {people.me ? null : <option value="offline">Offline</option>}
      <option value="online">Online</option>
      <option value="away">Away</option>
    </select>
  );
}
