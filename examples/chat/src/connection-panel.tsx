import { useConnection, useMode } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { ConnectionState, transportName } from './badge.tsx';
import { lobbyChannel, useChannel, useRealtime } from './realtime.ts';
import { cutConnection } from './session.ts';

const modes = [
  { mode: 'auto', hint: 'the first that works' },
  { mode: 'websocket', hint: 'one socket, both ways' },
  { mode: 'sse', hint: 'stream and POST' },
  { mode: 'long-poll', hint: 'plain requests' },
  { mode: 'socket-io', hint: 'the Socket.IO protocol' },
] as const;

const outageS = 10;

/** How the connection is, which transport carries it, and buttons that break it. */
export function ConnectionPanel({ me }: { readonly me: string }): ReactNode {
  return (
    <section className="panel">
      <h2>Connection</h2>
      <ConnectionState />
      <TransportSwitch />
      <Breakers me={me} />
    </section>
  );
}

function TransportSwitch(): ReactNode {
  const [mode, setMode] = useMode();
  const { transport, status } = useConnection();
  const realtime = useRealtime();
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    realtime.on('fault', ({ message }) => setProblem(message), { signal });
    realtime.on('switched', () => setProblem(undefined), { signal });
    return () => ended.abort();
  }, [realtime]);

  return (
    <fieldset className="switch">
      <legend>Transport</legend>
      {modes.map((each) => {
        const isInUse = status === 'connected' && transport === each.mode;
        const isAwaited = mode === each.mode && mode !== 'auto' && !isInUse;
        return (
          <label key={each.mode} data-in-use={isInUse}>
            <input
              type="radio"
              name="mode"
              value={each.mode}
              checked={mode === each.mode}
              onChange={() => {
                setProblem(undefined);
                setMode(each.mode);
              }}
            />
            <span className="name">{transportName(each.mode)}</span>
            <span className="dim">{isInUse ? 'in use' : isAwaited ? 'connecting…' : each.hint}</span>
          </label>
        );
      })}
      {problem === undefined ? null : (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

/** How long the connection was away the last time, in milliseconds: a cut that is mended at once would go unseen. */
function useLastAbsence(): number | undefined {
  const realtime = useRealtime();
  const [absenceMs, setAbsenceMs] = useState<number>();
  useEffect(() => {
    let lostMs: number | undefined;
    return realtime.on('status', ({ status }) => {
      if (status === 'reconnecting') lostMs ??= performance.now();
      if (status !== 'connected' || lostMs === undefined) return;
      setAbsenceMs(performance.now() - lostMs);
      lostMs = undefined;
    });
  }, [realtime]);
  return absenceMs;
}

const inWords = (durationMs: number): string =>
  durationMs < 1_000 ? `${Math.ceil(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`;

function Breakers({ me }: { readonly me: string }): ReactNode {
  const lobby = useChannel(lobbyChannel);
  const absenceMs = useLastAbsence();
  const { status } = useConnection();
  const [problem, setProblem] = useState<string>();
  const attempt = (action: Promise<unknown> | undefined): void => {
    setProblem(undefined);
    action?.catch((error: unknown) => setProblem(error instanceof Error ? error.message : 'That did not work.'));
  };
  return (
    <div className="breakers">
      <h3>Break it</h3>
      <div className="line">
        <button type="button" onClick={() => attempt(cutConnection(me))}>
          Cut the connection
        </button>
        <button
          type="button"
          disabled={status !== 'connected'}
          onClick={() => attempt(lobby?.request('outage', { seconds: outageS }))}
        >
          Outage, {outageS} s
        </button>
      </div>
      <div role="status">
        {absenceMs === undefined ? null : (
          <p className="dim" data-absence>
            The last time it was back after {inWords(absenceMs)}.
          </p>
        )}
      </div>
      <p className="dim">
        What you write meanwhile waits, and nothing is lost. A message that begins with <q>spam</q> is refused.
      </p>
      {problem === undefined ? null : (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
