import { useConnection } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { transportName } from './badge.tsx';
import type { Connection } from './realtime.ts';
import { loadLinks } from './rest.ts';
import { addressAs } from './session.ts';
import { useSharing } from './sharing.ts';

const roles = {
  leader: 'leads: it has the connection of all your tabs',
  follower: 'follows: it uses the connection of another tab',
  alone: 'is alone: this browser cannot share',
} as const;

const refreshMs = 1_000;

/** One connection for all tabs of a user: the switch, what this tab is, and what the server sees of it. */
export function TabsPanel({ me, connection }: { readonly me: string; readonly connection: Connection }): ReactNode {
  const [isShared, setShared] = useSharing();
  const { status } = useConnection();
  const links = useLinks(me);
  const role = status === 'connected' ? connection.role : undefined;
  return (
    <section className="panel tabs">
      <h2>Tabs</h2>
      <label className="toggle">
        <input type="checkbox" checked={isShared} onChange={({ target }) => setShared(target.checked)} />
        <span>Share one connection among tabs</span>
      </label>
      <p className="role" data-role={isShared ? (role ?? 'none') : 'own'}>
        {isShared ? (role ? `This tab ${roles[role]}.` : 'No connection to share now.') : 'Each tab has a connection of its own.'}
      </p>
      <p className="line">
        <span className="dim">Links of yours at the server</span>
        <b className="links">{links?.length ?? '–'}</b>
        <span className="dim">{[...new Set(links)].map(transportName).join(', ')}</span>
      </p>
      <a className="button" href={addressAs(me)} target="_blank" rel="noreferrer">
        Open another tab as {me}
      </a>
    </section>
  );
}

/** Asked for beside the connection, so that the answer does not depend on what it counts. */
function useLinks(me: string): readonly string[] | undefined {
  const [links, setLinks] = useState<readonly string[]>();
  useEffect(() => {
    const ended = new AbortController();
    const ask = (): void => {
      if (document.hidden) return;
      loadLinks(me, ended.signal).then(setLinks, () => {
        if (!ended.signal.aborted) setLinks(undefined);
      });
    };
    ask();
    const timer = setInterval(ask, refreshMs);
    return () => {
      clearInterval(timer);
      ended.abort();
    };
  }, [me]);
  return links;
}
