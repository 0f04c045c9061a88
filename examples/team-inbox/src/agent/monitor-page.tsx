import { RealtimeMonitor, useMode } from 'keepwire/react';
import { Fragment, type ReactNode, useEffect, useState } from 'react';
import { PaneHead } from '../../../shared/react/pane-head.tsx';
import { Table } from '../../../shared/react/table.tsx';
import { useReadable } from '../hooks.ts';
import { Trouble } from '../parts/status.tsx';
import { chooseMode, inbox, transports } from '../realtime.ts';
import { load } from '../session.ts';

/** What the server counts. */
interface ServerNumbers {
  readonly links: Readonly<Record<string, number>>;
  readonly opened: Readonly<Record<string, number>>;
  readonly channels: readonly {
    readonly channel: string;
    readonly links: number;
    readonly members: number;
    readonly offset: number;
  }[];
}

/** The server is asked this often. */
const askEveryMs = 1_000;

/** How the connection does: seen from this tab, and from the server. */
export function MonitorPage({ go }: { readonly go: (place: string) => void }): ReactNode {
  const { watch, role } = inbox();
  const [mode] = useMode();
  const snapshot = useReadable(watch.snapshot, undefined);
  const server = useServer();
  return (
    <main className="pane monitor">
      <PaneHead title="Connection monitor" about="This tab, and what the server sees" back="conversations" onBack={() => go('')}>
        <label className="mode">
          Transport
          <select value={mode} onChange={({ target }) => chooseMode(target.value)}>
            {['auto', ...transports].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </PaneHead>
      <Trouble />
      <div className="panels">
        <RealtimeMonitor className="panel" monitor={watch} />
        <section className="panel" aria-label="Sharing">
          <h3>Sharing</h3>
          <p data-role={role()}>{roles[role() ?? 'none']}</p>
          <h3>Channels of this tab</h3>
          <Table columns={['Channel', 'State', 'Events']}>
            {snapshot?.channels.map(({ name, status, events }) => (
              <tr key={name} data-channel={name} data-status={status}>
                <td>
                  <Name of={name} />
                </td>
                <td>{status}</td>
                <td>{events}</td>
              </tr>
            ))}
          </Table>
        </section>
        <section className="panel" aria-label="Server">
          <h3>Server</h3>
          {server === undefined ? <p className="dim">The server does not answer.</p> : <ServerPanel numbers={server} />}
        </section>
      </div>
    </main>
  );
}

const roles = {
  leader: 'This tab has the connection, and the other tabs of this browser go by way of it.',
  follower: 'This tab goes by way of the connection of another tab.',
  alone: 'This tab has a connection of its own: this browser cannot share one.',
  none: 'There is no connection.',
};

function ServerPanel({ numbers: { links, opened, channels } }: { readonly numbers: ServerNumbers }): ReactNode {
  return (
    <>
      <Table columns={['Transport', 'Open', 'Ever']}>
        {Object.entries(links).map(([name, count]) => (
          <tr key={name} data-links={name}>
            <td>{name}</td>
            <td>{count}</td>
            <td>{opened[name]}</td>
          </tr>
        ))}
      </Table>
      <Table columns={['Channel', 'Connections', 'People']}>
        {channels.map(({ channel, links, members }) => (
          <tr key={channel} data-channel={channel}>
            <td>
              <Name of={channel} />
            </td>
            <td>{links}</td>
            <td>{members}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** A name that may be broken at its colons. */
function Name({ of }: { readonly of: string }): ReactNode {
  return of.split(':').map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a part has no other name than its place
    <Fragment key={index}>
      {index > 0 ? ':' : ''}
      <wbr />
      {part}
    </Fragment>
  ));
}

function useServer(): ServerNumbers | undefined {
  const [numbers, setNumbers] = useState<ServerNumbers>();
  useEffect(() => {
    const controller = new AbortController();
    const ask = (): void => {
      load<ServerNumbers>('/api/stats', controller.signal).then(setNumbers, () => setNumbers(undefined));
    };
    ask();
    const timer = setInterval(ask, askEveryMs);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, []);
  return numbers;
}
