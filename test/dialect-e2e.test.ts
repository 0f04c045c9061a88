import { afterEach, describe, expect, test } from 'vitest';
import type { Receipt } from '../src/protocol/dialect.ts';
import type { EventFrame, PublishFrame } from '../src/protocol/frame.ts';
import type { Transport } from '../src/transport/transport.ts';
import { type Dialled, type DialOptions, dial } from './support/contract-link.ts';
import { closedRoom, type ForeignServer, type ForeignServerOptions, startForeignServer } from './support/foreign-server.ts';
import { type ForeignWay, foreignTransports } from './support/foreign-server-dialects.ts';

const ways: readonly ForeignWay[] = ['websocket', 'sse', 'long-poll', 'socket-io'];
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options?: ForeignServerOptions): Promise<ForeignServer> {
  const server = await startForeignServer(options);
  cleanups.push(() => server.close());
  return server;
}

/** A link that is in one room and hears it: its dial, its joins by frames, and the server's word for it. */
async function enter(server: ForeignServer, way: ForeignWay, room: string, options: DialOptions = {}): Promise<Dialled> {
  const dialled = call(server, way, { channels: new Map([[room, undefined]]), ...options });
  const { joining } = await dialled.sink.isUp();
  if (!joining.includes(room)) {
    await dialled.link.send([{ kind: 'join', channel: room, ...positionOf(options, room) }]);
    // the join of Socket.IO is not answered, so the link's next word shows that it was read
    if (way === 'socket-io') await publish(dialled, 'barrier', `enter-${room}`);
  }
  await dialled.sink.until(() => dialled.sink.allFrames().some((frame) => frame.kind === 'joined'));
  return dialled;
}

function call(server: ForeignServer, way: ForeignWay, options: DialOptions): Dialled {
  const transport = foreignTransports(server.url)[way];
  let dialled: Dialled | undefined;
  // polls ask for what came after the last answer, so the cursor has to be the one of that moment
  const following: Transport = {
    ...transport,
    connect: ({ cursor, ...request }, sink) =>
      transport.connect(
        {
          ...request,
          get cursor() {
            return (dialled && lastCursor(dialled)) ?? cursor;
          },
        },
        sink,
      ),
  };
  dialled = dial(following, options);
  cleanups.push(dialled.abort);
  return dialled;
}

function lastCursor({ sink }: Dialled): string | undefined {
  return sink.calls.flatMap((one) => (one.kind === 'frames' && one.cursor !== undefined ? [one.cursor] : [])).at(-1);
}

function positionOf({ channels }: DialOptions, room: string): { epoch?: string; offset?: number } {
  const position = channels?.get(room);
  return typeof position === 'object' ? position : {};
}

/** One send, and what became of it, by receipt or by frame. */
async function publish({ link, sink }: Dialled, room: string, id: string, text = 'hello'): Promise<Receipt> {
  const frame: PublishFrame = { kind: 'publish', id, channel: room, event: 'said', data: { text } };
  const [receipt] = await link.send([frame]);
  if (receipt === undefined) throw new Error('a send has no receipt');
  if (receipt.status !== 'sent') return receipt;
  const find = () => sink.allFrames().find((answer) => (answer.kind === 'ack' || answer.kind === 'reject') && answer.id === id);
  await sink.until(() => find() !== undefined);
  const answer = find();
  if (answer?.kind === 'ack') return { ...answer, status: 'accepted' };
  if (answer?.kind === 'reject') return { ...answer, status: 'rejected' };
  throw new Error('unreachable');
}

const inRoom = (dialled: Dialled, room: string): readonly EventFrame[] =>
  dialled.sink.events().filter(({ channel }) => channel === room);
const untilHeard = (dialled: Dialled, room: string, count: number): Promise<void> =>
  dialled.sink.until(() => inRoom(dialled, room).length >= count);

describe('one chat server, four ways in, all as they are', () => {
  test('what one way says is the same event on all four', async () => {
    const server = await start();
    const links = [];
    for (const way of ways) links.push(await enter(server, way, 'lobby'));
    for (const [index, link] of links.entries()) {
      expect(await publish(link, 'lobby', `send-${index}`, `from ${ways[index]}`)).toMatchObject({
        id: `send-${index}`,
        status: 'accepted',
        offset: index + 1,
        epoch: '0',
      });
    }
    const expected = server.said('lobby').map(({ id, seq, sent_at, author, text }) => ({
      kind: 'event',
      channel: 'lobby',
      event: 'said',
      data: { author, text },
      id: String(id),
      offset: seq,
      epoch: '0',
      at: Date.parse(sent_at),
      from: author,
    }));
    expect(expected.map(({ data }) => data.text)).toEqual(ways.map((way) => `from ${way}`));
    for (const link of links) {
      await untilHeard(link, 'lobby', 4);
      expect(inRoom(link, 'lobby')).toEqual(expected);
    }
  });
});

