import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/connection/connection.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import type { DownCause } from '../../src/transport/transport.ts';
import { type Bench, type BenchOptions, connectionBench } from '../support/connection-bench.ts';
import { causeOf, type ScriptedTransport, scripted } from '../support/scripted-transport.ts';

const event = (offset: number): EventFrame => ({ kind: 'event', channel: 'lobby', event: 'move', data: null, offset });
const pong = { kind: 'pong' } as const;
const names = ['a', 'b', 'c'] as const;
const three = () => names.map((name) => scripted(name));

/** The only transport of a bench, or the one of that number. */
function over(bench: Bench, route = 0): ScriptedTransport {
  const transport = bench.transports[route];
  if (transport === undefined) throw new Error(`there is no transport ${route}`);
  return transport;
}

/** `up 1, down 1` and so on. */
const links = (bench: Bench): string[] =>
  bench.heard.flatMap((each) => (each.kind === 'frames' ? [] : [`${each.kind} ${each.link.id}`]));
const offsets = (bench: Bench): (number | undefined)[] =>
  bench.heard.flatMap((each) =>
    each.kind === 'frames' ? each.frames.map((frame) => ('offset' in frame ? frame.offset : undefined)) : [],
  );

async function dialled(options: BenchOptions = {}): Promise<Bench> {
  const bench = connectionBench(options);
  bench.connection.start();
  await bench.settle();
  return bench;
}

async function opened(options: BenchOptions = {}): Promise<Bench> {
  const bench = connectionBench(options);
  await bench.open();
  return bench;
}

describe('a connection', () => {
  test('does nothing until it is started', async () => {
    const bench = connectionBench();
    await bench.clock.advance(1_000_000);
    expect([bench.phase, bench.changes, over(bench).dials.length, bench.clock.pending]).toEqual(['idle', 0, 0, 0]);
    expect(bench.connection.current).toBeUndefined();
  });

  test('dials the first transport, and tells each step', async () => {
    const bench = connectionBench();
    bench.connection.start();
    await bench.settle();
    expect([bench.phase, bench.changes]).toEqual(['connecting', 1]);
    expect(bench.connection.facts()).toMatchObject({ transport: over(bench), wasEverUp: false });
    expect(bench.connection.current).toBeUndefined();
    over(bench).last.up({ session: 's1' });
    expect([bench.phase, bench.changes]).toEqual(['open', 3]);
    expect(bench.connection.current).toMatchObject({ id: 1, transport: over(bench), info: { session: 's1' } });
    expect(bench.connection.facts()).toMatchObject({ wasEverUp: true });
    expect(links(bench)).toEqual(['up 1']);
  });

  test('starting twice is starting once', async () => {
    const bench = connectionBench();
    bench.connection.start();
    bench.connection.start();
    await bench.settle();
    bench.connection.start();
    await bench.settle();
    expect(over(bench).dials).toHaveLength(1);
  });

  test('sends on its link', async () => {
    const bench = await opened();
    const publish = { kind: 'publish', id: 'p', channel: 'lobby', event: 'move', data: 1 } as const;
    await bench.connection.current?.send([publish]);
    expect(over(bench).last.sent).toEqual([publish]);
  });

  test('hands frames on with their link and the cursor', async () => {
    const bench = await opened();
    over(bench).last.frames([event(1), pong], '17');
    expect(bench.heard.at(-1)).toEqual({
      kind: 'frames',
      link: bench.connection.current,
      frames: [event(1), pong],
      cursor: '17',
    });
  });

  test('hears nothing of a link that it has let go', async () => {
    const bench = await opened();
    const link = over(bench).last;
    bench.connection.stop();
    const before = bench.heard.length;
    link.frames([event(1), { kind: 'advice', drain: true }]);
    link.alive();
    link.up();
    link.down('lost');
    await bench.clock.advance(100_000);
    expect(bench.heard).toHaveLength(before);
    expect([bench.phase, bench.clock.pending]).toEqual(['idle', 0]);
  });

  test('tells the end of a link that was up, once, before it dials again', async () => {
    const bench = await opened();
    over(bench).last.down('lost');
    expect(links(bench)).toEqual(['up 1', 'down 1']);
    expect(bench.connection.current).toBeUndefined();
    await bench.clock.advance(1_000);
    expect(links(bench)).toEqual(['up 1', 'down 1']);
  });

  test('tells nothing of a link that never came up', async () => {
    const bench = await dialled();
    over(bench).last.down('refused');
    expect(links(bench)).toEqual([]);
  });
});

