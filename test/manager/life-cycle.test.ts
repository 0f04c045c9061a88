import { describe, expect, onTestFinished, test } from 'vitest';
import { createRealtime, type RealtimeManager, type RealtimeOptions } from '../../src/index.ts';
import { type ScriptedTransport, scripted } from '../support/scripted-transport.ts';
import { createWorld, type World } from '../support/world.ts';

interface Life extends World {
  readonly a: ScriptedTransport;
  readonly realtime: RealtimeManager;
  readonly faults: readonly string[];
  settle(): Promise<void>;
}

const anHour = 3_600_000;
const pong = { kind: 'pong' } as const;

/** A manager with a link that is up and has settled; it is pinged unless said otherwise. */
async function living(capabilities: Parameters<typeof scripted>[1] = {}, options: Partial<RealtimeOptions> = {}): Promise<Life> {
  const world = createWorld();
  const a = scripted('a', { liveness: 'ping', ...capabilities });
  const { clock, signals } = world;
  const realtime = createRealtime({ transports: [a], platform: { clock, signals, random: () => 0.5 }, ...options });
  onTestFinished(() => realtime.close());
  const faults: string[] = [];
  realtime.on('fault', ({ message }) => faults.push(message));
  realtime.start();
  await clock.advance(0);
  a.last.up({ heartbeatMs: 20_000 });
  a.last.frames([pong]);
  await clock.advance(12_000);
  return Object.assign(Object.create(world) as World, { a, realtime, faults, settle: () => clock.advance(0) });
}

const pings = ({ a }: Life): number => a.last.sent.filter(({ kind }) => kind === 'ping').length;

describe('the network', () => {
  test('is said to flap: an open link is left alone, and made sure of each time', async () => {
    const life = await living();
    for (let turn = 0; turn < 5; turn++) {
      life.setOnline(false);
      await life.clock.advance(500);
      life.setOnline(true);
      await life.clock.advance(500);
      life.a.last.frames([pong]);
    }
    expect(life.a.dials).toHaveLength(1);
    expect(pings(life)).toBe(6);
    expect(life.realtime.status.get()).toMatchObject({ status: 'connected', holds: [] });
  });

  test('is gone: nothing is dialled, and one link when it is back', async () => {
    const life = await living();
    life.setOnline(false);
    life.a.last.down('lost');
    await life.clock.advance(anHour);
    expect(life.realtime.status.get()).toMatchObject({ status: 'disconnected', network: 'down', holds: ['offline'] });
    life.setOnline(true);
    await life.settle();
    expect([life.a.dials.length, life.a.heldCount]).toEqual([2, 1]);
    life.setOnline(true);
    await life.clock.advance(5_000);
    expect(life.a.dials).toHaveLength(2);
  });

  test('goes while a link is dialled: the attempt ends, and is made again when it is back', async () => {
    const life = await living();
    life.a.last.down('lost');
    await life.clock.advance(3_200);
    expect(life.a.heldCount).toBe(1);
    life.setOnline(false);
    expect(life.a.heldCount).toBe(0);
    await life.clock.advance(anHour);
    expect(life.a.dials).toHaveLength(2);
    life.setOnline(true);
    await life.settle();
    expect(life.a.dials).toHaveLength(3);
  });

  test('is said to be there and is not: the attempts keep their distance', async () => {
    const life = await living();
    life.setOnline(false);
    life.a.last.down('lost');
    life.setOnline(true);
    await life.settle();
    for (let second = 0; second < 120; second++) {
      if (life.a.heldCount) life.a.last.down('refused');
      await life.clock.advance(1_000);
    }
    // some at once, as a network needs a moment, and then one every 4 s
    expect(life.a.dials.length).toBeLessThan(45);
    expect(life.a.dials.length).toBeGreaterThan(20);
    expect(life.realtime.status.get()).toMatchObject({ status: 'reconnecting', network: 'down' });
  });

  test('was another one: a link that answers no ping within 5 s is replaced at once', async () => {
    const life = await living();
    life.setOnline(false);
    life.setOnline(true);
    await life.clock.advance(4_999);
    expect(life.realtime.status.get().status).toBe('connected');
    await life.clock.advance(201);
    expect([life.a.dials.length, life.a.heldCount]).toEqual([2, 1]);
  });

  test.each(['silence', 'self'] as const)(
    'was another one: a link that cannot be asked (%s) is replaced when the next one has proved itself',
    async (liveness) => {
      const life = await living({ liveness });
      life.setOnline(true);
      await life.settle();
      expect(life.a.dials.map(({ isHeld }) => isHeld)).toEqual([true, true]);
      life.a.last.up();
      await life.clock.advance(2_000);
      expect(life.a.dials.map(({ isHeld }) => isHeld)).toEqual([false, true]);
      expect(life.realtime.status.get().status).toBe('connected');
    },
  );
});

