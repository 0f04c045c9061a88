import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createRealtime,
  type EventMessage,
  type Gap,
  RealtimeError,
  type RealtimeManager,
  type RealtimeOptions,
} from '../../src/index.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import { type ManualClock, manualClock } from '../../src/testing/clock.ts';
import { type ScriptedTransport, scripted } from '../support/scripted-transport.ts';

interface Rig {
  readonly realtime: RealtimeManager;
  readonly clock: ManualClock;
  readonly gaps: readonly Gap[];
  settle(): Promise<void>;
}

/** A manager on a manual clock; the test plays every server. */
function rig(transports: readonly ScriptedTransport[], options: Partial<RealtimeOptions> = {}): Rig {
  const clock = manualClock();
  const gaps: Gap[] = [];
  const realtime = createRealtime({ transports, retry: () => 0, platform: { clock, random: () => 0 }, ...options });
  onTestFinished(() => realtime.close());
  realtime.on('gap', (gap) => gaps.push(gap));
  realtime.on('fault', () => {});
  return { realtime, clock, gaps, settle: () => clock.advance(0) };
}

const numbered = (offset: number): EventFrame => ({ kind: 'event', channel: 'room', event: 'n', data: offset, offset });

/** Opens `room` on a link that is up, at position `offset` of epoch `e`. */
async function openRoom({ realtime, settle }: Rig, transport: ScriptedTransport, offset = 0): Promise<number[]> {
  const got: number[] = [];
  realtime.channel('room').on('n', (_, message: EventMessage) => got.push(message.offset ?? -1));
  realtime.start();
  await settle();
  transport.last.up({ joining: ['room'] });
  transport.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset }]);
  await settle();
  return got;
}

test('a heartbeat that is further than what came asks for the tail', async () => {
  const a = scripted('a');
  const set = rig([a]);
  const got = await openRoom(set, a);
  const heartbeat = { kind: 'heartbeat', positions: [{ channel: 'room', epoch: 'e', offset: 3 }] } as const;
  a.last.frames([numbered(1), heartbeat]);
  await set.settle();
  expect(a.last.sent).toEqual([{ kind: 'join', channel: 'room', epoch: 'e', offset: 1 }]);
  a.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 1 }, numbered(2), numbered(3), heartbeat]);
  await set.settle();
  expect([got, set.gaps, a.last.sent.length]).toEqual([[1, 2, 3], [], 1]);
});

describe('a replay that cannot be had', () => {
  test('by dialling is asked for again, and after half a minute the hole is a gap', async () => {
    const sse = scripted('sse', { joining: 'dial' });
    const set = rig([sse]);
    const got = await openRoom(set, sse);
    const old = sse.last;
    old.frames([numbered(1), numbered(3)]);
    await set.clock.advance(200);
    expect(sse.dials).toHaveLength(2);
    sse.last.down('refused');
    await set.clock.advance(2_000);
    expect(sse.dials.length).toBeGreaterThan(2);
    old.frames([numbered(4)]);
    expect([got, set.gaps]).toEqual([[1], []]);
    for (let second = 0; second < 30; second += 2) {
      sse.last.down('refused');
      await set.clock.advance(2_000);
    }
    expect(got).toEqual([1, 3, 4]);
    expect(set.gaps).toMatchObject([{ reason: 'skipped', after: { offset: 1 }, until: { offset: 2 }, missing: 1 }]);
  });

  test('by a frame that does not arrive is asked for again, and then nothing is missing', async () => {
    const polling = scripted('polling');
    const set = rig([polling]);
    const got = await openRoom(set, polling);
    const { last } = polling;
    const { answer } = last;
    last.answer = async () => {
      throw new Error('503');
    };
    last.frames([numbered(1), numbered(3)]);
    await set.clock.advance(200);
    last.answer = answer;
    await set.clock.advance(1_000);
    expect(last.sent.filter(({ kind }) => kind === 'join')).toEqual([
      { kind: 'join', channel: 'room', epoch: 'e', offset: 1 },
      { kind: 'join', channel: 'room', epoch: 'e', offset: 1 },
    ]);
    last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 1 }, numbered(2), numbered(3)]);
    expect([got, set.gaps]).toEqual([[1, 2, 3], []]);
  });
});

