import { createRealtime, type RealtimeManager } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { httpPosts } from 'keepwire/posts';
import { sse } from 'keepwire/sse';
import { backoff } from './backoff.ts';
import { type Session, tokenFor } from './session.ts';
import { chatWire, events } from './wire.ts';

/** The connection of one user. */
export type Realtime = RealtimeManager<typeof events>;

const pollEveryMs = 3_000;

/** The ways in, best first, by the names that the screen has for them. */
export const ways = { sse: 'stream', polling: 'polling', 'long-poll': 'long-poll' };

/** A manager for one session: the stream, then polls, then held polls; sends always go by REST. */
export function connect(session: Session, replays: boolean): Realtime {
  const dialect = chatWire(replays);
  const common = { sendUrl: '/', dialect };
  const polls = {
    ...common,
    // what a poll is asked for is never forgotten, whatever the streams do
    dialect: chatWire(true),
    position: { in: 'query', name: 'after' },
    messages: (body: unknown) => (body as { events: unknown[] }).events,
    nextCursor: (body: unknown) => String((body as { last: number }).last),
  } as const;
  return createRealtime({
    transports: [
      sse({ ...common, url: '/api/realtime/stream' }),
      longPoll({ ...polls, name: 'polling', url: '/api/realtime/poll', intervalMs: pollEveryMs }),
      longPoll({ ...polls, name: 'long-poll', url: '/api/realtime/long-poll' }),
    ],
    events,
    auth: (context) => tokenFor(session, context),
    retry: backoff,
    posts: httpPosts({ url: '/', dialect }),
  });
}
