import { describe, expect, test, vi } from 'vitest';
import type { AuthContext } from '../../src/connection/auth.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import type { Credentials } from '../../src/transport/transport.ts';
import { connectionBench } from '../support/connection-bench.ts';
import { scripted } from '../support/scripted-transport.ts';

const event = (offset: number): EventFrame => ({ kind: 'event', channel: 'lobby', event: 'move', data: null, offset });
const pong = { kind: 'pong' } as const;

/** A provider that gives `token 1`, `token 2` and so on, and records what it was told. */
function counting(lifeMs?: (serial: number) => number, wallNow: () => number = () => 0) {
  const contexts: AuthContext[] = [];
  const provider = (context: AuthContext) => {
    contexts.push(context);
    const token = `token ${contexts.length}`;
    return lifeMs === undefined ? token : { token, expiresAt: wallNow() + lifeMs(contexts.length) };
  };
  return { provider, contexts, reasons: () => contexts.map(({ reason }) => reason) };
}

describe('an attempt', () => {
  test('carries who we are, the token, and the live view of the channels and the cursor', async () => {
    const bench = connectionBench({ auth: { token: 'secret', subject: 'ada' } });
    bench.channels.set('lobby', undefined);
    bench.connection.start();
    await bench.settle();
    const { request } = bench.transports[0]?.last ?? {};
    expect(request).toMatchObject({ client: 'client-1', credentials: { token: 'secret', subject: 'ada' }, clock: bench.clock });
    expect(request?.channels).toBe(bench.channels);
    expect(request?.cursor).toBeUndefined();
    bench.cursor = '17';
    expect(request?.cursor).toBe('17');
    expect(request?.signal.aborted).toBe(false);
  });

  test('carries no credentials where there is no provider', async () => {
    const bench = connectionBench();
    bench.connection.start();
    await bench.settle();
    expect(bench.transports[0]?.last.request.credentials).toBeUndefined();
  });

  test('dials when the token is there, not before', async () => {
    let give = (_: string): void => {};
    const bench = connectionBench({ auth: () => new Promise((resolve) => (give = resolve)) });
    bench.connection.start();
    await bench.clock.advance(5_000);
    expect([bench.phase, bench.held]).toEqual(['connecting', 0]);
    give('token');
    await bench.settle();
    expect(bench.held).toBe(1);
  });

  test('is given up when the link is not up in time, counted from the dial', async () => {
    let give = (_: string): void => {};
    const bench = connectionBench({ auth: () => new Promise((resolve) => (give = resolve)) });
    bench.connection.start();
    await bench.clock.advance(9_000);
    give('token');
    await bench.clock.advance(9_999);
    expect([bench.phase, bench.held]).toEqual(['connecting', 1]);
    await bench.clock.advance(1);
    expect([bench.phase, bench.held]).toEqual(['waiting', 0]);
    expect(bench.connection.facts().reason).toMatchObject({
      code: 'timeout',
      transport: 'a',
      message: 'connecting over a took longer than 10000 ms',
    });
  });

  test('that is up in time is not ended by its deadline', async () => {
    const bench = connectionBench();
    bench.connection.start();
    await bench.clock.advance(9_999);
    bench.transports[0]?.last.up();
    await bench.clock.advance(100_000);
    expect([bench.phase, bench.held]).toEqual(['open', 1]);
  });

  test('whose provider fails is a failed attempt, and the provider is asked again', async () => {
    const provider = vi.fn().mockRejectedValueOnce(new Error('down')).mockResolvedValue('token');
    const bench = connectionBench({ auth: provider });
    bench.connection.start();
    await bench.settle();
    expect([bench.phase, bench.transports[0]?.dials.length]).toEqual(['waiting', 0]);
    expect(bench.connection.facts().reason).toMatchObject({ code: 'refused', cause: new Error('down') });
    expect(bench.asked).toMatchObject([{ attempt: 1, uptimeMs: 0, cause: { kind: 'refused' } }]);
    await bench.clock.advance(1_000);
    expect(bench.held).toBe(1);
    expect(provider.mock.calls.map(([{ reason }]) => reason)).toEqual(['connect', 'reconnect']);
  });

  test('whose provider gives no answer in time is a failed attempt', async () => {
    const bench = connectionBench({ auth: () => new Promise(() => {}) });
    bench.connection.start();
    await bench.clock.advance(10_000);
    expect(bench.phase).toBe('waiting');
    expect(bench.connection.facts().reason).toMatchObject({ code: 'timeout' });
  });

  test('that is stopped while the provider is asked never dials', async () => {
    let give = (_: string): void => {};
    const { provider, contexts } = counting();
    const bench = connectionBench({
      auth(context) {
        provider(context);
        return new Promise((resolve) => (give = resolve));
      },
    });
    bench.connection.start();
    await bench.settle();
    bench.connection.stop();
    expect(contexts[0]?.signal.aborted).toBe(true);
    give('token');
    await bench.settle();
    expect([bench.phase, bench.transports[0]?.dials.length, bench.clock.pending]).toEqual(['idle', 0, 0]);
    expect(bench.connection.facts().reason).toBeUndefined();
  });
});

