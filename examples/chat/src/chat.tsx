import { usePresence } from 'keepwire/react';
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { z } from 'zod';
import { Badge } from './badge.tsx';
import { ConnectionPanel } from './connection-panel.tsx';
import { Devtools } from './devtools.tsx';
import { People } from './people.tsx';
import { type Connection, lobbyChannel } from './realtime.ts';
import { Room } from './room.tsx';
import { RoomList } from './room-list.tsx';
import { useRooms } from './rooms.ts';
import { TabsPanel } from './tabs-panel.tsx';

type Drawer = 'rooms' | 'connection';

/** What people say about themselves comes from outside. */
const said = z.object({ status: z.enum(['online', 'away']).catch('online'), room: z.string().optional().catch(undefined) });

/** The whole page: rooms, conversation, connection. On a phone the two outer columns are drawers. */
export function Chat({
  me,
  connection,
  onSignOut,
}: {
  readonly me: string;
  readonly connection: Connection;
  readonly onSignOut: () => void;
}): ReactNode {
  const { rooms, open, enter } = useRooms();
  const [drawer, setDrawer] = useState<Drawer>();
  const [isInspected, setInspected] = useState(false);
  const [unread, setUnread] = useState<ReadonlyMap<string, number>>(new Map());
  const noteUnread = useCallback((room: string, count: number) => setUnread((before) => new Map(before).set(room, count)), []);
  const people = usePresence<{ readonly room?: string }>(lobbyChannel, {
    me: { key: me, data: { room: open } },
    awayAfterMs: 30_000,
    rememberMs: 600_000,
    read: ({ data }) => {
      const { status = 'online', room } = said.safeParse(data).data ?? {};
      return { status, data: { room } };
    },
  });

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
        <button type="button" className="quiet" aria-pressed={isInspected} onClick={() => setInspected(!isInspected)}>
          <svg viewBox="0 0 18 18" aria-hidden="true">
            <path d="M1.5 10h3l2-6 3.5 10 2.5-7 1.200 3h3" />
          </svg>
          <span className="label">Devtools</span>
        </button>
      </header>

      <RoomList
        rooms={rooms}
        open={open}
        unread={unread}
        me={me}
        status={people.me?.status}
        onStatus={people.setStatus}
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
        <TabsPanel me={me} connection={connection} />
        <People me={me} members={people.members} onOpen={enter} />
      </aside>

      {isInspected ? <Devtools connection={connection} /> : null}
      {drawer === undefined ? null : (
        <button type="button" className="backdrop" aria-label="Close" onClick={() => setDrawer(undefined)} />
      )}
    </div>
  );
}
