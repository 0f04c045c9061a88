import { RealtimeStatus, useConnection } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { useRealtime } from '../hooks.ts';
import { signOut } from '../session.ts';

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
  return (
    <RealtimeStatus className="badge">
      {({ status, transport }) => (status === 'connected' && transport !== 'websocket' ? `Live, by ${transport}` : words[status])}
    </RealtimeStatus>
  );
}

/** What keeps us from being connected, and what can be done about it. Nothing while all is well. */
export function Trouble(): ReactNode {
  const realtime = useRealtime();
  const { status, reason, nextRetryAt, attempt, everConnected } = useConnection();
  if (status === 'failed') {
    const isToken = reason?.code === 'unauthorized' || reason?.code === 'forbidden';
    return (
      <div className="banner bad" role="alert" data-code={reason?.code}>
        <p>
          <b>{isToken ? 'You were signed out.' : 'The server ended the connection.'}</b> {reason?.message}
        </p>
        {isToken ? null : (
          <button type="button" onClick={() => realtime.start()}>
            Connect again
          </button>
        )}
        <button type="button" onClick={signOut}>
          Sign in again
        </button>
      </div>
    );
  }
  if (status === 'disconnected') return <p className="banner">You are offline. What you write is sent when you are back.</p>;
  if (attempt === 0 || (status !== 'reconnecting' && status !== 'connecting')) return null;
  return (
    <p className="banner">
      {everConnected ? 'The connection is lost.' : 'The server cannot be reached.'} <Countdown at={nextRetryAt} />
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
