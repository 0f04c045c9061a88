import { describe, expect, test } from 'vitest';
import { clientOf, collect, joined, upTo, when } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';

describe('handles on a channel', () => {
  test('are counted: the channel is left with the last one, and joined once', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket'], { leaveAfterMs: 0 });
    const [first, second] = [client.channel('room'), client.channel('room')];
    client.start();
    await when(first.state, ({ status }) => status === 'joined');
    const links = (): number | undefined => server.stats().channels.find(({ channel }) => channel === 'room')?.links;
    expect(links()).toBe(1);
    first.leave();
    first.leave();
    const arrived: unknown[] = [];
    second.on('n', (data) => arrived.push(data));
    await second.publish('n', { n: 1 });
    await when(client.status, () => arrived.length === 1);
    expect(links()).toBe(1);
    second.leave();
    await server.until(() => links() === undefined || links() === 0);
  });

  test('take only their own listeners with them', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    const [leaving, staying] = [client.channel('room'), client.channel('room')];
    const heard: string[] = [];
    leaving.on('n', () => heard.push('leaving'));
    staying.on('n', () => heard.push('staying'));
    client.start();
    await joined(client, 'room');
    leaving.leave();
    const next = staying.once('n');
    await staying.publish('n', { n: 1 });
    await next;
    expect(heard).toEqual(['staying']);
    expect(() => leaving.on('n', () => {})).toThrow(expect.objectContaining({ code: 'closed' }));
    await expect(leaving.publish('n', { n: 1 })).rejects.toMatchObject({ code: 'closed' });
  });

  test('end their waits and loops when they are left', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    const room = client.channel('room');
    const waiting = room.once('n');
    const loop = room.events('n');
    const next = loop.next();
    room.leave();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('are iterated over in order, by name and whole, until the signal fires', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    client.start();
    await joined(client, 'room');
    const room = client.channel('room');
    const stop = new AbortController();
    const byName: unknown[] = [];
    const all: string[] = [];
    const loops = [
      (async () => {
        for await (const { data } of room.events('n', { signal: stop.signal })) byName.push((data as { n: number }).n);
      })(),
      (async () => {
        for await (const { event } of room) {
          all.push(event);
          if (all.length === 6) break;
        }
      })(),
    ];
    await Promise.all(upTo(3).flatMap((n) => [room.publish('n', { n }), room.publish('m', { n })]));
    await loops[1];
    stop.abort();
    await loops[0];
    expect(byName).toEqual([1, 2, 3]);
    expect(all).toEqual(['n', 'm', 'n', 'm', 'n', 'm']);
  });

  test('listen only as long as their signal lets them', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    client.start();
    await joined(client, 'room');
    const room = client.channel('room');
    const stop = new AbortController();
    const heard: unknown[] = [];
    room.on('n', (data) => heard.push(data), { signal: stop.signal });
    const arrived = collect(client, 'room');
    await room.publish('n', { n: 1 });
    await arrived.until(1);
    stop.abort();
    await room.publish('n', { n: 2 });
    await arrived.until(2);
    expect(heard).toEqual([{ n: 1 }]);
    await expect(room.once('n', { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
    await expect(room.publish('n', { n: 3 }, { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  test('are left when the signal that they were asked for with fires', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket'], { leaveAfterMs: 0 });
    const stop = new AbortController();
    const room = client.channel('room', { signal: stop.signal });
    client.start();
    await when(room.state, ({ status }) => status === 'joined');
    stop.abort();
    expect(() => room.on('n', () => {})).toThrow(expect.objectContaining({ code: 'closed' }));
    const links = (): number | undefined => server.stats().channels.find(({ channel }) => channel === 'room')?.links;
    await server.until(() => links() === undefined || links() === 0);
  });

  test('need a name of a sensible length', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    for (const name of ['', 'x'.repeat(513), 5 as never]) {
      expect(() => client.channel(name)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    }
  });
});

describe('sends', () => {
  test('under the same id are applied once by a server that honours ids', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    client.start();
    const room = client.channel('room');
    const first = await room.publish('n', { n: 1 }, { id: 'order 7' });
    const second = await room.publish('n', { n: 1 }, { id: 'order 7' });
    expect(second).toEqual(first);
    expect(first).toMatchObject({ id: 'order 7', offset: 1 });
  });

  test('that are volatile fail at once without a connection, and are not kept by the server', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    const room = client.channel('room');
    await expect(room.publish('typing', {}, { volatile: true })).rejects.toMatchObject({ code: 'connection-lost' });
    client.start();
    await joined(client, 'room');
    const arrived = new Promise<unknown>((resolve) => room.on('typing', (_, message) => resolve(message.offset)));
    await room.publish('typing', {}, { volatile: true });
    expect(await arrived).toBeUndefined();
  });

  test('wait while the connection is held, and leave when it is released', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    const release = client.hold('maintenance');
    client.start();
    expect(client.status.get()).toMatchObject({ status: 'disconnected', holds: ['maintenance'] });
    const sent = client.channel('room').publish('n', { n: 1 });
    release();
    expect((await sent).offset).toBe(1);
  });

  test('fail with a clear word when the manager is closed', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket']);
    const sent = client.channel('room').publish('n', { n: 1 });
    const rejected = expect(sent).rejects.toMatchObject({ code: 'closed' });
    await Promise.resolve();
    client.close();
    await rejected;
    expect(() => client.start()).toThrow(expect.objectContaining({ code: 'closed' }));
  });
});
