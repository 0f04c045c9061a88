import { type FormEvent, type ReactNode, useState } from 'react';
import { type Session, signIn } from '../session.ts';

/** Asks for a name, and signs in with it. */
export function Enter({
  side,
  action,
  onEnter,
  children,
}: {
  readonly side: Session['user']['role'];
  readonly action: string;
  readonly onEnter: (session: Session) => void;
  readonly children: ReactNode;
}): ReactNode {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    signIn(side, name).then(onEnter, (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  return (
    <form className="enter" onSubmit={submit}>
      {children}
      <label>
        Your name
        <input
          value={name}
          maxLength={40}
          autoComplete="name"
          // biome-ignore lint/a11y/noAutofocus: the only field
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
        {action}
      </button>
    </form>
  );
}