describe('a new channel on a transport that joins by dialling', () => {
  test('is brought by a later link when the first one to bring it fails', async () => {
    const sse = scripted('sse', { joining: 'dial' });
    const set = rig([sse]);
    await openRoom(set, sse);
    const other = set.realtime.channel('other');
    await set.settle();
    expect(sse.dials).toHaveLength(2);
    sse.last.down('refused');
    await set.clock.advance(1_000);
    expect(sse.dials).toHaveLength(3);
    sse.last.up({ joining: ['room', 'other'] });
    sse.last.frames([{ kind: 'joined', channel: 'other', epoch: 'e', offset: 0 }]);
    expect(other.state.get().status).toBe('joined');
    await set.clock.advance(60_000);
    expect(sse.dials).toHaveLength(3);
  });
});

test('a log that went back to an earlier state is one gap, and its messages are delivered', async () => {
  const socket = scripted('socket');
  const set = rig([socket]);
  const got = await openRoom(set, socket, 40);
  socket.last.frames([numbered(41)]);
  socket.last.down('lost');
  await set.clock.advance(1);
  socket.last.up({ joining: ['room'] });
  socket.last.frames([{ kind: 'joined', channel: 'room', epoch: 'e', offset: 10 }, numbered(11), numbered(12)]);
  expect(got).toEqual([41, 11, 12]);
  expect(set.gaps).toMatchObject([{ reason: 'rewound', after: { offset: 41 }, until: { offset: 10 } }]);
});

describe('the mode', () => {
  test('can go back while the link of the other transport is on its way', async () => {
    const [a, b] = [scripted('a'), scripted('b')];
    const set = rig([a, b], { mode: 'a' });
    await openRoom(set, a);
    set.realtime.setMode('b');
    await set.settle();
    set.realtime.setMode('a');
    await set.settle();
    expect(b.heldCount).toBe(0);
    b.last.up();
    expect(set.realtime.status.get()).toMatchObject({ status: 'connected', transport: 'a', mode: 'a' });
  });

  test('that is already being dialled for is not dialled for twice', async () => {
    const [a, b] = [scripted('a'), scripted('b')];
    const set = rig([a, b], { mode: 'a' });
    await openRoom(set, a);
    set.realtime.setMode('b');
    set.realtime.setMode('b');
    await set.settle();
    expect(b.dials).toHaveLength(1);
  });
});

describe('holds', () => {
  test('of one name are counted', async () => {
    const a = scripted('a');
    const { realtime, settle } = rig([a]);
    const [first, second] = [realtime.hold('app'), realtime.hold('app')];
    realtime.start();
    first();
    first();
    await settle();
    expect(realtime.status.get()).toMatchObject({ status: 'disconnected', holds: ['app'] });
    second();
    await settle();
    expect(a.dials).toHaveLength(1);
  });
});