describe('after the end of a link', () => {
  const waits = (delayMs: number) => ({ phase: 'waiting', delayMs });
  const ends = (code: string) => ({ phase: 'ended', error: { code } });

  test.each([
    ['lost', {}, waits(1_000)],
    ['refused', {}, waits(1_000)],
    ['unsupported', {}, waits(1_000)],
    ['protocol', {}, waits(1_000)],
    ['unauthorized', {}, ends('unauthorized')],
    ['forbidden', {}, ends('forbidden')],
    ['dismissed', {}, ends('dismissed')],
    // a time that the server names is a floor, which all of its clients were given: the policy comes on top
    ['lost', { retryAfterMs: 999 }, waits(1_999)],
    ['lost', { retryAfterMs: 5_000 }, waits(6_000)],
    // a window stands in place of the policy
    ['refused', { retryAfterMs: 5_000, spreadMs: 3_000 }, waits(6_500)],
    ['refused', { spreadMs: 60_000 }, waits(30_000)],
    ['lost', { spreadMs: 100 }, waits(50)],
    ['lost', { handover: true }, waits(0)],
  ] as const)('by %s %j', async (kind, more, expected) => {
    for (const make of [dialled, opened]) {
      const bench = await make();
      over(bench).last.down(kind, more);
      expect(bench.connection.state).toMatchObject(expected);
      expect(bench.held).toBe(0);
      expect(bench.clock.pending).toBe(expected.phase === 'waiting' ? 1 : 0);
    }
  });

  test('by an abort that nobody asked for, it dials again and has no reason to show', async () => {
    const bench = await opened();
    over(bench).last.down({ kind: 'aborted' });
    expect(bench.connection.state).toMatchObject(waits(1_000));
    expect(bench.connection.facts().reason).toBeUndefined();
  });

  test('what the cause says of the time counts more than earlier advice', async () => {
    const bench = await opened();
    over(bench).last.frames([{ kind: 'advice', retryAfterMs: 9_000, spreadMs: 4_000 }]);
    over(bench).last.down('lost', { retryAfterMs: 2_000, spreadMs: 0 });
    expect(bench.connection.state).toMatchObject(waits(2_000));
  });

  test('dials when the time has come, not before, and tells when that is', async () => {
    const bench = await opened();
    over(bench).last.down('lost');
    expect(bench.connection.facts()).toMatchObject({
      nextRetryMs: bench.clock.now() + 1_000,
      reason: { code: 'connection-lost' },
    });
    await bench.clock.advance(999);
    expect(over(bench).dials).toHaveLength(1);
    await bench.clock.advance(1);
    expect(over(bench).dials).toHaveLength(2);
    expect(bench.connection.facts()).toMatchObject({ nextRetryMs: undefined, reason: { code: 'connection-lost' } });
  });

  test.each([
    ['start', (connection: Connection) => connection.start()],
    ['wake', (connection: Connection) => connection.wake()],
    ['redial', (connection: Connection) => connection.redial()],
  ])('does not wait after %s', async (_, act) => {
    const bench = await opened();
    over(bench).last.down('lost');
    act(bench.connection);
    await bench.settle();
    expect(bench.held).toBe(1);
    await bench.clock.advance(5_000);
    expect(over(bench).dials).toHaveLength(2);
  });

  test('for good, it dials again only when it is started', async () => {
    const bench = await opened();
    over(bench).last.down('forbidden');
    bench.connection.wake();
    bench.connection.redial();
    bench.connection.release('nothing');
    await bench.clock.advance(1_000_000);
    expect(over(bench).dials).toHaveLength(1);
    bench.connection.start();
    await bench.settle();
    expect(bench.held).toBe(1);
  });
});

