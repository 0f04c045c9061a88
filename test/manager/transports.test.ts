import { describe, expect, test } from 'vitest';
import { clientOf, collect, joined, transportNames, upTo, when } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';

describe.each(transportNames)('over %s', (name) => {
  test('two clients chat: what one publishes both get, in order, once, with its number', async () => {
    const server = await startReferenceServer();
    const [ada, bob] = [clientOf(server, [name]), clientOf(server, [name])];
    const [atAda, atBob] = [collect(ada, 'room'), collect(bob, 'room')];
    ada.start();
    bob.start();
    await Promise.all([joined(ada, 'room'), joined(bob, 'room')]);
    const room = ada.channel('room');
    const accepted = await Promise.all(upTo(20).map((n) => room.publish('n', { n })));
    await Promise.all([atAda.until(20), atBob.until(20)]);
    expect(accepted.map(({ offset }) => offset)).toEqual(upTo(20));
    expect(atAda.numbers).toEqual(upTo(20));
    expect(atBob.numbers).toEqual(upTo(20));
    expect([ada.faults, bob.faults, ada.gaps, bob.gaps]).toEqual([[], [], [], []]);
    expect(ada.status.get()).toMatchObject({ status: 'connected', transport: name, everConnected: true });
  });

  test('cut in the middle, again and again: nothing is lost and nothing comes twice', async () => {
    const server = await startReferenceServer();
    const [sender, receiver] = [clientOf(server, [name]), clientOf(server, [name])];
    const arrived = collect(receiver, 'room');
    sender.start();
    receiver.start();
    await joined(receiver, 'room');
    const room = sender.channel('room');
    for (const round of upTo(6)) {
      await Promise.all(upTo(10).map((k) => room.publish('n', { n: (round - 1) * 10 + k })));
      server.dropLinks();
    }
    await arrived.until(60);
    expect(arrived.numbers).toEqual(upTo(60));
    expect(receiver.gaps).toEqual([]);
  });

  test('what is published while the link is being cut is applied exactly once', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, [name]);
    const arrived = collect(client, 'room');
    client.start();
    await joined(client, 'room');
    const room = client.channel('room');
    const sends = upTo(200).map(async (n) => {
      if (n % 40 === 0) server.dropLinks();
      return room.publish('n', { n });
    });
    const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
    await arrived.until(200);
    expect(offsets).toEqual(upTo(200));
    expect(arrived.numbers).toEqual(upTo(200));
  });

  test('a server that forgot its log is one gap with its range, and goes on', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, [name]);
    const arrived = collect(client, 'room');
    client.start();
    await joined(client, 'room');
    const room = client.channel('room');
    await Promise.all(upTo(5).map((n) => room.publish('n', { n })));
    await arrived.until(5);
    const gap = client.once('gap');
    server.forget();
    server.dropLinks();
    expect(await gap).toMatchObject({ channel: 'room', reason: 'epoch-changed', after: { offset: 5 }, until: { offset: 0 } });
    await room.publish('n', { n: 6 });
    await arrived.until(6);
    expect(arrived.numbers).toEqual(upTo(6));
    expect(client.gaps).toHaveLength(1);
  });

  test('what was published before the first link leaves when there is one, in order', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, [name]);
    const sends = upTo(3).map((n) => client.channel('room').publish('n', { n }));
    client.start();
    expect((await Promise.all(sends)).map(({ offset }) => offset)).toEqual(upTo(3));
    expect((await client.channel('room').publish('n', { n: 4 })).offset).toBe(4);
  });

  test('a request brings the server’s answer', async () => {
    const server = await startReferenceServer({ onRequest: ({ data }) => ({ echo: data }) });
    const client = clientOf(server, [name]);
    client.start();
    expect(await client.channel('room').request('ask', { n: 1 })).toEqual({ echo: { n: 1 } });
  });

  test('a refused send says so with the server’s own code', async () => {
    const server = await startReferenceServer({ onPublish: () => ({ code: 'too-rude', message: 'mind your words' }) as never });
    const client = clientOf(server, [name]);
    client.start();
    await expect(client.channel('room').publish('n', { n: 1 })).rejects.toMatchObject({
      code: 'rejected',
      serverCode: 'too-rude',
    });
  });

  test('a channel that the server denies says so, and others work', async () => {
    const server = await startReferenceServer({
      authorize: (_user, channel) => (channel === 'secret' ? { code: 'members-only', message: 'no' } : true),
    });
    const client = clientOf(server, [name]);
    const secret = client.channel('secret');
    client.start();
    await joined(client, 'room');
    const { error } = await when(secret.state, ({ status }) => status === 'denied');
    expect(error).toMatchObject({ code: 'rejected', serverCode: 'members-only' });
  });

  test('who enters a channel is seen by the others, and is gone after leaving', async () => {
    const server = await startReferenceServer();
    const tokens = await Promise.all(['ada', 'bob'].map((user) => server.signToken(user)));
    const [ada, bob] = tokens.map((token) => clientOf(server, [name], { auth: token })) as [
      ReturnType<typeof clientOf>,
      ReturnType<typeof clientOf>,
    ];
    const [atAda, atBob] = [ada.channel('room'), bob.channel('room')];
    ada.start();
    bob.start();
    await Promise.all([joined(ada, 'room'), joined(bob, 'room')]);
    atAda.enter({ mood: 'happy' });
    expect(await when(atBob.members, (members) => members.length > 0)).toEqual([{ key: 'ada', data: { mood: 'happy' } }]);
    atAda.exit();
    await when(atBob.members, (members) => members.length === 0);
  });

  test('after close there is no link left on the server', async () => {
    const server = await startReferenceServer();
    const client = clientOf(server, [name]);
    client.start();
    await joined(client, 'room');
    const links = (): number => Object.values(server.stats().links).reduce((sum, count) => sum + count, 0);
    // a poll counts while it is held
    await server.until(() => links() > 0);
    client.close();
    await server.until(() => links() === 0);
    expect(() => client.channel('room')).toThrow(expect.objectContaining({ code: 'closed' }));
  });
});
