import { RealtimeProvider } from 'keepwire/react';
import { type ReactNode, useState } from 'react';
import { Enter } from '../../../shared/react/enter.tsx';
import { inbox } from '../realtime.ts';
import { type Session, session, signIn } from '../session.ts';
import { Dashboard } from './dashboard.tsx';

/** The dashboard of the agents. */
export function App(): ReactNode {
  const [user, setUser] = useState(session);
  if (user?.user.role === 'agent') return <Signed session={user} />;
  const enter = async (name: string): Promise<void> => {
    const entered = await signIn('agent', name);
    // a page that was a customer's begins anew
    if (user) location.reload();
    else setUser(entered);
  };
  return (
    <main className="sign-in">
      <Enter action="Sign in" enter={enter}>
        <h1>Team inbox</h1>
        <p className="dim">
          Any name will do. <a href="/">The shop</a> has the customers’ side of it.
        </p>
        {user ? (
          <p className="hint">
            This browser is {user.user.name}, a customer. Signing in makes it an agent’s in all its tabs: to be both, open one of
            them in a private window.
          </p>
        ) : null}
      </Enter>
    </main>
  );
}

function Signed({ session }: { readonly session: Session }): ReactNode {
  return (
    <RealtimeProvider manager={inbox().realtime}>
      <Dashboard session={session} />
    </RealtimeProvider>
  );
}
