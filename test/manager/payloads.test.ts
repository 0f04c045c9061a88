import { object, pipe, string, transform } from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type InvalidPayload, unchecked } from '../../src/index.ts';
import { clientOf, collect, joined, upTo } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';

const events = {
  message: z.object({ text: z.string(), tags: z.array(z.string()).default([]) }),
  shout: object({
    text: pipe(
      string(),
      transform((text) => text.toUpperCase()),
    ),
  }),
  slow: z.object({ n: z.number() }).refine(async ({ n }) => {
    // later ones are checked faster, so that only the queue keeps them in order
    for (let turn = 0; turn < 50 - n; turn++) await Promise.resolve();
    return true;
  }),
  raw: unchecked<{ anything: unknown }>(),
};

describe('payloads', () => {
  test('are what the schema makes of them, whichever library it comes from', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket'], { events });
    client.start();
    await joined(client as never, 'room');
    const room = client.channel('room');
    const [message, shout] = [room.once('message'), room.once('shout')];
    await room.publish('message', { text: 'hello' });
    await room.publish('shout', { text: 'hello' });
    expect(await message).toEqual({ text: 'hello', tags: [] });
    expect(await shout).toEqual({ text: 'HELLO' });
  });

  test('that the schema refuses do not leave', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket'], { events });
    client.start();
    const sent = client.channel('room').publish('message', { text: 5 } as never);
    await expect(sent).rejects.toMatchObject({ code: 'invalid-payload', issues: [{ path: ['text'] }] });
    await client.channel('room').publish('raw', { anything: 1 });
    expect(server.stats().channels.find(({ channel }) => channel === 'room')?.offset).toBe(1);
  });

  test('that cannot be written as JSON do not leave', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    client.start();
    const sent = client.channel('room').publish('n', { n: 1n });
    await expect(sent).rejects.toMatchObject({ code: 'invalid-payload' });
  });

  test('that arrive broken are set aside with their path, and the next ones are delivered', async () => {
    const server = await startReferenceServer();
    const [client, other] = [clientOf(server, ['websocket'], { events }), clientOf(server, ['websocket'])];
    const aside: InvalidPayload[] = [];
    client.on('invalid', (payload) => aside.push(payload));
    const delivered: string[] = [];
    client.channel('room').on('message', ({ text }) => delivered.push(text));
    client.start();
    other.start();
    await joined(client as never, 'room');
    const room = other.channel('room');
    await room.publish('message', { text: 'one' });
    await room.publish('message', { text: { not: 'a string' } });
    await room.publish('no such event', {});
    const last = client.channel('room').once('message');
    await room.publish('message', { text: 'two' });
    await last;
    expect(delivered).toEqual(['one', 'two']);
    expect(aside).toMatchObject([
      { channel: 'room', event: 'message', offset: 2, error: { code: 'invalid-payload', issues: [{ path: ['text'] }] } },
      { channel: 'room', event: 'no such event', offset: 3, error: { code: 'invalid-payload' } },
    ]);
    expect(client.gaps).toEqual([]);
  });

  test('keep their order when they are checked asynchronously', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket'], { events });
    const arrived = collect(client as never, 'room', 'slow');
    client.start();
    await joined(client as never, 'room');
    await Promise.all(upTo(50).map((n) => client.channel('room').publish('slow', { n })));
    await arrived.until(50);
    expect(arrived.numbers).toEqual(upTo(50));
  });
});

describe('a handler that throws', () => {
  test('disturbs nobody: the others are called, the position moves on, and it is reported', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    const room = client.channel('room');
    room.on('n', () => {
      throw new Error('a bug of the application');
    });
    const rejects: () => unknown = () => Promise.reject(new Error('another one'));
    room.on('n', rejects);
    const arrived = collect(client, 'room');
    client.start();
    await joined(client, 'room');
    await Promise.all(upTo(3).map((n) => room.publish('n', { n })));
    await arrived.until(3);
    server.dropLinks();
    await room.publish('n', { n: 4 });
    await arrived.until(4);
    expect(arrived.numbers).toEqual(upTo(4));
    expect(new Set(client.faults)).toEqual(new Set(['a handler on the channel room threw']));
    expect(client.faults).toHaveLength(8);
  });
});

describe('event names of the server', () => {
  test.each(['__proto__', 'constructor', 'toString', '*', 'error', 'status', 'fault', 'open'])(
    '%s is a name like any other',
    async (name) => {
      const server = await startReferenceServer();
      const client = clientOf(server, ['websocket']);
      const own: unknown[] = [];
      for (const lifecycle of ['status', 'fault', 'gap'] as const) client.on(lifecycle, (value) => own.push(value));
      const others: unknown[] = [];
      client.channel('room').on('n', (data) => others.push(data));
      client.start();
      await joined(client, 'room');
      const before = own.length;
      const arrived = client.channel('room').once(name);
      await client.channel('room').publish(name, { from: 'server' });
      expect(await arrived).toEqual({ from: 'server' });
      expect(others).toEqual([]);
      // a pong may have been measured meanwhile, but nothing that the server named
      expect(own.slice(before).filter((value) => JSON.stringify(value).includes('from'))).toEqual([]);
      expect(({} as Record<string, unknown>)['from']).toBeUndefined();
    },
  );
});
