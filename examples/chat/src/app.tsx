import { RealtimeProvider } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { Chat } from './chat.tsx';
import { type Connection, connectAs } from './realtime.ts';
import { rememberedName, rememberName } from './session.ts';
import { useSharing } from './sharing.ts';
import { SignIn } from './sign-in.tsx';

/** Asks for a name, then shows the chat. */
export function App(): ReactNode {
  const [name, setName] = useState(rememberedName);
  const [isShared] = useSharing();
  const [connection, setConnection] = useState<Connection>();

  // the connection lives as long as the name, and as the way in which tabs have it
  useEffect(() => {
    if (name === undefined) return;
    const made = connectAs(name, isShared);
    setConnection(made);
    return () => {
      setConnection(undefined);
      // the components below give their channels back first
      queueMicrotask(made.manager.close);
    };
  }, [name, isShared]);

  const choose = (next: string | undefined): void => {
    rememberName(next);
    setName(next);
  };

  if (name === undefined) return <SignIn onName={choose} />;
  if (connection === undefined) return null;
  return (
    <RealtimeProvider manager={connection.manager}>
      <Chat
        me={name}
        connection={connection}
        onSignOut={() => {
          // what waits in the outbox is this user's, and stays with nobody
          connection.manager.signOut();
          choose(undefined);
        }}
      />
    </RealtimeProvider>
  );
}
