import { type ReactNode, useEffect, useRef } from 'react';
import type { Connection } from './realtime.ts';

/** The panel of keepwire/devtools. It is loaded when it is opened for the first time, so it costs nobody else anything. */
export function Devtools({ connection }: { readonly connection: Connection }): ReactNode {
  const dock = useRef<HTMLElement>(null);

  useEffect(() => {
    const ended = new AbortController();
    const show = async (): Promise<void> => {
      const { mountDevtools } = await import('keepwire/devtools');
      if (ended.signal.aborted || dock.current === null) return;
      const { manager, watch, storm } = connection;
      mountDevtools(manager, {
        monitor: watch,
        chaos: storm,
        tabs: connection,
        transports: ['websocket', 'sse', 'long-poll', 'socket-io'],
        target: dock.current,
        signal: ended.signal,
      });
    };
    void show();
    return () => ended.abort();
  }, [connection]);

  return <section className="dock" aria-label="Devtools" ref={dock} />;
}
