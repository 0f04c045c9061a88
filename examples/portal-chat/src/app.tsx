import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { ChatList } from './chat-list.tsx';
import { Conversation } from './conversation.tsx';
import { enter, loadChats } from './portal.ts';
import { usePortal } from './store.ts';

/** How often the list of chats is asked for. */
const listEveryMs = 15_000;

export function App(): ReactNode {
  const session = usePortal(({ session }) => session);
  return session ? <Portal key={session.user.id} /> : <SignIn />;
}

function SignIn(): ReactNode {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    enter(name).catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>Portal chat</h1>
        <p className="dim">Any name will do. Open a second window with another one to talk to yourself.</p>
        <label>
          Your name
          <input
            value={name}
            maxLength={40}
            autoComplete="username"
            // biome-ignore lint/a11y/noAutofocus: the only field of the page
            autoFocus
            onChange={({ target }) => setName(target.value)}
          />
        </label>
        {problem ? (
          <p className="problem" role="alert">
            {problem}
          </p>
        ) : null}
        <button className="primary" type="submit" disabled={name.trim() === ''}>
          Sign in
        </button>
      </form>
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