describe('a token that the server refuses', () => {
  test('is replaced once, at once; a second refusal ends the connection', async () => {
    const { provider, reasons } = counting();
    const bench = connectionBench({ auth: provider });
    const [transport] = bench.transports;
    bench.connection.start();
    await bench.settle();
    transport?.last.down('unauthorized');
    await bench.settle();
    expect(transport?.dials.map(({ request }) => request.credentials?.token)).toEqual(['token 1', 'token 2']);
    transport?.last.down('unauthorized');
    await bench.settle();
    expect(bench.connection.state).toMatchObject({ phase: 'ended', error: { code: 'unauthorized' } });
    expect(reasons()).toEqual(['connect', 'refused']);
    expect(bench.clock.pending).toBe(0);
  });

  test('is replaced again after a token that worked in between', async () => {
    const { provider } = counting();
    const bench = connectionBench({ auth: provider });
    const [transport] = bench.transports;
    bench.connection.start();
    for (let turn = 0; turn < 4; turn++) {
      await bench.settle();
      transport?.last.down('unauthorized');
      await bench.settle();
      transport?.last.up();
      await bench.settle();
      expect(bench.phase).toBe('open');
      transport?.last.down('lost');
      await bench.clock.advance(1_000);
    }
    expect(bench.phase).toBe('connecting');
  });

  test('is not sent again: a provider that gives it again ends the connection', async () => {
    const bench = connectionBench({ auth: () => 'same' });
    bench.connection.start();
    await bench.settle();
    bench.transports[0]?.last.down('unauthorized');
    await bench.settle();
    expect(bench.transports[0]?.dials).toHaveLength(1);
    expect(bench.connection.state).toMatchObject({ phase: 'ended', error: { code: 'unauthorized' } });
  });

  test.each([
    ['a fixed one', 'token'],
    ['none at all', undefined],
    ['a provider that has none', () => undefined],
  ])('ends the connection at once where it is %s', async (_, auth) => {
    const bench = connectionBench({ auth });
    bench.connection.start();
    await bench.settle();
    bench.transports[0]?.last.down('unauthorized');
    await bench.clock.advance(100_000);
    expect(bench.transports[0]?.dials).toHaveLength(1);
    expect(bench.phase).toBe('ended');
  });

  test.each(['expired', 'refused'] as const)('on a live link (%s) is replaced by a new link', async (status) => {
    const { provider, reasons } = counting();
    const bench = connectionBench({ auth: provider });
    await bench.open();
    bench.transports[0]?.last.frames([{ kind: 'auth', status, message: 'too old' }]);
    expect(bench.connection.facts().reason).toMatchObject({ code: 'unauthorized', transport: 'a' });
    expect(bench.connection.facts().reason?.message).toContain('too old');
    await bench.settle();
    expect(bench.transports[0]?.dials.map(({ isHeld }) => isHeld)).toEqual([false, true]);
    expect(reasons()).toEqual(['connect', 'refused']);
  });

  test('a word of acceptance changes nothing', async () => {
    const bench = connectionBench({ auth: 'token' });
    await bench.open();
    bench.transports[0]?.last.frames([{ kind: 'auth', status: 'accepted' }]);
    await bench.settle();
    expect([bench.phase, bench.held]).toEqual(['open', 1]);
  });

  test('nothing that follows in the same batch is heard by the session', async () => {
    const bench = connectionBench({ auth: 'token' });
    await bench.open();
    bench.transports[0]?.last.frames([
      { kind: 'auth', status: 'refused' },
      { kind: 'advice', drain: true },
    ]);
    expect(bench.clock.pending).toBe(0);
    await bench.settle();
    expect([bench.phase, bench.clock.pending]).toEqual(['ended', 0]);
  });
});

