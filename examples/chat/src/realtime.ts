import { createRealtime, fullJitter, type RealtimeManager } from 'keepwire';
import { indexedDbStorage } from 'keepwire/indexeddb';
import { longPoll } from 'keepwire/long-poll';
import { type Monitor, monitor } from 'keepwire/monitor';
import { createHooks } from 'keepwire/react';
import { socketIo } from 'keepwire/socket-io';
import { sse } from 'keepwire/sse';
import { sharedTabs, type TabRole } from 'keepwire/tabs';
import { type Chaos, chaos } from 'keepwire/testing';
import { websocket } from 'keepwire/websocket';
import { z } from 'zod';
import { logIn } from './session.ts';

/** Everything that travels, by name. */
export const events = {
  /** Kept by the server, as are edits and deletions. */
  message: z.object({ text: z.string().min(1).max(4000) }),
  edited: z.object({ id: z.string(), text: z.string().min(1).max(4000) }),
  deleted: z.object({ id: z.string() }),
  /** Volatile: nobody needs it later. */
  typing: z.object({ isTyping: z.boolean() }),
  /** How far somebody has read, or the question for it. */
  read: z.object({ position: z.number().optional(), ask: z.boolean().optional() }),
  /** On the lobby: somebody made a room. */
  room: z.object({ name: z.string() }),
  /** A request on the lobby: turn me away for a while. */
  outage: z.object({ seconds: z.number() }),
};

/** The hooks of keepwire/react, with the types of our events. */
export const { useChannel, useMessages, useRealtime, useSend } = createHooks<typeof events>();

/** Where everybody is, and where rooms are made known. */
export const lobbyChannel = 'lobby';

export const channelOf = (room: string): string => `room:${room}`;

/** The connection of one user, and what watches it and makes trouble for it. */
export interface Connection {
  readonly manager: RealtimeManager<typeof events>;
  readonly watch: Monitor;
  readonly storm: Chaos;
  /** What this tab is to the others; `undefined` while there is no link, or each has its own. */
  readonly role: TabRole | undefined;
}

/** The connection of one user, over whichever transport works or is chosen. */
export function connectAs(name: string, isShared: boolean): Connection {
  const own = [
    websocket({ url: '/realtime' }),
    sse({ url: '/realtime/sse', sendUrl: '/realtime/send' }),
    longPoll({ url: '/realtime/poll', sendUrl: '/realtime/send' }),
    socketIo({ url: location.origin }),
  ];
  const shared = isShared ? own.map((transport) => sharedTabs(transport, { key: location.origin })) : [];
  const watch = monitor();
  const storm = chaos();
  const manager = createRealtime({
    transports: storm.wrap(...(isShared ? shared : own)),
    events,
    auth: ({ signal }) => logIn(name, signal),
    // what was written without a connection waits for a day, also over a reload
    outbox: { storage: indexedDbStorage({ user: name, name: 'keepwire-chat' }), maxAgeMs: 86_400_000 },
    // slow enough to watch it
    retry: fullJitter({ baseMs: 2_000, maxMs: 10_000 }),
    probe: watch,
  });
  manager.start();
  return {
    manager,
    watch,
    storm,
    get role() {
      return shared.find((transport) => transport.name === manager.status.get().transport)?.role;
    },
  };
}
