import { createRealtime, RealtimeError, unchecked } from 'keepwire';
import { type FakeServerOptions, fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test } from 'vitest';

const events = { message: unchecked<string>(), typing: unchecked<boolean>(), sum: unchecked<readonly number[]>() };

/** The fake server, a manual clock, and a manager on both that is closed with the test. */
function setUp(options: FakeServerOptions = {}, names = ['fake']) {
  const clock = manualClock();
  const server = fakeServer({ clock, ...options });
  const connect = (token?: string) => {
    const transports = names.map((name) => server.transport({ name }));
    const realtime = createRealtime({ transports, events, auth: token, platform: { clock } });
    onTestFinished(() => realtime.close());
    realtime.start();
    return realtime;
  };
  return { clock, server, connect };
}

test('the three lines of its documentation are enough to receive', async () => {
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()] });
  onTestFinished(() => realtime.close());
  realtime.start();
  const message = realtime.channel('lobby').once('message');
  await server.joined('lobby');
  expect(server.publish('lobby', 'message', { text: 'hi' })).toBe(1);
  expect(await message).toEqual({ text: 'hi' });
});

test('a send is accepted with its number, kept in received, and comes back once', async () => {
  const { clock, server, connect } = setUp();
  const lobby = connect().channel('lobby');
  const seen: unknown[] = [];
  lobby.on('message', (data, { from, offset, at }) => seen.push({ data, from, offset, at }));
  await server.joined('lobby');
  expect(await lobby.publish('message', 'one', { id: 'a' })).toEqual({ id: 'a', offset: 1, epoch: 'epoch-1' });
  await clock.advance(0);
  expect(seen).toEqual([{ data: 'one', from: 'user-1', offset: 1, at: clock.wallNow() }]);
  expect(server.received).toEqual([
    { id: 'a', channel: 'lobby', event: 'message', data: 'one', from: 'user-1', volatile: false, reply: false },
  ]);
});

test('what was published while everybody was cut off comes after the reconnect, and nothing twice', async () => {
  const { clock, server, connect } = setUp();
  const realtime = connect();
  const seen: string[] = [];
  realtime.channel('lobby').on('message', (text) => seen.push(text));
  await server.joined('lobby');
  server.publish('lobby', 'message', 'before');
  await clock.advance(0);
  server.refuse('refused');
  expect(server.drop()).toBe(1);
  server.publish('lobby', 'message', 'meanwhile');
  await clock.advance(5_000);
  expect(realtime.status.get()).toMatchObject({ status: 'reconnecting', reason: { code: 'refused' } });
  expect([seen, server.links]).toEqual([['before'], 0]);
  server.admit();
  await clock.advance(60_000);
  server.publish('lobby', 'message', 'after');
  await clock.advance(0);
  expect(seen).toEqual(['before', 'meanwhile', 'after']);
  expect(realtime.metrics()).toMatchObject({ gaps: 0, duplicates: 0 });
});

test('a send whose answer was cut off is applied once', async () => {
  const { clock, server, connect } = setUp();
  const lobby = connect().channel('lobby');
  await server.joined('lobby');
  const sending = lobby.publish('message', 'once');
  while (server.received.length === 0) await Promise.resolve();
  server.drop();
  await clock.advance(60_000);
  expect(await sending).toMatchObject({ offset: 1 });
  expect(server.received).toHaveLength(1);
  expect(server.publish('lobby', 'message', 'next')).toBe(2);
});

test('a refused token ends the connection, and is never sent again', async () => {
  const { clock, server, connect } = setUp();
  server.refuse('unauthorized');
  const realtime = connect('secret');
  await clock.advance(0);
  expect(realtime.status.get()).toMatchObject({ status: 'failed', reason: { code: 'unauthorized' } });
  expect(server.tokens).toEqual(['secret']);
  server.admit();
  realtime.start();
  await clock.advance(0);
  expect([server.tokens, server.links]).toEqual([['secret'], 0]);
});

