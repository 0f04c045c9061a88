import type { Clock } from '../../src/index.ts';
import { type VirtualClock, virtualClock } from './clock.ts';
import { seededRandom } from './random.ts';
import { type HerdServer, herdServer } from './server.ts';

/** What a client of the simulation is given. */
export interface HerdClientParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly server: HerdServer;
  /** A link of this client came up. */
  readonly back: () => void;
}

/** One client: it has a link, loses it, and comes back by its own rules. */
export interface HerdClient {
  /** Brings up the first link, for clients that need one to lose it. */
  readonly start?: () => void;
  /** Its link is cut. */
  cut(): void;
}

export type MakeHerdClient = (parts: HerdClientParts) => HerdClient;

/** One run. */
export interface Scenario {
  readonly seed: number;
  readonly clients: number;
  readonly acceptsPerSecond: number;
  /** How long the server is away, in milliseconds. */
  readonly outageMs: number;
  readonly client: MakeHerdClient;
}

/** What came of it. */
export interface Outcome {
  /** The most connects that reached the server in any second, sliding by a tenth of a second. */
  readonly peakPerSecond: number;
  /** The most in any tenth of a second, times ten. */
  readonly burstPerSecond: number;
  /** From the return of the server until 99 % of the clients are back, in seconds; `undefined` when they do not come back. */
  readonly backInSeconds: number | undefined;
  readonly connects: number;
}

/** Nothing is expected any more after this: 20 minutes. */
const patienceMs = 1_200_000;
/** As many connects wait as Node lets wait by default. */
const backlog = 511;
/** One way to the server: 10 to 60 ms. */
const leastDelayMs = 10;
const mostDelayMs = 60;
/** The links are older than this when they are cut, so that all of them have settled. */
const settledMs = 60_000;
const bucketMs = 100;

/** Lets the server lose all of its clients at one moment, and watches them come back. */
export async function simulateHerd({ seed, clients, acceptsPerSecond, outageMs, client: make }: Scenario): Promise<Outcome> {
  const random = seededRandom(seed);
  const clock: VirtualClock = virtualClock();
  const delayMs = (): number => leastDelayMs + random() * (mostDelayMs - leastDelayMs);
  const easy = herdServer({ acceptsPerSecond: 1e9, backlog: Number.POSITIVE_INFINITY, delayMs }, clock);
  const hard = herdServer({ acceptsPerSecond, backlog, delayMs }, clock);
  let isCut = false;
  const server: HerdServer = { ...hard, connect: (connect) => (isCut ? hard : easy).connect(connect) };
  const back = new Set<number>();
  const isEnough = (): boolean => isCut && back.size >= Math.ceil(clients * 0.99);

  const herd = Array.from({ length: clients }, (_, index) => make({ clock, random, server, back: () => back.add(index) }));
  for (const { start } of herd) start?.();
  await clock.runUntil(settledMs);
  isCut = true;
  back.clear();
  hard.goAway();
  clock.schedule(hard.comeBack, outageMs);
  for (const { cut } of herd) clock.schedule(cut, delayMs());
  await clock.runUntil(settledMs + outageMs + patienceMs, isEnough);

  const arrivals = buckets(hard.arrivalsMs, settledMs);
  return {
    peakPerSecond: mostInARow(arrivals, 1000 / bucketMs),
    burstPerSecond: mostInARow(arrivals, 1) * (1000 / bucketMs),
    backInSeconds: isEnough() ? (clock.now() - settledMs - outageMs) / 1000 : undefined,
    connects: hard.arrivalsMs.length,
  };
}

function buckets(timesMs: readonly number[], fromMs: number): number[] {
  const counts: number[] = [];
  for (const timeMs of timesMs) {
    const index = Math.floor((timeMs - fromMs) / bucketMs);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}

function mostInARow(counts: readonly number[], length: number): number {
  let sum = 0;
  let most = 0;
  for (let index = 0; index < counts.length; index++) {
    sum += (counts[index] ?? 0) - (counts[index - length] ?? 0);
    most = Math.max(most, sum);
  }
  return most;
}