describe('the retry policy', () => {
  test('is told the attempt, the cause, how long the link was up, and where chance comes from', async () => {
    const bench = await opened();
    await bench.clock.advance(7_000);
    const cause = causeOf('lost');
    over(bench).last.down(cause);
    await bench.clock.advance(1_000);
    over(bench).last.down('refused');
    await bench.clock.advance(1_000);
    over(bench).last.down('unsupported');
    expect(bench.asked).toMatchObject([
      { attempt: 1, uptimeMs: 7_000, cause },
      { attempt: 2, uptimeMs: 0, cause: { kind: 'refused' } },
      { attempt: 3, uptimeMs: 0, cause: { kind: 'unsupported' } },
    ]);
    expect(bench.asked[0]?.random()).toBe(0.5);
  });

  test('that says false gives up', async () => {
    const bench = await dialled({ retry: ({ attempt }) => attempt < 3 && 100 });
    for (let turn = 0; turn < 3; turn++) {
      over(bench).last.down('refused');
      await bench.clock.advance(100);
    }
    expect(over(bench).dials).toHaveLength(3);
    expect(bench.connection.state).toMatchObject({
      phase: 'ended',
      error: { code: 'refused', message: 'the retry policy gave up after 2 retries', cause: { code: 'refused' } },
    });
    bench.connection.start();
    await bench.settle();
    expect(bench.asked).toHaveLength(3);
    over(bench).last.down('refused');
    expect(bench.asked.at(-1)?.attempt).toBe(1);
  });

  test('that says 0 dials at once, not within the same call', async () => {
    const bench = await dialled({ retry: () => 0 });
    over(bench).last.down('refused');
    expect(over(bench).dials).toHaveLength(1);
    await bench.settle();
    expect(over(bench).dials).toHaveLength(2);
  });

  test.each([Number.NaN, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])(
    'that says %d leaves a delay that can be waited for, with the floor of the server',
    async (asked) => {
      const bench = await dialled({ retry: () => asked });
      over(bench).last.down('refused', { retryAfterMs: 4_000 });
      expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: expect.any(Number) });
      const { delayMs = Number.NaN } = bench.connection.state as { delayMs?: number };
      expect(delayMs).toBeGreaterThanOrEqual(4_000);
      await bench.clock.advance(Math.min(delayMs, 2 ** 31));
      expect(over(bench).dials).toHaveLength(2);
    },
  );

  test('counts failures until a link has stayed up for the settle time and was proven', async () => {
    const bench = await dialled({ transports: [scripted('a', { liveness: 'ping' })] });
    const fail = async (): Promise<number | undefined> => {
      over(bench).last.down('lost');
      await bench.clock.advance(1_000);
      return bench.asked.at(-1)?.attempt;
    };
    expect(await fail()).toBe(1);
    over(bench).last.up();
    over(bench).last.frames([pong]);
    await bench.clock.advance(9_999);
    // proven, and not up for long enough
    expect(await fail()).toBe(2);
    over(bench).last.up({ greeted: false });
    await bench.clock.advance(9_999);
    // up for long, and not proven
    expect(await fail()).toBe(3);
    over(bench).last.up();
    over(bench).last.frames([pong]);
    await bench.clock.advance(10_000);
    expect(await fail()).toBe(1);
  });
});

describe('the choice among transports', () => {
  test('goes down the list without waiting, then waits and begins again', async () => {
    const bench = await dialled({ transports: three() });
    const order: string[] = [];
    for (let turn = 0; turn < 7; turn++) {
      const route = bench.transports.findIndex(({ heldCount }) => heldCount > 0);
      order.push(over(bench, route).name);
      over(bench, route).last.down('unsupported');
      order.push(String((bench.connection.state as { delayMs?: number }).delayMs));
      await bench.clock.advance((bench.connection.state as { delayMs?: number }).delayMs ?? 0);
    }
    expect(order).toEqual(['a', '0', 'b', '0', 'c', '1000', 'a', '0', 'b', '0', 'c', '1000', 'a', '0']);
    // the policy is asked only where there is something to wait for
    expect(bench.asked).toHaveLength(2);
  });

  test('counts what was opened and killed before it carried anything', async () => {
    const transports = [scripted('a', { liveness: 'ping' }), scripted('b')];
    const bench = await dialled({ transports });
    over(bench, 0).last.up({ greeted: false });
    over(bench, 0).last.down('lost');
    await bench.settle();
    expect(over(bench, 1).heldCount).toBe(1);
  });

  test('stays with a transport that has carried something', async () => {
    const bench = await opened({ transports: three() });
    for (let turn = 0; turn < 9; turn++) {
      await bench.clock.advance(10_000);
      over(bench).last.down('lost');
      await bench.clock.advance(1_000);
      over(bench).last.up();
    }
    expect(bench.transports.map(({ dials }) => dials.length)).toEqual([10, 0, 0]);
    expect(bench.asked).toHaveLength(9);
  });

  test('keeps to what the server asks for also on the way to another transport', async () => {
    const bench = await dialled({ transports: three() });
    over(bench).last.down('refused', { retryAfterMs: 3_000 });
    expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: 3_000 });
  });

  test('a pinned transport is dialled however often it fails, and waits', async () => {
    const bench = connectionBench({ transports: three() });
    bench.routes.pin(1);
    bench.connection.start();
    for (let turn = 0; turn < 3; turn++) {
      await bench.settle();
      over(bench, 1).last.down('unsupported');
      expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: 1_000 });
      await bench.clock.advance(1_000);
    }
    expect(bench.transports.map(({ dials }) => dials.length)).toEqual([0, 4, 0]);
  });
});

