import { createRealtime, RealtimeError } from 'keepwire';
import { byteMeter, combineProbes, type MonitorSnapshot, monitor } from 'keepwire/monitor';
import { fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { scripted } from '../support/scripted-transport.ts';

function setUp(options: Parameters<typeof monitor>[0] = {}) {
  const clock = manualClock();
  const watch = monitor(options);
  const transport = scripted('one', { liveness: 'ping' });
  const realtime = createRealtime({
    transports: [transport],
    platform: { clock, random: () => 0.5 },
    probe: watch,
    retry: () => 1_000,
  });
  onTestFinished(() => realtime.close());
  return { clock, watch, transport, realtime, read: () => watch.snapshot.get() };
}

/** A link that is up, `tookMs` after it was dialled. */
async function connect({ clock, transport, realtime }: ReturnType<typeof setUp>, tookMs = 0): Promise<void> {
  realtime.start();
  await clock.advance(tookMs);
  transport.last.up();
  await clock.advance(0);
}

test('before anything happens it is all empty', () => {
  const { read } = setUp();
  expect(read()).toMatchObject({
    status: { status: 'idle' },
    connections: {
      attempts: 0,
      opened: 0,
      failed: 0,
      active: 0,
      successRate: undefined,
      reconnects: 0,
      ends: {},
      transports: {},
    },
    connectMs: { count: 0, p50: undefined },
    clock: undefined,
    sendsWaiting: 0,
    errors: {},
    bytes: undefined,
    decisions: [],
    channels: [],
    timeline: [],
  });
  expect(monitor().snapshot.get()).toMatchObject({ status: undefined, counts: undefined });
});

test('attempts, success rate, time to connect and to reconnect', async () => {
  const setup = setUp();
  const { clock, transport, read, realtime } = setup;
  await connect(setup, 40);
  expect(read().connections).toMatchObject({ attempts: 1, opened: 1, failed: 0, active: 1, successRate: 1 });
  expect(read().connectMs).toMatchObject({ count: 1, min: 40, max: 40, p50: 40 });
  transport.last.down('lost');
  await clock.advance(1_000);
  transport.last.down('refused');
  await clock.advance(1_000);
  transport.last.up();
  await clock.advance(0);
  expect(read().connections).toEqual({
    attempts: 3,
    opened: 2,
    failed: 1,
    active: 1,
    successRate: 2 / 3,
    reconnects: 1,
    ends: { lost: 1, refused: 1 },
    transports: { one: { attempts: 3, opened: 2, failed: 1, active: 1 } },
  });
  expect(read().reconnectMs).toMatchObject({ count: 1, min: 2_000 });
  expect(read().errors).toEqual({ 'connection-lost': 1, refused: 1 });
  // what is ended on purpose was not lost
  realtime.stop();
  await clock.advance(60_000);
  expect(read().connections).toMatchObject({ active: 0, ends: { lost: 1, refused: 1, aborted: 1 } });
  realtime.start();
  await clock.advance(0);
  transport.last.up();
  await clock.advance(0);
  expect(read().reconnectMs.count).toBe(1);
});

test('an attempt that we gave up ourselves does not lower the success rate', async () => {
  const { clock, realtime, read } = setUp();
  realtime.start();
  await clock.advance(0);
  realtime.stop();
  await clock.advance(0);
  expect(read().connections).toMatchObject({ attempts: 1, opened: 0, failed: 0, successRate: undefined, ends: { aborted: 1 } });
});

test('delivery latency is corrected by the offset of the clocks, and replays are not in it', async () => {
  const setup = setUp();
  const { clock, transport, realtime, read } = setup;
  const room = realtime.channel('room');
  room.on('message', () => {});
  await connect(setup);
  const { last } = transport;
  /** The server's clock is an hour ahead. */
  const serverNow = (): number => clock.wallNow() + 3_600_000;
  // the ping that goes out when a link comes up: 30 ms there, 30 ms back
  const at = serverNow() + 30;
  await clock.advance(60);
  last.frames([{ kind: 'pong', at }]);
  expect(read().roundTripMs).toMatchObject({ count: 1, min: 60 });
  expect(read().clock).toEqual({ offsetMs: 3_600_000, uncertaintyMs: 30, source: 'round-trip' });
  last.frames([
    { kind: 'joined', channel: 'room', epoch: 'e', offset: 0 },
    // a replay, accepted long before this link came up
    { kind: 'event', channel: 'room', event: 'message', data: 1, offset: 1, at: serverNow() - 500_000 },
    { kind: 'event', channel: 'room', event: 'message', data: 2, offset: 2, at: serverNow() - 25 },
  ]);
  expect(read().deliveryMs).toMatchObject({ count: 1, min: 25, max: 25 });
});

test('a server that dates nothing has no latency, and none is made up', async () => {
  const setup = setUp();
  const { transport, realtime, read } = setup;
  realtime.channel('room').on('message', () => {});
  await connect(setup);
  transport.last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 1, offset: 1 }]);
  expect(read().deliveryMs.count).toBe(0);
  expect(read().clock).toBeUndefined();
});