describe('a token that ends', () => {
  async function live(lifeMs: number, reauth: boolean) {
    const start = { wallNow: () => 0 };
    const auth = counting(
      () => lifeMs,
      () => start.wallNow(),
    );
    const bench = connectionBench({ transports: [scripted('a', { reauth })], auth: auth.provider });
    start.wallNow = () => bench.clock.wallNow();
    await bench.open();
    return { ...auth, bench, transport: bench.transports[0] as (typeof bench.transports)[0] };
  }

  test.each([
    [3_600_000, 3_570_000],
    [100_000, 80_000],
    [150_000, 120_000],
    [1_000, 800],
  ])('after %d ms is renewed after %d ms, on the live link where that is possible', async (lifeMs, renewedMs) => {
    const { bench, reasons, transport } = await live(lifeMs, true);
    await bench.clock.advance(renewedMs - 1);
    expect(reasons()).toEqual(['connect']);
    await bench.clock.advance(1);
    expect(reasons()).toEqual(['connect', 'expiring']);
    expect(transport?.last.sent).toEqual([{ kind: 'authenticate', token: 'token 2' }]);
    expect([transport?.dials.length, bench.phase]).toEqual([1, 'open']);
    await bench.clock.advance(renewedMs);
    expect(transport?.last.sent).toHaveLength(2);
  });

  test('is renewed by a link that replaces it where it cannot be renewed in place', async () => {
    const { bench, reasons, transport } = await live(100_000, false);
    await bench.clock.advance(80_000);
    expect(reasons()).toEqual(['connect', 'expiring']);
    expect(transport?.dials.map(({ isHeld }) => isHeld)).toEqual([true, true]);
    expect(transport?.last.request.credentials?.token).toBe('token 2');
    expect(bench.phase).toBe('open');
  });

  test('before any link has settled is renewed in time, again and again', async () => {
    const { bench, reasons, transport } = await live(8_000, false);
    for (let renewals = 1; renewals <= 5; renewals += 1) {
      await bench.clock.advance(6_399);
      expect(reasons()).toHaveLength(renewals);
      await bench.clock.advance(1);
      expect(reasons().at(-1)).toBe('expiring');
      transport?.last.up();
      await bench.settle();
    }
    expect(transport?.dials).toHaveLength(6);
  });

  test('is not renewed where it is a fixed one', async () => {
    const bench = connectionBench({ auth: { token: 'token', expiresAt: 1 }, transports: [scripted('a', { reauth: true })] });
    await bench.open();
    await bench.clock.advance(1_000_000);
    expect(bench.transports[0]?.last.sent).toEqual([]);
    expect(bench.transports[0]?.dials).toHaveLength(1);
  });

  test('whose renewal fails is reported; the link lives until the server ends it', async () => {
    const provider = vi.fn();
    const bench = connectionBench({ auth: provider, transports: [scripted('a', { reauth: true })] });
    provider
      .mockReturnValueOnce({ token: 'token', expiresAt: bench.clock.wallNow() + 100_000 })
      .mockRejectedValue(new Error('down'));
    await bench.open();
    await bench.clock.advance(80_000);
    expect(bench.faults).toMatchObject([{ code: 'refused', cause: new Error('down') }]);
    expect([bench.phase, bench.held]).toEqual(['open', 1]);
  });

  test('is not spoken of on a link that ended while the provider was asked', async () => {
    let give = (_: Credentials): void => {};
    const provider = vi.fn();
    const bench = connectionBench({ auth: provider, transports: [scripted('a', { reauth: true })] });
    provider
      .mockReturnValueOnce({ token: 'token', expiresAt: bench.clock.wallNow() + 100_000 })
      .mockReturnValue(new Promise((resolve) => (give = resolve)));
    await bench.open();
    await bench.clock.advance(80_000);
    bench.connection.stop();
    give({ token: 'token 2', expiresAt: bench.clock.wallNow() + 100_000 });
    await bench.settle();
    expect(bench.transports[0]?.last.sent).toEqual([]);
    expect([bench.faults, bench.clock.pending]).toEqual([[], 0]);
  });

  test('whose renewal gives none is left as it is', async () => {
    const provider = vi.fn();
    const bench = connectionBench({ auth: provider, transports: [scripted('a', { reauth: true })] });
    provider.mockReturnValueOnce({ token: 'token', expiresAt: bench.clock.wallNow() + 100_000 }).mockReturnValue(undefined);
    await bench.open();
    await bench.clock.advance(80_000);
    expect([bench.faults, bench.transports[0]?.last.sent, bench.phase]).toEqual([[], [], 'open']);
    expect(bench.connection.current).toBeDefined();
    bench.transports[0]?.last.down('unauthorized');
    await bench.settle();
    expect(provider.mock.lastCall?.[0]).toMatchObject({ reason: 'refused' });
  });

  test('whose end nobody knows leaves no timer', async () => {
    const bench = connectionBench({ auth: () => 'opaque' });
    await bench.open();
    await bench.clock.advance(20_000);
    expect(bench.clock.pending).toBe(0);
  });

  test.each([
    ['has ended before the new one came is not the new one', 'expired', [], 'token 2'],
    ['is refused is the new one', 'refused', [], undefined],
    ['has ended after the new one was accepted is the new one', 'expired', ['accepted'], undefined],
  ] as const)('that %s', async (_, status, before, next) => {
    const provider = vi.fn();
    const bench = connectionBench({ auth: provider, transports: [scripted('a', { reauth: true })] });
    const expiresAt = bench.clock.wallNow() + 100_000;
    provider.mockReturnValueOnce({ token: 'token 1', expiresAt }).mockReturnValue({ token: 'token 2', expiresAt: expiresAt * 2 });
    await bench.open();
    await bench.clock.advance(80_000);
    for (const word of [...before, status]) bench.transports[0]?.last.frames([{ kind: 'auth', status: word }]);
    await bench.clock.advance(0);
    expect(provider).toHaveBeenLastCalledWith(expect.objectContaining({ reason: 'refused' }));
    // a token that was refused is never sent again
    expect(bench.transports[0]?.dials[1]?.request.credentials?.token).toBe(next);
  });

  test('that was renewed in place is the one that a refusal means', async () => {
    const { bench, transport } = await live(100_000, true);
    await bench.clock.advance(80_000);
    transport?.last.down('unauthorized');
    await bench.settle();
    // `token 2` was refused, so `token 3` is sent
    expect(transport?.last.request.credentials?.token).toBe('token 3');
  });
});

