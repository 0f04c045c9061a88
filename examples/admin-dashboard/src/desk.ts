import { type OutboxEntry, type Readable, writable } from 'keepwire';
import { type LiveList, liveList } from 'keepwire/live-list';
import type { Command, Metrics, Overview, Session } from '../messages.ts';
import type { Realtime } from './realtime.ts';
import { channelName } from './wire.ts';

/** What the page shows, and what can be done. */
export interface Desk {
  readonly sessions: LiveList<Session>;
  /** `undefined` until they are known. */
  readonly metrics: Readable<Metrics | undefined>;
  /** The commands that the server has not accepted: on their way, or failed. */
  readonly commands: Readable<readonly OutboxEntry[]>;
  run(command: Command, sessionId: number): void;
  retry(command: OutboxEntry): void;
  dismiss(command: OutboxEntry): void;
}

/** Keeps the sessions and the numbers as the database has them: loaded by REST, and kept up to date by the connection. */
export function watchDesk(realtime: Realtime, server: string): Desk {
  const channel = realtime.channel(channelName);
  const metrics = writable<Metrics | undefined>(undefined, reportError);
  let metricsAt = 0;

  function showMetrics(next: Metrics, at = metricsAt): void {
    if (at < metricsAt) return;
    metricsAt = at;
    metrics.set(next);
  }

  async function load({ signal }: { readonly signal: AbortSignal }) {
    const response = await fetch(`/${server}/api/overview`, { signal, cache: 'no-store' });
    if (!response.ok) throw new Error(`the server answered with ${response.status}`);
    const overview = (await response.json()) as Overview;
    showMetrics(overview.metrics, overview.timestamp);
    return { items: overview.sessions, hasMore: false };
  }

  channel.on('metrics_update', (next, { at }) => showMetrics(next, at));
  return {
    sessions: liveList(channel, {
      key: ({ id }: Session) => id,
      version: ({ revision }) => revision,
      compare: (one, other) => one.id - other.id,
      load,
      insert: { session_update: ({ session }) => session ?? undefined },
      remove: { session_update: ({ session, session_id }) => (session ? undefined : session_id) },
    }),
    metrics,
    commands: realtime.outbox.entries,
    run: (command, session_id) => void channel.send(command, { session_id }),
    retry: ({ id }) => void realtime.outbox.retry(id),
    dismiss: ({ id }) => void realtime.outbox.cancel(id),
  };
}

function reportError(error: unknown): void {
  console.error(error);
}
