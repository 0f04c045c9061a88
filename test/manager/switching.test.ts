import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientOf, collect, joined, transportNames, upTo, when } from '../support/clients.ts';
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
    // two answers to two questions
    expect(client.status.get()).toMatchObject({ network: 'up', blocked: ['websocket'] });
    expect(client.history.get()).toMatchObject([
      { what: 'dial', transport: 'websocket', reason: 'a connection is wanted' },
      { what: 'ended', transport: 'websocket', reason: 'the WebSocket could not be opened' },
      { what: 'dial', transport: 'sse' },
      { what: 'proved', transport: 'sse' },
      { what: 'aside', transport: 'websocket', reason: expect.stringContaining('sse works') },
    ]);
  });

  test('does not wait for a first transport that is swallowed in silence', async () => {
    const server = await startReferenceServer();
    const silent = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const client = clientOf({ ...server, urls: { ...server.urls, websocket: `http://127.0.0.1:${port}` } }, ['websocket', 'sse']);
    const arrived = collect(client, 'room');
    client.start();
    await joined(client, 'room');
    await client.channel('room').publish('n', { n: 1 });
    await arrived.until(1);
    expect(client.status.get()).toMatchObject({ transport: 'sse', network: 'up', blocked: ['websocket'] });
    expect(client.history.get().map(({ what, transport }) => `${what} ${transport}`)).toEqual([
      'dial websocket',
      'hedge sse',
      'proved sse',
      'aside websocket',
    ]);
    expect(client.faults).toEqual([]);
  });

  test('says that the network is down when no transport gets through', async () => {
    const dead = await startReferenceServer();
    await dead.close();
    const client = clientOf(dead, ['websocket', 'sse'], { retry: () => 600_000 });
    client.start();
    await when(client.status, ({ nextRetryAt = 0 }) => nextRetryAt > Date.now() + 60_000);
    expect(client.status.get()).toMatchObject({ status: 'connecting', network: 'down', blocked: [] });
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