test('a lost log shows as a gap and a new epoch', async () => {
  const { clock, server, connect } = setUp();
  const realtime = connect();
  const seen: string[] = [];
  const gaps: string[] = [];
  realtime.on('gap', ({ reason }) => gaps.push(reason));
  realtime.channel('lobby').on('message', (text) => seen.push(text));
  await server.joined('lobby');
  server.publish('lobby', 'message', 'old');
  await clock.advance(0);
  server.forget('lobby');
  expect(server.publish('lobby', 'message', 'new')).toBe(1);
  await clock.advance(0);
  expect(gaps).toEqual(['epoch-changed']);
  expect(seen).toEqual(['old', 'new']);
});

test('requests are answered, and what the answer throws rejects the send', async () => {
  const { server, connect } = setUp({
    answer({ event, data }) {
      if (event === 'sum') return (data as number[]).reduce((sum, each) => sum + each, 0);
      throw new RealtimeError('rejected', 'only sums', { serverCode: 'not-a-sum' });
    },
  });
  const lobby = connect().channel('lobby');
  await server.joined('lobby');
  expect(await lobby.request('sum', [1, 2, 3])).toBe(6);
  await expect(lobby.publish('message', 'no')).rejects.toMatchObject({ code: 'rejected', serverCode: 'not-a-sum' });
  expect(server.received.map(({ event }) => event)).toEqual(['sum']);
});

test('what is volatile is not kept', async () => {
  const { clock, server, connect } = setUp();
  const lobby = connect().channel('lobby');
  const seen: boolean[] = [];
  lobby.on('typing', (isTyping) => seen.push(isTyping));
  await server.joined('lobby');
  expect(await lobby.publish('typing', true, { volatile: true })).toMatchObject({ offset: undefined });
  expect(server.publish('lobby', 'typing', false, { volatile: true })).toBeUndefined();
  await clock.advance(0);
  expect(seen).toEqual([true, false]);
  expect(server.publish('lobby', 'message', 'first')).toBe(1);
});

test('members are users, however many links they have, and go with their last link', async () => {
  const { clock, server, connect } = setUp({ user: (token) => token ?? 'nobody' });
  const [ada, adaToo, bob] = [connect('ada'), connect('ada'), connect('bob')].map((realtime) => ({
    realtime,
    channel: realtime.channel('lobby'),
  }));
  ada?.channel.enter('desk');
  bob?.channel.enter('phone');
  await clock.advance(0);
  adaToo?.channel.enter('sofa');
  await clock.advance(0);
  expect(bob?.channel.members.get()).toEqual([
    { key: 'ada', data: 'sofa' },
    { key: 'bob', data: 'phone' },
  ]);
  expect(server.members('lobby')).toEqual(bob?.channel.members.get());
  adaToo?.realtime.close();
  await clock.advance(0);
  expect(bob?.channel.members.get().map(({ key }) => key)).toEqual(['ada', 'bob']);
  ada?.realtime.close();
  await clock.advance(0);
  expect(bob?.channel.members.get()).toEqual([{ key: 'bob', data: 'phone' }]);
});

test('two transports to one server: a switch loses nothing', async () => {
  const { clock, server, connect } = setUp({}, ['websocket', 'sse']);
  const realtime = connect();
  const seen: string[] = [];
  realtime.channel('lobby').on('message', (text) => seen.push(text));
  await server.joined('lobby');
  server.publish('lobby', 'message', 'over websocket');
  const switched = realtime.once('switched');
  realtime.setMode('sse');
  server.publish('lobby', 'message', 'in between');
  expect(await switched).toEqual({ from: 'websocket', to: 'sse' });
  server.publish('lobby', 'message', 'over sse');
  await clock.advance(5_000);
  expect(seen).toEqual(['over websocket', 'in between', 'over sse']);
  expect([server.links, server.channels.get('lobby')]).toEqual([1, 1]);
});

test('a channel that nobody holds is left, after the grace time', async () => {
  const { clock, server, connect } = setUp();
  const lobby = connect().channel('lobby');
  await server.joined('lobby');
  lobby.leave();
  await clock.advance(999);
  expect(server.channels.get('lobby')).toBe(1);
  await clock.advance(1);
  expect([server.channels.get('lobby'), server.links]).toEqual([undefined, 1]);
});
