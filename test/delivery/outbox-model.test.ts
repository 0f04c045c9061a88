import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOutbox, type Outbox } from '../../src/delivery/outbox.ts';
import { defaultOutboxLimits, type OutboxLink } from '../../src/delivery/outbox-options.ts';
import type { OutboxStorage, StoredSend } from '../../src/delivery/storage.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { Receipt } from '../../src/protocol/dialect.ts';
import type { PublishFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';

/** One thing that happens: to the user, to the network, to the server, to the page. */
type Step =
  | { readonly kind: 'publish'; readonly channel: number; readonly timeoutMs: number }
  /** A link comes up; the one before is gone, or is kept for the answers that it still owes. */
  | { readonly kind: 'up'; readonly ack: OutboxLink['ack']; readonly isKept: boolean }
  /** The server gets the first sends of what is under way, and the rest is lost with the link. */
  | { readonly kind: 'down'; readonly arrived: number; readonly isTold: boolean }
  /** The server takes one batch; how it answers each send of it. */
  | { readonly kind: 'serve'; readonly answers: readonly ('accept' | 'reject' | 'later')[] }
  | { readonly kind: 'cancel'; readonly pick: number }
  | { readonly kind: 'retry'; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'reload' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      channel: fc.nat(2),
      timeoutMs: fc.constantFrom(500, 20_000, 1_000_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('up' as const),
      ack: fc.constantFrom('receipt' as const, 'frame' as const),
      isKept: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('down' as const), arrived: fc.nat(6), isTold: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('serve' as const),
      answers: fc.array(
        fc.constantFrom('accept' as const, 'accept' as const, 'accept' as const, 'reject' as const, 'later' as const),
        {
          maxLength: 4,
        },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retry' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0, 300, 5_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reload' as const }) },
);

interface Batch {
  readonly frames: readonly PublishFrame[];
  resolve(receipts: readonly Receipt[]): void;
  reject(error: unknown): void;
}

