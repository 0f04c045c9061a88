import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSubscription, type SourceLink } from '../../src/channel/subscription.ts';
import { backfill } from '../../src/delivery/backfill.ts';
import type { Gap } from '../../src/delivery/order.ts';
import type { OffsetPosition, ServerFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

/** What can happen, in any order and number. */
type Step =
  | { readonly kind: 'publish'; readonly count: number }
  /** So many frames of the wire arrive. */
  | { readonly kind: 'flow'; readonly count: number }
  /** The next live frame of the wire is lost, comes twice, or changes places with the one after it. */
  | { readonly kind: 'lose' | 'repeat' | 'swap' }
  | { readonly kind: 'cut' | 'reconnect' | 'forget' | 'heartbeat' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'wait'; readonly durationMs: number }
  /** The application's load fails so often from now on, or knows only every other message. */
  | { readonly kind: 'load'; readonly failures: number; readonly isPartial: boolean };

interface World {
  readonly resume: 'channel' | 'none';
  readonly hasBackfill: boolean;
  readonly maxEarly: number;
  /** May the log be cut off at its beginning, or begin anew? */
  readonly mayForget: boolean;
  /** May frames of a replay be lost as well? */
  readonly mayLoseReplays: boolean;
}

const count = (max: number) => fc.integer({ min: 1, max });
const stepsOf = ({ mayForget }: World) =>
  fc.array(
    fc.oneof<fc.WeightedArbitrary<Step>[]>(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), count: count(6) }) },
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('flow' as const), count: count(8) }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('lose' as const, 'repeat' as const, 'swap' as const) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'reconnect' as const, 'heartbeat' as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('wait' as const), durationMs: fc.constantFrom(0, 100, 200, 1_000, 40_000) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('load' as const), failures: fc.nat(5), isPartial: fc.boolean() }),
      },
      ...(mayForget
        ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('forget' as const, 'restart' as const) }) }]
        : []),
    ),
    { maxLength: 120, size: 'max' },
  );

const nameOf = (epoch: string, offset: number): string => `${epoch}/${offset}`;

