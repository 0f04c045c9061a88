import { type Receipts, type ReceiptsOptions, receipts } from 'keepwire/receipts';
import { expect, test, vi } from 'vitest';
import { type Person, town } from '../support/people.ts';

const marksOf = ({ marks }: Receipts): Record<string, unknown> =>
  Object.fromEntries([...marks.get()].map(([key, { position }]) => [key, position]));
const of = ({ channel }: Person, key: string, options: ReceiptsOptions = {}): Receipts =>
  receipts(channel, { me: { key }, ...options });

test('a mark reaches the others, moves forward only, and is told at most once per throttle time', async () => {
  const { clock, settle, server, person } = town();
  const [ada, bob] = [person('ada'), person('bob')];
  const [adas, bobs] = [of(ada, 'ada'), of(bob, 'bob')];
  await clock.advance(2_000);
  const before = server.received.length;
  for (const position of [3, 4, 9, 7, 9]) adas.mark(position);
  await settle();
  expect(marksOf(bobs)).toEqual({ ada: 3 });
  await clock.advance(1_000);
  expect(marksOf(bobs)).toEqual({ ada: 9 });
  expect(bobs.marks.get().get('ada')).toEqual({ key: 'ada', position: 9, at: clock.wallNow() });
  await clock.advance(10_000);
  expect(server.received.length - before).toBe(2);
  server.publish('lobby', 'read', { position: 5 }, { from: 'ada' });
  server.publish('lobby', 'read', { position: {} }, { from: 'carl' });
  server.publish('lobby', 'read', 'nonsense', { from: 'carl' });
  await settle();
  expect(marksOf(bobs)).toEqual({ ada: 9 });
});

test('who comes later asks, and who comes back tells again', async () => {
  const { clock, server, person } = town();
  const ada = person('ada');
  const adas = of(ada, 'ada');
  await clock.advance(100);
  adas.mark(5);
  const bobs = of(person('bob'), 'bob');
  await clock.advance(1_000);
  expect(marksOf(bobs)).toEqual({ ada: 5 });

  server.drop();
  adas.mark(6);
  bobs.mark(2);
  await clock.advance(2_000);
  expect(marksOf(bobs)).toEqual({ ada: 6, bob: 2 });
  expect(marksOf(adas)).toEqual({ ada: 6, bob: 2 });
});

test('our other tabs move our mark', async () => {
  const { clock, person } = town();
  const [one, other] = [of(person('ada'), 'ada'), of(person('ada'), 'ada')];
  await clock.advance(100);
  one.mark(5);
  await clock.advance(100);
  expect(other.unread([4, 5, 6, 7])).toBe(2);
  other.mark(4);
  await clock.advance(2_000);
  expect([marksOf(one), marksOf(other)]).toEqual([{ ada: 5 }, { ada: 5 }]);
});

test('what is unread is counted, and who has read what is told', async () => {
  const { settle, person } = town();
  const adas = of(person('ada'), 'ada', {
    initial: [
      ['bob', 'm05'],
      ['carl', 'm02'],
    ],
  });
  await settle();
  expect(adas.unread(['m01', 'm02'])).toBe(2);
  adas.mark('m01');
  expect(adas.unread(['m01', 'm02'])).toBe(1);
  expect(adas.readBy('m02')).toEqual(['bob', 'carl']);
  expect(adas.readBy('m03')).toEqual(['bob']);
  expect(adas.readBy('m01')).not.toContain('ada');
});

test('ids that do not sort are ordered by the application', async () => {
  const { settle, person } = town();
  const list = ['x', 'c', 'a'];
  const adas = of(person('ada'), 'ada', { compare: (a, b) => list.indexOf(String(a)) - list.indexOf(String(b)) });
  await settle();
  adas.mark('c');
  adas.mark('x');
  expect(marksOf(adas)).toEqual({ ada: 'c' });
  adas.mark('a');
  expect(marksOf(adas)).toEqual({ ada: 'a' });
});

test('a server that keeps the marks is told in its own way, and what it refuses is a fault', async () => {
  const { clock, server, person } = town();
  const send = vi.fn();
  const ada = person('ada');
  const adas = of(ada, 'ada', { send });
  await clock.advance(100);
  adas.mark(1);
  send.mockRejectedValueOnce(new Error('503'));
  adas.mark(2);
  await clock.advance(1_000);
  send.mockImplementationOnce(() => {
    throw new Error('bug');
  });
  adas.mark(3);
  await clock.advance(1_000);
  expect(send.mock.calls).toEqual([[1], [2], [3]]);
  expect(ada.faults).toHaveLength(2);
  expect(server.received).toEqual([]);
});

test('no more than 1,000 people are kept, and those that are still move', async () => {
  const { settle, server, person } = town();
  const adas = of(person('ada'), 'ada');
  await settle();
  for (let n = 0; n < 1_100; n++) server.publish('lobby', 'read', { position: 1 }, { from: `p${n}` });
  server.publish('lobby', 'read', { position: 2 }, { from: 'p0' });
  await settle();
  expect(adas.marks.get().size).toBe(1_000);
  expect(adas.marks.get().get('p0')?.position).toBe(2);
});

test.each([
  ['itself', (own: Receipts) => own.close()],
  ['its signal', (_: unknown, controller: AbortController) => controller.abort()],
  ['its handle', (_: unknown, __: unknown, { channel }: Person) => channel.leave()],
])('closed by %s it tells what was not told yet, and leaves nothing behind', async (_, end) => {
  const { clock, settle, server, person } = town();
  const bobs = of(person('bob'), 'bob');
  const ada = person('ada');
  await clock.advance(60_000);
  const controller = new AbortController();
  const adas = of(ada, 'ada', { signal: controller.signal });
  adas.mark(1);
  adas.mark(2);
  // so that an answer is due
  server.publish('lobby', 'read', { ask: true }, { from: 'carl' });
  await settle();
  end(adas, controller, ada);
  end(adas, controller, ada);
  adas.mark(3);
  const atOnce = clock.dueIn();
  await settle();
  expect(marksOf(bobs)).toEqual({ ada: 2 });
  // the channel itself is left a second later
  expect(atOnce.filter((dueMs) => dueMs < 1_000)).toEqual([]);
  await clock.advance(1_000);
  // what is left belongs to the managers
  expect(clock.dueIn().filter((dueMs) => dueMs < 20_000)).toEqual([]);
});
