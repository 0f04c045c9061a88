import { type ReactNode, useEffect, useState } from 'react';
import { exit, reconnect } from './portal.ts';
import { usePortal } from './store.ts';

const words = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Live',
  reconnecting: 'Reconnecting…',
  disconnected: 'Offline',
  failed: 'Disconnected',
};

/** How the connection is, in a word. */
export function Status(): ReactNode {
  const connection = usePortal(({ connection }) => connection);
  const { status = 'idle', transport } = connection ?? {};
  const isPolling = status === 'connected' && transport === 'polling';
  return (
    <span className="badge" role="status" data-status={status} data-transport={transport}>
      {isPolling ? 'Live, by polling' : words[status]}
    </span>
  );
}

/** What keeps us from being connected, and what can be done about it. */
export function Trouble(): ReactNode {
  const connection = usePortal(({ connection }) => connection);
  const { status, reason, nextRetryAt, everConnected, attempt = 0 } = connection ?? {};
  if (status === 'failed') {
    const isToken = reason?.code === 'unauthorized' || reason?.code === 'forbidden';
    return (
      <div className="banner bad" role="alert" data-code={reason?.code}>
        <p>
          <b>{isToken ? 'You were signed out.' : 'You were removed from the chat.'}</b> {sentenceOf(reason?.message)}
        </p>
        {isToken ? null : (
          <button type="button" onClick={reconnect}>
            Connect again
          </button>
        )}
        <button type="button" className={isToken ? 'primary' : undefined} onClick={exit}>
          Sign in again
        </button>
      </div>
    );
  }
  if (status === 'disconnected') return <p className="banner">You are offline. What you write is sent when you are back.</p>;
  if (attempt === 0 || (status !== 'reconnecting' && status !== 'connecting')) return null;
  return (
    <p className="banner">
      {everConnected ? 'The connection is lost.' : 'The server cannot be reached.'} <Countdown at={nextRetryAt} /> What you write
      is sent when it is back.
    </p>
  );
}

function Countdown({ at }: { readonly at: number | undefined }): ReactNode {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = at === undefined ? 0 : Math.ceil((at - now) / 1000);
  return <>{seconds > 1 ? `Next try in ${seconds} s.` : 'Trying again…'}</>;
}

/** The words of an error, as a sentence. */
function sentenceOf(text = 'no reason was given'): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
