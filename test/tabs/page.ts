// The application in the tabs of browser.test.ts. It is bundled and served by the test.
import { createRealtime } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { sse } from 'keepwire/sse';
import { sharedTabs } from 'keepwire/tabs';
import { websocket } from 'keepwire/websocket';

/** What the test asks of a page. */
export interface PageApp {
  /** The offsets that the handler got, in order. */
  readonly got: number[];
  readonly gaps: unknown[];
  /** The numbers that were sent, and that were accepted, in order. */
  readonly sent: number[];
  readonly accepted: number[];
  readonly failed: string[];
  role(): string | undefined;
  status(): string;
  /** Sends one number, and goes on every so many milliseconds; in a hidden tab the browser makes that a second. */
  sendEvery(delayMs: number): void;
  stopSending(): void;
  /** Sends one number; resolves when it is accepted. */
  send(): Promise<void>;
  close(): void;
}

declare global {
  interface Window {
    app: PageApp;
    /** Set by the test: something has changed. The offset of an event is known there also when the page is gone. */
    notify?(word: string): void;
  }
}

const parameters = new URLSearchParams(location.search);
const carrier = parameters.get('carrier') ?? 'websocket';
const name = parameters.get('name') ?? '';
const sendUrl = '/realtime/send';
const carriers = {
  websocket: () => websocket({ url: '/realtime' }),
  sse: () => sse({ url: '/realtime/sse', sendUrl }),
  'long-poll': () => longPoll({ url: '/realtime/poll', sendUrl }),
};
const transport = sharedTabs(carriers[carrier as keyof typeof carriers](), { key: '/realtime' });
const realtime = createRealtime({ transports: [transport], auth: parameters.get('token') ?? '' });
const room = realtime.channel('room');
const [got, gaps, sent, accepted, failed]: [number[], unknown[], number[], number[], string[]] = [[], [], [], [], []];
let timer = 0;

realtime.on('gap', (gap) => gaps.push(gap));
room.on('number', (_, { offset = -1 }) => {
  got.push(offset);
  window.notify?.(String(offset));
});
realtime.on('status', () => window.notify?.(''));

function send(): Promise<void> {
  const number = sent.push(sent.length);
  return room
    .publish('number', { from: name, number: number - 1 })
    .then(
      () => void accepted.push(number - 1),
      (error: unknown) => void failed.push(String(error)),
    )
    .finally(() => window.notify?.(''));
}

window.app = {
  send,
  got,
  gaps,
  sent,
  accepted,
  failed,
  role: () => transport.role,
  status: () => realtime.status.get().status,
  sendEvery(delayMs) {
    void send();
    timer = window.setInterval(send, delayMs);
  },
  stopSending: () => window.clearInterval(timer),
  close: () => realtime.close(),
};
realtime.start();
