import { describe, expect, onTestFinished, test } from 'vitest';
import { createRealtime, type RealtimeManager, type Transport } from '../../src/index.ts';
import { joined, upTo } from '../support/clients.ts';
import { startForeignServer } from '../support/foreign-server.ts';
import { type ForeignWay, foreignTransports, type Line } from '../support/foreign-server-dialects.ts';

const ways: readonly ForeignWay[] = ['websocket', 'sse', 'long-poll', 'socket-io'];

function clientOf(
  transports: readonly Transport[],
): RealtimeManager & { readonly texts: string[]; until(count: number): Promise<void> } {
  const realtime = createRealtime({ transports, retry: () => 0 });
  onTestFinished(() => realtime.close());
  const texts: string[] = [];
  let look = (): void => {};
  realtime.channel('kitchen').on('said', (data) => {
    texts.push((data as Line).text);
    look();
  });
  return Object.assign(realtime, {
    texts,
    until: (count: number) =>
      new Promise<void>((resolve) => {
        look = () => {
          if (texts.length >= count) resolve();
        };
        look();
      }),
  });
}

describe.each(ways)('a server that knows nothing of keepwire, over %s', (way) => {
  test('is listened to and answered: sends are acknowledged, others’ messages arrive once and in order', async () => {
    const server = await startForeignServer();
    onTestFinished(() => server.close());
    const client = clientOf([foreignTransports(server.url)[way]]);
    client.start();
    await joined(client, 'kitchen');
    await server.until(() => server.listeners() > 0);
    // not every way in answers a join, but each takes what one client sends in order
    await client.channel('kitchen').publish('said', { text: 'client 0' });
    for (const n of upTo(5)) {
      server.say('kitchen', `server ${n}`);
      await client.channel('kitchen').publish('said', { text: `client ${n}` });
    }
    await client.until(11);
    expect(client.texts).toEqual(server.said('kitchen').map(({ text }) => text));
    expect(client.texts).toHaveLength(11);
  });
});

describe.each(['websocket', 'sse', 'long-poll'] as const)('a foreign server that can replay, over %s', (way) => {
  test('loses nothing when its connections are cut', async () => {
    const server = await startForeignServer();
    onTestFinished(() => server.close());
    const client = clientOf([foreignTransports(server.url)[way]]);
    client.start();
    await joined(client, 'kitchen');
    await server.until(() => server.listeners() > 0);
    for (const round of upTo(4)) {
      for (const k of upTo(5)) server.say('kitchen', `${round}.${k}`);
      await client.until(round * 10 - 5);
      server.cut();
      for (const k of upTo(5)) server.say('kitchen', `${round}.${k} in the dark`);
      await client.until(round * 10);
    }
    await client.until(40);
    expect(client.texts).toEqual(server.said('kitchen').map(({ text }) => text));
  });
});

test('switching between the four ways into a foreign server loses nothing and shows nothing twice', async () => {
  const server = await startForeignServer();
  onTestFinished(() => server.close());
  const transports = foreignTransports(server.url);
  // its Socket.IO cannot replay, so what is said in the moment of such a switch has no second chance
  const client = clientOf([transports.websocket, transports.sse, transports['long-poll']]);
  client.start();
  await joined(client, 'kitchen');
  await server.until(() => server.listeners() > 0);
  let said = 0;
  for (const mode of ['sse', 'long-poll', 'websocket', 'long-poll', 'sse', 'websocket']) {
    const switched = client.once('switched');
    client.setMode(mode);
    for (const _ of upTo(5)) server.say('kitchen', `${++said}`);
    await switched;
    for (const _ of upTo(5)) server.say('kitchen', `${++said}`);
    await client.until(said);
  }
  expect(client.texts).toEqual(upTo(said).map(String));
});
