import { createRealtime, RealtimeError, type RealtimeManager, spreadRetry } from 'keepwire';
import { backfill } from 'keepwire/backfill';
import { longPoll } from 'keepwire/long-poll';
import { type Monitor, monitor } from 'keepwire/monitor';
import { httpPosts } from 'keepwire/posts';
import { socketIo } from 'keepwire/socket-io';
import { perChannel, sse } from 'keepwire/sse';
import type { Settings, WireMessage } from '../server/notices.ts';
import { createSessionStore, type SessionStore } from './session.ts';
import { channelPath, deskWire, events } from './wire.ts';

/** The one connection of a browser tab. */
export interface Desk {
  readonly realtime: RealtimeManager<typeof events>;
  readonly watch: Monitor;
  readonly session: SessionStore;
  /** A GET with the token of the user. @throws Error */
  load<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** A request with a body. @throws Error with the words of the server */
  change<T>(path: string, body: object): Promise<T>;
}

/** Where pollers ask, in milliseconds from one answer to the next request. */
const pollEveryMs = 250;

/** The transports in the order of `auto`: Socket.IO, streams, polls. Sends go by REST over each of them. */
export function createDesk({ connectionMode, socketUrl }: Settings, session: SessionStore = createSessionStore()): Desk {
  const watch = monitor({ everyMs: 500 });
  const load = <T>(path: string, signal?: AbortSignal): Promise<T> => ask(path, { signal });

  const realtime = createRealtime({
    transports: [
      socketIo({
        name: 'socket',
        url: socketUrl,
        dialect: deskWire('socket'),
        posts: httpPosts({ url: '/' }),
      }),
      sse({
        name: 'sse',
        streams: perChannel((channel, { channels }) => {
          const after = numberOf(channels.get(channel));
          return `${channelPath(channel)}/stream${after === undefined ? '' : `?after=${after}`}`;
        }),
        sendUrl: '/',
        dialect: deskWire('sse'),
      }),
      longPoll({
        name: 'polling',
        url: ({ channels }) => {
          const wanted = [...channels].map(([id, position]) => `channel=${encodeURIComponent(id)}:${numberOf(position) ?? ''}`);
          return `/api/chat/updates?${wanted.join('&')}`;
        },
        joining: 'frame',
        intervalMs: pollEveryMs,
        messages: (body) => (body as { notices: unknown[] }).notices,
        sendUrl: '/',
        dialect: deskWire('polling'),
      }),
    ],
    events,
    mode: connectionMode,
    // the default spares a server that ten thousand browsers come back to; a desk has few, which are to fall back soon
    retry: spreadRetry({ firstMs: 500, everyMs: 800 }),
    auth: ({ reason }) => {
      if (reason === 'refused') throw new RealtimeError('unauthorized', 'You were signed out by the server');
      return session.get()?.token;
    },
    posts: httpPosts({ url: '/', dialect: deskWire('sse') }),
    backfill: backfill(async (channel, { after }, { signal, limit }) => {
      const path = `${channelPath(channel)}/messages?after=${numberOf(after) ?? 0}&limit=${limit}`;
      const { messages } = await load<{ messages: WireMessage[] }>(path, signal);
      return messages.map((data) => ({
        event: 'message',
        data,
        id: data.clientId,
        epoch: '0',
        offset: data.seq,
        at: data.createdAt,
        from: data.authorId,
      }));
    }),
    delivery: { typing: 'volatile' },
    probe: watch,
  });

  async function ask<T>(path: string, init: RequestInit): Promise<T> {
    const headers = { authorization: `Bearer ${session.get()?.token}`, 'content-type': 'application/json' };
    const response = await fetch(path, { ...init, headers, cache: 'no-store' });
    const answer = (await response.json()) as T & { error?: string };
    if (!response.ok) throw new Error(answer.error ?? `${path} was answered with ${response.status}`);
    return answer;
  }

  return {
    realtime,
    watch,
    session,
    load,
    change: (path, body) => ask(path, { method: 'PUT', body: JSON.stringify(body) }),
  };
}

/** The number of a position. */
function numberOf(position: unknown): number | undefined {
  return typeof position === 'object' && position !== null ? (position as { offset: number }).offset : undefined;
}
