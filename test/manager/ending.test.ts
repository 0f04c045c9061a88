import { describe, expect, onTestFinished, test } from 'vitest';
import { createRealtime, type RealtimeManager, type RealtimeOptions } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { type ScriptedTransport, scripted } from '../support/scripted-transport.ts';
import { createWorld, type World } from '../support/world.ts';

interface Stage {
  readonly world: World;
  readonly realtime: RealtimeManager;
  readonly transports: readonly [ScriptedTransport, ScriptedTransport, ScriptedTransport];
}

/** What happened, so that nothing that comes later goes unseen. */
interface Heard {
  count: number;
}

const never = (): Promise<never> => new Promise(() => {});
const pong = { kind: 'pong' } as const;

/** One way into each corner of the connection, with what the status must say there. */
const corners: Readonly<Record<string, { readonly options?: Partial<RealtimeOptions>; act(stage: Stage): Promise<void> }>> = {
  'never started': { act: async () => {} },
  'waiting for a token': {
    options: { auth: never },
    act: (stage) => started(stage, 10),
  },
  dialling: { act: (stage) => started(stage, 10) },
  racing: { act: (stage) => started(stage, 2_500) },
  'open and unproven, with one that is raced': {
    async act({ realtime, world, transports }) {
      realtime.start();
      await world.clock.advance(1_500);
      transports[0].last.up({ greeted: false });
    },
  },
  'open and unproven': {
    async act({ realtime, world, transports }) {
      realtime.start();
      await world.clock.advance(1);
      transports[0].last.up({ greeted: false });
    },
  },
  open: { act: open },
  'open and settled, with a token that ends': {
    options: { auth: () => ({ token: 't', expiresAt: 1_700_001_000_000 + 3_600_000 }) },
    async act(stage) {
      await open(stage);
      await stage.world.clock.advance(20_000);
    },
  },
  'open on the second choice, with the first to be tried again': {
    async act({ realtime, world, transports }) {
      realtime.start();
      await world.clock.advance(1);
      transports[0].last.down('unsupported');
      await world.clock.advance(1);
      transports[1].last.up({ joining: ['room'] });
    },
  },
  'with a candidate that waits for its token': {
    options: { auth: ({ reason }) => (reason === 'connect' ? 't' : never()) },
    async act(stage) {
      await open(stage);
      stage.realtime.setMode('b');
      await stage.world.clock.advance(1);
    },
  },
  'with a candidate on its way': { act: switching },
  'with a candidate that is up': {
    async act(stage) {
      await switching(stage);
      stage.transports[1].last.up({ greeted: false });
    },
  },
  'with an old link that is drained': {
    options: { mode: 'c' },
    async act({ realtime, world, transports }) {
      await started({ realtime, world, transports }, 1);
      transports[2].last.up();
      realtime.setMode('a');
      await world.clock.advance(1);
      transports[0].last.up();
      await world.clock.advance(1);
    },
  },
  'with a wish that failed and is tried again': {
    async act(stage) {
      await switching(stage);
      stage.transports[1].last.down('unsupported');
      await stage.world.clock.advance(1);
    },
  },
  'with a server that drains in a while': {
    async act(stage) {
      await open(stage);
      stage.transports[0].last.frames([{ kind: 'advice', drain: true, retryAfterMs: 60_000 }]);
    },
  },
  'with a ping out': {
    async act(stage) {
      await open(stage);
      await stage.world.clock.advance(12_000);
      stage.world.wake();
    },
  },
  waiting: {
    async act(stage) {
      await open(stage);
      stage.transports[0].last.down('lost');
    },
  },
  'held by the application': {
    async act(stage) {
      await open(stage);
      stage.realtime.hold('app');
    },
  },
  'held by the network': {
    async act({ realtime, world }) {
      world.setOnline(false);
      realtime.start();
      await world.clock.advance(1);
    },
  },
  'put away': {
    async act(stage) {
      await open(stage);
      stage.world.setAway(true);
    },
  },
  failed: {
    async act(stage) {
      await open(stage);
      stage.transports[0].last.down('forbidden');
    },
  },
  stopped: {
    async act(stage) {
      await open(stage);
      stage.realtime.stop();
    },
  },
};

async function started({ realtime, world }: Stage, forMs: number): Promise<void> {
  realtime.start();
  await world.clock.advance(forMs);
}

async function open({ realtime, world, transports }: Stage): Promise<void> {
  realtime.start();
  await world.clock.advance(1);
  transports[0].last.up();
  transports[0].last.frames([pong, { kind: 'joined', channel: 'room', epoch: 'e', offset: 0 }]);
  await world.clock.advance(1);
}

async function switching(stage: Stage): Promise<void> {
  await open(stage);
  stage.realtime.setMode('b');
  await stage.world.clock.advance(1);
}

