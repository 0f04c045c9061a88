import type { Direction, Directions, ProxyEnd } from '../support/tcp-proxy.ts';
import { type Chance, chanceOf } from './random.ts';

/** The names of the transports. */
export const transportNames = ['websocket', 'sse', 'long-poll', 'socket-io'] as const;
export type TransportName = (typeof transportNames)[number];

/** How a send is meant. */
export type SendForm = 'plain' | 'volatile' | 'refused' | 'busy' | 'hasty' | 'aborted';

/** Something that happens to one client, to its network, or to the server. `forMs` is how long it lasts. */
export type Happening =
  | { readonly kind: 'send'; readonly client: number; readonly channel: string; readonly count: number; readonly form: SendForm }
  | { readonly kind: 'mode'; readonly client: number; readonly mode: string }
  | { readonly kind: 'cut'; readonly client: number; readonly how: ProxyEnd }
  | {
      readonly kind: 'cut-after';
      readonly client: number;
      readonly bytes: number;
      readonly direction: Direction;
      readonly how: ProxyEnd;
      readonly forMs: number;
    }
  | { readonly kind: 'stall'; readonly client: number; readonly directions: Directions; readonly forMs: number }
  | { readonly kind: 'strand'; readonly client: number; readonly directions: Directions }
  | { readonly kind: 'throttle'; readonly client: number; readonly bytesPerSecond: number; readonly forMs: number }
  | { readonly kind: 'delay'; readonly client: number; readonly delayMs: number; readonly forMs: number }
  | { readonly kind: 'tear'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'refuse'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'blackhole'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'stop'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'hold'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'offline'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'wake'; readonly client: number }
  | { readonly kind: 'rejoin'; readonly client: number; readonly channel: string; readonly forMs: number }
  | { readonly kind: 'slow-token'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'no-token'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'crash'; readonly log: 'kept' | 'lost'; readonly forMs: number }
  | { readonly kind: 'freeze'; readonly forMs: number }
  | { readonly kind: 'lose-log' }
  | { readonly kind: 'trim'; readonly channel: string }
  | { readonly kind: 'drain' }
  | { readonly kind: 'drop-links' }
  | { readonly kind: 'end-links' };

export type Step = { readonly atMs: number } & Happening;

/** One client of a run. */
export interface ClientPlan {
  readonly mode: string;
  /** In the order of its list. */
  readonly transports: readonly TransportName[];
  readonly channels: readonly string[];
  /** How long each of its tokens is valid, in seconds. */
  readonly tokenS: number;
  /** Its schema answers later, so that handlers do too. */
  readonly isCheckedLater: boolean;
}

/** A whole run, from one number. All times are the clients'. */
export interface Plan {
  readonly seed: number;
  readonly clients: readonly ClientPlan[];
  readonly channels: readonly string[];
  readonly durationMs: number;
  readonly steps: readonly Step[];
}

