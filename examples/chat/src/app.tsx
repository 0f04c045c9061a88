import type { RealtimeManager } from 'keepwire';
import { RealtimeProvider } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { Chat } from './chat.tsx';
import { connectAs, type events } from './realtime.ts';
import { rememberedName, rememberName } from './session.ts';
import { SignIn } from './sign-in.tsx';

/** Asks for a name, then shows the chat. */
export function App(): ReactNode {
  const [name, setName] = useState(rememberedName);
  const [realtime, setRealtime] = useState<RealtimeManager<typeof events>>();

  // the connection lives as long as the name
  useEffect(() => {
    if (name === undefined) return;
    const manager = connectAs(name);
    setRealtime(manager);
    return () => {
      setRealtime(undefined);
      // the components below give their channels back first
      queueMicrotask(manager.close);
    };
  }, [name]);

  const choose = (next: string | undefined): void => {
    rememberName(next);
    setName(next);
  };

  if (name === undefined) return <SignIn onName={choose} />;
  if (realtime === undefined) return null;
  return (
    <RealtimeProvider manager={realtime}>
      <Chat me={name} onSignOut={() => choose(undefined)} />
    </RealtimeProvider>
  );
}
