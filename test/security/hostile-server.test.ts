import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRealtime, jsonDialect, type RealtimeOptions, type ServerFrame } from 'keepwire';
import { backfill } from 'keepwire/backfill';
import { monitor } from 'keepwire/monitor';
import { presence } from 'keepwire/presence';
import { receipts } from 'keepwire/receipts';
import { manualClock } from 'keepwire/testing';
import { typing } from 'keepwire/typing';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClientFrame, PresenceMember } from '../../src/protocol/frame.ts';
import type { Capabilities } from '../../src/transport/transport.ts';
import { type ScriptedLink, scripted } from '../support/scripted-transport.ts';

const hourMs = 3_600_000;

/** Collects now: what a collector has not come to yet is no leak. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A manager with one joined channel; the test plays a server that means harm. */
async function setUp(capabilities: Partial<Capabilities> = {}, options: Partial<RealtimeOptions> = {}) {
  const clock = manualClock();
  const server = scripted('wire', capabilities);
  const watch = monitor();
  let serial = 0;
  const platform = { clock, random: () => 0.5, newId: () => `own-${serial++}` };
  const realtime = createRealtime({ transports: [server], platform, probe: watch, auth: 'token', ...options });
  onTestFinished(() => realtime.close());
  realtime.on('fault', () => {});
  const room = realtime.channel('room');
  room.on('e', () => {});
  /** Every frame of ours over all links. */
  const sent = (): ClientFrame[] => server.dials.flatMap((link) => link.sent);
  const kinds = (kind: ClientFrame['kind']): number => sent().filter((frame) => frame.kind === kind).length;
  const up = (link: ScriptedLink = server.last): void => {
    link.up({ joining: ['room'] });
    link.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 0 }]);
  };
  realtime.start();
  await clock.advance(0);
  up();
  await clock.advance(0);
  return { clock, server, watch, realtime, room, sent, kinds, up };
}

describe('what a server makes us send stays bounded', () => {
  test('a flood of pings gets one answer at a time', async () => {
    const { clock, server, kinds } = await setUp();
    let release = (): void => {};
    server.last.answer = () =>
      new Promise((resolve) => {
        release = () => resolve([]);
      });
    for (let index = 0; index < 10_000; index += 1) server.last.frames([{ kind: 'ping', data: index }]);
    await clock.advance(60_000);
    expect(kinds('pong')).toBe(1);
    release();
    await clock.advance(0);
    server.last.frames([{ kind: 'ping' }, { kind: 'ping' }, { kind: 'ping' }]);
    expect(kinds('pong')).toBe(2);
  });

  test('a flood of words to move to another link holds one timer, and dials one link', async () => {
    const { clock, server } = await setUp();
    const before = clock.pending;
    for (let index = 0; index < 10_000; index += 1) {
      server.last.frames([{ kind: 'advice', drain: true, retryAfterMs: 3_600_000 + index }]);
    }
    expect(clock.pending).toBe(before + 1);
    server.last.frames(Array.from({ length: 10_000 }, (): ServerFrame => ({ kind: 'advice', drain: true })));
    await clock.advance(1_000);
    expect(server.dials).toHaveLength(2);
  });

  test('a server that wants each new link replaced is dialled at the pace of the retry policy', async () => {
    const { clock, server, up } = await setUp();
    let seen = 0;
    for (let passedMs = 0; passedMs < hourMs; passedMs += 1_000) {
      while (seen < server.dials.length) {
        const link = server.dials[seen++] as ScriptedLink;
        if (link !== server.dials[0]) up(link);
        link.frames([{ kind: 'advice', drain: true }]);
      }
      await clock.advance(1_000);
    }
    expect(server.dials.length).toBeGreaterThan(10);
    // every 4 seconds, give or take
    expect(server.dials.length).toBeLessThan(hourMs / 2_000);
  });

  test.each(['frame', 'dial'] as const)(
    'holes without end, where channels are joined by %s: one replay each, one after the other',
    async (joining) => {
      const { clock, server, kinds, up } = await setUp({ joining });
      let offset = 1;
      const messages = 2_000;
      for (let index = 0; index < messages; index += 1) {
        const { last } = server;
        if (joining === 'dial' && server.dials.length > 1 && last.isHeld) up(last);
        offset += 2;
        last.frames([{ kind: 'event', channel: 'room', event: 'e', data: 0, offset }]);
        last.frames([{ kind: 'heartbeat', positions: [{ channel: 'room', epoch: 'e', offset: offset + 5 }] }]);
        await clock.advance(10);
      }
      // 20 seconds; a place is asked for once, and no two at a time
      expect(kinds('join') + server.dials.length).toBeLessThan(200);
    },
  );

  test('tokens that are let in and then refused again and again are no loop', async () => {
    let asked = 0;
    const { clock, server, up } = await setUp({}, { auth: () => `token-${asked++}` });
    let seen = 0;
    for (let passedMs = 0; passedMs < 600_000; passedMs += 500) {
      while (seen < server.dials.length) {
        const link = server.dials[seen++] as ScriptedLink;
        if (seen > 1) up(link);
        link.frames([{ kind: 'auth', status: 'expired' }]);
      }
      await clock.advance(500);
    }
    expect(asked).toBeLessThan(600_000 / 1_500);
    expect(server.dials.length).toBeLessThan(600_000 / 1_500);
  });

  test('links that are cut as soon as they have carried something are dialled at the pace of the retry policy', async () => {
    const { clock, server, up } = await setUp();
    let seen = 0;
    for (let passedMs = 0; passedMs < 600_000; passedMs += 500) {
      while (seen < server.dials.length) {
        const link = server.dials[seen++] as ScriptedLink;
        if (seen > 1) up(link);
        link.down('lost');
      }
      await clock.advance(500);
    }
    expect(server.dials.length).toBeLessThan(600_000 / 2_000);
  });

  test('new logs without end are filled one after the other, by a bounded number of requests', async () => {
    let loads = 0;
    let underWay = 0;
    let most = 0;
    const { clock, server } = await setUp(
      {},
      {
        backfill: backfill(async () => {
          loads += 1;
          underWay += 1;
          most = Math.max(most, underWay);
          await new Promise<void>((resolve) => clock.schedule(resolve, 100));
          underWay -= 1;
          return { messages: [], next: 'more' };
        }),
      },
    );
    for (let index = 0; index < 5_000; index += 1) {
      server.last.frames([{ kind: 'joined', channel: 'room', epoch: `e${index}`, offset: 9 }]);
    }
    await clock.advance(60_000);
    expect(most).toBe(1);
    expect(loads).toBeLessThanOrEqual(60_000 / 100);
  });

  test('who asks for presence marks again and again is answered once a second', async () => {
    const { clock, server, room, kinds } = await setUp();
    const { mark } = receipts(room, { me: { key: 'me' } });
    mark(1);
    await clock.advance(2_000);
    const before = kinds('publish');
    for (let index = 0; index < 1_000; index += 1) {
      server.last.frames([{ kind: 'event', channel: 'room', event: 'read', data: { key: 'x', ask: true }, from: `u${index}` }]);
    }
    await clock.advance(1_000);
    expect(kinds('publish') - before).toBe(1);
  });
});