describe('a redial', () => {
  const twoPinging = (more = {}) => [scripted('a', { liveness: 'ping', ...more })];

  async function withCandidate(transports = twoPinging()): Promise<Bench> {
    const bench = await opened({ transports });
    bench.connection.redial();
    await bench.settle();
    return bench;
  }

  test('makes before it breaks: the candidate takes over when it has proved itself, not before', async () => {
    const bench = await withCandidate();
    const [old, candidate] = over(bench).dials;
    expect(bench.connection.current?.id).toBe(1);
    candidate?.up({ greeted: false });
    await bench.settle();
    expect(bench.connection.current?.id).toBe(1);
    expect([old?.isHeld, candidate?.isHeld]).toEqual([true, true]);
    candidate?.frames([pong]);
    expect(bench.connection.current?.id).toBe(2);
    expect(links(bench)).toEqual(['up 1', 'up 2']);
    await bench.clock.advance(1_999);
    expect(old?.isHeld).toBe(true);
    await bench.clock.advance(1);
    expect(old?.isHeld).toBe(false);
    expect(links(bench)).toEqual(['up 1', 'up 2', 'down 1']);
  });

  test('the old link is let go at once when nothing is expected of it any more', async () => {
    const bench = await withCandidate();
    over(bench).last.up();
    bench.connection.drained(1);
    expect(over(bench).dials.map(({ isHeld }) => isHeld)).toEqual([false, true]);
    expect(links(bench).at(-1)).toBe('down 1');
    await bench.clock.advance(2_000);
    expect(bench.heard.filter(({ kind }) => kind === 'down')).toHaveLength(1);
  });

  test('the link in use and the candidate are not let go by that', async () => {
    const bench = await withCandidate();
    bench.connection.drained(1);
    bench.connection.drained(2);
    bench.connection.drained(99);
    expect(bench.held).toBe(2);
  });

  test('both links are heard while they overlap, where positions tell their events apart', async () => {
    const bench = await withCandidate();
    const [old, candidate] = over(bench).dials;
    old?.frames([event(1)], 'old cursor');
    candidate?.up();
    candidate?.frames([event(2)], 'new cursor');
    old?.frames([event(3)], 'late');
    expect(offsets(bench)).toEqual([1, 2, 3]);
    expect(bench.heard.flatMap((each) => (each.kind === 'frames' ? [each.cursor] : []))).toEqual([
      'old cursor',
      'new cursor',
      'late',
    ]);
  });

  test('only the link in use is heard where nothing tells the events of two links apart', async () => {
    const bench = await withCandidate(twoPinging({ resume: 'none' }));
    const [old, candidate] = over(bench).dials;
    const ack = { kind: 'ack', id: 'p', offset: 90 } as const;
    candidate?.up({ greeted: false });
    old?.frames([event(1)], 'old');
    candidate?.frames([event(2)], 'new');
    // that was the proof, so the candidate is in use now
    const { offset: _, ...bare } = event(3);
    old?.frames([bare, ack], 'late');
    candidate?.frames([event(4)], 'newer');
    expect(offsets(bench)).toEqual([1, 2, 90, 4]);
    expect(bench.heard.flatMap((each) => (each.kind === 'frames' ? [each.cursor] : []))).toEqual([
      'old',
      'new',
      undefined,
      'newer',
    ]);
  });

  test('a candidate that fails leaves the old link alone, is reported, and is not tried again', async () => {
    const bench = await withCandidate();
    over(bench).last.down('refused', { retryAfterMs: 10 });
    await bench.clock.advance(5_000);
    expect(bench.connection.state).toMatchObject({ phase: 'open', link: 1, candidate: undefined });
    expect(bench.faults).toMatchObject([{ code: 'refused' }]);
    expect(bench.connection.facts().reason).toBeUndefined();
    expect(over(bench).dials.map(({ isHeld }) => isHeld)).toEqual([true, false]);
    expect(links(bench)).toEqual(['up 1']);
  });

  test.each(['forbidden', 'dismissed', 'unauthorized'] as const)(
    'a candidate that ends by %s ends nothing else',
    async (kind) => {
      const bench = await withCandidate();
      over(bench).last.up({ greeted: false });
      over(bench).last.down(kind);
      expect(bench.connection.state).toMatchObject({ phase: 'open', link: 1, candidate: undefined });
      expect(links(bench)).toEqual(['up 1', 'up 2', 'down 2']);
    },
  );

  test('a candidate that is not up in time is given up', async () => {
    const bench = await withCandidate([scripted('a')]);
    await bench.clock.advance(10_000);
    expect(bench.connection.state).toMatchObject({ phase: 'open', link: 1, candidate: undefined });
    expect(bench.faults).toMatchObject([{ code: 'timeout' }]);
  });

  test('when the old link breaks, the candidate is the attempt', async () => {
    const bench = await withCandidate();
    over(bench).dials[0]?.down('lost');
    expect(bench.connection.state).toMatchObject({ phase: 'connecting', link: 2 });
    await bench.clock.advance(1_000);
    expect(over(bench).dials).toHaveLength(2);
    over(bench).last.up();
    expect(bench.connection.state).toMatchObject({ phase: 'open', link: 2, candidate: undefined });
    over(bench).last.down('lost');
    expect(bench.phase).toBe('waiting');
  });

  test('while a candidate is on its way begins anew', async () => {
    const bench = await withCandidate();
    bench.connection.redial();
    await bench.settle();
    expect(over(bench).dials.map(({ isHeld }) => isHeld)).toEqual([true, false, true]);
    expect(bench.faults).toEqual([]);
  });

  test('while the first link is on its way begins anew, with what is wanted now', async () => {
    const bench = await dialled({ transports: three() });
    bench.routes.pin(2);
    bench.connection.redial();
    await bench.settle();
    expect(bench.transports.map(({ heldCount }) => heldCount)).toEqual([0, 0, 1]);
  });

  test('changes the transport at run time', async () => {
    const bench = await opened({ transports: three() });
    bench.routes.pin(2);
    bench.connection.redial();
    await bench.settle();
    over(bench, 2).last.up();
    expect(bench.connection.facts().transport).toBe(over(bench, 2));
    await bench.clock.advance(2_000);
    expect(bench.transports.map(({ heldCount }) => heldCount)).toEqual([0, 0, 1]);
  });

  test('the candidate counts as settled only after its own time', async () => {
    const bench = await dialled({ transports: [scripted('a')] });
    over(bench).last.down('refused');
    await bench.clock.advance(1_000);
    over(bench).last.up();
    await bench.clock.advance(9_000);
    bench.connection.redial();
    await bench.settle();
    over(bench).last.up();
    await bench.clock.advance(9_999);
    expect(bench.connection.state.attempt).toBe(1);
    await bench.clock.advance(1);
    expect(bench.connection.state.attempt).toBe(0);
  });
});

