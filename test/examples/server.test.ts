import { describe, expect, test } from 'vitest';
import type { Log } from '../../examples/server/log.ts';
import { createMemoryLog } from '../../examples/server/memory-log.ts';
import type { AckFrame, ClientFrame, EventFrame, JoinedFrame, PresenceFrame, ServerFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { carriers, openRaw, type RawLink } from '../support/reference-clients.ts';
import { startReferenceServer, type TestServer } from '../support/reference-server.ts';

const say = (id: string, data: unknown, more: Partial<ClientFrame & { kind: 'publish' }> = {}): ClientFrame => ({
  kind: 'publish',
  id,
  channel: 'room',
  event: 'message',
  data,
  ...more,
});

const isKind =
  <K extends ServerFrame['kind']>(kind: K) =>
  (frame: ServerFrame): boolean =>
    frame.kind === kind;

const eventsOf = (link: RawLink): EventFrame[] => link.frames.filter((frame) => frame.kind === 'event');

/** Puts numbered messages into the room before anybody is there. */
async function fill(server: TestServer, count: number, channel = 'room'): Promise<string> {
  let epoch = '';
  for (let number = 1; number <= count; number += 1) {
    const entry = { id: `old-${number}`, event: 'message', data: String(number), at: 0, from: 'ada' };
    epoch = (await server.log.append(channel, entry)).epoch;
  }
  return epoch;
}

const hasEvent = (offset: number) => (frame: ServerFrame) => frame.kind === 'event' && frame.offset === offset;

describe.each(carriers)('the reference server over %s', (carrier) => {
  test('greets first, answers the join, replays from the position, goes live, acknowledges a send', async () => {
    const server = await startReferenceServer();
    const epoch = await fill(server, 5);
    const link = openRaw(carrier, server, {
      channels: [{ channel: 'room', epoch, offset: 2 }],
      token: await server.signToken('ada'),
    });
    await link.next(hasEvent(5));
    expect(link.frames[0]).toMatchObject({ kind: 'welcome', version: 1, user: 'ada' });
    expect(link.frames[1]).toEqual({ kind: 'joined', channel: 'room', epoch, offset: 2 });
    const answers = await link.send([say('s1', { text: 'a' }), say('s2', { text: 'b' })]);
    expect(answers).toEqual([
      { kind: 'ack', id: 's1', epoch, offset: 6 },
      { kind: 'ack', id: 's2', epoch, offset: 7 },
    ]);
    await link.next(hasEvent(7));
    expect(eventsOf(link).map(({ offset }) => offset)).toEqual([3, 4, 5, 6, 7]);
    expect(eventsOf(link).at(-1)).toEqual({
      ...{ kind: 'event', channel: 'room', event: 'message', data: { text: 'b' }, offset: 7, id: 's2', from: 'ada' },
      at: expect.any(Number) as number,
    });
  });

  test('joins at the head without a position', async () => {
    const server = await startReferenceServer();
    const epoch = await fill(server, 3);
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    expect(await link.next(isKind('joined'))).toEqual({ kind: 'joined', channel: 'room', epoch, offset: 3 });
    await link.send([say('s1', 1)]);
    await link.next(hasEvent(4));
    expect(eventsOf(link)).toHaveLength(1);
  });

  test('shows the hole when the log was trimmed', async () => {
    const server = await startReferenceServer({ memoryLog: { maxEntries: 2 } });
    const epoch = await fill(server, 5);
    const link = openRaw(carrier, server, { channels: [{ channel: 'room', epoch, offset: 1 }] });
    await link.next(hasEvent(5));
    expect(await link.next(isKind('joined'))).toEqual({ kind: 'joined', channel: 'room', epoch, offset: 3 });
    expect(eventsOf(link).map(({ offset }) => offset)).toEqual([4, 5]);
  });

  test('replays all that it has to a client of another epoch', async () => {
    const server = await startReferenceServer();
    const epoch = await fill(server, 2);
    const link = openRaw(carrier, server, { channels: [{ channel: 'room', epoch: 'before', offset: 40 }] });
    await link.next(hasEvent(2));
    expect(await link.next(isKind('joined'))).toEqual({ kind: 'joined', channel: 'room', epoch, offset: 0 });
    expect(eventsOf(link).map(({ offset }) => offset)).toEqual([1, 2]);
  });

  test('tells live links when the log starts anew', async () => {
    const server = await startReferenceServer();
    const before = await fill(server, 2);
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    server.forget();
    const joined = await link.next<JoinedFrame>((frame) => frame.kind === 'joined' && frame.epoch !== before);
    expect(joined.offset).toBe(0);
    const [ack] = await link.send([say('s1', 1)]);
    expect(ack).toEqual({ kind: 'ack', id: 's1', epoch: joined.epoch, offset: 1 });
    await link.next(hasEvent(1));
  });

  test('applies a send once and answers it alike', async () => {
    const server = await startReferenceServer();
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    const [first] = await link.send([say('same', 1)]);
    const [second] = await link.send([say('same', 1)]);
    await link.send([say('other', 2)]);
    expect(second).toEqual(first);
    await link.next(hasEvent(2));
    expect(eventsOf(link).map(({ id }) => id)).toEqual(['same', 'other']);
  });

  test('fans volatile events out and does not keep them', async () => {
    const server = await startReferenceServer();
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    expect(await link.send([say('t1', true, { event: 'typing', volatile: true })])).toEqual([{ kind: 'ack', id: 't1' }]);
    const typing = await link.next<EventFrame>(isKind('event'));
    expect(typing).toMatchObject({ event: 'typing', data: true, id: 't1' });
    expect(typing.offset).toBeUndefined();
    expect((await server.log.head('room')).offset).toBe(0);
  });

  test('answers a request in its ack and keeps nothing', async () => {
    const server = await startReferenceServer({
      onRequest: ({ data }) => {
        if (data === 'bad') throw new Error('no such page');
        return { echo: data };
      },
    });
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    const answers = await link.send([say('q1', 'page 2', { reply: true }), say('q2', 'bad', { reply: true })]);
    expect(answers).toEqual([
      { kind: 'ack', id: 'q1', data: { echo: 'page 2' } },
      { kind: 'reject', id: 'q2', code: 'failed', message: 'no such page' },
    ]);
    expect((await server.log.head('room')).offset).toBe(0);
  });

  test('denies a channel and a send to it, and lets the rest of the link work', async () => {
    const server = await startReferenceServer({
      authorize: (_, channel) => channel !== 'secret' || { code: 'forbidden', message: 'members only' },
    });
    const link = openRaw(carrier, server, { channels: [{ channel: 'secret' }, { channel: 'room' }] });
    expect(await link.next(isKind('denied'))).toEqual({
      kind: 'denied',
      channel: 'secret',
      code: 'forbidden',
      message: 'members only',
    });
    await link.next(isKind('joined'));
    const [refused, taken] = await link.send([say('s1', 1, { channel: 'secret' }), say('s2', 1)]);
    expect(refused).toMatchObject({ kind: 'reject', id: 's1', code: 'forbidden' });
    expect(taken).toMatchObject({ kind: 'ack', id: 's2', offset: 1 });
  });

  test('refuses a bad token in the way of the carrier', async () => {
    const server = await startReferenceServer({ anonymous: false });
    const { native } = await openRaw(carrier, server, { token: 'nonsense' }).ended;
    expect(native).toBe({ websocket: 4401, sse: 401, 'long-poll': 401, 'socket-io': 'unauthorized' }[carrier]);
    expect(server.stats().opened[carrier]).toBe(0);
  });

  test.each([
    { kind: 'forbidden', natives: { websocket: 4403, sse: 403, 'long-poll': 403, 'socket-io': 'forbidden' } },
    { kind: 'dismissed', natives: { websocket: 4410, sse: 410, 'long-poll': 410, 'socket-io': 'dismissed' } },
    { kind: 'overloaded', natives: { websocket: 1013, sse: 503, 'long-poll': 503, 'socket-io': 'refused' } },
  ] as const)('says $kind in the way of the carrier', async ({ kind, natives }) => {
    const server = await startReferenceServer({ admit: () => ({ kind, message: 'no', retryAfterMs: 2000 }) });
    expect((await openRaw(carrier, server).ended).native).toBe(natives[carrier]);
  });

  test('ends a live link with an auth frame when its token ends', async () => {
    const clock = manualClock(1_800_000_000_000);
    const server = await startReferenceServer({ anonymous: false, time: clock, limits: { maxHoldMs: 100_000 } });
    const token = await server.signToken('ada', { expiresInS: 60 });
    const link = openRaw(carrier, server, { token, waitMs: 100_000, channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    if (carrier === 'long-poll') await server.until(() => server.stats().links['long-poll'] === 1);
    await clock.advance(61_000);
    expect(await link.next(isKind('auth'))).toMatchObject({ kind: 'auth', status: 'expired' });
    const { native } = await link.ended;
    expect(native).toBe({ websocket: 4401, sse: 'end', 'long-poll': 401, 'socket-io': 'io server disconnect' }[carrier]);
  });

  test('tells of members by user: sync, then changes, gone after the grace time', async () => {
    const clock = manualClock(1_800_000_000_000);
    const server = await startReferenceServer({ time: clock });
    const bob = openRaw(carrier, server, { token: await server.signToken('bob'), client: 'b', channels: [{ channel: 'room' }] });
    await bob.next(isKind('joined'));
    await bob.send([{ kind: 'announce', channel: 'room', present: true, data: 'online' }, say('after', 1)]);
    const ada = openRaw(carrier, server, { token: await server.signToken('ada'), client: 'a', channels: [{ channel: 'room' }] });
    const sync = await ada.next<PresenceFrame>(isKind('presence'));
    expect(sync).toEqual({ kind: 'presence', channel: 'room', sync: true, members: [{ key: 'bob', data: 'online' }] });
    await bob.send([{ kind: 'announce', channel: 'room', present: true, data: 'away' }, say('later', 1)]);
    await ada.next((frame) => frame.kind === 'presence' && !frame.sync && frame.members[0]?.data === 'away');
    bob.close();
    await server.until(() => [...Object.values(server.stats().links)].reduce((sum, count) => sum + count) === 1);
    expect(ada.frames.some((frame) => frame.kind === 'presence' && frame.gone !== undefined)).toBe(false);
    await clock.advance(10_000);
    expect(await ada.next((frame) => frame.kind === 'presence' && frame.gone !== undefined)).toMatchObject({
      members: [],
      gone: ['bob'],
    });
  });

  test('sends the drain to all links', async () => {
    const server = await startReferenceServer();
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    await server.until(() => server.stats().links[carrier] === 1);
    server.drain({ spreadMs: 500 });
    expect(await link.next(isKind('advice'))).toEqual({ kind: 'advice', drain: true, spreadMs: 500 });
  });

  test('batches what comes in one tick and keeps its order', async () => {
    const server = await startReferenceServer();
    const link = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    await link.next(isKind('joined'));
    const ids = Array.from({ length: 200 }, (_, number) => `b${number}`);
    await link.send(ids.map((id) => say(id, id)));
    await link.next(hasEvent(200));
    expect(eventsOf(link).map(({ id }) => id)).toEqual(ids);
    // all the events in one message, beside it the greeting and perhaps the acks
    expect(Math.max(...link.batches)).toBeGreaterThanOrEqual(200);
  });

  test('loses nothing and repeats nothing when others publish during the replay', async () => {
    const server = await startReferenceServer();
    const epoch = await fill(server, 3000);
    const writer = openRaw('websocket', server, { client: 'writer' });
    await writer.next(isKind('welcome'));
    const sent = writer.send(Array.from({ length: 500 }, (_, number) => say(`w${number}`, number)));
    const link = openRaw(carrier, server, { channels: [{ channel: 'room', epoch, offset: 0 }] });
    await sent;
    await link.next(hasEvent(3500));
    expect(eventsOf(link).map(({ offset }) => offset)).toEqual(Array.from({ length: 3500 }, (_, index) => index + 1));
  });

  test('sends a replay that is larger than what may wait, as fast as the link takes it', async () => {
    const server = await startReferenceServer({ limits: { maxWaitingBytes: 400_000 } });
    for (let number = 1; number <= 1000; number += 1) {
      const data = JSON.stringify('x'.repeat(2000));
      await server.log.append('room', { id: String(number), event: 'message', data, at: 0, from: 'ada' });
    }
    const { epoch } = await server.log.head('room');
    const link = openRaw(carrier, server, { channels: [{ channel: 'room', epoch, offset: 0 }] });
    await link.next(hasEvent(1000));
    // still the same link
    await link.send([say('after', 1)]);
    await link.next(hasEvent(1001));
    expect(eventsOf(link).map(({ offset }) => offset)).toEqual(Array.from({ length: 1001 }, (_, index) => index + 1));
  });

  test('is cut without a word and resumes without a loss', async () => {
    const server = await startReferenceServer();
    const first = openRaw(carrier, server, { channels: [{ channel: 'room' }] });
    const joined = await first.next<JoinedFrame>(isKind('joined'));
    await server.until(() => server.stats().links[carrier] === 1);
    expect(server.dropLinks({ carrier })).toBe(1);
    await first.ended;
    const epoch = await fill(server, 3);
    const second = openRaw(carrier, server, { channels: [{ channel: 'room', epoch: joined.epoch, offset: joined.offset }] });
    await second.next(hasEvent(3));
    expect(joined.epoch).toBe(epoch);
    expect(eventsOf(second).map(({ offset }) => offset)).toEqual([1, 2, 3]);
  });
});

test('the same send over different carriers is applied once', async () => {
  const server = await startReferenceServer();
  const token = await server.signToken('ada');
  const answers: ServerFrame[] = [];
  for (const carrier of carriers) {
    const link = openRaw(carrier, server, { token, client: carrier });
    await link.next(isKind('welcome'));
    answers.push(...(await link.send([say('one', 1)])));
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect((answers[0] as AckFrame).offset).toBe(1);
});

test('a log that is lost while a client reads it is read from its new beginning', async () => {
  const memory = createMemoryLog();
  let isLost = false;
  const entry = (id: number) => ({ id: String(id), event: 'message', data: String(id), at: 0, from: 'ada' });
  const log: Log = {
    ...memory,
    async read(channel, after, limit) {
      if (!isLost) {
        isLost = true;
        memory.forget();
        for (let number = 1; number <= 8; number += 1) await memory.append(channel, entry(number));
      }
      return memory.read(channel, after, limit);
    },
  };
  for (let number = 1; number <= 5; number += 1) await memory.append('room', entry(number));
  const { epoch } = await memory.head('room');
  const server = await startReferenceServer({ log });
  const link = openRaw('websocket', server, { channels: [{ channel: 'room', epoch, offset: 3 }] });
  await link.next(hasEvent(8));
  const joined = link.frames.filter((frame) => frame.kind === 'joined');
  expect(joined.map(({ offset }) => offset)).toEqual([3, 0]);
  expect(joined[1]?.epoch).toBe((await memory.head('room')).epoch);
  expect(eventsOf(link).map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

describe.each(carriers.filter((carrier) => carrier !== 'long-poll'))('the clients of the reference server over %s', (carrier) => {
  test('says how wide a window its clients need, and says it again when there are twice as many', async () => {
    const server = await startReferenceServer({ limits: { maxReturnsPerSecond: 4 } });
    const links: RawLink[] = [];
    for (const client of ['a', 'b', 'c', 'd']) {
      links.push(openRaw(carrier, server, { client, channels: [{ channel: 'room' }] }));
      await links.at(-1)?.next(isKind('joined'));
    }
    await server.until(() => Object.values(server.stats().links).reduce((sum, count) => sum + count) === links.length);
    const windows = (frames: readonly ServerFrame[]): (number | undefined)[] =>
      frames.flatMap((frame) => (frame.kind === 'welcome' || frame.kind === 'advice' ? [frame.spreadMs] : []));
    for (const link of links.slice(0, 3)) await link.next((frame) => frame.kind === 'advice' && frame.spreadMs === 2_000);
    // room for twice as many as there are: half a second for each
    expect(links.map(({ frames }) => windows(frames))).toEqual([[500, 1_000, 2_000], [1_000, 2_000], [1_500, 2_000], [2_000]]);
  });
});

test('the word of the operator is not taken back when more clients come', async () => {
  const server = await startReferenceServer();
  const first = openRaw('websocket', server, { client: 'a', channels: [{ channel: 'room' }] });
  await first.next(isKind('joined'));
  server.advise({ spreadMs: 9_000 });
  for (const client of ['b', 'c']) {
    await openRaw('websocket', server, { client, channels: [{ channel: 'room' }] }).next(isKind('joined'));
  }
  await first.send([say('s1', 1)]);
  await first.next(hasEvent(1));
  expect(first.frames.filter(isKind('advice'))).toEqual([{ kind: 'advice', spreadMs: 9_000 }]);
});

test('a poll is not answered again and again because others come and go', async () => {
  const server = await startReferenceServer();
  const links = ['a', 'b', 'c'].map((client) => openRaw('long-poll', server, { client, channels: [{ channel: 'room' }] }));
  for (const link of links) await link.next(isKind('joined'));
  await server.until(() => server.stats().links['long-poll'] === 3);
  for (let number = 1; number <= 20; number += 1) {
    await server.log.append('room', { id: `m${number}`, event: 'message', data: '1', at: 0, from: 'ada' });
    for (const link of links) await link.next(hasEvent(number));
  }
  for (const link of links) expect(link.frames.filter(isKind('advice')).length).toBeLessThan(3);
});
