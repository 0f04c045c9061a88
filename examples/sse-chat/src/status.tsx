import { useConnection } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { exit, refresh } from './chat.ts';
import { useFlags } from './flags.ts';
import { ways } from './realtime.ts';
import { store, useChat } from './store.ts';

const words = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Live',
  reconnecting: 'Reconnecting…',
  disconnected: 'Paused',
  failed: 'Signed out',
};

/** After so many failed attempts, one for each way in, the page says that it is on its own. */
const degradedAfter = 3;

/** How the connection is, in a word. */
export function Status(): ReactNode {
  const { status, transport } = useConnection();
  const isFallback = status === 'connected' && transport !== 'sse';
  return (
    <span className="badge" role="status" data-status={status} data-transport={transport}>
      {isFallback ? `Live, by ${ways[transport as keyof typeof ways]}` : words[status]}
    </span>
  );
}

/** What keeps us from being live, and what can be done about it. */
export function Notice(): ReactNode {
  const { status, attempt, nextRetryAt, reason } = useConnection();
  const { realtime } = useFlags();
  const announcement = useChat(({ announcement }) => announcement);
  if (status === 'failed') {
    return (
      <div className="banner bad" role="alert" data-notice="failed">
        <p>
          <b>You were signed out.</b> {reason?.message}.
        </p>
        <button type="button" className="primary" onClick={exit}>
          Sign in again
        </button>
      </div>
    );
  }
  const isDown = status === 'connecting' || status === 'reconnecting';
  if (!realtime || (isDown && attempt >= degradedAfter)) {
    return (
      <div className="banner" role="status" data-notice="degraded">
        <p>
          <b>Live updates are paused.</b> What you see may be old; what you write is sent.{' '}
          {realtime ? <Countdown at={nextRetryAt} /> : null}
        </p>
        <RefreshButton />
      </div>
    );
  }
  if (isDown && attempt > 0) {
    return (
      <p className="banner" data-notice="reconnecting">
        The connection is lost. <Countdown at={nextRetryAt} />
      </p>
    );
  }
  if (!announcement) return null;
  return (
    <div className="banner" role="status" data-notice="announcement">
      <p>{announcement}</p>
      <button type="button" onClick={() => store.changeNow((state) => ({ ...state, announcement: undefined }))}>
        Dismiss
      </button>
    </div>
  );
}

function RefreshButton(): ReactNode {
  const [state, setState] = useState<'ready' | 'busy' | 'failed'>('ready');
  return (
    <button
      type="button"
      disabled={state === 'busy'}
      onClick={() => {
        setState('busy');
        refresh().then(
          () => setState('ready'),
          () => setState('failed'),
        );
      }}
    >
      {state === 'failed' ? 'That failed. Try again' : 'Refresh'}
    </button>
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
