import { RealtimeStatus, useConnection } from 'keepwire/react';
import type { ReactNode } from 'react';
import { Ended, Outage } from '../../../shared/react/outage.tsx';
import { statusWords } from '../../../shared/words.ts';
import { useRealtime } from '../hooks.ts';
import { signOut } from '../session.ts';

/** How the connection is, in a word. */
export function Status(): ReactNode {
  return (
    <RealtimeStatus className="badge">
      {({ status, transport }) =>
        status === 'connected' && transport !== 'websocket' ? `Live, by ${transport}` : statusWords[status]
      }
    </RealtimeStatus>
  );
}

/** What keeps us from being connected, and what can be done about it. Nothing while all is well. */
export function Trouble(): ReactNode {
  const realtime = useRealtime();
  const connection = useConnection();
  if (connection.status === 'failed') {
    const { code, message } = connection.reason ?? {};
    const isToken = code === 'unauthorized' || code === 'forbidden';
    return (
      <Ended data-code={code} onReconnect={isToken ? undefined : () => realtime.start()} onSignIn={signOut}>
        <b>{isToken ? 'You were signed out.' : 'The server ended the connection.'}</b> {message}
      </Ended>
    );
  }
  return <Outage connection={connection} />;
}
