import { expect, test } from 'vitest';
import { clientOf, collect, joined, transportNames, upTo } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';

test.each(transportNames)('a replay of large messages reaches a client with the default limits over %s', async (name) => {
  const server = await startReferenceServer();
  const [sender, receiver] = [clientOf(server, ['websocket']), clientOf(server, [name])];
  const arrived = collect(receiver, 'room');
  sender.start();
  receiver.start();
  await joined(receiver, 'room');
  receiver.stop();
  const padding = 'x'.repeat(60_000);
  // more than one answer may hold, in batches that the outbox takes
  for (const n of [0, 10, 20, 30]) {
    await Promise.all(upTo(10).map((k) => sender.channel('room').publish('n', { n: n + k, padding })));
  }
  receiver.start();
  await arrived.until(40);
  expect(arrived.numbers).toEqual(upTo(40));
  expect([receiver.gaps, receiver.faults]).toEqual([[], []]);
});
