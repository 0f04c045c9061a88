import * as fc from 'fast-check';

/** One thing that happens in a model run. `which` picks among the links that there are. */
export type Command =
  | { readonly kind: 'start' | 'stop' | 'offline' | 'online' | 'hold' | 'release' | 'wake' | 'lose-log' | 'no-token' | 'token' }
  | { readonly kind: 'mode'; readonly mode: string }
  | { readonly kind: 'join' | 'leave' | 'publish' | 'other' | 'trim'; readonly channel: string }
  | { readonly kind: 'up' | 'repeat' | 'swap' | 'lose' | 'heartbeat' | 'drain' | 'expire'; readonly which: number }
  | { readonly kind: 'serve' | 'deliver'; readonly which: number; readonly count: number }
  | { readonly kind: 'down'; readonly which: number; readonly cause: 'lost' | 'refused' | 'unauthorized' }
  | { readonly kind: 'late-ack'; readonly which: number; readonly send: number }
  | { readonly kind: 'time'; readonly forMs: number };

/** The channels of a model run. */
export const modelChannels = ['red', 'blue'] as const;

const which = fc.nat({ max: 3 });
const channel = fc.constantFrom(...modelChannels);
const count = fc.integer({ min: 1, max: 6 });

/** Any command; what carries traffic is more frequent than what disturbs it. */
export const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('publish' as const), channel }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('other' as const), channel }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('up' as const), which }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constantFrom('serve' as const, 'deliver' as const), which, count }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('deliver' as const), which, count: fc.constant(40) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('down' as const),
      which,
      cause: fc.constantFrom('lost' as const, 'lost' as const, 'refused' as const, 'unauthorized' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('repeat' as const, 'swap' as const, 'lose' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('heartbeat' as const, 'drain' as const, 'expire' as const), which }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late-ack' as const), which, send: fc.nat({ max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom('auto', 'frames', 'dials') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('join' as const, 'leave' as const), channel }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), channel }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['start', 'stop', 'offline', 'online', 'hold', 'release', 'wake', 'lose-log', 'no-token', 'token'] as const),
      ),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      forMs: fc.constantFrom(0, 1, 20, 300, 1_000, 2_500, 12_000, 40_000),
    }),
  },
);
