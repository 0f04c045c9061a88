import { createRealtime, type RealtimeManager, type Transport } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { type Monitor, monitor } from 'keepwire/monitor';
import { socketIo } from 'keepwire/socket-io';
import { sse } from 'keepwire/sse';
import { sharedTabs, type TabRole } from 'keepwire/tabs';
import { websocket } from 'keepwire/websocket';
import { events } from './events.ts';
import { renewToken, session } from './session.ts';

/** The manager, with the types of our events. */
export type Realtime = RealtimeManager<typeof events>;

/** What a page has open. */
export interface Inbox {
  readonly realtime: Realtime;
  /** What is measured. */
  readonly watch: Monitor;
  /** What this tab is to the other tabs of the browser. */
  role(): TabRole | undefined;
}

/** The transports, best first. */
export const transports = ['websocket', 'socket-io', 'sse', 'long-poll'] as const;

/** The wish for a transport is the browser's: tabs share a connection as long as they have the same one. */
const modeKey = 'team-inbox.mode';

let opened: Inbox | undefined;

/** The one connection of this page, which it shares with the other tabs. It begins with the first call. */
export function inbox(): Inbox {
  opened ??= open();
  return opened;
}

/** Chooses the transport for all tabs of this browser. */
export function chooseMode(mode: string): void {
  localStorage.setItem(modeKey, mode);
  inbox().realtime.setMode(mode);
}

function open(): Inbox {
  const { origin } = location;
  const share = (transport: Transport) => sharedTabs(transport, { key: `${origin} team-inbox 1` });
  const shared = [
    share(websocket({ url: '/realtime' })),
    share(socketIo({ url: origin })),
    share(sse({ url: '/realtime/sse', sendUrl: '/realtime/send' })),
    share(longPoll({ url: '/realtime/poll', sendUrl: '/realtime/send' })),
  ];
  const watch = monitor();
  const realtime = createRealtime({
    transports: shared,
    events,
    mode: modeNow(),
    auth: ({ reason, signal }) => (reason === 'refused' || reason === 'expiring' ? renewToken(signal) : (session()?.token ?? '')),
    delivery: { typing: 'volatile' },
    // who looks at another conversation and comes back has not left
    leaveAfterMs: 3_000,
    probe: watch,
  });
  addEventListener('storage', ({ key }) => {
    if (key === modeKey) realtime.setMode(modeNow());
  });
  realtime.start();
  return { realtime, watch, role: () => shared.find(({ role }) => role !== undefined)?.role };
}

function modeNow(): string {
  const kept = localStorage.getItem(modeKey);
  return transports.find((name) => name === kept) ?? 'auto';
}