describe('what is remembered', () => {
  test('a transport that has carried something is forgiven', async () => {
    const bench = connectionBench({ transports: three() });
    bench.routes.failed(0);
    bench.routes.pin(0);
    await bench.open();
    bench.routes.pin(undefined);
    expect(bench.routes.pick()).toBe(0);
  });

  test('the end of a link that was replaced means nothing', async () => {
    const bench = await opened();
    bench.connection.redial();
    await bench.settle();
    over(bench).last.up();
    over(bench).dials[0]?.down('forbidden');
    expect(links(bench)).toEqual(['up 1', 'up 2', 'down 1']);
    expect([bench.phase, bench.asked, bench.faults, bench.connection.facts().reason]).toEqual(['open', [], [], undefined]);
  });

  test('a link that was replaced is kept for its time where the server cannot replay', async () => {
    const bench = await opened({ transports: [scripted('a', { resume: 'none' })] });
    bench.connection.redial();
    await bench.settle();
    over(bench).last.up();
    bench.connection.drained(1);
    expect(bench.held).toBe(2);
    await bench.clock.advance(2_000);
    expect(bench.held).toBe(1);
  });

  test('a refusal before a stop does not count after it', async () => {
    let serial = 0;
    const bench = await dialled({
      auth() {
        serial += 1;
        return `token ${serial}`;
      },
    });
    for (let turn = 0; turn < 3; turn++) {
      over(bench).last.down('unauthorized');
      await bench.settle();
      expect(bench.held).toBe(1);
      bench.connection.stop();
      bench.connection.start();
      await bench.settle();
    }
  });
});