/** Makes the plan of a run. */
export function planOf(seed: number, transport: TransportName | 'all'): Plan {
  const chance = chanceOf(seed);
  const channels = ['red', 'green', 'blue'].slice(0, chance.int(1, 3));
  const clients = Array.from({ length: chance.int(2, 3) }, () => clientPlan(chance, channels, transport));
  const durationMs = chance.int(10_000, 25_000);
  const faults = Array.from({ length: chance.int(5, 14) }, (): Step => {
    return { atMs: chance.int(200, durationMs - 1_000), ...faultOf(chance, clients, channels, transport) };
  });
  const steps = [...faults, ...clients.flatMap((plan, client) => sends(chance, client, plan, durationMs))];
  return { seed, clients, channels, durationMs, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

function clientPlan(chance: Chance, channels: readonly string[], transport: TransportName | 'all'): ClientPlan {
  const transports = transport === 'all' ? shuffled(chance, transportNames) : [transport];
  const wanted = channels.filter(() => chance.is(0.7));
  return {
    transports,
    mode: chance.is(0.3) ? 'auto' : chance.pick(transports),
    channels: wanted.length > 0 ? wanted : [chance.pick(channels)],
    tokenS: chance.is(0.5) ? chance.int(20, 35) : 3_600,
    isCheckedLater: chance.is(0.25),
  };
}

function sends(chance: Chance, client: number, { channels }: ClientPlan, durationMs: number): Step[] {
  const steps: Step[] = [];
  const everyMs = chance.int(60, 400);
  for (let atMs = chance.int(0, everyMs); atMs < durationMs; atMs += chance.int(1, 2 * everyMs)) {
    const form = chance.is(0.8) ? 'plain' : chance.pick<SendForm>(['volatile', 'refused', 'busy', 'hasty', 'aborted']);
    const count = chance.is(0.03) ? chance.int(10, 40) : chance.int(1, 2);
    steps.push({ atMs, kind: 'send', client, channel: chance.pick(channels), count, form });
  }
  return steps;
}

/** Each fault, as often as its weight says. */
function faultOf(
  chance: Chance,
  clients: readonly ClientPlan[],
  channels: readonly string[],
  transport: TransportName | 'all',
): Happening {
  const client = chance.int(0, clients.length - 1);
  const plan = clients[client] as ClientPlan;
  const forMs = chance.is(0.7) ? chance.int(100, 2_000) : chance.int(2_000, 8_000);
  const directions = chance.pick<Directions>(['up', 'down', 'both']);
  const how = chance.pick<ProxyEnd>(['fin', 'rst']);
  const direction = chance.pick<Direction>(['up', 'down']);
  const makers: readonly (readonly [weight: number, make: () => Happening])[] = [
    [transport === 'all' ? 10 : 0, () => ({ kind: 'mode', client, mode: chance.pick(['auto', ...plan.transports]) })],
    [5, () => ({ kind: 'cut', client, how })],
    [4, () => ({ kind: 'cut-after', client, bytes: chance.int(1, 1_500), direction, how, forMs })],
    [4, () => ({ kind: 'stall', client, directions, forMs })],
    [3, () => ({ kind: 'strand', client, directions })],
    [2, () => ({ kind: 'throttle', client, bytesPerSecond: chance.int(5, 80) * 1_000, forMs })],
    [2, () => ({ kind: 'delay', client, delayMs: chance.int(1, 40), forMs })],
    [2, () => ({ kind: 'tear', client, forMs })],
    [2, () => ({ kind: 'refuse', client, forMs })],
    [2, () => ({ kind: 'blackhole', client, forMs })],
    [1, () => ({ kind: 'stop', client, forMs })],
    [1, () => ({ kind: 'hold', client, forMs })],
    [1, () => ({ kind: 'offline', client, forMs })],
    [1, () => ({ kind: 'wake', client })],
    [2, () => ({ kind: 'rejoin', client, channel: chance.pick(plan.channels), forMs })],
    [1, () => ({ kind: 'slow-token', client, forMs })],
    [1, () => ({ kind: 'no-token', client, forMs })],
    [5, () => ({ kind: 'crash', log: chance.is(0.6) ? 'kept' : 'lost', forMs: Math.min(forMs, 4_000) })],
    [2, () => ({ kind: 'freeze', forMs: Math.min(forMs, 4_000) })],
    [1, () => ({ kind: 'lose-log' })],
    [2, () => ({ kind: 'trim', channel: chance.pick(channels) })],
    [1, () => ({ kind: 'drain' })],
    [2, () => ({ kind: 'drop-links' })],
    [1, () => ({ kind: 'end-links' })],
  ];
  const total = makers.reduce((sum, [weight]) => sum + weight, 0);
  let left = chance.next() * total;
  for (const [weight, make] of makers) {
    left -= weight;
    if (left < 0) return make();
  }
  return { kind: 'drop-links' };
}

function shuffled<T>(chance: Chance, list: readonly T[]): readonly T[] {
  return list
    .map((item) => ({ item, order: chance.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