describe.each(ways)('the chat server over %s', (way) => {
  test('a send with the same id is applied once', async () => {
    const server = await start();
    const link = await enter(server, way, 'lobby');
    const first = await publish(link, 'lobby', 'twice');
    expect(first).toMatchObject({ status: 'accepted', offset: 1 });
    const [again] = await link.link.send([
      { kind: 'publish', id: 'twice', channel: 'lobby', event: 'said', data: { text: 'hello' } },
    ]);
    expect(again?.id).toBe('twice');
    expect(await publish(link, 'lobby', 'other')).toMatchObject({ offset: 2 });
    expect(server.said('lobby')).toHaveLength(2);
  });

  test('a send that the server refuses is rejected', async () => {
    const server = await start();
    const link = await enter(server, way, 'lobby');
    const code = way === 'sse' || way === 'long-poll' ? '422' : 'empty_text';
    expect(await publish(link, 'lobby', 'empty', '')).toMatchObject({ id: 'empty', status: 'rejected', code });
    expect(server.said('lobby')).toEqual([]);
  });

  test('a room with a name that means something to JavaScript, or to an address, is a room', async () => {
    const server = await start();
    for (const [index, room] of ['__proto__', 'constructor', 'a/b?c d'].entries()) {
      const link = await enter(server, way, room);
      expect(await publish(link, room, `odd-${index}`)).toMatchObject({ status: 'accepted' });
      await untilHeard(link, room, 1);
      expect(inRoom(link, room)).toMatchObject([{ channel: room, data: { text: 'hello' } }]);
    }
  });

  test('a wrong token is unauthorized, the right one is let in', async () => {
    const server = await start({ token: 'right' });
    const wrong = call(server, way, { token: 'wrong' });
    // the login of WebSocket has no answer: only the next message shows that it failed
    const cause = await wrong.sink.isDown();
    expect(cause.kind).toBe('unauthorized');
    const link = await enter(server, way, 'lobby', { token: 'right' });
    expect(await publish(link, 'lobby', 'one')).toMatchObject({ status: 'accepted' });
  });

  test('after the link is gone the server holds nothing of it', async () => {
    const server = await start();
    const link = await enter(server, way, 'lobby');
    link.abort();
    await server.until(() => server.listeners() === 0);
    expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
    expect(link.clock.pending()).toBe(0);
  });
});

describe('what was missed', () => {
  test('comes after a cut over WebSocket, by the number in the room', async () => {
    const server = await start();
    const link = await enter(server, 'websocket', 'lobby');
    server.say('lobby', 'one');
    await untilHeard(link, 'lobby', 1);
    server.cut();
    expect((await link.sink.isDown()).kind).toBe('lost');
    server.say('lobby', 'two');
    server.say('other', 'elsewhere');
    server.say('lobby', 'three');
    const next = await enter(server, 'websocket', 'lobby', { channels: new Map([['lobby', { epoch: '0', offset: 1 }]]) });
    await untilHeard(next, 'lobby', 2);
    expect(next.sink.allFrames().map((frame) => [frame.kind, 'offset' in frame && frame.offset])).toEqual([
      ['joined', 1],
      ['event', 2],
      ['event', 3],
    ]);
  });

  test.each(['sse', 'long-poll'] satisfies ForeignWay[])('comes after a cut over %s, by the id of the stream', async (way) => {
    const server = await start();
    const link = await enter(server, way, 'lobby');
    server.say('lobby', 'one');
    await untilHeard(link, 'lobby', 1);
    const cursor = lastCursor(link);
    // between two polls there would be nothing to cut
    await server.until(() => server.listeners() === 1);
    server.cut();
    expect(['lost', 'refused']).toContain((await link.sink.isDown()).kind);
    server.say('lobby', 'two');
    server.say('lobby', 'three');
    const next = call(server, way, { channels: new Map([['lobby', undefined]]), cursor });
    await untilHeard(next, 'lobby', 2);
    expect(inRoom(next, 'lobby').map(({ offset }) => offset)).toEqual([2, 3]);
  });
});

describe("the server's own words", () => {
  test('its pings are signs of life and nothing else', async () => {
    const server = await start();
    const links = [await enter(server, 'websocket', 'lobby'), await enter(server, 'sse', 'lobby')];
    for (const link of links) {
      const before = link.sink.calls.length;
      server.ping();
      await link.sink.until(() => link.sink.calls.length > before);
      expect(link.sink.calls.slice(before)).toEqual([{ kind: 'alive' }]);
    }
  });

  test('what cannot be read is told, and the link goes on', async () => {
    const server = await start();
    const link = await enter(server, 'websocket', 'lobby');
    server.broadcastText('<h1>secret</h1>');
    server.broadcastText('{"type":"said","no":"room"}');
    server.say('lobby', 'still here');
    await untilHeard(link, 'lobby', 1);
    const garbled = link.sink.allFrames().filter((frame) => frame.kind === 'garbled');
    expect(garbled).toHaveLength(1);
    expect(garbled[0]?.message).toBe('a message is not JSON');
    expect(String(garbled[0]?.cause)).not.toContain('secret');
  });

  test('a room that is closed to us is denied over WebSocket', async () => {
    const server = await start();
    const link = await enter(server, 'websocket', 'lobby');
    await link.link.send([{ kind: 'join', channel: closedRoom }]);
    await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'denied'));
    expect(link.sink.allFrames().at(-1)).toEqual({
      kind: 'denied',
      channel: closedRoom,
      code: 'no_access',
      message: 'members only',
    });
  });

  test.each(['sse', 'long-poll'] satisfies ForeignWay[])('a room that is closed to us is forbidden over %s', async (way) => {
    const server = await start();
    const link = call(server, way, { channels: new Map([[closedRoom, undefined]]) });
    expect((await link.sink.isDown()).kind).toBe('forbidden');
  });

  test('a room that was left is quiet', async () => {
    const server = await start();
    for (const way of ['websocket', 'socket-io'] satisfies ForeignWay[]) {
      const link = await enter(server, way, 'lobby');
      await link.link.send([{ kind: 'leave', channel: 'lobby' }]);
      await publish(link, 'barrier', `left-${way}`);
      server.say('lobby', 'nobody hears');
      await publish(link, 'barrier', `later-${way}`);
      expect(inRoom(link, 'lobby')).toEqual([]);
    }
  });
});
