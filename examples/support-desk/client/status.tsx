'use client';
import { RealtimeStatus, useConnection, useRealtime } from 'keepwire/react';
import type { ReactNode } from 'react';
import { Ended, Outage } from '../../shared/react/outage.tsx';
import { statusWords } from '../../shared/words.ts';
import { useDesk } from './provider.tsx';

/** The ways in, for people. */
export const ways: Readonly<Record<string, string>> = { socket: 'Socket.IO', sse: 'Event stream', polling: 'Polling' };

/** How the connection is, and over which way. */
export function Status(): ReactNode {
  return (
    <RealtimeStatus className="badge">
      {({ status, transport = '' }) => (
        <>
          {statusWords[status]}
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
  const connection = useConnection();
  const { status, reason, attempt } = connection;
  if (status === 'failed') {
    return (
      <Ended data-code={reason?.code} onReconnect={() => realtime.start()} onSignIn={() => desk.session.signOut()}>
        <b>You are disconnected.</b> {reason?.message}.
      </Ended>
    );
  }
  // the first attempt of a reconnect is over before anybody could read of it
  return attempt === 1 && status !== 'disconnected' ? null : <Outage connection={connection} />;
}
