import { createRealtime, type RealtimeManager } from 'keepwire';
import { httpPosts } from 'keepwire/posts';
import { socketIo } from 'keepwire/socket-io';
import { renewToken, type Session } from './session.ts';
import { events, portal } from './wire.ts';

/** The connection of one user. */
export type Portal = RealtimeManager<typeof events>;

/** A manager for one session: Socket.IO by WebSocket, or by HTTP polling where that is blocked; sends go by REST. */
export function connect(session: Session): Portal {
  const url = location.origin;
  const posts = httpPosts({ url });
  return createRealtime({
    transports: [
      socketIo({ name: 'websocket', transports: ['websocket'], url, dialect: portal, posts }),
      socketIo({ name: 'polling', transports: ['polling'], url, dialect: portal, posts }),
    ],
    events,
    auth: ({ reason, signal }) => (reason === 'refused' || reason === 'expiring' ? renewToken(session, signal) : session.token),
  });
}