test('handlers, duplicates and gaps are counted, per channel too', async () => {
  const setup = setUp();
  const { clock, transport, realtime, read } = setup;
  realtime.channel('room').on('message', () => {});
  await connect(setup);
  const { last } = transport;
  last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 0 }]);
  last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 1, offset: 1 }]);
  last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 1, offset: 1 }]);
  expect(read()).toMatchObject({ handlingMs: { count: 1 }, counts: { duplicates: 1, delivered: 1 } });
  // the server had to trim what is between
  last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 1 }]);
  last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 5, offset: 5 }]);
  await clock.advance(200);
  last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 4 }]);
  last.frames([{ kind: 'presence', channel: 'room', sync: true, members: [{ key: 'ada' }, { key: 'bob' }] }]);
  last.frames([{ kind: 'presence', channel: 'room', sync: false, members: [{ key: 'eve' }], gone: ['bob'] }]);
  expect(read().counts).toMatchObject({ gaps: 1 });
  expect(read().channels).toEqual([
    { name: 'room', status: 'joined', offset: 4, events: 3, duplicates: 1, gaps: 1, members: ['ada', 'eve'] },
  ]);
  expect(read().timeline.map(({ kind }) => kind)).toEqual([
    'link',
    'status',
    'link',
    'status',
    'in',
    'in',
    'duplicate',
    'in',
    'gap',
  ]);
});

test('the time that handlers take is measured by the clock of the manager', async () => {
  let spentMs = 0;
  const manual = manualClock();
  const clock = { ...manual, now: () => manual.now() + spentMs };
  const watch = monitor();
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe: watch });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  for (const takesMs of [5, 7]) {
    room.on('message', () => {
      spentMs += takesMs;
    });
  }
  realtime.start();
  await manual.advance(0);
  server.publish('room', 'message');
  await manual.advance(0);
  expect(watch.snapshot.get().handlingMs).toMatchObject({ count: 1, min: 12, max: 12 });
});

test('sends are followed from the queue to the answer', async () => {
  const setup = setUp();
  const { clock, transport, realtime, read } = setup;
  const room = realtime.channel('room');
  const accepted = room.publish('message', 1, { id: 'a' });
  await clock.advance(500);
  expect(read()).toMatchObject({ sendsWaiting: 1, memory: [{ name: 'sends kept', used: 1, limit: 1000 }, {}, {}, {}] });
  await connect(setup);
  await accepted;
  expect(read()).toMatchObject({ sendsWaiting: 0, acceptMs: { count: 1, min: 500 } });
  transport.last.answer = async () => [{ id: 'b', status: 'rejected', code: 'no' }];
  await expect(room.publish('message', 2, { id: 'b' })).rejects.toThrow('no');
  expect(read()).toMatchObject({ sendsWaiting: 0, acceptMs: { count: 1 }, errors: { rejected: 1 } });
  expect(read().timeline.filter(({ kind }) => kind === 'out' || kind === 'accepted' || kind === 'failed')).toMatchObject([
    { kind: 'out', id: 'a' },
    { kind: 'accepted', id: 'a', durationMs: 500 },
    { kind: 'out', id: 'b' },
    { kind: 'failed', id: 'b', code: 'rejected' },
  ]);
});

