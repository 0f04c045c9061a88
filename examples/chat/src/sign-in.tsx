import { type ReactNode, useState } from 'react';
import { logIn } from './session.ts';

/** Asks for a name, and sees that the server takes it. */
export function SignIn({ onName }: { readonly onName: (name: string) => void }): ReactNode {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isAsking, setIsAsking] = useState(false);

  const submit = async (): Promise<void> => {
    setIsAsking(true);
    try {
      const { user } = await logIn(name.trim());
      onName(user);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'That did not work.');
      setIsAsking(false);
    }
  };

  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Mark />
        <h1>keepwire chat</h1>
        <p>One conversation over four transports. Open it in a second window under another name, and switch while you talk.</p>
        <label htmlFor="name">Your name</label>
        <input
          id="name"
          value={name}
          onChange={({ target }) => setName(target.value)}
          maxLength={32}
          autoComplete="nickname"
          placeholder="Ada"
          aria-describedby="problem"
          aria-invalid={problem !== undefined}
          ref={focus}
        />
        <p id="problem" className="problem" role="alert">
          {problem}
        </p>
        <button className="primary" type="submit" disabled={name.trim() === '' || isAsking}>
          {isAsking ? 'Joining…' : 'Join the chat'}
        </button>
      </form>
    </main>
  );
}

/** There is nothing else to do on this page. */
function focus(field: HTMLInputElement | null): void {
  field?.focus();
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
