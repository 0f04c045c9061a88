'use client';
import { useReadable, useRealtime } from 'keepwire/react';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { Settings } from '../server/notices.ts';
import { useDesk } from './provider.tsx';
import { ServerStatistics } from './server-statistics.tsx';
import { ways } from './status.tsx';

const modes: readonly { readonly mode: Settings['connectionMode']; readonly title: string; readonly about: string }[] = [
  { mode: 'auto', title: 'Automatic', about: 'Socket.IO where it works, else an event stream, else polling.' },
  { mode: 'socket', title: 'Socket.IO', about: 'One connection to the Socket.IO process.' },
  { mode: 'sse', title: 'Event streams', about: 'A stream for each channel that is shown.' },
  { mode: 'polling', title: 'Polling', about: 'Four questions a second. For networks that let nothing else through.' },
];

/** How everybody is connected: chosen here, and measured. */
export function AdminPage(): ReactNode {
  return (
    <main className="admin">
      <h1>Connections</h1>
      <ModeForm />
      <AddressForm />
      <ServerStatistics />
      <OwnStatistics />
    </main>
  );
}

function ModeForm(): ReactNode {
  const { desk, settings } = useDesk();
  const [said, setSaid] = useState<{ readonly isBad: boolean; readonly text: string }>();
  const choose = (connectionMode: Settings['connectionMode']): void => {
    setSaid(undefined);
    desk
      .change<Settings>('/api/settings', { connectionMode })
      .then((detail) => {
        dispatchEvent(new CustomEvent('chat-settings-changed', { detail }));
        setSaid({ isBad: false, text: 'Saved. Every open browser changes over, without a reload.' });
      })
      .catch((error: unknown) => setSaid({ isBad: true, text: `Not saved: ${error instanceof Error ? error.message : error}.` }));
  };
  return (
    <fieldset className="panel modes">
      <legend>How browsers are connected</legend>
      {modes.map(({ mode, title, about }) => (
        <label key={mode} data-mode={mode}>
          <input type="radio" name="mode" checked={settings.connectionMode === mode} onChange={() => choose(mode)} />
          <span>
            <b>{title}</b>
            <span className="dim">{about}</span>
          </span>
        </label>
      ))}
      <p className={said?.isBad ? 'said problem' : 'said dim'} role="status">
        {said?.text}
      </p>
    </fieldset>
  );
}

function AddressForm(): ReactNode {
  const { desk, settings } = useDesk();
  const [url, setUrl] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(undefined);
    desk
      .change<Settings>('/api/settings', { socketUrl: url })
      .then((detail) => {
        dispatchEvent(new CustomEvent('chat-settings-changed', { detail }));
        setUrl(undefined);
      })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  return (
    <form className="panel address" onSubmit={submit}>
      <label htmlFor="socket-url">Address of the Socket.IO process</label>
      <div className="row">
        <input id="socket-url" type="url" value={url ?? settings.socketUrl} onChange={({ target }) => setUrl(target.value)} />
        <button type="submit" disabled={url === undefined || url === settings.socketUrl}>
          Save
        </button>
      </div>
      {problem ? (
        <p className="problem" role="alert">
          Not saved: {problem}.
        </p>
      ) : null}
    </form>
  );
}

/** What this browser has measured. */
function OwnStatistics(): ReactNode {
  const { desk } = useDesk();
  const { history } = useRealtime();
  const decisions = useReadable(history, history.get());
  const { connections, counts, deliveryMs, acceptMs, reconnectMs, status } = useReadable(
    desk.watch.snapshot,
    desk.watch.snapshot.get(),
  );
  const rows: readonly (readonly [string, string])[] = [
    ['Way in', ways[status?.transport ?? ''] ?? '–'],
    ['Set aside', status?.blocked.map((name) => ways[name]).join(', ') || 'nothing'],
    ['Attempts that succeeded', connections.successRate === undefined ? '–' : `${Math.round(connections.successRate * 100)} %`],
    ['Reconnects', `${connections.reconnects}${reconnectMs.p50 === undefined ? '' : `, ${ms(reconnectMs.p50)} each`}`],
    ['Messages and notices', String(counts?.delivered ?? 0)],
    ['Repeats dropped', String(counts?.duplicates ?? 0)],
    ['Holes that stayed', String(counts?.gaps ?? 0)],
    ['Delivery, half of them within', ms(deliveryMs.p50)],
    ['A send is accepted within', ms(acceptMs.p50)],
  ];
  return (
    <section className="panel" aria-labelledby="own">
      <h2 id="own">This browser</h2>
      <dl className="numbers">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <details>
        <summary>What the connection did, and why</summary>
        <ol className="decisions">
          {decisions
            .slice(-12)
            .reverse()
            .map(({ at, what, transport, reason }) => (
              <li key={`${at} ${what} ${transport} ${reason}`}>
                <time className="dim">{new Date(at).toLocaleTimeString()}</time> <b>{what}</b>{' '}
                {transport ? `${ways[transport]}: ` : ''}
                {reason}
              </li>
            ))}
        </ol>
      </details>
    </section>
  );
}

function ms(value: number | undefined): string {
  return value === undefined ? '–' : `${Math.round(value)} ms`;
}
