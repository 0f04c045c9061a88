'use client';
import { exposeForDebugging } from 'keepwire/monitor';
import { RealtimeProvider } from 'keepwire/react';
import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react';
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
  /** As they were when the server made the page. */
  readonly initial: Settings;
}

/** A manager whose address has changed has so long to send what waits. */
const endingMs = 5_000;

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

  // connected for as long as somebody is signed in; the root is never unmounted
  useEffect(() => {
    const { session, realtime } = desk;
    if (session.get()) realtime.start();
    return session.subscribe(() => (session.get() ? realtime.start() : realtime.signOut()));
  }, [desk]);

  // for the console, after `localStorage.setItem('keepwire:debug', 'info')` and a reload
  useEffect(() => exposeForDebugging(desk.realtime, { monitor: desk.watch }), [desk]);

  // what another part of the application says with an event of the window, and what the server says, is the same
  useEffect(() => {
    const change = ({ detail }: WindowEventMap['chat-settings-changed']): void => {
      const next = { ...settings, ...detail };
      setSettings(next);
      if (next.socketUrl === settings.socketUrl) return desk.realtime.setMode(next.connectionMode);
      // another address is another manager; the old one ends its sends
      setDesk(createDesk(next, desk.session));
      setTimeout(() => desk.realtime.close(), endingMs);
    };
    addEventListener('chat-settings-changed', change);
    return () => removeEventListener('chat-settings-changed', change);
  }, [desk, settings]);

  return (
    <Context.Provider value={{ desk, current, setCurrent, settings, initial }}>
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

/** The administrator has changed something: every channel is told, and a poll is told again and again. */
function SettingsFromServer({ channelId }: { readonly channelId: string }): ReactNode {
  const isSignedIn = useSession() !== undefined;
  const { initial } = useDesk();
  const known = useRef(initial);
  useEvent(isSignedIn ? channelId : undefined, 'settings_changed', ({ connectionMode, socketUrl }) => {
    const before = known.current;
    if (before.connectionMode === connectionMode && before.socketUrl === socketUrl) return;
    known.current = { connectionMode, socketUrl };
    dispatchEvent(new CustomEvent('chat-settings-changed', { detail: known.current }));
  });
  return null;
}
