import { type ReactNode, useMemo } from 'react';
import { moveFocus } from '../../shared/react/move-focus.ts';
import { exit } from './portal.ts';
import { Status } from './status.tsx';
import { type Chat, usePortal } from './store.ts';

export function ChatList(): ReactNode {
  const chats = usePortal(({ chats }) => chats);
  const shown = usePortal(({ shown }) => shown);
  const show = usePortal(({ show }) => show);
  const user = usePortal(({ session }) => session?.user);
  // the newest chat first
  const sorted = useMemo(() => [...chats].sort((one, other) => (other.last?.at ?? 0) - (one.last?.at ?? 0)), [chats]);

  return (
    <aside className="side">
      <header>
        <h1>Chats</h1>
        <Status />
      </header>
      <nav aria-label="Chats">
        {sorted.length === 0 ? <p className="hint dim">Loading your chats…</p> : null}
        <ul onKeyDown={moveFocus}>
          {sorted.map((chat) => (
            <li key={chat.id}>
              <button
                type="button"
                className="entry chat"
                data-chat={chat.id}
                aria-current={chat.id === shown ? 'page' : undefined}
                onClick={() => show(chat.id)}
              >
                <span className="line">
                  <b>{chat.title}</b>
                  {isUnread(chat, shown) ? <span className="dot" role="img" aria-label="unread" /> : null}
                </span>
                <Preview chat={chat} />
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <footer>
        <span className="avatar">{user?.name.slice(0, 1).toUpperCase()}</span>
        <b>{user?.name}</b>
        <button type="button" className="link" onClick={exit}>
          Sign out
        </button>
      </footer>
    </aside>
  );
}

function Preview({ chat: { last, about } }: { readonly chat: Chat }): ReactNode {
  const people = usePortal(({ people }) => people);
  if (!last) return <span className="preview dim">{about}</span>;
  return (
    <span className="preview dim">
      {people[last.from] ?? last.from}: {last.text}
    </span>
  );
}

function isUnread({ id, last, seen }: Chat, shown: string | undefined): boolean {
  return id !== shown && last !== undefined && last.id !== seen;
}
