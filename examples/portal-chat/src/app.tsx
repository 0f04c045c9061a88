import { type ReactNode, useEffect } from 'react';
import { Enter } from '../../shared/react/enter.tsx';
import { ChatList } from './chat-list.tsx';
import { Conversation } from './conversation.tsx';
import { enter, loadChats } from './portal.ts';
import { usePortal } from './store.ts';

/** How often the list of chats is asked for. */
const listEveryMs = 15_000;

export function App(): ReactNode {
  const session = usePortal(({ session }) => session);
  if (session) return <Portal key={session.user.id} />;
  return (
    <main className="sign-in">
      <Enter action="Sign in" enter={enter}>
        <h1>Portal chat</h1>
        <p className="dim">Any name will do. Open a second window with another one to talk to yourself.</p>
      </Enter>
    </main>
  );
}

function Portal(): ReactNode {
  const shown = usePortal(({ shown }) => shown);
  const show = usePortal(({ show }) => show);
  const first = usePortal(({ chats }) => chats[0]?.id);
  const isConnected = usePortal(({ connection }) => connection?.status === 'connected');

  useEffect(() => {
    const ask = (): void => void loadChats().catch(() => {});
    const timer = setInterval(ask, listEveryMs);
    addEventListener('focus', ask);
    if (isConnected) ask();
    return () => {
      clearInterval(timer);
      removeEventListener('focus', ask);
    };
  }, [isConnected]);

  // a wide page has room for a chat beside the list
  useEffect(() => {
    if (first && matchMedia('(min-width: 760px)').matches && !usePortal.getState().shown) show(first);
  }, [first, show]);

  return (
    <div className="portal" data-shows={shown ? 'chat' : 'list'}>
      <ChatList />
      {shown ? <Conversation key={shown} chatId={shown} /> : <p className="nothing dim">Choose a chat.</p>}
    </div>
  );
}
