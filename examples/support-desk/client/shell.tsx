'use client';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type ReactNode, useSyncExternalStore } from 'react';
import { Enter } from '../../shared/react/enter.tsx';
import { ChannelsProvider } from './channels.tsx';
import { useDesk, useSession } from './provider.tsx';
import { Status, Trouble } from './status.tsx';
import { Widget } from './widget.tsx';

const never = (): (() => void) => () => {};

/** What stands around every page: the bar above it, the widget, or the sign-in in its place. */
export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const { desk } = useDesk();
  const session = useSession();
  const isHydrated = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  if (!isHydrated) return <p className="splash dim">Loading…</p>;
  if (!session) {
    return (
      <main className="sign-in">
        <Enter action="Sign in" enter={desk.session.signIn}>
          <h1>Support desk</h1>
          <p className="dim">Any name will do. Open a second window with another one to talk to yourself.</p>
        </Enter>
      </main>
    );
  }
  return (
    <ChannelsProvider key={session.user.id}>
      <div className="shell">
        <Bar />
        <Trouble />
        {children}
      </div>
    </ChannelsProvider>
  );
}

function Bar(): ReactNode {
  const { desk, current } = useDesk();
  const session = useSession();
  const path = usePathname();
  const link = (to: string, text: string, isHere: boolean): ReactNode => (
    <Link href={to} aria-current={isHere ? 'page' : undefined}>
      {text}
    </Link>
  );
  return (
    <header className="bar">
      <b className="brand">Support desk</b>
      <nav aria-label="Pages">
        {link('/', 'Overview', path === '/')}
        {link(`/chat/${current}`, 'Chat', path.startsWith('/chat'))}
        {link('/admin', 'Admin', path === '/admin')}
      </nav>
      <Status />
      <Widget />
      <span className="me">
        <span className="avatar" aria-hidden="true">
          {session?.user.name.slice(0, 1).toUpperCase()}
        </span>
        <button type="button" className="link" onClick={() => desk.session.signOut()}>
          Sign out
        </button>
      </span>
    </header>
  );
}