describe('proof', () => {
  test.each([
    ['a greeting', 'ping', { greeted: true }, true],
    ['an open carrier that cannot be pinged', 'self', { greeted: false }, false],
    ['an open carrier that watches for silence', 'silence', { greeted: false }, false],
    ['an open carrier that can be pinged', 'ping', { greeted: false }, false],
  ] as const)('is given by %s: in mode %s, with %j', async (_, liveness, info, isProven) => {
    const bench = connectionBench({ transports: [scripted('a', { liveness })] });
    bench.connection.start();
    await bench.settle();
    bench.transports[0]?.last.up(info);
    expect(bench.connection.state).toMatchObject({ phase: 'open', proven: isProven });
    // the word of our own gate is no proof
    bench.transports[0]?.last.frames([{ kind: 'joined', channel: 'c' }]);
    expect(bench.connection.state).toMatchObject({ phase: 'open', proven: isProven });
  });

  test.each(['self', 'silence'] as const)(
    'is given by a carrier that nobody can ping when it stays: in mode %s',
    async (liveness) => {
      const bench = connectionBench({ transports: [scripted('a', { liveness })] });
      bench.connection.start();
      await bench.settle();
      bench.transports[0]?.last.up({ greeted: false });
      await bench.clock.advance(999);
      expect(bench.connection.state).toMatchObject({ proven: false });
      await bench.clock.advance(1);
      expect(bench.connection.state).toMatchObject({ proven: true });
    },
  );

  test.each([
    ['a pong', (link: ReturnType<typeof scripted>['last']) => link.frames([pong])],
    ['an event', (link: ReturnType<typeof scripted>['last']) => link.frames([event(1)])],
    ['a sign of life', (link: ReturnType<typeof scripted>['last']) => link.alive()],
  ])('is given by %s', async (_, say) => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' })] });
    bench.connection.start();
    await bench.settle();
    bench.transports[0]?.last.up({ greeted: false });
    expect(bench.connection.state).toMatchObject({ proven: false });
    say((bench.transports[0] as ReturnType<typeof scripted>).last);
    expect(bench.connection.state).toMatchObject({ proven: true });
  });
});

