import { createRealtime, unchecked } from '../src/index.ts';
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

/** @throws Error when no message came */
export async function measureConnect(
  transport: TransportName,
  servers: ServerProcess,
  { connects, deadlineMs }: BenchOptions,
): Promise<Connect> {
  const times: number[] = [];
  for (let attempt = 0; attempt < connects; attempt += 1) {
    times.push(await connectOnce(transport, await servers.slowLine(delayMs), deadlineMs));
  }
  const ms = median(times);
  return { transport, ms, roundTrips: ms / (2 * delayMs), bar: transport === 'socket-io' ? undefined : 2 };
}

function connectOnce(transport: TransportName, url: string, deadlineMs: number): Promise<number> {
  const realtime = createRealtime({
    transports: [makeTransport[transport](url)],
    events: { message: unchecked<object>() },
  });
  const timer = AbortSignal.timeout(deadlineMs);
  const first = new Promise<number>((resolve, reject) => {
    timer.addEventListener('abort', () => reject(new Error('no message came')));
    realtime.on('fault', reject);
    const startMs = performance.now();
    realtime.channel(`${firstMessagePrefix}${transport}`).on('message', () => resolve(performance.now() - startMs));
    realtime.start();
  });
  return first.finally(() => realtime.close());
}
