import { type FormEvent, type ReactNode, useState } from 'react';
import { moveFocus } from '../../shared/react/move-focus.ts';
import { currentChat, exit, show } from './chat.ts';
import { Diagnostics } from './diagnostics.tsx';
import { rest } from './session.ts';
import { Status } from './status.tsx';
import { useChat } from './store.ts';

export function ChannelList(): ReactNode {
  const channels = useChat(({ channels }) => channels);
  const shown = useChat(({ shown }) => shown);
  const unread = useChat(({ unread }) => unread);
  const session = currentChat()?.session;
  const [isLookingInside, setLookingInside] = useState(false);

  return (
    <aside className="side">
      <header>
        <h1>Channels</h1>
        <Status />
      </header>
      <nav aria-label="Channels">
        {channels.length === 0 ? <p className="dim hint">You are in no channel yet.</p> : null}
        <ul onKeyDown={moveFocus}>
          {channels.map(({ id, name }) => (
            <li key={id}>
              <button
                type="button"
                className="entry channel"
                data-channel={id}
                aria-current={id === shown ? 'page' : undefined}
                onClick={() => show(id)}
              >
                <span className="dim">#</span>
                <b>{name}</b>
                {unread[id] ? <span className="count">{unread[id]}</span> : null}
              </button>
            </li>
          ))}
        </ul>
        <NewChannel />
      </nav>
      <footer>
        <span className="avatar">{session?.username.slice(0, 1).toUpperCase()}</span>
        <b>{session?.username}</b>
        <button type="button" className="link" onClick={() => setLookingInside(true)}>
          Diagnostics
        </button>
        <button type="button" className="link" onClick={exit}>
          Sign out
        </button>
      </footer>
      {isLookingInside ? <Diagnostics onClose={() => setLookingInside(false)} /> : null}
    </aside>
  );
}

function NewChannel(): ReactNode {
  const [name, setName] = useState('');
  const create = (event: FormEvent): void => {
    event.preventDefault();
    const session = currentChat()?.session;
    if (!session || name.trim() === '') return;
    // the stream tells everybody, us as well
    rest(session, '/api/channels', 'POST', { name }).then(
      () => setName(''),
      () => {},
    );
  };
  return (
    <form className="new-channel" onSubmit={create}>
      <input
        value={name}
        maxLength={60}
        placeholder="New channel"
        aria-label="Name of a new channel"
        onChange={({ target }) => setName(target.value)}
      />
      <button type="submit" disabled={name.trim() === ''}>
        Add
      </button>
    </form>
  );
}
