import { type ReactNode, useMemo } from 'react';
import { useFlags } from './flags.ts';
import { useChat } from './store.ts';

const rank = { online: 0, away: 1, offline: 2 };

/** Who is there, and where. */
export function People(): ReactNode {
  const people = useChat(({ people }) => people);
  const channels = useChat(({ channels }) => channels);
  const { presence } = useFlags();
  const sorted = useMemo(
    () =>
      Object.values(people).sort(
        (one, other) => rank[one.status] - rank[other.status] || one.username.localeCompare(other.username),
      ),
    [people],
  );
  const online = sorted.filter(({ status }) => status !== 'offline').length;
  if (!presence) return null;
  return (
    <aside className="people" aria-label="People">
      <h2>
        People <span className="dim online-count">{online} online</span>
      </h2>
      <ul>
        {sorted.map(({ userId, username, status, currentChannel }) => (
          <li key={userId} data-user={userId} data-status={status}>
            <span className="avatar">{username.slice(0, 1).toUpperCase()}</span>
            <span>
              <b>{username}</b>
              <span className="dim">{whereabouts(status, channels.find(({ id }) => id === currentChannel)?.name)}</span>
            </span>
          </li>
        ))}
      </ul>
    </aside>
  );
}

function whereabouts(status: 'online' | 'away' | 'offline', channel: string | undefined): string {
  return status === 'online' && channel ? `in #${channel}` : status;
}
