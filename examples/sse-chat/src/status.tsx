import { useConnection } from 'keepwire/react';
import { type ReactNode, useState } from 'react';
import { Countdown, Ended } from '../../shared/react/outage.tsx';
import { statusWords } from '../../shared/words.ts';
import { exit, refresh } from './chat.ts';
import { useFlags } from './flags.ts';
import { ways } from './realtime.ts';
import { store, useChat } from './store.ts';

const words = { ...statusWords, disconnected: 'Paused', failed: 'Signed out' };

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
      <Ended data-notice="failed" onSignIn={exit}>
        <b>You were signed out.</b> {reason?.message}.
      </Ended>
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
