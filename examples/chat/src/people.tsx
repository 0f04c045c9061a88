import type { Member } from 'keepwire/presence';
import { PresenceIndicator } from 'keepwire/react';
import type { CSSProperties, ReactNode } from 'react';

type Person = Member<{ readonly room?: string }>;

const order = { online: 0, away: 1, offline: 2 } as const;

/** Who is here, who is away, and who has just left. */
export function People({
  me,
  members,
  onOpen,
}: {
  readonly me: string;
  readonly members: readonly Person[];
  readonly onOpen: (room: string) => void;
}): ReactNode {
  const here = members.filter(({ status }) => status !== 'offline');
  return (
    <section className="panel people">
      <h2>
        People <span className="count">{here.length}</span>
      </h2>
      {members.length === 0 ? <p className="dim">Nobody is shown until you are connected.</p> : null}
      <ul>
        {members
          .toSorted((a, b) => order[a.status] - order[b.status] || a.key.localeCompare(b.key))
          .map((person) => (
            <PersonLine key={person.key} person={person} isMe={person.key === me} onOpen={onOpen} />
          ))}
      </ul>
    </section>
  );
}

function PersonLine({
  person,
  isMe,
  onOpen,
}: {
  readonly person: Person;
  readonly isMe: boolean;
  readonly onOpen: (room: string) => void;
}): ReactNode {
  const { key, status, lastSeen, data } = person;
  return (
    <li data-status={status}>
      <span className="face">
        <Avatar name={key} />
        <PresenceIndicator member={person} />
      </span>
      <span className="who">
        {key}
        {isMe ? <span className="dim"> (you)</span> : null}
      </span>
      {status === 'online' && data.room !== undefined ? (
        <button type="button" className="link" onClick={() => onOpen(data.room ?? '')} aria-label={`Open ${data.room}`}>
          #{data.room}
        </button>
      ) : (
        <span className="dim seen">
          {status === 'offline' ? 'seen' : status === 'away' ? 'away since' : ''} {timeOf(lastSeen)}
        </span>
      )}
    </li>
  );
}

/** Hours and minutes, as people here write them. */
export const timeOf = (at: number): string => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** Two letters in a colour that belongs to the name. */
export function Avatar({ name }: { readonly name: string }): ReactNode {
  const letters = name
    .split(/[ _.-]+/)
    .map((part) => part[0] ?? '')
    .join('')
    .slice(0, 2)
    .toUpperCase();
  const hue = [...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
  return (
    <span className="avatar" style={{ '--hue': hue } as CSSProperties} aria-hidden="true">
      {letters}
    </span>
  );
}