describe('a page that is visible again', () => {
  test('asks on a link that can be pinged, and has its answer in time', async () => {
    const life = await living();
    life.wake();
    expect(pings(life)).toBe(2);
    life.a.last.frames([pong]);
    await life.clock.advance(9_000);
    expect(life.a.dials).toHaveLength(1);
  });

  test('leaves a stream alone that was heard of late, and replaces one that was not', async () => {
    const life = await living({ liveness: 'silence' });
    await life.clock.advance(13_000);
    life.wake();
    await life.settle();
    expect(life.a.dials).toHaveLength(1);
    // the server says something every 20 s, and 5 s are for the way
    await life.clock.advance(1);
    life.wake();
    await life.settle();
    expect(life.a.dials.map(({ isHeld }) => isHeld)).toEqual([true, true]);
  });

  test('does not replace a stream over and over', async () => {
    const life = await living({ liveness: 'silence' });
    life.wake();
    for (let turn = 0; turn < 50; turn++) {
      life.setOnline(true);
      await life.settle();
      if (life.a.heldCount > 1) life.a.last.up();
      await life.settle();
    }
    expect(life.a.dials.length).toBeLessThan(6);
  });
});

describe('a tab whose timers did not run', () => {
  test('asks before it believes that a link is dead', async () => {
    const life = await living();
    // a ping goes out, and the tab is frozen before the answer
    await life.clock.advance(13_000);
    expect(pings(life)).toBe(2);
    life.sleep(600_000);
    await life.clock.advance(10_000);
    expect(pings(life)).toBe(3);
    life.a.last.frames([pong]);
    await life.clock.advance(20_000);
    expect(life.a.dials).toHaveLength(1);
    expect(life.faults).toEqual([]);
  });

  test('and then does believe it', async () => {
    const life = await living();
    await life.clock.advance(13_000);
    life.sleep(600_000);
    await life.clock.advance(16_000);
    expect(life.a.dials).toHaveLength(2);
  });
});

describe('a device that slept', () => {
  test('makes sure of its link without a word of the platform', async () => {
    const life = await living();
    const first = life.a.last;
    life.sleep(8 * anHour);
    await life.clock.advance(30_000);
    expect(first.sent).toEqual([{ kind: 'ping' }, { kind: 'ping' }]);
    expect(life.a.dials.length).toBeGreaterThan(1);
    expect(life.realtime.status.get().reason).toMatchObject({ code: 'timeout' });
  });

  test('dials at once, not after what was left of a wait', async () => {
    const life = await living({}, { retry: () => 10 * anHour });
    life.a.last.down('lost');
    await life.clock.advance(1);
    life.sleep(8 * anHour);
    await life.clock.advance(30_000);
    expect(life.a.dials).toHaveLength(2);
  });

  test('renews a token that ended meanwhile before anything else', async () => {
    const tokens: string[] = [];
    const world = createWorld();
    const { clock, signals } = world;
    const a = scripted('a', { liveness: 'silence' });
    const auth = () => {
      tokens.push(`token ${tokens.length}`);
      return { token: tokens.at(-1) ?? '', expiresAt: clock.wallNow() + anHour };
    };
    const realtime = createRealtime({ transports: [a], auth, platform: { clock, signals, random: () => 0.5 } });
    onTestFinished(() => realtime.close());
    realtime.start();
    await clock.advance(0);
    a.last.up();
    world.sleep(8 * anHour);
    world.wake();
    await clock.advance(0);
    expect(a.dials.map(({ request }) => request.credentials?.token)).toEqual(['token 0', 'token 1']);
    expect(a.heldCount).toBe(2);
  });

  test('renews it in place where that is possible', async () => {
    let count = 0;
    const life = await living(
      { reauth: true },
      { auth: () => ({ token: `t${count++}`, expiresAt: 1_700_001_000_000 + anHour * count }) },
    );
    life.sleep(anHour);
    life.wake();
    await life.settle();
    expect(life.a.last.sent).toContainEqual({ kind: 'authenticate', token: 't1' });
    expect(life.a.dials).toHaveLength(1);
  });

  test('is not what a busy minute looks like', async () => {
    const life = await living({ liveness: 'self' });
    life.sleep(35_000);
    await life.clock.advance(300_000);
    expect(life.a.dials).toHaveLength(1);
  });
});

describe('a page that is put away', () => {
  test('has no link there, and dials when it is back', async () => {
    const life = await living();
    life.setAway(true);
    life.setAway(true);
    expect(life.realtime.status.get()).toMatchObject({ status: 'disconnected', holds: ['hidden'] });
    expect(life.a.heldCount).toBe(0);
    await life.clock.advance(anHour);
    life.setAway(false);
    life.wake();
    life.setAway(false);
    await life.settle();
    expect([life.a.dials.length, life.a.heldCount]).toEqual([2, 1]);
    expect(life.realtime.status.get().holds).toEqual([]);
    expect(life.faults).toEqual([]);
  });

  test('that was stopped stays stopped', async () => {
    const life = await living();
    life.realtime.stop();
    expect(life.listening).toBe(0);
    life.setAway(false);
    await life.clock.advance(anHour);
    expect(life.a.dials).toHaveLength(1);
  });
});

test('a connection that failed for good keeps no timer for long', async () => {
  const life = await living();
  life.a.last.down('forbidden');
  await life.clock.advance(30_000);
  expect(life.clock.pending).toBe(0);
});

test('a connection goes on when the page knows nothing of being put away', async () => {
  const { clock, signals } = createWorld();
  const { onAway: _, ...old } = signals;
  const realtime = createRealtime({ transports: [scripted('a')], platform: { clock, signals: old } });
  realtime.start();
  realtime.close();
  expect(clock.pending).toBe(0);
});
