import { describe, expect, onTestFinished, test } from 'vitest';
import { type AuthReason, createRealtime } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { clientOf, collect, joined, transportNames, upTo, when } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';
import { scripted } from '../support/scripted-transport.ts';

describe.each(transportNames)('over %s', (name) => {
  test('a fixed token that is refused ends in a state that says so, after one attempt', async () => {
    const server = await startReferenceServer({ anonymous: false });
    const client = clientOf(server, [name], { auth: 'no.such.token' });
    client.start();
    await expect(client.ready()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(client.status.get()).toMatchObject({ status: 'failed', reason: { code: 'unauthorized' } });
    expect(JSON.stringify([client.status.get(), client.faults])).not.toContain('no.such.token');
  });

  test('a refused token is replaced once, and never sent again', async () => {
    const server = await startReferenceServer({ anonymous: false });
    const good = await server.signToken('ada');
    const reasons: AuthReason[] = [];
    const client = clientOf(server, [name], {
      auth({ reason }) {
        reasons.push(reason);
        return reason === 'refused' ? good : 'stale.token.here';
      },
    });
    client.start();
    await client.ready();
    expect(reasons).toEqual(['connect', 'refused']);
  });

  test('a provider that only knows the refused token ends in a state that says so', async () => {
    const server = await startReferenceServer({ anonymous: false });
    let asked = 0;
    const client = clientOf(server, [name], {
      auth() {
        asked += 1;
        return 'stale.token.here';
      },
    });
    client.start();
    await expect(client.ready()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(asked).toBe(2);
  });

  test('a failed connection can be started again with a better token', async () => {
    const server = await startReferenceServer({ anonymous: false });
    let token = 'no.such.token';
    const client = clientOf(server, [name], { auth: () => token });
    client.start();
    await expect(client.ready()).rejects.toMatchObject({ code: 'unauthorized' });
    token = await server.signToken('ada');
    client.start();
    await client.ready();
  });

  test('who is not allowed at all is told, and no new attempt is made', async () => {
    const server = await startReferenceServer({ admit: () => ({ kind: 'forbidden', message: 'banned' }) as never });
    const client = clientOf(server, [name], { auth: await server.signToken('mallory') });
    client.start();
    await expect(client.ready()).rejects.toMatchObject({ code: 'forbidden' });
    expect(client.status.get()).toMatchObject({ status: 'failed', attempt: 0 });
  });
});

test('a token that ends in the middle is renewed on every transport, and nothing is lost', async () => {
  const server = await startReferenceServer({ anonymous: false });
  const other = clientOf(server, ['websocket'], { auth: await server.signToken('bob') });
  other.start();
  await joined(other, 'room');
  // 2 s of life: the third token is asked for after the first one has ended
  const receivers = await Promise.all(
    transportNames.map(async (name) => {
      let asked = 0;
      const auth = (): Promise<string> => {
        asked += 1;
        return server.signToken('ada', { expiresInS: 2 });
      };
      const client = clientOf(server, [name], { auth });
      const arrived = collect(client, 'room');
      client.start();
      await joined(client, 'room');
      return { client, arrived, asked: () => asked };
    }),
  );
  let sent = 0;
  while (receivers.some(({ asked }) => asked() < 3)) await other.channel('room').publish('n', { n: ++sent });
  for (const { client, arrived } of receivers) {
    await arrived.until(sent);
    expect(arrived.numbers).toEqual(upTo(sent));
    expect(client.gaps).toEqual([]);
    // it may be about to come back with the next token; a refusal would end it
    await client.ready();
  }
}, 20_000);

test('a provider that never answers costs its deadline, and is asked again', async () => {
  const server = await startReferenceServer({ anonymous: false });
  const clock = manualClock(Date.now());
  const signals: AbortSignal[] = [];
  const client = clientOf(server, ['websocket'], {
    platform: { clock },
    authTimeoutMs: 5000,
    auth({ signal }) {
      signals.push(signal);
      return new Promise<string>(() => {});
    },
  });
  client.start();
  await clock.advance(4999);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  await clock.advance(1);
  expect((await when(client.status, ({ attempt }) => attempt === 1)).reason).toMatchObject({ code: 'timeout' });
  await clock.advance(1);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
});

test('two links with the same token, which the server refuses to both: that is one refusal, and a new token is fetched', async () => {
  const clock = manualClock();
  const first = scripted('first');
  const second = scripted('second');
  const reasons: AuthReason[] = [];
  const realtime = createRealtime({
    transports: [first, second],
    auth({ reason }) {
      reasons.push(reason);
      return reason === 'refused' ? 'new' : 'old';
    },
    retry: () => 10,
    platform: { clock, random: () => 0 },
  });
  onTestFinished(() => realtime.close());
  realtime.start();
  await clock.advance(0);
  first.last.up();
  realtime.setMode('second');
  await clock.advance(0);
  second.last.down('unauthorized');
  first.last.down('unauthorized');
  await clock.advance(100);
  expect(reasons).toEqual(['connect', 'reconnect', 'refused']);
  expect(second.last.request.credentials?.token).toBe('new');
  expect(realtime.status.get().status).toBe('reconnecting');
});
