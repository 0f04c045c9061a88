import type { PresenceMember } from 'keepwire';
import type { CSSProperties, ReactNode } from 'react';

/** Who is online, and in which room. */
export function People({
  me,
  members,
  onOpen,
}: {
  readonly me: string;
  readonly members: readonly PresenceMember[];
  readonly onOpen: (room: string) => void;
}): ReactNode {
  return (
    <section className="panel people">
      <h2>
        Online <span className="count">{members.length}</span>
      </h2>
      {members.length === 0 ? <p className="dim">Nobody is shown until you are connected.</p> : null}
      <ul>
        {members
          .toSorted((a, b) => a.key.localeCompare(b.key))
          .map(({ key, data }) => {
            const room = roomOf(data);
            return (
              <li key={key}>
                <Avatar name={key} />
                <span className="who">
                  {key}
                  {key === me ? <span className="dim"> (you)</span> : null}
                </span>
                {room === undefined ? null : (
                  <button type="button" className="link" onClick={() => onOpen(room)} aria-label={`Open ${room}`}>
                    #{room}
                  </button>
                )}
              </li>
            );
          })}
      </ul>
    </section>
  );
}

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

function roomOf(data: unknown): string | undefined {
  const room = (data as Record<string, unknown> | null | undefined)?.['room'];
  return typeof room === 'string' ? room : undefined;
}
