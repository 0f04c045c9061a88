import { type FormEvent, type ReactNode, useState } from 'react';

/** The form in front of an application: asks for a name, and enters with it. */
export function Enter({
  action,
  enter,
  children,
}: {
  /** The word on the button. */
  readonly action: string;
  /** @throws what is then shown below the field */
  readonly enter: (name: string) => Promise<unknown>;
  /** What stands above the field. */
  readonly children: ReactNode;
}): ReactNode {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isAsking, setAsking] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    setAsking(true);
    enter(name.trim()).catch((error: unknown) => {
      setProblem(error instanceof Error ? error.message : String(error));
      setAsking(false);
    });
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
          aria-invalid={problem !== undefined}
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
      <button className="primary" type="submit" disabled={name.trim() === '' || isAsking}>
        {action}
      </button>
    </form>
  );
}
