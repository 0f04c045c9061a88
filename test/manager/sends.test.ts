import { describe, expect, onTestFinished, test } from 'vitest';
import { createRealtime, type RealtimeOptions, type Transport, unchecked } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { clientOf, transportNames, when } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';
import { scripted } from '../support/scripted-transport.ts';

function setup(options: Partial<RealtimeOptions> = {}) {
  const clock = manualClock();
  const transport = scripted('wire', { ack: 'frame' });
  const realtime = createRealtime({ transports: [transport as Transport], platform: { clock }, retry: () => 0, ...options });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  const settle = (): Promise<void> => clock.advance(0);
  const connect = async (): Promise<void> => {
    realtime.start();
    await settle();
    transport.last.answer = async () => [];
    transport.last.up();
    await settle();
  };
  const published = (): unknown[] => transport.last.sent.flatMap((frame) => (frame.kind === 'publish' ? [frame.id] : []));
  return { clock, transport, realtime, room, settle, connect, published };
}

describe('a send with a handle', () => {
  test('has its id at once, tells how far it is, and is confirmed', async () => {
    const { room, transport, settle, connect, published } = setup();
    const { id, status, confirmed } = room.send('say', 'hello');
    const statuses: string[] = [];
    status.subscribe((now) => statuses.push(now));
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await settle();
    await connect();
    expect(published()).toEqual([id]);
    transport.last.frames([{ kind: 'ack', id, offset: 7, epoch: 'e' }]);
    expect(await confirmed).toEqual({ id, offset: 7, epoch: 'e' });
    expect(statuses).toEqual(['queued', 'sending', 'accepted']);
  });

  test('takes the id that it is given', () => {
    const { room } = setup();
    expect(room.send('say', 'hello', { id: 'mine' }).id).toBe('mine');
  });

  test('is given up while it waits, and the rest goes on', async () => {
    const { room, connect, published } = setup();
    const one = room.send('say', 1);
    const two = room.send('say', 2);
    one.cancel();
    one.cancel();
    await expect(one.confirmed).rejects.toMatchObject({ code: 'aborted' });
    expect(one.status.get()).toBe('failed');
    await connect();
    expect(published()).toEqual([two.id]);
  });

  test('hears its own signal too, and keeps no listener on it when it is done', async () => {
    const { room, connect, transport, settle } = setup();
    const controller = new AbortController();
    const one = room.send('say', 1, { signal: controller.signal });
    await connect();
    transport.last.frames([{ kind: 'ack', id: one.id }]);
    await settle();
    const two = room.send('say', 2, { signal: controller.signal });
    controller.abort('enough');
    await expect(two.confirmed).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
    expect(one.status.get()).toBe('accepted');
  });

  test('that nobody waits for is no unhandled rejection; its status tells, and follows a retry', async () => {
    const { realtime, room, clock, connect, transport, settle } = setup();
    const { id, status, confirmed } = room.send('say', 1, { timeoutMs: 100 });
    await clock.advance(100);
    expect(status.get()).toBe('failed');
    expect(realtime.outbox.entries.get()).toMatchObject([{ id, channel: 'room', event: 'say', data: 1, status: 'failed' }]);
    await connect();
    expect(realtime.outbox.retry(id)).toBe(true);
    expect(status.get()).toBe('queued');
    await settle();
    expect(status.get()).toBe('sending');
    transport.last.frames([{ kind: 'ack', id }]);
    expect(status.get()).toBe('accepted');
    await expect(confirmed).rejects.toMatchObject({ code: 'expired' });
  });

  test.each([
    ['its schema refuses it', { events: { other: unchecked() } }, 'invalid-payload'],
    ['it is too large', { outbox: { maxSendBytes: 10 } }, 'too-large'],
    ['there is no room', { outbox: { maxCount: 0 } }, 'queue-full'],
    ['it is volatile and there is no connection', { delivery: { say: 'volatile' } }, 'connection-lost'],
  ] as const)('has failed when %s', async (_, options, code) => {
    const { room } = setup(options as Partial<RealtimeOptions>);
    const { status, confirmed } = room.send('say', 'hello');
    await expect(confirmed).rejects.toMatchObject({ code });
    expect(status.get()).toBe('failed');
  });

  test('has failed when the handle is left', async () => {
    const { room } = setup();
    room.leave();
    const { status, confirmed } = room.send('say', 1);
    await expect(confirmed).rejects.toMatchObject({ code: 'closed' });
    expect(status.get()).toBe('failed');
  });
});

describe('the delivery that is declared for an event', () => {
  test('volatile: it is not queued, unless the send says so; a request is', async () => {
    const { room, realtime, settle } = setup({ delivery: { typing: 'volatile' } });
    await expect(room.publish('typing', true)).rejects.toMatchObject({ code: 'connection-lost' });
    room.publish('typing', true, { volatile: false }).catch(() => {});
    room.request('typing', true).catch(() => {});
    room.publish('say', 1).catch(() => {});
    await settle();
    expect(realtime.outbox.entries.get().map(({ event, delivery }) => [event, delivery])).toEqual([
      ['typing', 'at-least-once'],
      ['typing', 'at-least-once'],
      ['say', 'at-least-once'],
    ]);
  });

  test('once: it is not repeated where the server would not know it again', async () => {
    const { room, transport, connect, settle, published } = setup({ delivery: { order: 'once' } });
    await connect();
    transport.last.answer = () => new Promise(() => {});
    const order = room.send('order', 1);
    const other = room.send('say', 1);
    await settle();
    transport.last.down('lost');
    await connect();
    await expect(order.confirmed).rejects.toMatchObject({ code: 'unconfirmed' });
    expect(published()).toEqual([other.id]);
  });

  test.each([{ say: 'twice' }, 5, null])('%j is refused', (delivery) => {
    expect(() => setup({ delivery: delivery as never })).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: 'options.delivery is not valid' }),
    );
  });

  test('of an event that is called like a member of every object is at-least-once', async () => {
    const { room, realtime, settle } = setup({ delivery: {} });
    room.publish('constructor', 1).catch(() => {});
    await settle();
    expect(realtime.outbox.entries.get()).toMatchObject([{ delivery: 'at-least-once' }]);
  });
});

test('a send that is accepted after its time is told once', async () => {
  const { realtime, room, clock, connect, transport } = setup();
  const late: unknown[] = [];
  realtime.on('late', ({ id }) => late.push(id));
  await connect();
  const { id, status } = room.send('say', 1, { timeoutMs: 100 });
  await clock.advance(100);
  transport.last.frames([{ kind: 'ack', id }]);
  transport.last.frames([
    { kind: 'ack', id },
    { kind: 'ack', id: 'stranger' },
  ]);
  expect([late, status.get()]).toEqual([[id], 'accepted']);
});

test('sends wait for the release of a hold, also over a reconnect', async () => {
  const { realtime, room, connect, transport, settle, published } = setup();
  const release = realtime.outbox.hold();
  await connect();
  const { id } = room.send('say', 1);
  transport.last.down('lost');
  await connect();
  expect(published()).toEqual([]);
  release();
  await settle();
  expect(published()).toEqual([id]);
});

test.each(transportNames)('the id of a send over %s is on the event that comes back', async (name) => {
  const server = await startReferenceServer();
  const client = clientOf(server, [name]);
  const room = client.channel('room');
  const heard = new Promise((resolve) => room.on('say', (_, { id }) => resolve(id)));
  client.start();
  await when(room.state, ({ status }) => status === 'joined');
  const { id, confirmed } = room.send('say', { text: 'hello' });
  await confirmed;
  expect(await heard).toBe(id);
});
