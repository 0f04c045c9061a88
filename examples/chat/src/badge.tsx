import { RealtimeStatus, useConnection } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { useRealtime } from './realtime.ts';

const words = {
  idle: 'Not connected',
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  disconnected: 'Disconnected',
  failed: 'Failed',
} as const;

export const transportNames: Readonly<Record<string, string>> = {
  auto: 'Automatic',
  websocket: 'WebSocket',
  sse: 'Server-Sent Events',
  'long-poll': 'Long-poll',
  'socket-io': 'Socket.IO',
};

export const transportName = (name: string): string => transportNames[name] ?? name;

/** The connection in one word. */
export function Badge(): ReactNode {
  return <RealtimeStatus className="badge">{({ status }) => words[status]}</RealtimeStatus>;
}

/** How the connection is, in full: transport, round trip, reason, and the time until the next attempt. */
export function ConnectionState(): ReactNode {
  const { status, transport, latencyMs, nextRetryAt, reason, attempt } = useConnection();
  const realtime = useRealtime();
  return (
    <div className="connection-state">
      <div className="line">
        <Badge />
        {status === 'connected' && transport !== undefined ? <span className="dim">{transportName(transport)}</span> : null}
        {status === 'connected' && latencyMs !== undefined ? (
          <span className="latency" title="The last round trip">
            {latencyMs < 1 ? '< 1' : Math.round(latencyMs)} ms
          </span>
        ) : null}
      </div>
      {status === 'connected' || reason === undefined ? null : <p className="reason">{reason.message}</p>}
      {nextRetryAt === undefined ? null : (
        <div className="line">
          <Countdown until={nextRetryAt} attempt={attempt + 1} />
          <button type="button" onClick={realtime.retryNow}>
            Try now
          </button>
        </div>
      )}
      {status === 'failed' || status === 'disconnected' ? (
        <button type="button" onClick={realtime.start}>
          Connect again
        </button>
      ) : null}
    </div>
  );
}

/** Not a live region: a number that changes each second would be read out each second. */
function Countdown({ until, attempt }: { readonly until: number; readonly attempt: number }): ReactNode {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, (until - now) / 1000);
  return (
    <span className="countdown">
      Attempt {attempt} in <b>{seconds.toFixed(1)} s</b>
    </span>
  );
}
