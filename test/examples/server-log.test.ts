import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryLog } from '../../examples/server/memory-log.ts';
import { createComposer } from '../../examples/server/outlet.ts';

const entry = (id: string, data = '1', from = 'ada') => ({ id, event: 'message', data, at: 0, from });

test('a memory log gives back what it keeps, whatever its bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 3000 }),
      fc.nat(3000),
      async (maxEntries, count, after) => {
        const log = createMemoryLog({ maxEntries });
        for (let number = 1; number <= count; number += 1) await log.append('room', entry(String(number)));
        const { offset, oldest } = await log.head('room');
        expect(offset).toBe(count);
        expect(oldest).toBe(Math.max(1, count - maxEntries + 1));
        const { entries } = await log.read('room', after, 10);
        const first = Math.max(after + 1, oldest);
        const expected = Array.from({ length: Math.max(0, Math.min(10, count - first + 1)) }, (_, index) => first + index);
        expect(entries.map((item) => item.offset)).toEqual(expected);
        expect(entries.map(({ id }) => id)).toEqual(expected.map(String));
      },
    ),
    { seed: 7, numRuns: 60 },
  );
});

test('a memory log is bounded by bytes too', async () => {
  const log = createMemoryLog({ maxBytes: 1000 });
  for (let number = 1; number <= 10; number += 1) await log.append('room', entry(String(number), 'x'.repeat(200)));
  expect(await log.head('room')).toMatchObject({ offset: 10, oldest: 8 });
});

test('ids are kept apart by sender, and within their window applied once', async () => {
  const log = createMemoryLog({ maxIds: 2 });
  const first = await log.append('room', entry('same'));
  expect(await log.append('room', entry('same'))).toEqual({ ...first, duplicate: true });
  expect(await log.append('room', entry('same', '1', 'bob'))).toMatchObject({ offset: 2, duplicate: false });
  // at least two are remembered, and at most twice as many
  for (const id of ['c', 'd', 'e']) await log.append('room', entry(id));
  expect(await log.append('room', entry('e'))).toMatchObject({ offset: 5, duplicate: true });
  expect(await log.append('room', entry('same'))).toMatchObject({ offset: 6, duplicate: false });
});

test('a forgotten log starts anew under another epoch and tells so', async () => {
  const log = createMemoryLog();
  const { epoch } = await log.append('room', entry('one'));
  const news: string[] = [];
  const stop = log.subscribe('room', ({ kind }) => news.push(kind));
  log.forget('room');
  const head = await log.head('room');
  expect(head).toMatchObject({ offset: 0, oldest: 1 });
  expect(head.epoch).not.toBe(epoch);
  stop();
  await log.append('room', entry('one'));
  expect(news).toEqual(['restarted']);
});

test('channels are bounded, and those with a listener stay', async () => {
  const log = createMemoryLog({ maxChannels: 2 });
  const { epoch } = await log.append('heard', entry('one'));
  log.subscribe('heard', () => {});
  for (const channel of ['a', 'b', 'c']) await log.append(channel, entry('one'));
  expect(await log.head('heard')).toEqual({ epoch, offset: 1, oldest: 1 });
  expect((await log.head('a')).offset).toBe(0);
});

test('frames become one message, and a long list several, in order', () => {
  const compose = createComposer();
  expect(compose(['{"a":1}'])).toEqual(['{"a":1}']);
  const frames = Array.from({ length: 600 }, (_, number) => JSON.stringify({ number, text: 'x'.repeat(1000) }));
  const messages = compose(frames);
  expect(messages.length).toBeGreaterThan(2);
  expect(messages.flatMap((message) => JSON.parse(message) as unknown[])).toEqual(
    frames.map((frame) => JSON.parse(frame) as unknown),
  );
  expect(compose([...frames])).toBe(messages);
  expect(compose(['1', '2'])).toEqual(['[1,2]']);
});
