import { expect, test } from 'vitest';
import type { Log } from '../../examples/server/log.ts';
import { createMemoryLog } from '../../examples/server/memory-log.ts';
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

test('a log that is lost between its answer and the use of it does not leave a link behind', async () => {
  const memory = createMemoryLog();
  let isLost = false;
  const log: Log = {
    ...memory,
    async read(channel, after, limit) {
      const page = await memory.read(channel, after, limit);
      // the loss is heard of while the answer is on its way
      if (!isLost) memory.forget();
      isLost = true;
      return page;
    },
  };
  await memory.append('room', { id: 'old', event: 'n', data: '{"n":7}', at: 0, from: 'ada' });
  const server = await startReferenceServer({ log });
  const client = clientOf(server, ['websocket']);
  const arrived = collect(client, 'room');
  client.start();
  await joined(client, 'room');
  await client.channel('room').publish('n', { n: 1 });
  await arrived.until(1);
  expect(arrived.numbers).toEqual([1]);
});
