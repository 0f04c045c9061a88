import { createRealtime, type Transport, unchecked } from '../src/index.ts';
import { median } from './measure.ts';
import type { BenchOptions, TransportName } from './options.ts';
import { makeTransport } from './ours.ts';
import { firstMessagePrefix } from './script-log.ts';
import type { ServerProcess } from './server-process.ts';

/** How far the server is, one way, in milliseconds. */
export const delayMs = 50;

/** From `start` to the first message of a channel, over a line on which a round trip takes two delays. */
export interface Connect {
  readonly transport: TransportName;
  /** The median, in milliseconds. */
  readonly ms: number;
  readonly roundTrips: number;
  /** The most that are allowed; the handshakes of Socket.IO are not ours. */
  readonly bar: number | undefined;
}

/** From `start` to the first message where WebSocket does not get through, and Server-Sent Events do. */
export interface Fallback {
  readonly what: 'refused' | 'swallowed';
  /** The median, in milliseconds. */
  readonly ms: number;
  /** The most that is allowed, in milliseconds. */
  readonly barMs: number;
}

/** How WebSocket fails, and what the way to the next route may cost beside the round trips: 4 and 2 of them. */
const fallbacks = {
  // the connection and the refusal, then the connection and the stream
  refused: { end: 'refusing', barMs: 4 * 2 * delayMs + 50 },
  // the silence after which the next route starts, then the connection and the stream
  swallowed: { end: 'silent', barMs: 1_000 + 2 * 2 * delayMs + 50 },
} as const;

/** @throws Error when no message came */
export async function measureFallback(
  what: Fallback['what'],
  servers: ServerProcess,
  { connects, deadlineMs }: BenchOptions,
): Promise<Fallback> {
  const { end, barMs } = fallbacks[what];
  const times: number[] = [];
  for (let attempt = 0; attempt < connects; attempt += 1) {
    const blocked = makeTransport.websocket(await servers.slowLine(delayMs, end));
    const open = makeTransport.sse(await servers.slowLine(delayMs));
    times.push(await firstMessageMs([blocked, open], 'fallback', deadlineMs));
  }
  return { what, ms: median(times), barMs };
}

/** @throws Error when no message came */
export async function measureConnect(
  transport: TransportName,
  servers: ServerProcess,
  { connects, deadlineMs }: BenchOptions,
): Promise<Connect> {
  const times: number[] = [];
  for (let attempt = 0; attempt < connects; attempt += 1) {
    const only = makeTransport[transport](await servers.slowLine(delayMs));
    times.push(await firstMessageMs([only], transport, deadlineMs));
  }
  const ms = median(times);
  return { transport, ms, roundTrips: ms / (2 * delayMs), bar: transport === 'socket-io' ? undefined : 2 };
}

function firstMessageMs(transports: readonly Transport[], channel: string, deadlineMs: number): Promise<number> {
  const realtime = createRealtime({
    transports,
    events: { message: unchecked<object>() },
  });
  const timer = AbortSignal.timeout(deadlineMs);
  const first = new Promise<number>((resolve, reject) => {
    timer.addEventListener('abort', () => reject(new Error('no message came')));
    realtime.on('fault', reject);
    const startMs = performance.now();
    realtime.channel(`${firstMessagePrefix}${channel}`).on('message', () => resolve(performance.now() - startMs));
    realtime.start();
  });
  return first.finally(() => realtime.close());
}
