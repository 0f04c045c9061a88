import { spreadRetry } from '../../src/connection/retry.ts';
import { RealtimeError } from '../../src/index.ts';
import { type VirtualClock, virtualClock } from './clock.ts';
import { openConnection } from './keepwire.ts';
import { seededRandom } from './random.ts';
import { herdServer } from './server.ts';

/** One client loses its link, and the server is as well as ever. */
export interface LocalCase {
  readonly name: string;
  /** A local cause must be back within 300 ms at the median; a cut that nothing explains is only shown. */
  readonly hasBar: boolean;
  readonly medianMs: number;
}

/** How many times each is tried. */
const tries = 1_001;
/** The most that a local drop may take at the median, in milliseconds. */
export const localBarMs = 300;

/** A way to lose a link: it says what it does to the connection, and answers with the moment of the cut. */
type Lose = (client: Client) => Promise<number>;

interface Client extends ReturnType<typeof openConnection> {
  readonly clock: VirtualClock;
  readonly random: () => number;
  /** When the link of now came up. */
  readonly upMs: () => number | undefined;
}

const cut = ({ links }: Client, code: 'connection-lost' | 'timeout' = 'connection-lost'): void =>
  links.last?.down({ kind: 'lost', error: new RealtimeError(code, 'the link was cut') });

const ways: Readonly<Record<string, { readonly hasBar: boolean; readonly lose: Lose }>> = {
  'the network changed, and then the link broke': {
    hasBar: true,
    async lose(client) {
      client.connection.wake();
      await client.clock.runUntil(client.clock.now() + client.random() * 2_000);
      cut(client);
      return client.clock.now();
    },
  },
  'the link broke, and then the network was back': {
    hasBar: true,
    async lose(client) {
      cut(client);
      await client.clock.runUntil(client.clock.now() + client.random() * 100);
      const cutMs = client.clock.now();
      client.connection.wake();
      return cutMs;
    },
  },
  'the path died in silence': {
    hasBar: true,
    async lose(client) {
      cut(client, 'timeout');
      return client.clock.now();
    },
  },
  'a proxy cuts every link at the same age': {
    hasBar: true,
    async lose(client) {
      cut(client);
      await client.clock.runUntil(client.clock.now() + 5_000);
      // the first link was cut at an age of 60 s
      await client.clock.runUntil((client.upMs() ?? 0) + 60_000);
      cut(client);
      return client.clock.now();
    },
  },
  'a cut, where the server has few clients and says so': {
    hasBar: true,
    async lose(client) {
      client.links.last?.frames([{ kind: 'advice', spreadMs: 200 }]);
      cut(client);
      return client.clock.now();
    },
  },
  'a cut that nothing explains': {
    hasBar: false,
    async lose(client) {
      cut(client);
      return client.clock.now();
    },
  },
};

/** Tries every way to lose one link. */
export async function simulateLocal(seed: number): Promise<readonly LocalCase[]> {
  const cases: LocalCase[] = [];
  for (const [name, { hasBar, lose }] of Object.entries(ways)) {
    const random = seededRandom(seed);
    const times: number[] = [];
    for (let attempt = 0; attempt < tries; attempt++) times.push(await backAfterMs(lose, random));
    times.sort((a, b) => a - b);
    cases.push({ name, hasBar, medianMs: times[tries >> 1] ?? Number.NaN });
  }
  return cases;
}

async function backAfterMs(lose: Lose, random: () => number): Promise<number> {
  const clock = virtualClock();
  const server = herdServer({ acceptsPerSecond: 500, backlog: 511, delayMs: () => 10 + random() * 50 }, clock);
  let upMs: number | undefined;
  const back = (): void => {
    upMs = clock.now();
  };
  const opened = openConnection({ clock, random, server, back }, spreadRetry());
  opened.connection.start();
  await clock.runUntil(5_000, () => upMs !== undefined);
  await clock.runUntil((upMs ?? 0) + 60_000);
  const cutMs = await lose({ ...opened, clock, random, upMs: () => upMs });
  upMs = undefined;
  await clock.runUntil(cutMs + 60_000, () => upMs !== undefined);
  opened.connection.close();
  return (upMs ?? Number.POSITIVE_INFINITY) - cutMs;
}
