'use client';
import { RealtimeProvider } from 'keepwire/react';
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { Settings } from '../server/notices.ts';
import { useEvent } from './hooks.ts';
import { createDesk, type Desk } from './realtime.ts';
import type { Session } from './session.ts';
import { Shell } from './shell.tsx';

interface DeskContext {
  readonly desk: Desk;
  /** The channel that is on the screen, or was last: the widget goes on with it. */
  readonly current: string;
  readonly setCurrent: (channelId: string) => void;
  readonly settings: Settings;
}

const Context = createContext<DeskContext | undefined>(undefined);

export function useDesk(): DeskContext {
  const context = useContext(Context);
  if (!context) throw new Error('there is no <DeskProvider> above');
  return context;
}

/** Who is signed in; `undefined` on the server and while the page hydrates. */
export function useSession(): Session | undefined {
  const { session } = useDesk().desk;
  return useSyncExternalStore(session.subscribe, session.get, () => undefined);
}

/** The one provider of the application, in the root layout. The settings were read on the server. */
export function DeskProvider({
  settings: initial,
  children,
}: {
  readonly settings: Settings;
  readonly children: ReactNode;
}): ReactNode {
  const [desk, setDesk] = useState(() => createDesk(initial));
  const [current, setCurrent] = useState('team');
  const [settings, setSettings] = useState(initial);

  // connected for as long as somebody is signed in
  useEffect(() => {
    const { session, realtime } = desk;
    const follow = (): void => (session.get() ? realtime.start() : realtime.signOut());
    if (session.get()) realtime.start();
    const stop = session.subscribe(follow);
    return () => {
      stop();
      realtime.stop();
    };
  }, [desk]);

  // what an older page of the application says with an event of the window, and what comes from the server, is the same
  useEffect(() => {
    const change = ({ detail }: WindowEventMap['chat-settings-changed']): void => {
      if (detail.connectionMode) desk.realtime.setMode(detail.connectionMode);
      setSettings((before) => ({ ...before, ...detail }));
    };
    addEventListener('chat-settings-changed', change);
    return () => removeEventListener('chat-settings-changed', change);
  }, [desk]);

  // another address is another manager
  const { socketUrl } = settings;
  const [usedUrl, setUsedUrl] = useState(socketUrl);
  if (usedUrl !== socketUrl) {
    setUsedUrl(socketUrl);
    setDesk(createDesk(settings));
  }

  return (
    <Context.Provider value={{ desk, current, setCurrent, settings }}>
      <RealtimeProvider manager={desk.realtime}>
        <SettingsFromServer channelId={current} />
        <Shell>{children}</Shell>
      </RealtimeProvider>
    </Context.Provider>
  );
}

declare global {
  interface WindowEventMap {
    'chat-settings-changed': CustomEvent<Partial<Settings>>;
  }
}

/** The administrator has changed something: every channel is told. */
function SettingsFromServer({ channelId }: { readonly channelId: string }): ReactNode {
  const isSignedIn = useSession() !== undefined;
  useEvent(isSignedIn ? channelId : undefined, 'settings_changed', ({ connectionMode, socketUrl }) => {
    dispatchEvent(new CustomEvent('chat-settings-changed', { detail: { connectionMode, socketUrl } }));
  });
  return null;
}
