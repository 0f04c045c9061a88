import { type ReactNode, useEffect, useState } from 'react';
import { untilRetry } from '../words.ts';

/** How a connection is, as far as an outage is known by it. */
export interface OutageState {
  readonly status: string;
  /** Failed attempts since it was last connected. */
  readonly attempt: number;
  readonly everConnected: boolean;
  /** In milliseconds since the Unix epoch. */
  readonly nextRetryAt?: number | undefined;
}

/** What keeps a page from being connected as long as it goes on trying by itself; nothing while all is well. */
export function Outage({
  connection: { status, attempt, everConnected, nextRetryAt },
  children,
}: {
  readonly connection: OutageState;
  /** More about it. */
  readonly children?: ReactNode;
}): ReactNode {
  if (status === 'disconnected') return <p className="banner">You are offline. What you write is sent when you are back.</p>;
  if (attempt === 0 || (status !== 'reconnecting' && status !== 'connecting')) return null;
  return (
    <p className="banner">
      {everConnected ? 'The connection is lost.' : 'The server cannot be reached.'} <Countdown at={nextRetryAt} /> {children}
    </p>
  );
}

/** The connection has ended, and stays so until somebody does something about it. */
export function Ended({
  children,
  onReconnect,
  onSignIn,
  ...more
}: {
  /** Why. */
  readonly children: ReactNode;
  /** Left out where it would not help. */
  readonly onReconnect?: (() => void) | undefined;
  readonly onSignIn: () => void;
  readonly 'data-code'?: string | undefined;
  readonly 'data-notice'?: string;
}): ReactNode {
  return (
    <div className="banner bad" role="alert" {...more}>
      <p>{children}</p>
      {onReconnect ? (
        <button type="button" onClick={onReconnect}>
          Connect again
        </button>
      ) : null}
      <button type="button" className={onReconnect ? undefined : 'primary'} onClick={onSignIn}>
        Sign in again
      </button>
    </div>
  );
}

/** The time until the next attempt. */
export function Countdown({ at }: { readonly at: number | undefined }): ReactNode {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return untilRetry(at, now);
}
