import { describe, expect, test } from 'vitest';
import { clientOf, collect, joined, transportNames, upTo } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';

const directions = transportNames.flatMap((from) => transportNames.filter((to) => to !== from).map((to) => [from, to] as const));

describe.each(directions)('switching from %s to %s', (from, to) => {
  test('loses nothing and shows nothing twice, in both directions of traffic', async () => {
    const server = await startReferenceServer();
    const [other, client] = [clientOf(server, ['websocket']), clientOf(server, transportNames, { mode: from })];
    const [received, sent] = [collect(client, 'from other'), collect(other, 'from client')];
    other.start();
    client.start();
    await Promise.all([joined(client, 'from other'), joined(other, 'from client')]);
    const switched = client.once('switched');
    const words: string[] = [];
    client.status.subscribe(({ status }) => words.push(status));
    const sends = upTo(120).flatMap((n) => {
      if (n === 40) client.setMode(to);
      return [client.channel('from client').publish('n', { n }), other.channel('from other').publish('n', { n })];
    });
    await switched;
    sends.push(
      ...upTo(40).flatMap((k) => [
        client.channel('from client').publish('n', { n: 120 + k }),
        other.channel('from other').publish('n', { n: 120 + k }),
      ]),
    );
    await Promise.all([...sends, received.until(160), sent.until(160)]);
    expect(received.numbers).toEqual(upTo(160));
    expect(sent.numbers).toEqual(upTo(160));
    // the old link carries on until the new one has proved itself
    expect(new Set(words)).toEqual(new Set(['connected']));
    expect(client.status.get()).toMatchObject({ transport: to, mode: to });
    expect({ gaps: client.gaps, faults: client.faults }).toEqual({ gaps: [], faults: [] });
  });
});

describe('a switch that fails', () => {
  test('leaves the old link in place, and says what went wrong', async () => {
    const server = await startReferenceServer();
    const dead = await startReferenceServer();
    await dead.close();
    const client = clientOf({ ...server, urls: { ...server.urls, sse: dead.urls.sse } }, ['websocket', 'sse']);
    const arrived = collect(client, 'room');
    client.start();
    await joined(client, 'room');
    const fault = client.once('fault');
    client.setMode('sse');
    expect(await fault).toMatchObject({ code: 'refused', transport: 'sse' });
    await client.channel('room').publish('n', { n: 1 });
    await arrived.until(1);
    expect(client.status.get()).toMatchObject({ status: 'connected', transport: 'websocket', mode: 'sse' });
  });
});

describe('auto', () => {
  test('takes the next transport when the first one cannot connect', async () => {
    const server = await startReferenceServer();
    const dead = await startReferenceServer();
    await dead.close();
    const client = clientOf({ ...server, urls: { ...server.urls, websocket: dead.urls.websocket } }, [
      'websocket',
      'sse',
      'long-poll',
    ]);
    client.start();
    await client.ready();
    expect(client.status.get()).toMatchObject({ transport: 'sse', mode: 'auto', attempt: 1 });
  });

  test('stays with a transport that has proved itself when its link breaks', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket', 'sse']);
    const arrived = collect(client, 'room');
    client.start();
    await joined(client, 'room');
    server.dropLinks();
    await client.channel('room').publish('n', { n: 1 });
    await arrived.until(1);
    expect(client.status.get().transport).toBe('websocket');
    expect(server.stats().opened).toMatchObject({ websocket: 2, sse: 0 });
  });

  test('an unknown mode is refused and changes nothing', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, ['websocket', 'sse']);
    expect(() => client.setMode('carrier-pigeon')).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect(client.mode.get()).toBe('auto');
  });
});