describe('a hold', () => {
  test('keeps a start back until it is released', async () => {
    const bench = connectionBench();
    bench.connection.hold('app', false);
    bench.connection.start();
    await bench.settle();
    expect([bench.phase, over(bench).dials.length]).toEqual(['held', 0]);
    bench.connection.release('other');
    expect(bench.phase).toBe('held');
    bench.connection.release('app');
    await bench.settle();
    expect(bench.held).toBe(1);
  });

  test.each([
    [true, 'held', 0],
    [false, 'open', 1],
  ])('that severs (%j) an open link: %s', async (severs, phase, held) => {
    const bench = await opened();
    bench.connection.hold('app', severs);
    expect([bench.phase, bench.held]).toEqual([phase, held]);
    expect(links(bench)).toHaveLength(severs ? 2 : 1);
  });

  test('takes effect when the link that was left alone ends', async () => {
    const bench = await opened();
    bench.connection.hold('offline', false);
    over(bench).last.down('lost');
    expect([bench.phase, bench.clock.pending]).toEqual(['held', 0]);
    bench.connection.release('offline');
    await bench.settle();
    expect(bench.held).toBe(1);
  });

  test('is not passed by wake or redial', async () => {
    const bench = await opened();
    bench.connection.hold('app', true);
    bench.connection.wake();
    bench.connection.redial();
    await bench.clock.advance(1_000_000);
    expect([bench.phase, bench.held, bench.clock.pending]).toEqual(['held', 0, 0]);
  });
});

/** Every situation that a connection can be in, and how to get there. */
const situations: Record<string, () => Promise<Bench>> = {
  idle: async () => connectionBench(),
  'asking for a token': () => dialled({ auth: () => new Promise(() => {}) }),
  dialling: () => dialled(),
  'up and not proven': async () => {
    const bench = await dialled({ transports: [scripted('a', { liveness: 'ping' })] });
    over(bench).last.up({ greeted: false });
    return bench;
  },
  'up, with a ping out': () => opened({ transports: [scripted('a', { liveness: 'ping' })] }),
  'up, watched for silence': () => opened({ transports: [scripted('a', { liveness: 'silence' })] }),
  settled: async () => {
    const bench = await opened();
    await bench.clock.advance(20_000);
    return bench;
  },
  'up, with a token to renew': async () => {
    const bench = connectionBench({ auth: () => ({ token: 't', expiresAt: bench.clock.wallNow() + 3_600_000 }) });
    await bench.open();
    return bench;
  },
  'up, renewing a token': async () => {
    let isFirst = true;
    const bench = connectionBench({
      transports: [scripted('a', { reauth: true })],
      auth() {
        if (!isFirst) return new Promise(() => {});
        isFirst = false;
        return { token: 't', expiresAt: bench.clock.wallNow() + 100_000 };
      },
    });
    await bench.open();
    await bench.clock.advance(80_000);
    return bench;
  },
  'up, told to drain': async () => {
    const bench = await opened();
    over(bench).last.frames([{ kind: 'advice', drain: true, retryAfterMs: 60_000 }]);
    return bench;
  },
  'dialling a candidate': async () => {
    const bench = await opened();
    bench.connection.redial();
    await bench.settle();
    return bench;
  },
  'asking for the token of a candidate': async () => {
    let isFirst = true;
    const bench = await opened({
      auth() {
        if (!isFirst) return new Promise(() => {});
        isFirst = false;
        return 'token';
      },
    });
    bench.connection.redial();
    await bench.settle();
    return bench;
  },
  'with a candidate that is up': async () => {
    const bench = await opened({ transports: [scripted('a', { liveness: 'ping' })] });
    bench.connection.redial();
    await bench.settle();
    over(bench).last.up({ greeted: false });
    return bench;
  },
  'with a link that was replaced': async () => {
    const bench = await opened();
    bench.connection.redial();
    await bench.settle();
    over(bench).last.up();
    return bench;
  },
  'with a replaced link and a candidate': async () => {
    const bench = await opened();
    for (let turn = 0; turn < 2; turn++) {
      bench.connection.redial();
      await bench.settle();
      if (turn === 0) over(bench).last.up();
    }
    return bench;
  },
  'with a replaced link, waiting': async () => {
    const bench = await opened();
    bench.connection.redial();
    await bench.settle();
    over(bench).last.up();
    over(bench).last.down('lost');
    return bench;
  },
  waiting: async () => {
    const bench = await dialled();
    over(bench).last.down('refused');
    return bench;
  },
  held: async () => {
    const bench = await opened();
    bench.connection.hold('app', true);
    return bench;
  },
  failed: async () => {
    const bench = await opened();
    over(bench).last.down('forbidden');
    return bench;
  },
};

