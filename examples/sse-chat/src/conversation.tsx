import { type ReactNode, useEffect } from 'react';
import { NothingSaid } from '../../shared/react/message-list.tsx';
import { PaneHead } from '../../shared/react/pane-head.tsx';
import { whoTypes } from '../../shared/words.ts';
import { currentChat, show } from './chat.ts';
import { Composer } from './composer.tsx';
import { useFlags } from './flags.ts';
import { MessageList } from './message-list.tsx';
import { rest } from './session.ts';
import { Notice, Status } from './status.tsx';
import { useChat } from './store.ts';

const nobody: Readonly<Record<string, string>> = {};

/** The channel on the screen. */
export function Conversation({ id }: { readonly id: string }): ReactNode {
  const channel = useChat(({ channels }) => channels.find((one) => one.id === id));
  const messages = useChat(({ messages }) => messages[id]);

  useEffect(() => {
    document.title = channel ? `#${channel.name} · SSE chat` : 'SSE chat';
  }, [channel]);

  const remove = (): void => {
    const session = currentChat()?.session;
    if (session && confirm(`Delete #${channel?.name} for everybody?`)) {
      rest(session, `/api/channels/${encodeURIComponent(id)}`, 'DELETE').catch(() => {});
    }
  };

  return (
    <main className="pane">
      <PaneHead
        title={`#${channel?.name ?? id}`}
        about={`${messages ? `${messages.length.toLocaleString('en')} messages` : 'Loading…'} · ${channel?.memberCount ?? 0} members`}
        back="channels"
        onBack={() => show(undefined)}
      >
        <Status />
        <button type="button" className="link delete" onClick={remove}>
          Delete channel
        </button>
      </PaneHead>
      <Notice />
      {messages && messages.length > 0 ? <MessageList messages={messages} /> : null}
      {messages?.length === 0 ? <NothingSaid /> : null}
      {messages ? null : <p className="empty dim">Loading the messages…</p>}
      <Typing id={id} />
      <Composer id={id} name={channel?.name ?? id} />
    </main>
  );
}

function Typing({ id }: { readonly id: string }): ReactNode {
  const typing = useChat(({ typing }) => typing[id] ?? nobody);
  const flags = useFlags();
  return (
    <p className="typing dim" role="status">
      {whoTypes(flags.typing ? Object.values(typing) : [])}
    </p>
  );
}