describe('the signals of the platform', () => {
  function signals() {
    let isOnline = true;
    const listeners = new Set<() => void>();
    const wakers = new Set<() => void>();
    const on = (set: Set<() => void>) => (listener: () => void) => {
      set.add(listener);
      return () => {
        set.delete(listener);
      };
    };
    return {
      count: () => listeners.size + wakers.size,
      setOnline(next: boolean) {
        isOnline = next;
        for (const listener of [...listeners]) listener();
      },
      wake() {
        for (const waker of [...wakers]) waker();
      },
      signals: { isOnline: () => isOnline, onOnlineChange: on(listeners), onWake: on(wakers) },
    };
  }

  function signalled(retry?: RealtimeOptions['retry']) {
    const clock = manualClock();
    const a = scripted('a');
    const world = signals();
    const realtime = createRealtime({ transports: [a], platform: { clock, random: () => 0.5, signals: world.signals }, retry });
    onTestFinished(() => realtime.close());
    return { clock, a, world, realtime };
  }

  test('are listened to once, and not after stop and close', () => {
    const { world, realtime } = signalled();
    expect(world.count()).toBe(0);
    realtime.start();
    realtime.start();
    expect(world.count()).toBe(2);
    realtime.stop();
    expect(world.count()).toBe(0);
    realtime.start();
    realtime.close();
    expect(world.count()).toBe(0);
  });

  test('keep the connection back while there is no network, and dial at once when there is one', async () => {
    const { world, realtime, a, clock } = signalled();
    world.setOnline(false);
    realtime.start();
    await clock.advance(60_000);
    expect(realtime.status.get()).toMatchObject({ status: 'disconnected', holds: ['offline'] });
    expect(a.dials).toHaveLength(0);
    world.setOnline(true);
    await clock.advance(0);
    expect(a.dials).toHaveLength(1);
  });

  test('leave an open link alone when the network is said to be gone', async () => {
    const { world, realtime, a, clock } = signalled();
    realtime.start();
    await clock.advance(0);
    a.last.up();
    world.setOnline(false);
    await clock.advance(0);
    expect(realtime.status.get()).toMatchObject({ status: 'connected', holds: ['offline'] });
    expect(a.heldCount).toBe(1);
  });

  test('cut a wait short when the page is back', async () => {
    const { world, realtime, a, clock } = signalled(() => 30_000);
    realtime.start();
    await clock.advance(0);
    a.last.down('refused');
    await clock.advance(1_000);
    expect(a.dials).toHaveLength(1);
    world.wake();
    await clock.advance(0);
    expect(a.dials).toHaveLength(2);
  });
});

describe('sends', () => {
  test('of one channel wait as long as the server asks, and those of others do not', async () => {
    const a = scripted('a');
    const set = rig([a]);
    await openRoom(set, a);
    a.last.answer = async (frames) =>
      frames.flatMap((frame) => {
        if (frame.kind !== 'publish') return [];
        const isSlow = frame.channel === 'room' && set.clock.now() < 60_000;
        return [
          { id: frame.id, ...(isSlow ? { status: 'rejected', code: 'slow', retryAfterMs: 60_000 } : { status: 'accepted' }) },
        ];
      });
    const done: string[] = [];
    void set.realtime
      .channel('room')
      .publish('n', 1)
      .then(() => done.push('room 1'));
    await set.settle();
    void set.realtime
      .channel('room')
      .publish('n', 2)
      .then(() => done.push('room 2'));
    void set.realtime
      .channel('other')
      .publish('n', 1)
      .then(() => done.push('other'));
    await set.clock.advance(1_000);
    expect(done).toEqual(['other']);
    await set.clock.advance(60_000);
    expect(done).toEqual(['other', 'room 1', 'room 2']);
  });

  test('behind a schema that never answers are those of its own channel only, and end with the manager', async () => {
    const never = { '~standard': { version: 1, vendor: 'test', validate: () => new Promise(() => {}) } };
    const fine = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } };
    const a = scripted('a');
    const set = rig([a], { events: { never, fine } as never });
    await openRoom(set, a);
    const hanging = set.realtime.channel('room').publish('never', 1);
    await set.realtime.channel('other').publish('fine', 1);
    set.realtime.close();
    await expect(hanging).rejects.toMatchObject({ code: 'closed' });
  });

  test('that are volatile do not leave when their signal has fired', async () => {
    const a = scripted('a');
    const set = rig([a]);
    await openRoom(set, a);
    const sent = set.realtime.channel('room').publish('n', 1, { volatile: true, signal: AbortSignal.abort() });
    await expect(sent).rejects.toMatchObject({ code: 'aborted' });
    await set.settle();
    expect(a.last.sent).toEqual([]);
  });
});

test('a transport that breaks while it dials is a failed attempt, not an unhandled error', async () => {
  const broken: ScriptedTransport = Object.create(scripted('broken'), {
    connect: {
      value() {
        throw new Error('a bug of the transport');
      },
    },
  });
  const good = scripted('good');
  const { realtime, settle, clock } = rig([broken, good]);
  realtime.start();
  await settle();
  await clock.advance(1);
  expect(good.dials).toHaveLength(1);
});

test('what a listener of `fault` throws does not come back to it', async () => {
  const a = scripted('a');
  const { realtime } = rig([a]);
  let calls = 0;
  realtime.on('fault', () => {
    calls += 1;
    throw new Error('a bug of the application');
  });
  const room = realtime.channel('room');
  room.state.subscribe(() => {
    throw new Error('another one');
  });
  expect(calls).toBe(1);
});

