import { onTestFinished } from 'vitest';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import {
  createRealtime,
  type EventSchemas,
  type Gap,
  type Readable,
  type RealtimeManager,
  type RealtimeOptions,
  type Transport,
} from '../../src/index.ts';
import type { TestServer } from './reference-server.ts';

/** The names of the four transports, in the order of preference. */
export const transportNames = ['websocket', 'sse', 'long-poll', 'socket-io'] as const;

/** One of the four transports. */
export type TransportName = (typeof transportNames)[number];

/** A transport that is pointed at the reference server. */
function transportTo({ urls }: TestServer, name: TransportName): Transport {
  switch (name) {
    case 'websocket':
      return websocket({ url: urls.websocket });
    case 'sse':
      return sse({ url: urls.sse, sendUrl: urls.send });
    case 'long-poll':
      return longPoll({ url: urls.poll, sendUrl: urls.send });
    case 'socket-io':
      return socketIo({ url: urls.socketIo });
  }
}

/** What a manager reported, beside the manager itself. */
export interface TestClient<Schemas extends EventSchemas = EventSchemas> extends RealtimeManager<Schemas> {
  readonly gaps: readonly Gap[];
  /** The messages of all faults. */
  readonly faults: readonly string[];
}

/** A manager against the reference server; it is closed when the test is over. Retries come at once, and nobody waits. */
export function clientOf<Schemas extends EventSchemas = EventSchemas>(
  server: TestServer,
  names: readonly TransportName[],
  options: Partial<RealtimeOptions<Schemas>> = {},
): TestClient<Schemas> {
  const transports = names.map((name) => transportTo(server, name));
  const realtime = createRealtime<Schemas>({ transports, retry: () => 0, ...options });
  onTestFinished(() => realtime.close());
  const gaps: Gap[] = [];
  const faults: string[] = [];
  realtime.on('gap', (gap) => gaps.push(gap));
  realtime.on('fault', ({ message }) => faults.push(message));
  return Object.assign(realtime, { gaps, faults });
}

/** Collects the numbers that arrive in `{ n }`, and waits for a count of them. */
export function collect(
  client: RealtimeManager,
  channel: string,
  event = 'n',
): { readonly numbers: number[]; until(count: number): Promise<void> } {
  const numbers: number[] = [];
  const waiting = new Set<() => void>();
  client.channel(channel).on(event, (data) => {
    numbers.push((data as { n: number }).n);
    for (const look of [...waiting]) look();
  });
  return {
    numbers,
    until: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (numbers.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Waits until a Readable has a value that fits. */
export function when<T>(readable: Readable<T>, fits: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const stop = readable.subscribe((value) => {
      if (!fits(value)) return;
      resolve(value);
      // the first call comes before there is anything to take back
      queueMicrotask(() => stop());
    });
  });
}

/** Waits until the channel is joined. */
export async function joined(client: RealtimeManager, channel: string): Promise<void> {
  await when(client.channel(channel).state, ({ status }) => status === 'joined');
}

/** 1 to `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