test('the failure of a candidate is one error, though it is told twice', async () => {
  const clock = manualClock();
  const watch = monitor();
  const [one, two] = [scripted('one'), scripted('two')];
  const realtime = createRealtime({ transports: [one, two], platform: { clock }, probe: watch });
  onTestFinished(() => realtime.close());
  realtime.start();
  await clock.advance(0);
  one.last.up();
  realtime.setMode('two');
  await clock.advance(0);
  two.last.down('refused');
  await clock.advance(0);
  expect(watch.snapshot.get().errors).toEqual({ refused: 1 });
  expect(watch.snapshot.get().connections.transports).toMatchObject({ one: { active: 1 }, two: { attempts: 1, failed: 1 } });
});

test('listeners are told at most once in a while, however many messages arrive; no timer is left after close', async () => {
  const setup = setUp({ everyMs: 100 });
  const { clock, transport, realtime, watch } = setup;
  realtime.channel('room').on('message', () => {});
  await connect(setup);
  const seen: MonitorSnapshot[] = [];
  const stop = watch.snapshot.subscribe((value) => seen.push(value));
  expect(seen).toHaveLength(1);
  for (let offset = 1; offset <= 1000; offset++) {
    transport.last.frames([{ kind: 'event', channel: 'room', event: 'message', data: offset, offset, epoch: 'e' }]);
  }
  expect(seen).toHaveLength(1);
  // whoever asks gets the value of now
  expect(watch.snapshot.get().counts?.delivered).toBe(1000);
  await clock.advance(100);
  expect(seen.map(({ counts }) => counts?.delivered)).toEqual([0, 1000]);
  await clock.advance(1_000);
  expect(seen).toHaveLength(2);
  expect(watch.snapshot.get()).toBe(seen[1]);
  transport.last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 0, offset: 1001, epoch: 'e' }]);
  realtime.close();
  expect(clock.pending).toBe(0);
  expect(seen.at(-1)?.connections.active).toBe(0);
  stop();
  stop.unsubscribe();
});

test('without a listener there is no timer', async () => {
  const setup = setUp();
  const { clock, transport, watch } = setup;
  await connect(setup);
  const before = clock.pending;
  transport.last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 1 }]);
  expect(clock.pending).toBe(before);
  const stop = watch.snapshot.subscribe(() => {});
  transport.last.frames([{ kind: 'event', channel: 'room', event: 'message', data: 1 }]);
  expect(clock.pending).toBe(before + 1);
  stop();
  expect(clock.pending).toBe(before);
});

test('its memory is bounded', async () => {
  const setup = setUp({ timelineSize: 5 });
  const { transport, read } = setup;
  await connect(setup);
  for (let index = 0; index < 500; index++) {
    transport.last.frames([{ kind: 'event', channel: `room-${index}`, event: 'message', data: 1 }]);
  }
  expect(read().channels).toHaveLength(200);
  expect(read().channels.at(-1)?.name).toBe('room-499');
  expect(read().timeline.map((entry) => 'channel' in entry && entry.channel)).toEqual([
    'room-495',
    'room-496',
    'room-497',
    'room-498',
    'room-499',
  ]);
  expect(read().memory).toContainEqual({ name: 'timeline', used: 5, limit: 5 });
});

