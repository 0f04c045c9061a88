import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSubscription, type SourceLink } from '../../src/channel/subscription.ts';
import { type BackfillMessage, backfill } from '../../src/delivery/backfill.ts';
import { dedupById } from '../../src/delivery/dedup.ts';
import type { Gap } from '../../src/delivery/order.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

type Step =
  | { readonly kind: 'publish' | 'flow'; readonly count: number }
  | { readonly kind: 'repeat' | 'cut' | 'reconnect' }
  | { readonly kind: 'wait'; readonly durationMs: number }
  | { readonly kind: 'fail'; readonly count: number };

const count = (max: number) => fc.integer({ min: 1, max });
const steps = (mayFail: boolean) =>
  fc.array(
    fc.oneof<fc.WeightedArbitrary<Step>[]>(
      { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('publish' as const, 'flow' as const), count: count(5) }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('repeat' as const, 'cut' as const, 'reconnect' as const) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), durationMs: fc.constantFrom(0, 10, 50, 5_000) }) },
      ...(mayFail ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), count: count(6) }) }] : []),
    ),
    { maxLength: 80, size: 'max' },
  );

/** A server that gives only ids and replays nothing, and a database that knows everything. Loads take a while. */
async function play(all: readonly Step[], overlap: number) {
  const clock = manualClock();
  const log: string[] = [];
  const delivered: string[] = [];
  const gaps: Gap[] = [];
  let linkId = 0;
  let link: SourceLink | undefined;
  let wire: string[] = [];
  let joinedAt = 0;
  let failures = 0;
  const messageOf = (id: string): BackfillMessage => ({ event: 'said', data: id, id });

  const subscription = createSubscription(
    'c',
    quietHooks({
      clock,
      dedup: dedupById(),
      gap: (gap) => gaps.push(gap),
      backfill: backfill(async (_, { lastEvent }) => {
        await new Promise<void>((resolve) => clock.schedule(resolve, 20));
        if (failures-- > 0) throw new Error('503');
        const since = lastEvent ? log.indexOf(lastEvent.id) + 1 : joinedAt;
        const answer = log.slice(Math.max(joinedAt, since - overlap)).map(messageOf);
        await new Promise<void>((resolve) => clock.schedule(resolve, 20));
        return answer;
      }),
    }),
  );
  subscription.bus.onAny(({ data }) => delivered.push(String(data)));

  function connect(): void {
    linkId += 1;
    link = { id: linkId, resume: 'none', isAlone: true, isStreamResumed: false };
    subscription.joined({ kind: 'joined', channel: 'c' }, link);
  }
  function cut(): void {
    link = undefined;
    wire = [];
    subscription.disconnected();
  }
  function flow(most: number): void {
    for (let done = 0; done < most && link && wire.length; done++) {
      const id = wire.shift() as string;
      const frame: EventFrame = { kind: 'event', channel: 'c', ...messageOf(id) };
      subscription.receive(frame, link);
    }
  }
  function publish(many: number): void {
    for (let n = 0; n < many; n++) {
      const id = `m${log.length}`;
      log.push(id);
      if (link) wire.push(id);
    }
  }

  connect();
  // a last message is what a server without numbers can be asked by
  publish(1);
  flow(1);
  joinedAt = 0;
  for (const step of all) {
    if (step.kind === 'publish') publish(step.count);
    else if (step.kind === 'flow') flow(step.count);
    else if (step.kind === 'repeat' && wire[0] !== undefined) wire.unshift(wire[0]);
    else if (step.kind === 'wait') await clock.advance(step.durationMs);
    else if (step.kind === 'fail') failures = step.count;
    else if (step.kind === 'cut') cut();
    else if (step.kind === 'reconnect') {
      if (link) cut();
      connect();
    }
  }
  failures = 0;
  if (link) cut();
  connect();
  for (let round = 0; round < 8; round++) {
    flow(Number.POSITIVE_INFINITY);
    await clock.advance(1_000);
  }
  return { log, delivered, gaps, clock };
}

const runs = { numRuns: Number(process.env.MODEL_RUNS ?? 150) };

test.each([0, 3])(
  'without numbers each message is handed over once and in order, by the stream or by the load (%i too many)',
  async (overlap) => {
    await fc.assert(
      fc.asyncProperty(steps(false), async (all) => {
        const { log, delivered, gaps, clock } = await play(all, overlap);
        expect(delivered).toEqual(log);
        expect(gaps.every(({ isFilled }) => isFilled)).toBe(true);
        expect(clock.pending).toBe(0);
      }),
      runs,
    );
  },
);

test('where loads fail, nothing is shown twice or out of order, and what is missing was told of', async () => {
  await fc.assert(
    fc.asyncProperty(steps(true), async (all) => {
      const { log, delivered, gaps } = await play(all, 3);
      expect(delivered).toEqual(log.filter((id) => delivered.includes(id)));
      if (delivered.length < log.length) expect(gaps.some(({ isFilled }) => !isFilled)).toBe(true);
    }),
    runs,
  );
});
