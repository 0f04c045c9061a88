import { type TypingOptions, typing } from 'keepwire/typing';
import { describe, expect, test } from 'vitest';
import { type Person, type Town, town } from '../support/people.ts';

const me = (key: string) => ({ me: { key, data: key.toUpperCase() } });
const names = ({ typers }: ReturnType<typeof typing>): string[] => typers.get().map(({ key }) => key);
const said = ({ server }: Town): unknown[] => server.received.map(({ data }) => (data as { isTyping: boolean }).isTyping);

async function two(
  options: TypingOptions = {},
): Promise<{ place: Town; ada: Person; adas: ReturnType<typeof typing>; bob: Person; bobs: ReturnType<typeof typing> }> {
  const place = town();
  const [ada, bob] = [place.person('ada'), place.person('bob')];
  const adas = typing(ada.channel, { ...me('ada'), ...options });
  const bobs = typing(bob.channel, { ...me('bob'), ...options });
  await place.settle();
  return { place, ada, adas, bob, bobs };
}

describe('who types', () => {
  test('is shown to the others and not to us, with what they said and since when', async () => {
    const { place, adas, bobs } = await two();
    await place.clock.advance(500);
    adas.keystroke();
    await place.settle();
    expect(bobs.typers.get()).toEqual([{ key: 'ada', since: place.clock.wallNow(), data: 'ADA' }]);
    expect(names(adas)).toEqual([]);
  });

  test('is said once per throttle time, however many keys are pressed, and as volatile', async () => {
    const { place, adas, bobs } = await two();
    const seen: string[][] = [];
    bobs.typers.subscribe((typers) => seen.push(typers.map(({ key }) => key)));
    for (let tenth = 0; tenth < 90; tenth++) {
      adas.keystroke();
      await place.clock.advance(100);
    }
    expect(said(place)).toEqual([true, true, true]);
    expect(place.server.received.every(({ volatile }) => volatile)).toBe(true);
    // the same typer is no news
    expect(seen).toEqual([[], ['ada']]);
  });

  test('expires when nothing more is heard, from the last time on', async () => {
    const { place, adas, bobs } = await two();
    adas.keystroke();
    await place.clock.advance(4_000);
    adas.keystroke();
    await place.clock.advance(5_999);
    expect(names(bobs)).toEqual(['ada']);
    await place.clock.advance(1);
    expect(names(bobs)).toEqual([]);
  });

  test('stops at once by stop, which is said only while somebody may see us type', async () => {
    const { place, adas, bobs } = await two();
    adas.stop();
    adas.start();
    await place.settle();
    adas.stop();
    adas.stop();
    await place.settle();
    expect([names(bobs), said(place)]).toEqual([[], [true, false]]);
    // the next key is the first again
    adas.keystroke();
    await place.settle();
    expect(names(bobs)).toEqual(['ada']);
    await place.clock.advance(6_000);
    adas.stop();
    await place.settle();
    expect(said(place)).toEqual([true, false, true]);
  });

  test('stops with their message, and types again with the next key', async () => {
    const { place, ada, adas, bobs } = await two();
    adas.keystroke();
    await place.settle();
    await ada.channel.publish('message', 'hello');
    await place.settle();
    expect(names(bobs)).toEqual([]);
    adas.keystroke();
    await place.settle();
    expect(names(bobs)).toEqual(['ada']);
  });

  test('is not stopped by the message of another, nor by an event that was not named', async () => {
    const { place, bob, ada, adas, bobs } = await two({ clearOn: ['sent', 'image'] });
    adas.keystroke();
    await place.settle();
    await bob.channel.publish('sent', 1);
    await ada.channel.publish('message', 1);
    await place.settle();
    expect(names(bobs)).toEqual(['ada']);
    await ada.channel.publish('image', 1);
    await place.settle();
    expect(names(bobs)).toEqual([]);
  });

  test('is not us on another tab', async () => {
    const place = town();
    const [one, other] = [place.person('ada'), place.person('ada')];
    const [first, second] = [typing(one.channel, me('ada')), typing(other.channel, me('ada'))];
    await place.settle();
    first.keystroke();
    await place.settle();
    expect([names(first), names(second)]).toEqual([[], []]);
  });

  test('are 100 at most, in the order of their beginning', async () => {
    const place = town();
    const { channel } = place.person('ada');
    const typers = typing(channel, me('ada'));
    await place.settle();
    for (let n = 0; n < 150; n++) place.server.publish('lobby', 'typing', { isTyping: true }, { volatile: true, from: `p${n}` });
    await place.settle();
    expect(names(typers)).toEqual(Array.from({ length: 100 }, (_, n) => `p${n}`));
    place.server.publish('lobby', 'typing', { isTyping: false }, { volatile: true, from: 'p0' });
    place.server.publish('lobby', 'typing', true, { volatile: true, from: '__proto__' });
    await place.settle();
    expect(names(typers).at(-1)).toBe('__proto__');
  });
});

