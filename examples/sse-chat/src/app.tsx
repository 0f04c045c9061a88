import { RealtimeProvider } from 'keepwire/react';
import { type ReactNode, useSyncExternalStore } from 'react';
import { Enter } from '../../shared/react/enter.tsx';
import { ChannelList } from './channel-list.tsx';
import { currentChat, enter, onChat } from './chat.ts';
import { Conversation } from './conversation.tsx';
import { People } from './people.tsx';
import { useChat } from './store.ts';

export function App(): ReactNode {
  const chat = useSyncExternalStore(onChat, currentChat);
  if (!chat) {
    return (
      <main className="sign-in">
        <Enter action="Sign in" enter={enter}>
          <h1>SSE chat</h1>
          <p className="dim">Any name will do. Open a second window with another one to talk to yourself.</p>
        </Enter>
      </main>
    );
  }
  return (
    <RealtimeProvider manager={chat.realtime}>
      <Layout />
    </RealtimeProvider>
  );
}

function Layout(): ReactNode {
  const shown = useChat(({ shown }) => shown);
  return (
    <div className="chat-page" data-shows={shown ? 'channel' : 'list'}>
      <ChannelList />
      {shown ? <Conversation key={shown} id={shown} /> : <Welcome />}
      <People />
    </div>
  );
}

function Welcome(): ReactNode {
  return (
    <main className="empty">
      <h2>Choose a channel</h2>
      <p className="dim">Its messages are loaded when you open it.</p>
    </main>
  );
}