describe('what a server makes us remember stays bounded', () => {
  test('a day of ids, channels, epochs, answers, members, typers and marks that never come again', async () => {
    const { clock, server, watch, room, realtime } = await setUp();
    const { members } = presence(room, { me: { key: 'me' }, rememberMs: 24 * hourMs });
    const { typers } = typing(room, { me: { key: 'me' } });
    const { marks } = receipts(room, { me: { key: 'me' } });
    let serial = 0;
    const sizes: number[] = [];
    for (let hour = 0; hour < 24; hour += 1) {
      for (let round = 0; round < 2; round += 1) {
        const batch: ServerFrame[] = [];
        for (let index = 0; index < 400; index += 1) {
          const id = `${serial++}-${'i'.repeat(100)}`;
          batch.push(
            { kind: 'event', channel: 'room', event: 'e', data: 1, id },
            { kind: 'event', channel: id, event: id, data: 1, id },
            { kind: 'event', channel: 'room', event: 'typing', data: true, from: id },
            { kind: 'event', channel: 'room', event: 'read', data: { position: serial }, from: id },
            { kind: 'ack', id },
            { kind: 'reject', id, code: id },
            { kind: 'heartbeat', positions: [{ channel: id, epoch: id, offset: 1 }] },
          );
        }
        const crowd = Array.from({ length: 300 }, (_, index): PresenceMember => ({ key: `${hour}-${round}-${index}` }));
        batch.push({ kind: 'presence', channel: 'room', sync: true, members: crowd });
        server.last.frames(
          [{ kind: 'joined', channel: 'room', epoch: `${hour}-${round}`, offset: 0 }, ...batch],
          `cursor-${serial}`,
        );
        await clock.advance(hourMs / 2);
      }
      const { channels, timeline, memory } = watch.snapshot.get();
      sizes.push(members.get().length, typers.get().length, marks.get().size, channels.length, timeline.length);
      expect(memory.every(({ used, limit }) => used <= limit)).toBe(true);
    }
    expect(realtime.outbox.entries.get()).toEqual([]);
    expect(members.get().length).toBeLessThanOrEqual(10_300);
    expect(typers.get().length).toBeLessThanOrEqual(100);
    expect(marks.get().size).toBeLessThanOrEqual(1_001);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_300);
    expect(clock.pending).toBeLessThan(20);
  });

  test('the heap is flat over a million messages of a hostile stream', async () => {
    const { clock, server } = await setUp();
    const used = async (): Promise<number> => {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      return process.memoryUsage().heapUsed;
    };
    let serial = 0;
    const flood = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 1_000) {
        const batch = Array.from({ length: 1_000 }, (): ServerFrame => {
          serial += 1;
          return {
            kind: 'event',
            channel: serial % 3 ? 'room' : `c${serial}`,
            event: `e${serial}`,
            data: serial,
            id: `id-${serial}`,
          };
        });
        server.last.frames(batch, `cursor-${serial}`);
        await clock.advance(1);
      }
    };
    await flood(200_000);
    const before = await used();
    await flood(800_000);
    const grownBytes = (await used()) - before;
    // a fortieth of what was said, which is more than 80 MB
    expect(grownBytes).toBeLessThan(2_000_000);
  });

  test('what comes before its turn is kept up to 64 messages of a channel', async () => {
    const { clock, server, realtime } = await setUp({ resume: 'none' });
    let gaps = 0;
    realtime.on('gap', () => {
      gaps += 1;
    });
    for (let offset = 10_000; offset > 5_000; offset -= 1) {
      server.last.frames([{ kind: 'event', channel: 'room', event: 'e', data: 'x'.repeat(100), offset }]);
    }
    await clock.advance(1_000);
    expect(gaps).toBeGreaterThan(0);
    expect(realtime.metrics().delivered).toBeLessThanOrEqual(5_000);
  });
});

test('the dialect that answers pings of a foreign server is bounded in the same way', () => {
  const dialect = jsonDialect({ pinged: 'ping', answerPing: () => ({ type: 'pong' }) });
  const frames = dialect.decode(JSON.stringify(Array.from({ length: 100 }, () => ({ type: 'ping' }))));
  expect(new Set(frames.map(({ kind }) => kind))).toEqual(new Set(['ping']));
});