test('no payload, no token and no member data is in a snapshot', async () => {
  const clock = manualClock();
  const server = fakeServer({ clock });
  const watch = monitor();
  const canary = 'canary-7f3a9c';
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe: watch, auth: canary });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  room.on('message', () => {});
  room.enter({ secret: canary });
  realtime.start();
  await clock.advance(0);
  await room.publish('message', { text: canary });
  await room.request('ask', canary);
  server.publish('room', 'message', canary);
  await clock.advance(10);
  expect(watch.snapshot.get().counts?.delivered).toBe(2);
  expect(JSON.stringify(watch.snapshot.get())).not.toContain(canary);
});

test('one monitor watches one manager', () => {
  const watch = monitor();
  const transports = [scripted('one')];
  createRealtime({ transports, probe: watch }).close();
  expect(() => createRealtime({ transports, probe: watch })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
});

test.each([{ everyMs: -1 }, { timelineSize: Number.NaN }])('options that make no sense are refused: %o', (options) => {
  expect(() => monitor(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
});

test('a probe that is none is refused', () => {
  expect(() => createRealtime({ transports: [scripted('one')], probe: {} as never })).toThrow(
    expect.objectContaining({ code: 'invalid-option' }),
  );
});

test('a probe that throws disturbs nobody', async () => {
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => reported.mockRestore());
  const clock = manualClock();
  const server = fakeServer();
  const bug = new Error('a bug of the probe');
  const watch = monitor();
  const broken = {
    note: () => {
      throw bug;
    },
  };
  for (const probe of [broken, combineProbes(broken, watch)]) {
    const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe });
    const heard: unknown[] = [];
    const room = realtime.channel('room');
    room.on('message', (data) => heard.push(data));
    realtime.start();
    await clock.advance(0);
    await room.publish('message', 1);
    await clock.advance(0);
    expect(heard).toEqual([1]);
    realtime.close();
  }
  expect(reported).toHaveBeenCalledWith(bug);
  expect(watch.snapshot.get().counts?.delivered).toBe(1);
});

test('the fault that a probe causes by throwing at a fault does not come back to it', async () => {
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => reported.mockRestore());
  const clock = manualClock();
  const transport = scripted('one');
  let calls = 0;
  const realtime = createRealtime({
    transports: [transport],
    platform: { clock },
    probe: {
      note({ kind }) {
        if (kind !== 'fault') return;
        calls += 1;
        throw new RealtimeError('protocol', 'again');
      },
    },
  });
  onTestFinished(() => realtime.close());
  realtime.start();
  await clock.advance(0);
  transport.last.up();
  transport.last.frames([{ kind: 'garbled', message: 'what' }]);
  expect(calls).toBe(1);
});

test('a byte meter counts what goes through fetch and WebSocket', async () => {
  class Socket extends EventTarget {
    readonly sent: unknown[] = [];
    send(data: unknown): void {
      this.sent.push(data);
    }
  }
  const asked: unknown[] = [];
  const bytes = byteMeter({
    fetch: async (_, init) => {
      asked.push(init?.body);
      return new Response('héllo 🌍', { status: 201, headers: { 'x-test': 'yes' } });
    },
    WebSocket: Socket as unknown as typeof WebSocket,
  });
  const response = await bytes.fetch('http://127.0.0.1/', { method: 'POST', body: 'ü' });
  expect([response.status, response.headers.get('x-test'), await response.text()]).toEqual([201, 'yes', 'héllo 🌍']);
  expect(asked).toEqual(['ü']);
  expect(bytes.read()).toEqual({ received: 11, sent: 2 });
  const socket = new bytes.WebSocket('ws://127.0.0.1/');
  socket.send('abc');
  socket.dispatchEvent(new MessageEvent('message', { data: new Uint8Array(5).buffer }));
  expect(bytes.read()).toEqual({ received: 16, sent: 5 });
  expect(monitor({ bytes }).snapshot.get().bytes).toEqual({ received: 16, sent: 5 });
});
