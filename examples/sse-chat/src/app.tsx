import { RealtimeProvider } from 'keepwire/react';
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react';
import { ChannelList } from './channel-list.tsx';
import { currentChat, enter, onChat, problemOf } from './chat.ts';
import { Conversation } from './conversation.tsx';
import { People } from './people.tsx';
import { useChat } from './store.ts';

export function App(): ReactNode {
  const chat = useSyncExternalStore(onChat, currentChat);
  if (!chat) return <SignIn />;
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
    <main className="welcome">
      <h2>Choose a channel</h2>
      <p className="dim">Its messages are loaded when you open it.</p>
    </main>
  );
}

function SignIn(): ReactNode {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    enter(name).catch((error: unknown) => setProblem(problemOf(error)));
  };
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>SSE chat</h1>
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
