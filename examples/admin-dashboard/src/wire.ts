import { emit, jsonDialect, post, unchecked } from 'keepwire';
import type { Command, Metrics, SessionUpdate } from '../messages.ts';

/** The one channel. */
export const channelName = 'admin-chat-updates';

/** What travels, by name: first what the servers say, then what we say. */
export const events = {
  session_update: unchecked<SessionUpdate>(),
  metrics_update: unchecked<Metrics>(),

  end_session: unchecked<{ readonly session_id: number }>(),
  archive_session: unchecked<{ readonly session_id: number }>(),
};

/** The server with plain WebSockets: `{ type, data, timestamp }`. */
export const webSocketWire = jsonDialect({
  name: 'admin',
  defaultChannel: channelName,
  at: 'timestamp',
  join: (channel) => ({ type: 'subscribe', channel }),
  joined: 'subscribed',
  leave: (channel) => ({ type: 'unsubscribe', channel }),
  publish: ({ id, event, data }) => ({ type: event, id, ...(data as object) }),
  ack: { when: 'ack', id: 'id', ok: 'ok', error: 'error' },
});

/** What the Socket.IO server calls the same things. */
const names: Readonly<Record<string, string>> = { 'session-updated': 'session_update', 'metrics-updated': 'metrics_update' };

/** The server with Socket.IO: a room, and commands that are acknowledged. */
export const socketIoWire = jsonDialect({
  name: 'admin-socket-io',
  event: (_, { event = '' }) => names[event],
  defaultChannel: channelName,
  at: 'timestamp',
  join: () => emit('join-admin-room'),
  joinAnswer: () => ({ ok: true }),
  leave: () => emit('leave-admin-room'),
  publish: ({ event, data }) => emit(event, data),
  receipt: received,
});

/** The REST endpoints that both servers have, for those who cannot have more. */
export const restWire = jsonDialect({
  name: 'admin-rest',
  defaultChannel: channelName,
  at: 'timestamp',
  publish({ event, data }) {
    const { session_id } = data as { readonly session_id: number };
    return post(`sessions/${session_id}/${event === ('end_session' satisfies Command) ? 'end' : 'archive'}`);
  },
  receipt: received,
});

/** The servers' answer to a command: `{ ok, error }`. */
function received(answer: unknown) {
  const { error } = (answer ?? {}) as { readonly error?: string };
  return error === undefined ? ({ status: 'accepted' } as const) : ({ status: 'rejected', code: error } as const);
}