describe.each(Object.entries(situations))('%s', (name, build) => {
  /** Nothing is left: no timer, no link, and every link that came up has gone down. */
  async function expectNothingLeft(bench: Bench): Promise<void> {
    expect(bench.held).toBe(0);
    // a provider that was given up lets go of its deadline
    await bench.settle();
    expect([bench.clock.pending, bench.held]).toEqual([0, 0]);
    expect(bench.connection.current).toBeUndefined();
    const up = links(bench).filter((each) => each.startsWith('up'));
    const down = links(bench).filter((each) => each.startsWith('down'));
    expect(down.map((each) => each.slice(5)).sort()).toEqual(up.map((each) => each.slice(3)).sort());
    const { changes, heard } = bench;
    await bench.clock.advance(10_000_000);
    expect([bench.changes, bench.heard.length, bench.faults]).toEqual([changes, heard.length, []]);
  }

  test('stop leaves nothing, and the next start begins anew', async () => {
    const bench = await build();
    bench.connection.stop();
    await expectNothingLeft(bench);
    expect(bench.phase).toBe('idle');
    bench.connection.release('app');
    if (name.includes('token')) return;
    await bench.open();
    expect([bench.phase, bench.held]).toEqual(['open', 1]);
    bench.connection.stop();
    await expectNothingLeft(bench);
  });

  test('close leaves nothing, for good', async () => {
    const bench = await build();
    bench.connection.close();
    await expectNothingLeft(bench);
    expect(bench.connection.state).toMatchObject({ phase: 'ended', error: undefined });
    for (const act of ['start', 'stop', 'redial', 'wake', 'close'] as const) bench.connection[act]();
    bench.connection.hold('x', true);
    bench.connection.release('x');
    await expectNothingLeft(bench);
    expect(bench.phase).toBe('ended');
  });

  test('a hold that severs leaves nothing but what drains', async () => {
    const bench = await build();
    bench.connection.hold('app', true);
    await bench.clock.advance(2_000);
    expect([bench.clock.pending, bench.held]).toEqual([0, 0]);
  });
});

