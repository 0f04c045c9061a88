import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type AuthReason,
  type Credentials,
  createRealtime,
  type IdentityChange,
  type OutboxStorage,
  type RealtimeOptions,
  type Transport,
} from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { clientOf, transportNames, when } from '../support/clients.ts';
import { startReferenceServer } from '../support/reference-server.ts';
import { type ScriptedTransport, scripted } from '../support/scripted-transport.ts';

const inAnHour = 1_700_000_000_000 + 3_600_000;

function setup(options: Partial<RealtimeOptions> = {}, transport: ScriptedTransport = scripted('wire', { reauth: true })) {
  const clock = manualClock();
  let credentials: Credentials | undefined = { token: 'of ada', subject: 'ada', expiresAt: inAnHour };
  const reasons: AuthReason[] = [];
  const realtime = createRealtime({
    transports: [transport as Transport],
    platform: { clock },
    retry: () => 0,
    auth({ reason }) {
      reasons.push(reason);
      return credentials;
    },
    ...options,
  });
  onTestFinished(() => realtime.close());
  const changes: IdentityChange[] = [];
  realtime.on('identity', (change) => changes.push(change));
  const room = realtime.channel('room');
  const outcomes: string[] = [];
  const publish = (id: string): void => {
    room.publish('say', id, { id }).then(
      () => outcomes.push(`${id} accepted`),
      (error) => outcomes.push(`${id} ${error.code}`),
    );
  };
  const become = (next: typeof credentials): void => {
    credentials = next;
  };
  const settle = (): Promise<void> => clock.advance(0);
  /** Connects as Ada, who stands at offset 5 with Bob beside her. */
  const connect = async (): Promise<void> => {
    realtime.start();
    await settle();
    transport.last.up({ joining: ['room'] });
    transport.last.frames([
      { kind: 'joined', channel: 'room', epoch: 'e', offset: 5 },
      { kind: 'presence', channel: 'room', sync: true, members: [{ key: 'bob' }] },
    ]);
    await settle();
  };
  return { transport, clock, realtime, room, reasons, changes, outcomes, publish, become, settle, connect };
}

describe('credentials of another user', () => {
  const bob: Credentials = { token: 'of bob', subject: 'bob', expiresAt: inAnHour };

  /** A link of Ada has broken with a send on it and another one queued, a third one has failed; then Bob dials. */
  async function broken(parts: ReturnType<typeof setup>, next: Credentials | undefined): Promise<void> {
    const { transport, publish, settle, connect, become, room } = parts;
    await connect();
    room.enter({ name: 'Ada' });
    transport.last.answer = async () => [{ id: 'refused', status: 'rejected', code: 'no' }];
    publish('refused');
    await settle();
    transport.last.answer = () => new Promise(() => {});
    publish('under way');
    await settle();
    become(next);
    transport.last.down('lost');
    publish('queued');
    await settle();
    await settle();
  }

  test('take nothing of the old one along: no send, no position, no member, no presence, no name', async () => {
    const parts = setup();
    const { transport, realtime, room, outcomes, changes, reasons, settle, publish } = parts;
    await broken(parts, bob);
    const ada = transport.dials[0];
    const { request } = transport.last;
    expect(request.credentials?.token).toBe('of bob');
    expect([...request.channels]).toEqual([['room', undefined]]);
    expect(request.client).not.toBe(ada?.request.client);
    expect(outcomes).toEqual(['refused rejected', 'under way signed-out', 'queued signed-out']);
    expect(realtime.outbox.entries.get()).toEqual([]);
    expect(room.members.get()).toEqual([]);
    expect(room.state.get()).toEqual({
      status: 'joining',
      continuity: 'unknown',
      backfill: 'idle',
      gap: undefined,
      error: undefined,
    });
    expect(changes).toEqual([{ from: 'ada', to: 'bob' }]);
    // nobody is asked twice for the same answer
    expect(reasons).toEqual(['connect', 'reconnect']);
    transport.last.up();
    await settle();
    publish('of bob');
    await settle();
    expect(transport.last.sent.filter(({ kind }) => kind !== 'ping')).toEqual([
      expect.objectContaining({ kind: 'join', channel: 'room' }),
      expect.objectContaining({ kind: 'publish', id: 'of bob' }),
    ]);
    expect(transport.last.sent.find(({ kind }) => kind === 'join')).not.toHaveProperty('position');
  });

  test('show no gap, and events are taken from the first one on', async () => {
    const parts = setup();
    const { transport, realtime, room, settle } = parts;
    const gaps: unknown[] = [];
    const heard: unknown[] = [];
    realtime.on('gap', (gap) => gaps.push(gap));
    room.on('say', (data) => heard.push(data));
    await broken(parts, bob);
    transport.last.up({ joining: ['room'] });
    transport.last.frames([
      { kind: 'joined', channel: 'room', epoch: 'e', offset: 2 },
      { kind: 'event', channel: 'room', event: 'say', data: 'third', offset: 3, epoch: 'e' },
    ]);
    await settle();
    expect([heard, gaps]).toEqual([['third'], []]);
  });

  test('that come with a renewal in place end the link of the old user', async () => {
    const { transport, connect, become, changes, clock, outcomes, publish } = setup();
    await connect();
    transport.last.answer = () => new Promise(() => {});
    publish('under way');
    become(bob);
    await clock.advance(3_599_000);
    expect(changes).toEqual([{ from: 'ada', to: 'bob' }]);
    expect(transport.dials[0]?.isHeld).toBe(false);
    expect(transport.dials[0]?.sent.filter(({ kind }) => kind === 'authenticate')).toEqual([]);
    expect(transport.last.request.credentials?.token).toBe('of bob');
    expect(outcomes).not.toEqual([]);
  });

  test('are also none at all: the sends of the old user do not leave without a name', async () => {
    const parts = setup();
    await broken(parts, undefined);
    expect(parts.changes).toEqual([{ from: 'ada', to: undefined }]);
    expect(parts.outcomes).toEqual(['refused rejected', 'under way signed-out', 'queued signed-out']);
  });

  test.each([
    ['a new token of the same user', { token: 'newer', subject: 'ada' }],
    ['a token that does not say whose it is', { token: 'opaque' }],
  ])('are not: %s', async (_, next) => {
    const parts = setup();
    await broken(parts, next);
    expect(parts.changes).toEqual([]);
    expect(parts.outcomes).toEqual(['refused rejected']);
    expect([...parts.transport.last.request.channels]).toEqual([['room', { epoch: 'e', offset: 5 }]]);
    parts.transport.last.up();
    await parts.settle();
    expect(parts.outcomes).toEqual(['refused rejected', 'under way accepted', 'queued accepted']);
  });

  test('that alternate do not dial in a loop', async () => {
    const parts = setup({
      auth: (() => {
        let turn = 0;
        return () => ({ token: `token ${++turn}`, subject: turn % 2 ? 'ada' : 'bob' });
      })(),
    });
    await parts.connect();
    parts.transport.last.down('lost');
    await parts.settle();
    await parts.settle();
    expect(parts.transport.dials).toHaveLength(2);
  });

  test('a send whose schema answers too late is not sent as the new one', async () => {
    let release = (): void => {};
    const slow = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => new Promise<{ value: unknown }>((resolve) => (release = () => resolve({ value }))),
      },
    };
    const parts = setup({ events: { say: slow } });
    await parts.connect();
    parts.publish('slow');
    parts.become({ token: 'of bob', subject: 'bob' });
    parts.transport.last.down('lost');
    await parts.settle();
    await parts.settle();
    release();
    await parts.settle();
    expect(parts.outcomes).toEqual(['slow signed-out']);
  });
});

