import { useMembers } from 'keepwire/react';
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { Badge } from './badge.tsx';
import { ConnectionPanel } from './connection-panel.tsx';
import { People } from './people.tsx';
import { lobbyChannel, useChannel } from './realtime.ts';
import { Room } from './room.tsx';
import { RoomList } from './room-list.tsx';
import { useRooms } from './rooms.ts';

type Drawer = 'rooms' | 'connection';

/** The whole page: rooms, conversation, connection. On a phone the two outer columns are drawers. */
export function Chat({ me, onSignOut }: { readonly me: string; readonly onSignOut: () => void }): ReactNode {
  const { rooms, open, enter } = useRooms();
  const lobby = useChannel(lobbyChannel);
  const members = useMembers(lobby);
  const [drawer, setDrawer] = useState<Drawer>();
  const [unread, setUnread] = useState<ReadonlyMap<string, number>>(new Map());
  const noteUnread = useCallback((room: string, count: number) => setUnread((before) => new Map(before).set(room, count)), []);

  useEffect(() => lobby?.enter({ room: open }), [lobby, open]);
  useEffect(() => {
    document.title = `#${open} – keepwire chat`;
  }, [open]);
  useEffect(() => {
    const close = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') setDrawer(undefined);
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, []);

  const toggle = (which: Drawer) => (): void => setDrawer(drawer === which ? undefined : which);

  return (
    <div className="chat" data-drawer={drawer}>
      <header className="top">
        <button type="button" className="icon" aria-label="Rooms" aria-expanded={drawer === 'rooms'} onClick={toggle('rooms')}>
          ☰
        </button>
        <h1>
          <span className="hash">#</span>
          {open}
        </h1>
        <button
          type="button"
          className="status-button"
          aria-label="Connection"
          aria-expanded={drawer === 'connection'}
          onClick={toggle('connection')}
        >
          <Badge />
        </button>
      </header>

      <RoomList
        rooms={rooms}
        open={open}
        unread={unread}
        me={me}
        onEnter={(name) => {
          enter(name);
          setDrawer(undefined);
        }}
        onSignOut={onSignOut}
      />

      <main className="rooms-open">
        {rooms.map((room) => (
          <Room key={room} name={room} me={me} isOpen={room === open} onUnread={noteUnread} />
        ))}
      </main>

      <aside className="side" aria-label="Connection and people">
        <ConnectionPanel me={me} />
        <People me={me} members={members} onOpen={enter} />
      </aside>

      {drawer === undefined ? null : (
        <button type="button" className="backdrop" aria-label="Close" onClick={() => setDrawer(undefined)} />
      )}
    </div>
  );
}