async function inCorner(corner: (typeof corners)[string]): Promise<Stage & { readonly heard: Heard }> {
  const world = createWorld();
  const transports = [
    scripted('a', { liveness: 'ping' }),
    scripted('b', { liveness: 'silence', joining: 'dial' }),
    scripted('c', { resume: 'none' }),
  ] as const;
  const { clock, signals } = world;
  const realtime = createRealtime({ transports, platform: { clock, signals, random: () => 0.5 }, ...corner.options });
  onTestFinished(() => realtime.close());
  const heard = { count: 0 };
  const hear = (): void => {
    heard.count += 1;
  };
  const room = realtime.channel('room');
  room.on('n', hear);
  for (const event of ['status', 'switched', 'gap', 'invalid', 'fault'] as const) realtime.on(event, hear);
  const stage = { world, realtime, transports };
  await corner.act(stage);
  realtime.history.subscribe(hear);
  return { ...stage, heard };
}

const enders = { stop: (realtime: RealtimeManager) => realtime.stop(), close: (realtime: RealtimeManager) => realtime.close() };

describe.each(Object.entries(corners))('%s', (_, corner) => {
  test.each(Object.entries(enders))('%s leaves nothing', async (ender, end) => {
    const { world, realtime, transports, heard } = await inCorner(corner);
    const dialled = transports.flatMap(({ dials }) => [...dials]);
    end(realtime);
    expect(transports.map(({ heldCount }) => heldCount)).toEqual([0, 0, 0]);
    expect(world.listening).toBe(0);
    // one turn, for promises that are settled by that
    await world.clock.advance(0);
    expect(world.clock.pending).toBe(0);
    const { count } = heard;
    const last = realtime.status.get();
    expect(['idle', 'disconnected', 'failed']).toContain(last.status);

    // whatever the carriers and the platform still have to say
    for (const link of dialled) {
      link.frames([{ kind: 'event', channel: 'room', event: 'n', data: 1, offset: 1 }, pong]);
      link.alive();
      link.down('lost');
    }
    world.setOnline(false);
    world.setOnline(true);
    world.wake();
    world.setAway(true);
    world.setAway(false);
    if (ender === 'close') realtime.retryNow();
    await world.clock.advance(86_400_000);
    expect(heard.count).toBe(count);
    expect(realtime.status.get()).toBe(last);
    expect(transports.flatMap(({ dials }) => [...dials])).toHaveLength(dialled.length);
    expect(world.clock.pending).toBe(0);
  });
});

test('the corners are what they are called', async () => {
  const seen: Record<string, string> = {};
  for (const [name, corner] of Object.entries(corners)) {
    const { realtime, transports } = await inCorner(corner);
    seen[name] = `${realtime.status.get().status} ${transports.map(({ heldCount }) => heldCount).join('')}`;
  }
  expect(seen).toEqual({
    'never started': 'idle 000',
    'waiting for a token': 'connecting 000',
    dialling: 'connecting 100',
    racing: 'connecting 111',
    'open and unproven, with one that is raced': 'connected 110',
    'open and unproven': 'connected 100',
    open: 'connected 100',
    'open and settled, with a token that ends': 'connected 100',
    'open on the second choice, with the first to be tried again': 'connected 010',
    'with a candidate that waits for its token': 'connected 100',
    'with a candidate on its way': 'connected 110',
    'with a candidate that is up': 'connected 110',
    'with an old link that is drained': 'connected 101',
    'with a wish that failed and is tried again': 'connected 100',
    'with a server that drains in a while': 'connected 100',
    'with a ping out': 'connected 100',
    waiting: 'reconnecting 000',
    'held by the application': 'disconnected 000',
    'held by the network': 'disconnected 000',
    'put away': 'disconnected 000',
    failed: 'failed 000',
    stopped: 'disconnected 000',
  });
});

test.each(Object.entries(enders))('%s in the turn of the start dials nothing', async (_, end) => {
  const { realtime, world, transports } = await inCorner({ act: async () => {} });
  realtime.start();
  end(realtime);
  await world.clock.advance(86_400_000);
  expect([transports[0].dials.length, world.clock.pending, world.listening]).toEqual([0, 0, 0]);
});

test.each(['isOnline', 'onOnlineChange', 'onWake', 'onAway'] as const)(
  'a signal of the application that throws (%s) leaves no timer',
  (name) => {
    const clock = manualClock();
    const broken = (): never => {
      throw new Error('no such signal here');
    };
    const quiet = { isOnline: () => true, onOnlineChange: () => () => {}, onWake: () => () => {}, onAway: () => () => {} };
    const realtime = createRealtime({
      transports: [scripted('socket')],
      platform: { clock, signals: { ...quiet, [name]: broken } },
    });
    expect(() => realtime.start()).toThrow('no such signal here');
    realtime.close();
    expect(clock.pending).toBe(0);
  },
);