describe('signing out', () => {
  test('disconnects, forgets the user, and lets another one in', async () => {
    const { transport, realtime, room, connect, become, settle, publish, outcomes, changes } = setup();
    await connect();
    transport.last.answer = () => new Promise(() => {});
    publish('under way');
    await settle();
    realtime.signOut();
    await settle();
    expect(realtime.status.get().status).toBe('disconnected');
    expect([transport.heldCount, outcomes, room.members.get()]).toEqual([0, ['under way signed-out'], []]);
    become({ token: 'of bob', subject: 'bob' });
    realtime.start();
    await settle();
    expect([...transport.last.request.channels]).toEqual([['room', undefined]]);
    // nothing of Ada was left that could have changed
    expect(changes).toEqual([]);
  });

  test('empties the storage, and does not use it any more', async () => {
    const calls: string[] = [];
    const storage: OutboxStorage = {
      open: () => calls.push('open'),
      async put({ frame }) {
        calls.push(`put ${frame.id}`);
      },
      remove: (id) => calls.push(`remove ${id}`),
      async clear() {
        calls.push('clear');
      },
      close: () => calls.push('close'),
    };
    const { realtime, publish, settle } = setup({ outbox: { storage } });
    publish('a');
    await settle();
    realtime.signOut();
    publish('b');
    await settle();
    realtime.close();
    expect(calls).toEqual(['open', 'put a', 'clear', 'close']);
  });

  test('is not possible any more after close', () => {
    const { realtime } = setup();
    realtime.close();
    expect(() => realtime.signOut()).toThrow(expect.objectContaining({ code: 'closed' }));
  });
});

test.each(transportNames)('a change of user over %s: nothing of the old one reaches the server as the new one', async (name) => {
  const server = await startReferenceServer({ anonymous: false });
  const users = ['ada', 'bob'];
  let user = 0;
  const client = clientOf(server, [name], { auth: () => server.signToken(users[user] ?? '') });
  const heard: unknown[] = [];
  const watcher = clientOf(server, ['websocket'], { auth: await server.signToken('eve') });
  const arrived = new Promise<void>((resolve) => {
    watcher.channel('room').on('say', (data, { from }) => {
      if (heard.push([data, from]) === 2) resolve();
    });
  });
  watcher.start();
  await when(watcher.channel('room').state, ({ status }) => status === 'joined');
  client.start();
  await client.channel('room').publish('say', 'first');
  const release = client.outbox.hold();
  const kept = client.channel('room').publish('say', 'held');
  kept.catch(() => {});
  user = 1;
  client.stop();
  client.start();
  await expect(kept).rejects.toMatchObject({ code: 'signed-out' });
  release();
  await client.channel('room').publish('say', 'second');
  await arrived;
  expect(heard).toEqual([
    ['first', 'ada'],
    ['second', 'bob'],
  ]);
});