test('the words of another server can be spoken', async () => {
  const place = town();
  const { channel } = place.person('ada');
  const ours = typing(channel, {
    me: { key: 'u1' },
    event: 'user_typing',
    clearOn: 'new_message',
    by: (data) =>
      (data as { userId?: string; message?: { userId: string } }).userId ??
      (data as { message?: { userId: string } }).message?.userId,
    says: (isTyping) => ({ chatId: 'c', userId: 'u1', isTyping }),
  });
  await place.settle();
  place.server.publish('lobby', 'user_typing', { chatId: 'c', userId: 'u2', isTyping: true });
  place.server.publish('lobby', 'user_typing', { chatId: 'c' });
  await place.settle();
  expect(names(ours)).toEqual(['u2']);
  place.server.publish('lobby', 'new_message', { message: { userId: 'u2' } });
  ours.keystroke();
  await place.settle();
  expect(names(ours)).toEqual([]);
  expect(place.server.received.at(-1)?.data).toEqual({ chatId: 'c', userId: 'u1', isTyping: true });
});

test('without a connection nothing is said and nothing goes wrong; a refusal is a fault', async () => {
  const place = town(() => {
    throw new Error('not here');
  });
  const { channel, faults, realtime } = place.person('ada');
  const ours = typing(channel, me('ada'));
  ours.keystroke();
  await place.settle();
  expect(faults).toEqual([]);
  await place.clock.advance(3_000);
  ours.keystroke();
  await place.settle();
  expect(faults).toEqual([expect.stringContaining('not here')]);
  realtime.close();
  ours.keystroke();
  await place.settle();
  expect(faults).toHaveLength(1);
});

test.each([
  ['itself', (typers: ReturnType<typeof typing>) => typers.close()],
  ['its signal', (_: unknown, controller: AbortController) => controller.abort()],
  ['its handle', (_: unknown, __: unknown, { channel }: Person) => channel.leave()],
  ['using', (typers: ReturnType<typeof typing>) => typers[Symbol.dispose]()],
])('closed by %s it says that we stop, and leaves nothing behind', async (_, end) => {
  const place = town();
  const watcher = typing(place.person('bob').channel, me('bob'));
  const person = place.person('ada');
  await place.clock.advance(60_000);
  const controller = new AbortController();
  const ours = typing(person.channel, { ...me('ada'), signal: controller.signal });
  place.server.publish('lobby', 'typing', { isTyping: true }, { from: 'carl' });
  ours.keystroke();
  await place.settle();
  expect([names(ours), names(watcher)]).toEqual([['carl'], ['carl', 'ada']]);
  end(ours, controller, person);
  end(ours, controller, person);
  ours.keystroke();
  await place.settle();
  expect([names(ours), names(watcher)]).toEqual([[], ['carl']]);
  expect(said(place)).toEqual([true, false]);
  watcher.close();
  // the channel itself is left a second later
  await place.clock.advance(1_000);
  // what is left belongs to the managers
  expect(place.clock.dueIn().filter((dueMs) => dueMs < 20_000)).toEqual([]);
});
