'use client';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react';
import { ChannelsProvider } from './channels.tsx';
import { useDesk, useSession } from './provider.tsx';
import { Status, Trouble } from './status.tsx';
import { Widget } from './widget.tsx';

const never = (): (() => void) => () => {};

/** What stands around every page: the bar above it, the widget, or the sign-in in its place. */
export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const session = useSession();
  const isHydrated = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  if (!isHydrated) return <p className="splash dim">Loading…</p>;
  if (!session) return <SignIn />;
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

function SignIn(): ReactNode {
  const { desk } = useDesk();
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    desk.session.signIn(name).catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>Support desk</h1>
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