/** A world with one page at a time, one server that knows ids, and a storage that outlives the pages. */
function createWorld() {
  const clock = manualClock();
  const storedSends = new Map<string, StoredSend>();
  /** What the server applied, in order, once per id. */
  const effects: { readonly id: string; readonly channel: string }[] = [];
  const refused = new Set<string>();
  const published: { readonly id: string; readonly channel: string }[] = [];
  /** What became known of each id: by its promise, and after a reload by the list. */
  const promises = new Map<string, string[]>();
  const cancelled = new Set<string>();
  const retried = new Set<string>();
  let outbox: Outbox;
  let serial = 0;
  interface WorldLink {
    readonly id: number;
    readonly ack: OutboxLink['ack'];
    readonly batches: Batch[];
  }
  let link: WorldLink | undefined;
  /** Replaced, and kept for its answers. */
  let old: WorldLink | undefined;
  load();

  function load(): void {
    const storage: OutboxStorage = {
      open() {},
      async put(send) {
        storedSends.set(send.frame.id, send);
      },
      remove: (id) => void storedSends.delete(id),
      clear: async () => storedSends.clear(),
      close() {},
    };
    outbox = createOutbox({ ...defaultOutboxLimits, maxCount: 12, windowSize: 5, storage }, clock, () => {});
    // a place in the storage is kept by what has failed, as by everything else
    const order = new Map(published.map(({ id }, index) => [id, index]));
    outbox.restore([...storedSends.values()].sort((a, b) => (order.get(a.frame.id) ?? 0) - (order.get(b.frame.id) ?? 0)));
  }

  function apply({ id, channel }: PublishFrame): void {
    if (!effects.some((effect) => effect.id === id)) effects.push({ id, channel });
  }

  /** On a link that takes the next batch before it has answered this one, a server that says `later` gives up the order. */
  function choice(on: WorldLink, wished = 'accept'): string {
    return wished === 'later' && on.ack === 'frame' ? 'accept' : wished;
  }

  function serve(answers: readonly string[]): boolean {
    const on = old?.batches.length ? old : link;
    const batch = on?.batches.shift();
    if (!batch || !on) return false;
    const receipts: Receipt[] = [];
    /** A server that keeps the order takes nothing of a channel behind what it wants later. */
    const later = new Set<string>();
    for (const [index, frame] of batch.frames.entries()) {
      const { id, channel } = frame;
      const isApplied = effects.some((effect) => effect.id === id);
      const answer = later.has(channel)
        ? 'later'
        : isApplied
          ? 'accept'
          : refused.has(id)
            ? 'reject'
            : choice(on, answers[index]);
      if (answer === 'accept') apply(frame);
      if (answer === 'reject') refused.add(id);
      if (answer === 'later') later.add(channel);
      const status = answer === 'accept' ? 'accepted' : 'rejected';
      receipts.push({ id, status, ...(answer === 'later' && { code: 'busy', retryAfterMs: 100 }) });
    }
    if (on.ack === 'receipt') batch.resolve(receipts);
    else {
      batch.resolve(batch.frames.map(({ id }) => ({ id, status: 'sent' })));
      for (const { id, status, code = 'E', retryAfterMs } of receipts) {
        outbox.answered(status === 'accepted' ? { kind: 'ack', id } : { kind: 'reject', id, code, retryAfterMs });
      }
    }
    return true;
  }

  function end(gone: WorldLink | undefined, arrived: number, isTold: boolean): void {
    if (!gone) return;
    for (const frame of gone.batches.flatMap(({ frames }) => frames).slice(0, arrived)) if (!refused.has(frame.id)) apply(frame);
    outbox.linkDown(gone.id);
    if (isTold) for (const batch of gone.batches) batch.reject(new RealtimeError('connection-lost', 'cut'));
  }

  function down(arrived: number, isTold: boolean): void {
    end(old, 0, isTold);
    old = undefined;
    end(link, arrived, isTold);
    link = undefined;
  }

  function up(ack: OutboxLink['ack'], isKept: boolean): void {
    end(old, 0, true);
    old = isKept ? link : undefined;
    if (!isKept) end(link, 0, true);
    const next = { id: ++serial, ack, batches: [] as Batch[] };
    link = next;
    outbox.use({
      id: next.id,
      ack,
      honoursIds: true,
      send: (frames) =>
        new Promise((resolve, reject) => {
          next.batches.push({ frames: frames as readonly PublishFrame[], resolve, reject });
        }),
    });
  }

  function take(next: Step): void {
    switch (next.kind) {
      case 'publish': {
        const id = `s${published.length}`;
        const channel = `c${next.channel}`;
        published.push({ id, channel });
        const outcomes: string[] = [];
        promises.set(id, outcomes);
        outbox.send({ kind: 'publish', id, channel, event: 'e', data: id }, { timeoutMs: next.timeoutMs }).then(
          () => outcomes.push('accepted'),
          ({ code }: RealtimeError) => outcomes.push(code),
        );
        break;
      }
      case 'up':
        return up(next.ack, next.isKept);
      case 'down':
        return down(next.arrived, next.isTold);
      case 'serve':
        return void serve(next.answers);
      case 'cancel': {
        const id = published[next.pick % (published.length || 1)]?.id;
        if (id !== undefined && outbox.cancel(id)) cancelled.add(id);
        break;
      }
      case 'retry': {
        const failed = outbox.entries.get().filter(({ status }) => status === 'failed');
        const id = failed[next.pick % (failed.length || 1)]?.id;
        if (id === undefined || outbox.size >= 12) break;
        refused.delete(id);
        retried.add(id);
        outbox.retry(id);
        break;
      }
      case 'reload':
        down(2, false);
        outbox.close(new RealtimeError('closed', 'reload'));
        return load();
      case 'pass':
        break;
    }
  }

  return {
    clock,
    effects,
    published,
    promises,
    cancelled,
    retried,
    storedSends,
    take,
    async step(next: Step) {
      take(next);
      await clock.advance(next.kind === 'pass' ? next.ms : 0);
    },
    /** The network and the server are good again: everything comes to its end. */
    async finish() {
      up('receipt', false);
      for (let turn = 0; turn < 100 && outbox.size > 0; turn++) {
        await clock.advance(1_000);
        serve([]);
      }
      await clock.advance(0);
      return { size: outbox.size, failed: new Map(outbox.entries.get().map((entry) => [entry.id, entry])) };
    },
    close: () => outbox.close(new RealtimeError('closed', 'over')),
  };
}

test('whatever happens: each send ends once, has one effect at most, and a channel keeps its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const world = createWorld();
      for (const next of steps) await world.step(next);
      const { size, failed } = await world.finish();
      const { effects, published, promises, cancelled, retried, storedSends, clock } = world;

      expect(size).toBe(0);
      const applied = new Set(effects.map(({ id }) => id));
      expect(effects).toHaveLength(applied.size);
      for (const { id } of published) {
        // exactly one answer to whoever published it
        const outcomes = promises.get(id) ?? [];
        expect(outcomes).toHaveLength(1);
        const [outcome] = outcomes;
        const entry = failed.get(id);
        // and exactly one end: it was accepted, or it is in the list of the failed, or it was cancelled or never taken
        if (outcome === 'accepted') expect([applied.has(id), entry]).toEqual([true, undefined]);
        else if (outcome === 'rejected' && !retried.has(id)) expect(applied.has(id)).toBe(false);
        else if (outcome === 'queue-full') expect(applied.has(id)).toBe(false);
        if (!entry && !applied.has(id)) expect(cancelled.has(id) || outcome === 'queue-full').toBe(true);
        if (entry?.error?.code === 'rejected') expect(applied.has(id)).toBe(false);
      }
      // what is stored is what can be seen
      expect([...storedSends.keys()].sort()).toEqual([...failed.keys()].sort());
      for (const channel of ['c0', 'c1', 'c2']) {
        // what was retried comes later by the user's own wish
        const seen = effects.filter((effect) => effect.channel === channel && !retried.has(effect.id)).map(({ id }) => id);
        const inOrder = published.filter((send) => send.channel === channel && seen.includes(send.id)).map(({ id }) => id);
        expect(seen).toEqual(inOrder);
      }
      world.close();
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 500 },
  );
}, 60_000);
