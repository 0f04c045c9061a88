import { createRealtime, type Gap } from 'keepwire';
import { fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test } from 'vitest';

/** A manager in a channel of a fake server, with what it has heard. */
async function inRoom(options: Partial<Parameters<typeof createRealtime>[0]> = {}) {
  const clock = manualClock();
  const server = fakeServer({ clock });
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock, random: () => 0.5 }, ...options });
  onTestFinished(() => realtime.close());
  const heard: unknown[] = [];
  const gaps: Gap[] = [];
  realtime.on('gap', (gap) => gaps.push(gap));
  const room = realtime.channel('room');
  room.on('message', (data) => heard.push(data));
  realtime.start();
  await clock.advance(0);
  const publish = (...values: unknown[]): void => {
    for (const value of values) server.publish('room', 'message', value);
  };
  return { clock, server, realtime, room, heard, gaps, publish };
}

test('lag: everything takes longer in both directions, and keeps its order when the lag changes', async () => {
  const { clock, server, room, heard, publish } = await inRoom();
  server.lag(300);
  publish(1);
  await clock.advance(299);
  expect(heard).toEqual([]);
  server.lag(0);
  publish(2);
  await clock.advance(0);
  expect(heard).toEqual([]);
  await clock.advance(1);
  expect(heard).toEqual([1, 2]);
  let isAccepted = false;
  server.lag(100);
  void room.publish('message', 3).then(() => {
    isAccepted = true;
  });
  await clock.advance(99);
  expect(server.received).toEqual([]);
  await clock.advance(100);
  expect([server.received.length, isAccepted]).toEqual([1, false]);
  await clock.advance(1);
  expect(isAccepted).toBe(true);
});

test('lag: a later send does not overtake an earlier one', async () => {
  const { clock, server, room } = await inRoom();
  server.lag(500);
  void room.publish('message', 1);
  await clock.advance(1);
  server.lag(0);
  void room.publish('typing', 2, { volatile: true });
  await clock.advance(600);
  expect(server.received.map(({ data }) => data)).toEqual([1, 2]);
});

test('duplicate: the application sees the event once', async () => {
  const { clock, server, realtime, heard, publish } = await inRoom();
  publish(1);
  server.duplicate('room');
  await clock.advance(0);
  expect([heard, realtime.metrics().duplicates]).toEqual([[1], 1]);
  expect(() => server.duplicate('nowhere')).toThrow(expect.objectContaining({ code: 'invalid-option' }));
});

test('reorder: the application sees the right order', async () => {
  const { clock, server, realtime, heard, publish } = await inRoom();
  publish(0);
  server.reorder(3);
  publish(1, 2, 3, 4);
  await clock.advance(1_000);
  expect(heard).toEqual([0, 1, 2, 3, 4]);
  // what came before its turn was kept, so nothing had to come again
  expect(realtime.metrics().heals).toBe(0);
});

test('lose: what was lost on the way comes by a replay', async () => {
  const { clock, server, realtime, heard, gaps, publish } = await inRoom();
  publish(1);
  server.lose(2);
  publish(2, 3, 4);
  await clock.advance(1_000);
  expect([heard, gaps, realtime.metrics().heals]).toEqual([[1, 2, 3, 4], [], 1]);
});

test('gap: a hole that nobody can fill is told once, with its size', async () => {
  const { clock, server, heard, gaps, publish } = await inRoom();
  publish(1);
  await clock.advance(0);
  server.gap('room', 3);
  publish(5);
  await clock.advance(1_000);
  expect(heard).toEqual([1, 5]);
  expect(gaps).toMatchObject([{ channel: 'room', reason: 'trimmed', missing: 3 }]);
});

test('gap: it is also told to a client that comes back', async () => {
  const { clock, server, heard, gaps, publish } = await inRoom();
  publish(1);
  await clock.advance(0);
  server.drop();
  server.gap('room');
  await clock.advance(5_000);
  publish(3);
  await clock.advance(0);
  expect(heard).toEqual([1, 3]);
  expect(gaps).toMatchObject([{ reason: 'trimmed', missing: 1 }]);
});

test('expire: the client brings a new token, and misses nothing', async () => {
  let count = 0;
  const { clock, server, realtime, heard, publish } = await inRoom({ auth: async () => `token-${++count}` });
  publish(1);
  await clock.advance(0);
  server.expire();
  publish(2);
  await clock.advance(5_000);
  expect(server.tokens).toEqual(['token-1', 'token-2']);
  expect([realtime.status.get().status, heard]).toEqual(['connected', [1, 2]]);
});

test('expire: a client with a fixed token fails for good', async () => {
  const { clock, server, realtime } = await inRoom({ auth: 'fixed' });
  server.expire();
  await clock.advance(60_000);
  expect(realtime.status.get()).toMatchObject({ status: 'failed', reason: { code: 'unauthorized' } });
});