/** Plays the steps against a channel. @returns what was published, handed over and told of */
async function play(world: World, steps: readonly Step[]) {
  const clock = manualClock();
  let epochs = 1;
  let log: number[] = [];
  let kept = 0;
  let linkId = 0;
  let link: SourceLink | undefined;
  let wire: { readonly frame: ServerFrame; readonly isLive: boolean }[] = [];
  let failures = 0;
  let isPartial = false;
  const published: string[] = [];
  const delivered: string[] = [];
  const gaps: Gap[] = [];
  const epoch = (): string => `e${epochs}`;
  const event = (offset: number): ServerFrame => ({
    kind: 'event',
    channel: 'c',
    event: 'said',
    data: nameOf(epoch(), offset),
    offset,
  });

  /** The server's answer to a join, and what it replays. */
  function answerJoin(): void {
    const { position } = subscription;
    const from = typeof position === 'object' && position.epoch === epoch() ? position.offset : undefined;
    const start = world.resume === 'none' ? log.length : Math.max(kept, from ?? (position === undefined ? log.length : 0));
    wire.push({ frame: { kind: 'joined', channel: 'c', epoch: epoch(), offset: start }, isLive: false });
    for (const offset of log.slice(start)) wire.push({ frame: event(offset), isLive: world.mayLoseReplays });
  }

  const subscription = createSubscription(
    'c',
    quietHooks({
      clock,
      reorder: { maxMessages: world.maxEarly, waitMs: 200 },
      gap: (gap) => gaps.push(gap),
      heal() {
        if (link) answerJoin();
      },
      backfill: world.hasBackfill
        ? backfill(
            async (_, { until }) => {
              if (failures-- > 0) throw new Error('503');
              const { epoch: asked, offset: last } = until as OffsetPosition;
              // what was forgotten by the stream is still in the database; what was restarted is gone
              if (asked !== epoch()) return [];
              const known = log.filter((offset) => offset <= last + 3 && !(isPartial && offset % 2));
              return known.map((offset) => ({ event: 'said', data: nameOf(asked, offset), offset }));
            },
            { maxWaiting: world.mayForget ? 20 : 1_000, deadlineMs: 5_000 },
          )
        : undefined,
    }),
  );
  subscription.bus.onAny(({ data }) => delivered.push(String(data)));

  function connect(): void {
    linkId += 1;
    link = { id: linkId, resume: world.resume, isAlone: true, isStreamResumed: false };
    answerJoin();
  }

  function cut(): void {
    link = undefined;
    wire = [];
    subscription.disconnected();
  }

  async function flow(most: number): Promise<void> {
    for (let done = 0; done < most && link; done++) {
      const next = wire.shift();
      if (!next) return;
      const { frame } = next;
      if (frame.kind === 'event') subscription.receive(frame, link);
      else if (frame.kind === 'joined') subscription.joined(frame, link);
    }
  }

  /** A load, its messages and what waits behind them take many turns of the microtask queue, and no time. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 6; turn++) await clock.advance(0);
  }

  async function step(each: Step): Promise<void> {
    switch (each.kind) {
      case 'publish':
        for (let n = 0; n < each.count; n++) {
          const offset = log.length + 1;
          log.push(offset);
          published.push(nameOf(epoch(), offset));
          if (link) wire.push({ frame: event(offset), isLive: true });
        }
        return;
      case 'flow':
        return flow(each.count);
      case 'lose':
      case 'repeat':
      case 'swap': {
        const index = wire.findIndex(({ isLive }) => isLive);
        const [first, second] = [wire[index], wire[index + 1]];
        if (!first) return;
        if (each.kind === 'lose') wire.splice(index, 1);
        else if (each.kind === 'repeat') wire.splice(index, 0, first);
        else if (second?.isLive) wire.splice(index, 2, second, first);
        return;
      }
      case 'cut':
        return cut();
      case 'reconnect':
        if (link) cut();
        return connect();
      case 'forget':
        kept = log.length;
        return;
      case 'restart':
        if (link) cut();
        epochs += 1;
        log = [];
        kept = 0;
        return;
      case 'heartbeat':
        // it stands behind everything that was sent
        if (link && !wire.length) subscription.heartbeat({ channel: 'c', epoch: epoch(), offset: log.length }, link);
        return;
      case 'wait':
        // a server that does not answer a join for half a minute is taken for one that cannot replay
        for (let leftMs = each.durationMs; leftMs > 0; leftMs -= 1_000) {
          if (!world.mayLoseReplays && each.durationMs >= 1_000) await flow(Number.POSITIVE_INFINITY);
          await settle();
          await clock.advance(Math.min(leftMs, 1_000));
        }
        return;
      case 'load':
        failures = each.failures;
        isPartial = each.isPartial;
    }
  }

  connect();
  await flow(1);
  for (const each of steps) await step(each);
  // in the end the faults stop
  await step({ kind: 'reconnect' });
  for (let round = 0; round < 6; round++) {
    await flow(Number.POSITIVE_INFINITY);
    await settle();
    await clock.advance(40_000);
  }
  return { published, delivered, gaps, clock, subscription };
}

const [epochOf, offsetOf] = [
  (name: string): number => Number(/\d+/.exec(name)?.[0]),
  (name: string): number => Number(name.split('/')[1]),
];

/** Which of the published messages a gap stands for. */
function covered({ after, until }: Gap, published: readonly string[]): string[] {
  const [from, to] = [after, until] as OffsetPosition[];
  if (!from || !to) return [];
  const rank = (epoch: number, offset: number): number => epoch * 1e6 + offset;
  const [low, high] = [from, to].map(({ epoch, offset }) => rank(epochOf(epoch), offset)) as [number, number];
  return published.filter((name) => {
    const place = rank(epochOf(name), offsetOf(name));
    return place > low && place <= high;
  });
}

function checkLedger({ published, delivered, gaps }: Awaited<ReturnType<typeof play>>): void {
  expect(delivered, 'twice').toEqual([...new Set(delivered)]);
  expect(delivered, 'out of order').toEqual(published.filter((name) => delivered.includes(name)));
  const seen = new Set(delivered);
  const told = new Set<string>();
  for (const gap of gaps) {
    const range = covered(gap, published);
    const missing = range.filter((name) => !seen.has(name));
    if (gap.missing !== undefined) expect(missing, 'a false gap, or a wrong count').toHaveLength(gap.missing);
    if (gap.isFilled && gap.missing !== undefined) expect(missing).toEqual([]);
    for (const name of missing) {
      expect(told.has(name), `${name} is told of twice`).toBe(false);
      told.add(name);
    }
  }
  expect(
    published.filter((name) => !seen.has(name) && !told.has(name)),
    'lost in silence',
  ).toEqual([]);
}

/** A long run: `MODEL_RUNS=5000 npx vitest run …`. */
const runs = { numRuns: Number(process.env.MODEL_RUNS ?? 150) };

describe('whatever is lost, repeated and swapped', () => {
  test.each([1, 4, 64])('a server that can replay loses nothing, and there is no gap (%i are kept)', async (maxEarly) => {
    const world: World = { resume: 'channel', hasBackfill: false, maxEarly, mayForget: false, mayLoseReplays: false };
    await fc.assert(
      fc.asyncProperty(stepsOf(world), async (steps) => {
        const outcome = await play(world, steps);
        checkLedger(outcome);
        expect(outcome.gaps).toEqual([]);
        expect(outcome.delivered).toEqual(outcome.published);
        expect(outcome.clock.pending).toBe(0);
      }),
      runs,
    );
  });

  test.each([
    ['none', false, 4],
    ['none', true, 4],
    ['channel', false, 4],
    ['channel', true, 4],
    ['none', true, 0],
    ['channel', true, 64],
  ] as const)(
    'each message of a log that forgets is handed over or told of, once and in order (%s, backfill %s, %i are kept)',
    async (resume, hasBackfill, maxEarly) => {
      const world: World = { resume, hasBackfill, maxEarly, mayForget: true, mayLoseReplays: true };
      await fc.assert(
        fc.asyncProperty(stepsOf(world), async (steps) => {
          const outcome = await play(world, steps);
          checkLedger(outcome);
          expect(outcome.clock.pending).toBe(0);
        }),
        runs,
      );
    },
  );

  test('what the server has forgotten comes from the application, and nothing is missing', async () => {
    const world: World = { resume: 'none', hasBackfill: true, maxEarly: 8, mayForget: false, mayLoseReplays: false };
    await fc.assert(
      fc.asyncProperty(stepsOf(world), async (all) => {
        const steps = all.filter(({ kind }) => kind !== 'load');
        const outcome = await play(world, steps);
        checkLedger(outcome);
        expect(outcome.delivered).toEqual(outcome.published);
        expect(outcome.gaps.every(({ isFilled }) => isFilled)).toBe(true);
      }),
      runs,
    );
  });
});
