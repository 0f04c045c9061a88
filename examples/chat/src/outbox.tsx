import { useConnection } from 'keepwire/react';
import type { ReactNode } from 'react';
import type { Change } from './messages.ts';

const verbs = { message: 'Send', edited: 'Change to', deleted: 'Delete' } as const;

/** What waits to be sent, and what failed: it lies in the outbox, also over a reload, until it is accepted or given up. */
export function Outbox({
  changes,
  onRetry,
  onCancel,
}: {
  readonly changes: readonly Change[];
  readonly onRetry: (id: string) => void;
  readonly onCancel: (id: string) => void;
}): ReactNode {
  const { status } = useConnection();
  const failed = changes.filter((change) => change.status === 'failed').length;
  // with a connection what waits is gone before anybody has read it
  if (changes.length === 0 || (status === 'connected' && failed === 0)) return null;
  const waiting = changes.length - failed;
  return (
    <details className="outbox" open>
      <summary>
        <b>Outbox</b>
        <span className="dim">
          {[waiting > 0 && `${waiting} waiting`, failed > 0 && `${failed} failed`].filter(Boolean).join(', ')} – kept over a
          reload
        </span>
      </summary>
      <ul>
        {changes.map(({ id, kind, text, status: state, problem }) => (
          <li key={id} data-status={state}>
            <span className="what">
              <span className="dim">{verbs[kind]}</span> {text}
              {problem === undefined ? null : <span className="problem">{problem}</span>}
            </span>
            {state === 'failed' ? (
              <button type="button" className="link" onClick={() => onRetry(id)}>
                Retry
              </button>
            ) : null}
            <button type="button" className="link" onClick={() => onCancel(id)}>
              {state === 'failed' ? 'Discard' : 'Cancel'}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
