'use client';
import { RealtimeStatus, useConnection, useRealtime } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { useDesk } from './provider.tsx';

const words = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Live',
  reconnecting: 'Reconnecting…',
  disconnected: 'Offline',
  failed: 'Disconnected',
};

/** The ways in, for people. */
export const ways: Readonly<Record<string, string>> = { socket: 'Socket.IO', sse: 'Event stream', polling: 'Polling' };

/** How the connection is, and over which way. */
export function Status(): ReactNode {
  return (
    <RealtimeStatus className="badge">
      {({ status, transport = '' }) => (
        <>
          {words[status]}
          {status === 'connected' ? <span className="way dim"> · {ways[transport]}</span> : null}
        </>
      )}
    </RealtimeStatus>
  );
}

/** What keeps us from being connected, and what can be done about it. */
export function Trouble(): ReactNode {
  const { desk } = useDesk();
  const realtime = useRealtime();
  const { status, reason, nextRetryAt, everConnected, attempt } = useConnection();
  if (status === 'failed') {
    return (
      <div className="banner bad" role="alert" data-code={reason?.code}>
        <p>
          <b>You are disconnected.</b> {reason?.message}.
        </p>
        <button type="button" onClick={() => realtime.start()}>
          Connect again
        </button>
        <button type="button" onClick={() => desk.session.signOut()}>
          Sign in again
        </button>
      </div>
    );
  }
  if (status === 'disconnected') return <p className="banner">You are offline. What you write is sent when you are back.</p>;
  // the first attempts of a reconnect are over before anybody could read of them
  if (attempt < 2 || (status !== 'reconnecting' && status !== 'connecting')) return null;
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