test('a link that was let go proves nothing any more', async () => {
  const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' }), scripted('b')] });
  bench.connection.start();
  await bench.settle();
  const link = bench.transports[0]?.last;
  link?.up({ greeted: false });
  link?.down('lost');
  expect(bench.routes.pick()).toBe(1);
  link?.alive();
  link?.frames([pong]);
  expect(bench.routes.pick()).toBe(1);
});

describe('the watch over a link', () => {
  test('pings as soon as the link is up, and shows the round trip', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' })] });
    await bench.open();
    expect(bench.transports[0]?.last.sent).toEqual([{ kind: 'ping' }]);
    expect(bench.connection.facts().latencyMs).toBeUndefined();
    await bench.clock.advance(35);
    const before = bench.changes;
    bench.transports[0]?.last.frames([pong]);
    expect(bench.connection.facts().latencyMs).toBe(35);
    expect(bench.changes).toBeGreaterThan(before);
    // an answer that nobody waits for does not take it away
    bench.transports[0]?.last.frames([pong]);
    expect(bench.connection.facts().latencyMs).toBe(35);
  });

  test('ends a link that answers no ping, and dials again', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' })] });
    await bench.open();
    await bench.clock.advance(10_000);
    expect([bench.phase, bench.held]).toEqual(['waiting', 0]);
    expect(bench.connection.facts().reason).toMatchObject({ code: 'timeout' });
    expect(bench.asked).toMatchObject([{ attempt: 1, uptimeMs: 10_000, cause: { kind: 'lost' } }]);
  });

  test('uses the heartbeat that the server announced', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'silence' })] });
    bench.connection.start();
    await bench.settle();
    bench.transports[0]?.last.up({ heartbeatMs: 2_000 });
    await bench.clock.advance(8_999);
    expect(bench.phase).toBe('open');
    await bench.clock.advance(1);
    expect(bench.phase).toBe('waiting');
  });

  test('hears every frame and every sign of life', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'silence' })] });
    await bench.open();
    await bench.clock.advance(50_000);
    bench.transports[0]?.last.frames([event(1)]);
    expect(bench.connection.facts().lastReceivedMs).toBe(bench.clock.now());
    await bench.clock.advance(50_000);
    bench.transports[0]?.last.alive();
    expect(bench.connection.facts().lastReceivedMs).toBe(bench.clock.now());
    await bench.clock.advance(59_999);
    expect(bench.phase).toBe('open');
    await bench.clock.advance(1);
    expect(bench.phase).toBe('waiting');
  });

  test('is made sure of by wake', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' })] });
    await bench.open();
    bench.transports[0]?.last.frames([pong]);
    await bench.clock.advance(5_000);
    bench.connection.wake();
    expect(bench.transports[0]?.last.sent).toEqual([{ kind: 'ping' }, { kind: 'ping' }]);
    await bench.clock.advance(4_999);
    expect(bench.phase).toBe('open');
    await bench.clock.advance(1);
    expect(bench.phase).toBe('waiting');
  });

  test('a ping that cannot be sent on a live link is reported, and on a dead one it is not', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' })] });
    bench.connection.start();
    await bench.settle();
    const link = bench.transports[0]?.last;
    if (link !== undefined) link.answer = async () => Promise.reject(new Error('cut'));
    link?.up();
    await bench.settle();
    expect(bench.faults).toMatchObject([{ code: 'connection-lost', cause: new Error('cut') }]);
    bench.connection.redial();
    await bench.settle();
    const second = bench.transports[0]?.last;
    if (second !== undefined) {
      second.answer = async () => {
        bench.connection.stop();
        throw new Error('cut again');
      };
    }
    second?.up({ greeted: false });
    await bench.settle();
    expect(bench.faults).toHaveLength(1);
  });
});

