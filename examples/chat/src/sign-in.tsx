import type { ReactNode } from 'react';
import { Enter } from '../../shared/react/enter.tsx';
import { logIn } from './session.ts';

/** Asks for a name, and sees that the server takes it. */
export function SignIn({ onName }: { readonly onName: (name: string) => void }): ReactNode {
  return (
    <main className="sign-in">
      <Enter action="Join the chat" enter={(name) => logIn(name).then(({ user }) => onName(user))}>
        <Mark />
        <h1>keepwire chat</h1>
        <p className="dim">
          One conversation over four transports. Open it in a second window under another name, and switch while you talk.
        </p>
      </Enter>
    </main>
  );
}

/** The mark of the product. */
export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M7 18c5-9 6 5 9 0s5-10 9-3" />
    </svg>
  );
}
