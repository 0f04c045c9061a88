import fc from 'fast-check';
import { createRealtime, type Gap } from 'keepwire';
import { type ChaosSettings, chaos, fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test } from 'vitest';
import { transportContract } from '../support/contract.ts';
import { memoryContractServer } from '../support/contract-memory.ts';
import { webSocketContractServer } from '../support/contract-websocket.ts';

for (const [name, open] of [
  ['memory', memoryContractServer],
  ['websocket', webSocketContractServer],
] as const) {
  // without trouble the wrapper must not be noticed
  transportContract(`${name} in a chaos that is calm`, async () => {
    const server = await open();
    return { ...server, transport: () => chaos().wrap(server.transport())[0] ?? expect.unreachable() };
  });
}

/** Numbers in [0, 1) from a seed: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function setUp(random = () => 0.5) {
  const clock = manualClock();
  const server = fakeServer({ clock });
  const storm = chaos({ random });
  const transports = storm.wrap(server.transport({ name: 'one' }), server.transport({ name: 'two' }));
  const realtime = createRealtime({ transports, platform: { clock, random: () => 0.5 } });
  onTestFinished(() => realtime.close());
  const heard: unknown[] = [];
  const gaps: Gap[] = [];
  realtime.on('gap', (gap) => gaps.push(gap));
  realtime.channel('room').on('message', (data) => heard.push(data));
  realtime.start();
  return { clock, server, storm, realtime, heard, gaps };
}

test('a cut is a lost link, and the client comes back', async () => {
  const { clock, storm, realtime } = setUp();
  await clock.advance(0);
  expect(realtime.status.get()).toMatchObject({ status: 'connected', transport: 'one' });
  expect(storm.cut()).toBe(1);
  expect(storm.cut()).toBe(0);
  await clock.advance(0);
  expect(realtime.status.get()).toMatchObject({ status: 'reconnecting', reason: { code: 'connection-lost' } });
  await clock.advance(5_000);
  expect(realtime.status.get().status).toBe('connected');
});

test('offline: links are cut and refused until it is over', async () => {
  const { clock, server, storm, realtime } = setUp();
  await clock.advance(0);
  storm.set({ isOffline: true });
  await clock.advance(60_000);
  expect([realtime.status.get().status, server.links]).toEqual(['reconnecting', 0]);
  storm.set({ isOffline: false });
  realtime.retryNow();
  await clock.advance(0);
  expect(realtime.status.get().status).toBe('connected');
});

test('lag: events and sends take longer', async () => {
  const { clock, server, storm, realtime, heard } = setUp();
  await clock.advance(0);
  storm.set({ lagMs: 400 });
  server.publish('room', 'message', 1);
  void realtime.channel('room').publish('message', 2);
  await clock.advance(399);
  expect([heard, server.received.length]).toEqual([[], 0]);
  await clock.advance(1);
  expect([heard, server.received.length]).toEqual([[1], 1]);
});

test('an event that waits for the one behind it is not forgotten when there is none', async () => {
  const { clock, server, storm, heard } = setUp(() => 0);
  await clock.advance(0);
  storm.set({ reorder: 1 });
  server.publish('room', 'message', 1);
  await clock.advance(199);
  expect(heard).toEqual([]);
  await clock.advance(1);
  expect(heard).toEqual([1]);
});

test('through any trouble every event is heard once and in order or told to be missing, and nothing is left behind', async () => {
  const part = fc.double({ min: 0, max: 0.5, noNaN: true });
  const settings = fc.record<ChaosSettings>({
    isOffline: fc.constant(false),
    lagMs: fc.integer({ min: 0, max: 300 }),
    duplicate: part,
    reorder: part,
    lose: part,
  });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant('publish' as const) },
    { weight: 1, arbitrary: fc.constant('cut' as const) },
    { weight: 1, arbitrary: fc.constant('switch' as const) },
    { weight: 2, arbitrary: settings },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(step, { minLength: 5, maxLength: 60 }), async (seed, steps) => {
      const { clock, server, storm, realtime, heard, gaps } = setUp(seeded(seed));
      await clock.advance(0);
      const published: number[] = [];
      for (const [index, what] of steps.entries()) {
        if (what === 'publish') {
          published.push(index);
          server.publish('room', 'message', index);
        } else if (what === 'cut') storm.cut();
        else if (what === 'switch') realtime.setMode(realtime.mode.get() === 'two' ? 'one' : 'two');
        else storm.set(what);
        await clock.advance(37);
      }
      storm.set({ lagMs: 0, duplicate: 0, reorder: 0, lose: 0 });
      await clock.advance(60_000);
      // a tail that was lost shows itself with the next event
      server.publish('room', 'message', 'last');
      await clock.advance(60_000);
      // a replay that gets lost as well is a hole, and it is told how large it is
      const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? Number.NaN), 0);
      expect(heard).toEqual([...published, 'last'].filter((value) => heard.includes(value)));
      expect(published.length + 1 - heard.length).toBe(missing);
      realtime.close();
      await clock.advance(0);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 60 },
  );
});