describe('a listener that acts while it is told of a change', () => {
  const actions: Record<string, (connection: Connection) => void> = {
    stop: (connection) => connection.stop(),
    close: (connection) => connection.close(),
    'stop and start': (connection) => {
      connection.stop();
      connection.start();
    },
    start: (connection) => connection.start(),
    redial: (connection) => connection.redial(),
    wake: (connection) => connection.wake(),
    'hold and release': (connection) => {
      connection.hold('app', true);
      connection.release('app');
    },
  };

  /** A life with everything in it; each step is taken only where the connection is still there for it. */
  async function live(bench: Bench): Promise<void> {
    const last = (): ScriptedTransport['last'] | undefined =>
      over(bench)
        .dials.filter(({ isHeld }) => isHeld)
        .at(-1);
    const steps: (() => void)[] = [
      () => bench.connection.start(),
      () => last()?.up({ greeted: false }),
      () => last()?.frames([pong, event(1)]),
      () => bench.connection.redial(),
      () => last()?.up({ greeted: false }),
      () => last()?.frames([pong]),
      () => last()?.down('lost'),
      () => bench.connection.wake(),
      () => last()?.up(),
      () => last()?.frames([{ kind: 'advice', drain: true }]),
      () => last()?.up(),
    ];
    const upLinks = new Set<unknown>();
    for (const step of steps) {
      const link = last();
      const isUp = /up\(/.test(String(step));
      // a link comes up once
      if (!(isUp && (link === undefined || upLinks.has(link)))) step();
      if (isUp) upLinks.add(link);
      await bench.settle();
    }
  }

  const cells = Object.keys(actions).flatMap((action) => Array.from({ length: 12 }, (_, index) => [action, index + 1] as const));

  test.each(cells)('%s at change %d', async (action, call) => {
    const bench = connectionBench({
      transports: [scripted('a', { liveness: 'ping' })],
      changed(connection, number) {
        if (number === call) actions[action]?.(connection);
      },
    });
    await live(bench);
    await bench.clock.advance(2_000);
    // what drained is gone: one link in use, at most one candidate
    expect(bench.held).toBeLessThanOrEqual(2);
    if (action === 'close' && bench.changes >= call)
      expect([bench.phase, bench.held, bench.clock.pending]).toEqual(['ended', 0, 0]);
    // it still works: what comes up is used
    if (action !== 'close') {
      bench.connection.stop();
      await bench.open();
      expect([bench.phase, bench.held]).toEqual(['open', 1]);
      expect(bench.connection.current).toBeDefined();
    }
    bench.connection.stop();
    await bench.settle();
    expect([bench.clock.pending, bench.held]).toEqual([0, 0]);
  });

  test('is told of the newest state, and what it causes comes after what caused it', async () => {
    const phases: string[] = [];
    const bench = connectionBench({
      changed(connection) {
        phases.push(connection.state.phase);
        if (phases.length === 2) {
          connection.stop();
          // not yet: this is still the change that it was told of
          phases.push(`then ${connection.state.phase}`);
        }
      },
    });
    await bench.open();
    expect(phases).toEqual(['connecting', 'open', 'then open', 'idle']);
  });
});

test('an abort from our side is not taken for an end of the link', async () => {
  const causes: DownCause['kind'][] = [];
  const bench = await opened({
    retry({ cause }) {
      causes.push(cause.kind);
      return 0;
    },
  });
  bench.connection.stop();
  bench.connection.start();
  await bench.settle();
  expect(causes).toEqual([]);
});

describe('a stream that is to be replaced by another one of its kind, which gets no answer', () => {
  const streams = () => [scripted('a', { joining: 'dial' })];

  async function unanswered(options: BenchOptions): Promise<Bench> {
    const bench = await opened(options);
    await bench.clock.advance(10_000);
    bench.connection.redial();
    await bench.clock.advance(10_000);
    return bench;
  }

  test('makes room for it, once: a browser may have no connection left', async () => {
    const bench = await unanswered({ transports: streams() });
    expect(bench.connection.state).toMatchObject({ phase: 'connecting', link: 3 });
    expect(over(bench).dials.map(({ isHeld }) => isHeld)).toEqual([false, false, true]);
    expect(bench.history.at(-1)).toMatchObject({ what: 'swap', transport: 'a' });
    // that one fails as well, and then it is an attempt like any other
    await bench.clock.advance(10_000);
    expect(bench.phase).toBe('waiting');
  });

  test('stays where channels are joined by frames', async () => {
    const bench = await unanswered({ transports: [scripted('a')] });
    expect(bench.connection.current?.id).toBe(1);
  });

  test('stays when the other one was refused, when that is another transport, and while there is no network', async () => {
    const refused = await opened({ transports: streams() });
    await refused.clock.advance(10_000);
    refused.connection.redial();
    await refused.settle();
    over(refused).last.down('refused');
    expect(refused.connection.current?.id).toBe(1);

    const other = await opened({ transports: [...streams(), scripted('b', { joining: 'dial' })] });
    await other.clock.advance(10_000);
    other.routes.pin(1);
    other.connection.reroute();
    await other.clock.advance(10_000);
    expect(other.connection.current?.transport.name).toBe('a');

    const offline = await opened({ transports: streams() });
    await offline.clock.advance(10_000);
    offline.connection.redial();
    offline.connection.hold('offline', false);
    await offline.clock.advance(10_000);
    expect(offline.connection.current?.id).toBe(1);
  });
});
