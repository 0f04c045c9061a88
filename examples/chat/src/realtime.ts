import { createRealtime, fullJitter, type RealtimeManager } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { createHooks } from 'keepwire/react';
import { socketIo } from 'keepwire/socket-io';
import { sse } from 'keepwire/sse';
import { websocket } from 'keepwire/websocket';
import { z } from 'zod';
import { logIn } from './session.ts';

/** Everything that travels, by name. */
export const events = {
  /** Kept by the server. */
  message: z.object({ text: z.string().min(1).max(4000) }),
  /** Volatile: nobody needs it later. */
  typing: z.object({ isTyping: z.boolean() }),
  /** On the lobby: somebody made a room. */
  room: z.object({ name: z.string() }),
  /** A request: the last events of the channel. */
  history: z.object({ limit: z.number() }),
  /** A request on the lobby: turn me away for a while. */
  outage: z.object({ seconds: z.number() }),
};

/** The hooks of keepwire/react, with the types of our events. */
export const { useChannel, useEvent, useRealtime } = createHooks<typeof events>();

/** Where everybody is, and where rooms are made known. */
export const lobbyChannel = 'lobby';

export const channelOf = (room: string): string => `room:${room}`;

/** The connection of one user, over whichever transport works or is chosen. */
export function connectAs(name: string): RealtimeManager<typeof events> {
  const realtime = createRealtime({
    transports: [
      websocket({ url: '/realtime' }),
      sse({ url: '/realtime/sse', sendUrl: '/realtime/send' }),
      longPoll({ url: '/realtime/poll', sendUrl: '/realtime/send' }),
      socketIo({ url: location.origin }),
    ],
    events,
    auth: ({ signal }) => logIn(name, signal),
    // slow enough to watch it
    retry: fullJitter({ baseMs: 2_000, maxMs: 10_000 }),
  });
  realtime.start();
  return realtime;
}
