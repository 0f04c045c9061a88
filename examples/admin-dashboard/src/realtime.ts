import { createRealtime, type RealtimeManager, type Transport } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { socketIo } from 'keepwire/socket-io';
import { websocket } from 'keepwire/websocket';
import type { Overview, SessionUpdate } from '../messages.ts';
import { events, restWire, socketIoWire, webSocketWire } from './wire.ts';

/** The connection of a dashboard. */
export type Realtime = RealtimeManager<typeof events>;

/** The servers that there are; everything but this line is the same for both. */
export const servers: Readonly<Record<string, () => Transport>> = {
  ws: () => websocket({ url: '/ws/live', dialect: webSocketWire }),
  'socket-io': () =>
    socketIo({ url: location.origin, path: '/socket-io/socket.io', transports: ['websocket'], dialect: socketIoWire }),
};

/** How often the REST endpoint is asked where nothing else gets through, in milliseconds. */
export const pollEveryMs = 3_000;

/** A manager for a server: its own wire first, and its REST endpoint where that is blocked. */
export function connect(server: string): Realtime {
  return createRealtime({
    transports: [
      ...(servers[server] ? [servers[server]()] : []),
      longPoll({
        name: 'polling',
        url: `/${server}/api/overview`,
        sendUrl: `/${server}/api/`,
        dialect: restWire,
        intervalMs: pollEveryMs,
        messages: differences(),
      }),
    ],
    events,
    // the server speaks at least every 15 s
    liveness: { silenceMs: 40_000 },
    // an order to end a chat makes no sense much later
    outbox: { maxAgeMs: 30_000 },
  });
}

/** Turns answers that have everything into the messages that a stream would have brought. */
function differences(): (body: unknown) => readonly unknown[] {
  let known: readonly number[] = [];
  return (body) => {
    const { sessions, metrics, timestamp } = body as Overview;
    const ids = sessions.map(({ id }) => id);
    const gone = known.filter((id) => !ids.includes(id));
    known = ids;
    const updates: readonly SessionUpdate[] = [
      ...sessions.map((session) => ({ action: 'update', session_id: session.id, session }) as const),
      ...gone.map((session_id) => ({ action: 'delete', session_id, session: null }) as const),
    ];
    return [
      ...updates.map((data) => ({ type: 'session_update', data, timestamp })),
      { type: 'metrics_update', data: metrics, timestamp },
    ];
  };
}
