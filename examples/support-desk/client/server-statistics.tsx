'use client';
import { type ReactNode, useEffect, useState } from 'react';
import { Table } from '../../shared/react/table.tsx';
import type { Statistics, Via } from '../server/notices.ts';
import { useDesk } from './provider.tsx';
import { ways } from './status.tsx';

/** How often the server is asked. */
const everyMs = 2_000;
const vias: readonly Via[] = ['socket', 'sse', 'polling'];

/** What the server counts. */
export function ServerStatistics(): ReactNode {
  const { desk } = useDesk();
  const [statistics, setStatistics] = useState<Statistics>();
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    const over = new AbortController();
    const ask = (): void => {
      desk
        .load<Statistics>('/api/statistics', over.signal)
        .then((answer) => {
          setProblem(undefined);
          setStatistics(answer);
        })
        .catch((error: unknown) => {
          if (!over.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
        });
    };
    ask();
    const timer = setInterval(ask, everyMs);
    return () => {
      clearInterval(timer);
      over.abort();
    };
  }, [desk]);

  const connections = statistics?.connections ?? [];
  return (
    <section className="panel" aria-labelledby="server">
      <h2 id="server">The server</h2>
      {problem ? (
        <p className="problem" role="alert">
          These numbers are old: {problem}.
        </p>
      ) : null}
      <ul className="tiles">
        {vias.map((via) => (
          <li key={via} data-count={via}>
            <b>{connections.filter((connection) => connection.via === via).length}</b>
            <span className="label dim">{{ socket: 'sockets', sse: 'streams', polling: 'pollers' }[via]}</span>
          </li>
        ))}
        <li>
          <b>{new Set(connections.map(({ userId }) => userId)).size}</b>
          <span className="label dim">people</span>
        </li>
        <li>
          <b>{statistics?.messages ?? 0}</b>
          <span className="label dim">messages</span>
        </li>
        <li data-is-up={statistics?.isSocketUp}>
          <b>{statistics?.isSocketUp ? 'Up' : 'Down'}</b>
          <span className="label dim">Socket.IO process</span>
        </li>
      </ul>
      <div className="scroll">
        <Table columns={['Who', 'Way in', 'Channels', 'Since']}>
          {connections.map(({ userId, via, channels, since }) => (
            <tr key={`${userId} ${via} ${channels.join()} ${since}`}>
              <td>{userId}</td>
              <td>{ways[via]}</td>
              <td>{channels.join(', ') || '–'}</td>
              <td>{new Date(since).toLocaleTimeString()}</td>
            </tr>
          ))}
        </Table>
      </div>
      {statistics && connections.length === 0 ? <p className="dim">Nobody is connected.</p> : null}
    </section>
  );
}
