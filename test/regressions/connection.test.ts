import { describe, expect, test, vi } from 'vitest';
import { createAuth } from '../../src/connection/auth.ts';
import { defaultLiveness, watchLiveness } from '../../src/connection/liveness.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { connectionBench } from '../support/connection-bench.ts';
import { scripted } from '../support/scripted-transport.ts';

test('a link that a listener of `changed` stopped is not told as up after it was told as down', async () => {
  const bench = connectionBench({ changed: (connection, call) => call === 2 && connection.stop() });
  await bench.open();
  expect(bench.heard.map(({ kind }) => kind).at(-1)).not.toBe('up');
});

describe('after cancel the next question is a new one', () => {
  test('in auth', async () => {
    const provider = vi
      .fn()
      .mockReturnValueOnce(new Promise(() => {}))
      .mockResolvedValue('token');
    const auth = createAuth(provider, manualClock(), 1_000);
    const first = auth.credentials('connect');
    await Promise.resolve();
    auth.cancel();
    const second = auth.credentials('connect');
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    await expect(second).resolves.toMatchObject({ token: 'token' });
  });
  test.each(['stop and start', 'redial'])('%s while the provider is asked dials without a failed attempt', async (how) => {
    const provider = vi
      .fn()
      .mockReturnValueOnce(new Promise(() => {}))
      .mockResolvedValue('token');
    const bench = connectionBench({ auth: provider });
    bench.connection.start();
    await bench.settle();
    if (how === 'redial') bench.connection.redial();
    else {
      bench.connection.stop();
      bench.connection.start();
    }
    await bench.settle();
    expect([bench.phase, bench.held, bench.asked.length]).toEqual(['connecting', 1, 0]);
  });
});

describe('what is no fault of the transport is no strike', () => {
  test('a refused token is replaced over the same transport', async () => {
    let serial = 0;
    const bench = connectionBench({ transports: [scripted('a'), scripted('b')], auth: () => `t${++serial}` });
    bench.connection.start();
    await bench.settle();
    bench.transports[0]?.last.down('unauthorized');
    await bench.settle();
    expect(bench.transports.map(({ dials }) => dials.length)).toEqual([2, 0]);
  });
  test('a failing provider does not move us to another transport, nor skip the backoff', async () => {
    const provider = vi.fn().mockRejectedValueOnce(new Error('down')).mockResolvedValue('token');
    const bench = connectionBench({ transports: [scripted('a'), scripted('b')], auth: provider });
    bench.connection.start();
    await bench.clock.advance(500);
    expect(provider).toHaveBeenCalledTimes(1);
    await bench.clock.advance(500);
    expect(bench.transports.map(({ dials }) => dials.length)).toEqual([1, 0]);
  });
});

test('a retry policy that throws is reported and does not wedge the connection', async () => {
  const bench = connectionBench({
    retry() {
      throw new Error('mine');
    },
  });
  await bench.open();
  expect(() => bench.transports[0]?.last.down('lost')).not.toThrow();
  expect(bench.phase).toBe('waiting');
});

test.each([Number.POSITIVE_INFINITY, Number.NaN])('a policy that says %d is not a loop of dials', async (asked) => {
  const bench = connectionBench({ retry: () => asked });
  bench.connection.start();
  await bench.settle();
  bench.transports[0]?.last.down('refused');
  await bench.clock.advance(100);
  expect(bench.transports[0]?.dials).toHaveLength(1);
});

describe('a token that is over by our clock (which may be wrong) is not renewed in a loop', () => {
  test.each([true, false])('reauth: %j', async (reauth) => {
    const provider = vi.fn();
    const bench = connectionBench({ auth: provider, transports: [scripted('a', { reauth })] });
    // stops after 50 questions, or the clock would never come to an end
    provider.mockImplementation(() => {
      if (provider.mock.calls.length > 50) return new Promise(() => {});
      return { token: `t${provider.mock.calls.length}`, expiresAt: bench.clock.wallNow() - 3_600_000 };
    });
    await bench.open();
    for (let turn = 0; turn < 60; turn++) {
      const [transport] = bench.transports;
      if (transport && transport.dials.length > turn + 1) transport.last.up();
      await bench.clock.advance(1);
    }
    expect(provider.mock.calls.length).toBeLessThanOrEqual(2);
  });
});

test('a refused token is never sent again, also after the connection was started anew', async () => {
  const bench = connectionBench({ auth: () => 'same' });
  bench.connection.start();
  await bench.settle();
  bench.transports[0]?.last.down('unauthorized');
  await bench.settle();
  bench.connection.start();
  await bench.settle();
  expect(bench.transports[0]?.dials).toHaveLength(1);
});

test('a link whose pong was lost, and that is busy, can still be probed', async () => {
  const clock = manualClock();
  let pings = 0;
  const liveness = watchLiveness(
    'ping',
    defaultLiveness,
    undefined,
    clock,
    () => (pings += 1),
    () => {},
  );
  liveness.probe();
  await clock.advance(1_000);
  liveness.alive();
  await clock.advance(1_000);
  liveness.probe();
  expect(pings).toBe(2);
});

test('a provider that gives null (localStorage.getItem) has no credentials', async () => {
  const auth = createAuth(() => null as never, manualClock(), 1_000);
  await expect(auth.credentials('connect')).resolves.toBeUndefined();
});
