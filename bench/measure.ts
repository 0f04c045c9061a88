import { setImmediate as nextTick } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { OpenClient } from './client.ts';
import type { BenchOptions } from './options.ts';
import { firstNumber, type Payload } from './payload.ts';
import type { Row } from './rows.ts';
import type { ServerProcess } from './server-process.ts';

/** What one run took, in milliseconds. */
interface Run {
  readonly wallMs: number;
  /** The processor time of this process, all its threads. */
  readonly cpuMs: number;
}

/** What a row came to. All ratios are shares of the bare client: 1 is as good, 0.5 takes twice as long. */
export interface Result {
  readonly row: Row;
  /** Messages per second, medians. */
  readonly rawRate: number;
  readonly ourRate: number;
  readonly ratioOfMedians: number;
  readonly medianOfRatios: number;
  /** The median of the paired ratios of processor time. */
  readonly cpuRatio: number;
  /** How much of the time the bare client was at work: far below 1, the server was what took the time. */
  readonly rawBusy: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let runs = 0;

/** A run begins with so many messages that are not measured, so that the engine has compiled what it will compile. */
const mostWarmUp = 50_000;

/**
 * Measures one row: pairs of runs, close together, in alternating order, after a pair to warm up.
 *
 * @throws Error when a message was lost, came twice or out of order, or a client failed
 */
export async function measure(row: Row, servers: ServerProcess, options: BenchOptions): Promise<Result> {
  const { rounds, messages } = options;
  const one = (open: OpenClient, count: number): Promise<Run> => receive(row, open, count, servers, options.deadlineMs);
  await one(row.raw, Math.ceil(messages / 4));
  await one(row.ours, Math.ceil(messages / 4));

  const raw: Run[] = [];
  const ours: Run[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) raw.push(await one(row.raw, messages));
    ours.push(await one(row.ours, messages));
    if (round % 2 === 1) raw.push(await one(row.raw, messages));
  }

  const wall = (list: readonly Run[]): number => median(list.map(({ wallMs }) => wallMs));
  const paired = (take: (run: Run) => number): number => median(raw.map((run, index) => take(run) / take(ours[index] ?? run)));
  return {
    row,
    rawRate: (messages / wall(raw)) * 1000,
    ourRate: (messages / wall(ours)) * 1000,
    ratioOfMedians: wall(raw) / wall(ours),
    medianOfRatios: paired(({ wallMs }) => wallMs),
    cpuRatio: paired(({ cpuMs }) => cpuMs),
    rawBusy: median(raw.map(({ cpuMs, wallMs }) => cpuMs / wallMs)),
  };
}

/** One run: a client joins a channel of its own, the server sends, the last message ends it. */
async function receive(row: Row, open: OpenClient, messages: number, servers: ServerProcess, deadlineMs: number): Promise<Run> {
  runs += 1;
  const channel = `bench-${String(runs).padStart(6, '0')}`;
  const warmUp = Math.min(mostWarmUp, Math.ceil(messages / 4));
  const total = warmUp + messages;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let received = 0;
  let misplaced = 0;
  let startMs = 0;
  let cpuBefore: NodeJS.CpuUsage | undefined;
  const take = ({ n }: Payload): void => {
    if (n !== firstNumber + received) misplaced += 1;
    received += 1;
    if (received === warmUp) {
      startMs = performance.now();
      cpuBefore = process.cpuUsage();
    } else if (received === total) resolve();
  };
  const timer = setTimeout(() => reject(new Error(`${received} of ${total} messages came in time`)), deadlineMs);
  const client = open({ url: servers.urls[row.server], channel, take, failed: reject });
  try {
    await Promise.race([client.joined, done]);
    collectGarbage();
    servers.publish(row.server, channel, total, row.bytes);
    await done;
    const wallMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    // what came too often would come now
    await nextTick();
    const complaints = [
      ...(received === total ? [] : [`${received} messages came and not ${total}`]),
      ...(misplaced === 0 ? [] : [`${misplaced} messages were not where they belong`]),
      ...(client.complaints?.(total) ?? []),
    ];
    if (complaints.length > 0) throw new Error(complaints.join('; '));
    return { wallMs, cpuMs: (user + system) / 1000 };
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

/** The middle of a list that is not empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