test('the status tells each change once', async () => {
  const a = scripted('a');
  const set = rig([a]);
  const seen: string[] = [];
  set.realtime.status.subscribe((status) => seen.push(JSON.stringify(status)));
  await openRoom(set, a);
  await set.clock.advance(20_000);
  set.realtime.setMode('auto');
  expect(new Set(seen).size).toBe(seen.length);
});

test('signals of the application keep no listener of a handle that was left', () => {
  const a = scripted('a');
  const { realtime } = rig([a]);
  const { signal } = new AbortController();
  let count = 0;
  const counted = new Proxy(signal, {
    get(target, name) {
      if (name === 'addEventListener') count += 1;
      if (name === 'removeEventListener') count -= 1;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  for (let turn = 0; turn < 5; turn++) {
    realtime.channel('x', { signal: counted }).leave();
    realtime.on('gap', () => {}, { signal: counted })();
    const room = realtime.channel('y');
    room.on('n', () => {}, { signal: counted })();
    room.leave();
  }
  expect(count).toBe(0);
});

test('sends of a channel wait for its join where that is a link of its own, and others do not', async () => {
  const sse = scripted('sse', { joining: 'dial' });
  const set = rig([sse]);
  await openRoom(set, sse);
  const first = sse.last;
  const sent = set.realtime.channel('late').publish('n', 1);
  await set.realtime.channel('room').publish('n', 2);
  expect(first.sent).toMatchObject([{ channel: 'room', data: 2 }]);
  await set.settle();
  sse.last.up({ joining: ['room', 'late'] });
  await set.settle();
  expect(sse.last.sent).toEqual([]);
  sse.last.frames([{ kind: 'joined', channel: 'late', epoch: 'e', offset: 0 }]);
  await sent;
  expect(sse.last.sent).toMatchObject([{ channel: 'late', data: 1 }]);
});

test('sends that wait for the join of a channel leave when the channel does', async () => {
  const sse = scripted('sse', { joining: 'dial' });
  const set = rig([sse]);
  await openRoom(set, sse);
  const first = sse.last;
  const late = set.realtime.channel('late');
  const sent = late.publish('n', 1);
  await set.settle();
  late.leave();
  await set.clock.advance(999);
  expect(first.sent).toEqual([]);
  await set.clock.advance(1);
  await sent;
  expect(first.sent).toMatchObject([{ channel: 'late', data: 1 }]);
});

test('a transport that was wished for and failed is tried again', async () => {
  const [a, b] = [scripted('a'), scripted('b')];
  const set = rig([a, b], { mode: 'a' });
  await openRoom(set, a);
  set.realtime.setMode('b');
  await set.settle();
  b.last.down('refused');
  await set.clock.advance(1_999);
  expect(b.dials).toHaveLength(1);
  await set.clock.advance(1);
  expect(b.dials).toHaveLength(2);
  b.last.up({ joining: ['room'] });
  expect(set.realtime.status.get().transport).toBe('b');
  await set.clock.advance(600_000);
  expect(b.dials).toHaveLength(2);
});

test('a manager that can only receive says so at once', async () => {
  const { realtime } = rig([scripted('sse', { send: false })]);
  await expect(realtime.channel('room').publish('n', 1)).rejects.toMatchObject({ code: 'unsupported' });
});

test.each([
  ['an id', () => ({ id: '' })],
  ['an id', () => ({ id: 'x'.repeat(257) })],
] as const)('%s that no server would take is refused', async (_, options) => {
  const { realtime } = rig([scripted('a')]);
  await expect(realtime.channel('room').publish('n', 1, options())).rejects.toMatchObject({ code: 'invalid-option' });
});

test('what cannot be written as JSON cannot be said on entering, and harms nobody', async () => {
  const a = scripted('a');
  const set = rig([a]);
  await openRoom(set, a);
  const other = set.realtime.channel('other');
  expect(() => other.enter({ size: 1n })).toThrow(expect.objectContaining({ code: 'invalid-payload' }));
  await set.settle();
  expect(a.last.sent).toEqual([{ kind: 'join', channel: 'other' }]);
});

describe('a server that is never content', () => {
  test('lets every token in and then refuses it: it is not dialled in a loop', async () => {
    const a = scripted('a');
    let serial = 0;
    const set = rig([a], { auth: () => `token ${++serial}`, retry: ({ attempt }) => attempt * 1_000 });
    set.realtime.start();
    await set.settle();
    for (let turn = 0; turn < 400; turn++) {
      if (a.last.isHeld) {
        a.last.up();
        a.last.frames([{ kind: 'auth', status: 'expired' }]);
      }
      await set.clock.advance(10);
    }
    // at once after the first refusal, then after 2 s and 3 s
    expect(a.dials).toHaveLength(3);
  });

  test('wants every new link replaced: the second one has to wait', async () => {
    const a = scripted('a');
    const set = rig([a], { retry: () => 5_000 });
    await openRoom(set, a);
    a.last.frames([{ kind: 'advice', drain: true }]);
    await set.settle();
    expect(a.dials).toHaveLength(2);
    a.last.up({ joining: ['room'] });
    a.last.frames([{ kind: 'advice', drain: true }]);
    await set.clock.advance(4_999);
    expect(a.dials).toHaveLength(2);
    await set.clock.advance(1);
    expect(a.dials).toHaveLength(3);
  });

  test('sends a message that is too large after every reconnect: the connection fails with that error', async () => {
    const a = scripted('a');
    const set = rig([a]);
    set.realtime.start();
    for (let turn = 0; turn < 6 && set.realtime.status.get().status !== 'failed'; turn++) {
      await set.clock.advance(1);
      a.last.up();
      a.last.down({ kind: 'protocol', error: new RealtimeError('too-large', 'a message is over the limit') });
    }
    expect(set.realtime.status.get()).toMatchObject({ status: 'failed', reason: { code: 'too-large' } });
    expect(a.dials).toHaveLength(4);
  });
});

test('messages that are too large are no row when a link has settled in between', async () => {
  const a = scripted('a');
  const set = rig([a]);
  set.realtime.start();
  for (let turn = 0; turn < 8; turn++) {
    await set.clock.advance(1);
    a.last.up();
    await set.clock.advance(10_000);
    a.last.down({ kind: 'protocol', error: new RealtimeError('too-large', 'a message is over the limit') });
  }
  await set.clock.advance(1);
  expect(a.dials).toHaveLength(9);
});

test('after stop nothing is tried again', async () => {
  const [a, b] = [scripted('a'), scripted('b')];
  const set = rig([a, b], { mode: 'a' });
  await openRoom(set, a);
  set.realtime.setMode('b');
  await set.settle();
  b.last.down('refused');
  set.realtime.stop();
  await set.settle();
  expect(set.clock.pending).toBe(0);
});

test('a link that dies while its candidate is up leaves the candidate in use', async () => {
  const socket = scripted('socket', { liveness: 'ping' });
  const set = rig([socket]);
  await openRoom(set, socket);
  const old = socket.last;
  old.frames([{ kind: 'advice', drain: true }]);
  await set.settle();
  socket.last.up({ greeted: false });
  old.down('lost');
  await set.settle();
  expect(set.realtime.status.get().status).toBe('connected');
  await set.realtime.channel('room').publish('n', 1);
  expect(socket.dials).toHaveLength(2);
});

test('a stream whose server replays nothing is no proof of continuity, whatever ids it has', async () => {
  const sse = scripted('sse', { resume: 'none' });
  const set = rig([sse]);
  set.realtime.channel('room');
  set.realtime.start();
  await set.settle();
  sse.last.up({ joining: ['room'] });
  sse.last.frames([{ kind: 'joined', channel: 'room' }]);
  sse.last.frames([{ kind: 'event', channel: 'room', event: 'n', data: 1, id: '7' }], '7');
  sse.last.down('lost');
  await set.clock.advance(1);
  sse.last.up({ joining: ['room'] });
  sse.last.frames([{ kind: 'joined', channel: 'room' }]);
  expect(set.gaps).toMatchObject([{ reason: 'no-replay' }]);
});
