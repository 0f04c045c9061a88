import type { PresenceStatus } from 'keepwire/presence';
import { PresenceIndicator } from 'keepwire/react';
import { type ReactNode, useState } from 'react';
import { Avatar } from './people.tsx';
import { Mark } from './sign-in.tsx';

/** The rooms, with what is unread in them, and a form for another one. */
export function RoomList({
  rooms,
  open,
  unread,
  me,
  status,
  onStatus,
  onEnter,
  onSignOut,
}: {
  readonly rooms: readonly string[];
  readonly open: string;
  readonly unread: ReadonlyMap<string, number>;
  readonly me: string;
  /** How the others see us. */
  readonly status: PresenceStatus | undefined;
  readonly onStatus: (status: 'online' | 'away') => void;
  readonly onEnter: (name: string) => void;
  readonly onSignOut: () => void;
}): ReactNode {
  const [name, setName] = useState('');
  return (
    <nav className="sidebar" aria-label="Rooms">
      <div className="brand">
        <Mark />
        <span>keepwire chat</span>
      </div>
      <h2>Rooms</h2>
      <ul className="room-list">
        {rooms.map((room) => (
          <RoomLink key={room} room={room} unread={unread.get(room) ?? 0} isOpen={room === open} onEnter={onEnter} />
        ))}
      </ul>
      <form
        className="new-room"
        onSubmit={(event) => {
          event.preventDefault();
          onEnter(name);
          setName('');
        }}
      >
        <input
          aria-label="Name of a new room"
          placeholder="New room"
          value={name}
          maxLength={24}
          onChange={({ target }) => setName(target.value)}
        />
        <button type="submit" disabled={!/[\p{L}\p{N}]/u.test(name)}>
          Open
        </button>
      </form>
      <div className="me">
        <span className="face">
          <Avatar name={me} />
          <PresenceIndicator status={status} />
        </span>
        <span className="who">{me}</span>
        <button type="button" className="link" onClick={() => onStatus(status === 'away' ? 'online' : 'away')}>
          {status === 'away' ? 'I am back' : 'Set away'}
        </button>
        <button type="button" className="link" onClick={onSignOut}>
          Sign out
        </button>
      </div>
    </nav>
  );
}

function RoomLink({
  room,
  unread,
  isOpen,
  onEnter,
}: {
  readonly room: string;
  readonly unread: number;
  readonly isOpen: boolean;
  readonly onEnter: (name: string) => void;
}): ReactNode {
  return (
    <li>
      <a
        href={`#/${room}`}
        aria-current={isOpen ? 'page' : undefined}
        onClick={(event) => {
          event.preventDefault();
          onEnter(room);
        }}
      >
        <span className="hash">#</span>
        <span className="name">{room}</span>
        {unread > 0 ? (
          <span className="count" role="img" aria-label={`${unread} unread`}>
            {unread}
          </span>
        ) : null}
      </a>
    </li>
  );
}
