import type { ReactNode } from 'react';
import { Ended, Outage } from '../../shared/react/outage.tsx';
import { statusWords } from '../../shared/words.ts';
import { exit, reconnect } from './portal.ts';
import { usePortal } from './store.ts';

/** How the connection is, in a word. */
export function Status(): ReactNode {
  const connection = usePortal(({ connection }) => connection);
  const { status = 'idle', transport } = connection ?? {};
  const isPolling = status === 'connected' && transport === 'polling';
  return (
    <span className="badge" role="status" data-status={status} data-transport={transport}>
      {isPolling ? 'Live, by polling' : statusWords[status]}
    </span>
  );
}

/** What keeps us from being connected, and what can be done about it. */
export function Trouble(): ReactNode {
  const connection = usePortal(({ connection }) => connection);
  if (connection?.status === 'failed') {
    const { code, message } = connection.reason ?? {};
    const isToken = code === 'unauthorized' || code === 'forbidden';
    return (
      <Ended data-code={code} onReconnect={isToken ? undefined : reconnect} onSignIn={exit}>
        <b>{isToken ? 'You were signed out.' : 'You were removed from the chat.'}</b> {sentenceOf(message)}
      </Ended>
    );
  }
  return connection ? <Outage connection={connection}>What you write is sent when it is back.</Outage> : null;
}

/** The words of an error, as a sentence. */
function sentenceOf(text = 'no reason was given'): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