describe('advice', () => {
  test('to drain dials another link, which takes over', async () => {
    const bench = connectionBench();
    const [transport] = bench.transports;
    await bench.open();
    transport?.last.frames([{ kind: 'advice', drain: true }]);
    await bench.settle();
    expect(transport?.dials.map(({ isHeld }) => isHeld)).toEqual([true, true]);
    transport?.last.up();
    expect(bench.connection.state).toMatchObject({ link: 2, candidate: undefined });
  });

  test('to drain waits as long as it says, and a random part of the spread', async () => {
    const bench = connectionBench();
    const [transport] = bench.transports;
    await bench.open();
    transport?.last.frames([{ kind: 'advice', drain: true, retryAfterMs: 300, spreadMs: 1_000 }]);
    await bench.clock.advance(799);
    expect(transport?.dials).toHaveLength(1);
    await bench.clock.advance(1);
    expect(transport?.dials).toHaveLength(2);
  });

  test('to drain does not outlive its link', async () => {
    const bench = connectionBench();
    const [transport] = bench.transports;
    await bench.open();
    transport?.last.frames([{ kind: 'advice', drain: true, retryAfterMs: 60_000 }]);
    bench.connection.stop();
    expect(bench.clock.pending).toBe(0);
  });

  test('to drain on a link that was replaced is not heard', async () => {
    const bench = connectionBench({ transports: [scripted('a', { resume: 'none' })] });
    const [transport] = bench.transports;
    await bench.open();
    bench.connection.redial();
    await bench.settle();
    transport?.last.up();
    expect(bench.held).toBe(2);
    transport?.dials[0]?.frames([{ kind: 'advice', drain: true }]);
    await bench.settle();
    expect(transport?.dials).toHaveLength(2);
  });

  test('without drain dials nothing, and is the floor of the next attempt', async () => {
    const bench = connectionBench();
    const [transport] = bench.transports;
    await bench.open();
    transport?.last.frames([{ kind: 'advice', retryAfterMs: 5_000, spreadMs: 2_000 }]);
    await bench.clock.advance(20_000);
    expect(transport?.dials).toHaveLength(1);
    transport?.last.down('lost');
    expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: 6_000 });
  });

  test.each([
    ['narrow', 200, true],
    ['wide', 9_000, false],
  ])(
    'may be given with the greeting: a %s window is kept, and says whether the server need be spared',
    async (_, spreadMs, isLocal) => {
      const bench = connectionBench();
      const [transport] = bench.transports;
      bench.connection.start();
      await bench.settle();
      transport?.last.up({ spreadMs });
      await bench.clock.advance(20_000);
      transport?.last.down('lost');
      expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: spreadMs / 2 });
      expect(bench.asked).toMatchObject([{ attempt: 1, isLocal }]);
    },
  );
});
