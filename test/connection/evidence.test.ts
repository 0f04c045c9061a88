import { describe, expect, test } from 'vitest';
import { createEvidence } from '../../src/connection/evidence.ts';
import { RealtimeError } from '../../src/errors.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { connectionBench } from '../support/connection-bench.ts';
import { causeOf, scripted } from '../support/scripted-transport.ts';

const cut = causeOf('lost');
const silence = { kind: 'lost', error: new RealtimeError('timeout', 'no sign of life') } as const;

describe('the cause of an end counts as local', () => {
  test('when the network or the device came back within the 5 seconds before', async () => {
    const clock = manualClock(1_000);
    const evidence = createEvidence(clock);
    expect(evidence.isLocal(cut, 20_000, true)).toBe(false);
    evidence.changed();
    await clock.advance(4_999);
    expect(evidence.isLocal(cut, 40_000, true)).toBe(true);
    expect(evidence.isLocal(causeOf('refused'), undefined, false)).toBe(true);
    await clock.advance(1);
    expect(evidence.isLocal(cut, 60_000, true)).toBe(false);
  });

  test('when a link that was up fell silent, and not when an attempt got no answer', () => {
    const evidence = createEvidence(manualClock());
    expect(evidence.isLocal(silence, 1, false)).toBe(true);
    expect(evidence.isLocal(silence, undefined, false)).toBe(false);
  });

  test('when two settled links in a row were cut at the same age', () => {
    const evidence = createEvidence(manualClock());
    expect(evidence.isLocal(cut, 60_000, true)).toBe(false);
    // one that had not settled says nothing about ages
    expect(evidence.isLocal(cut, 60_000, false)).toBe(false);
    expect(evidence.isLocal(causeOf('refused'), undefined, false)).toBe(false);
    expect(evidence.isLocal(cut, 60_249, true)).toBe(true);
    expect(evidence.isLocal(cut, 60_499, true)).toBe(false);
    expect(evidence.isLocal(cut, 60_250, true)).toBe(true);
  });
});

describe('an end of a link to a server that has few clients', () => {
  test('counts as local, and so do the attempts of the 5 seconds after it', async () => {
    const clock = manualClock(1_000);
    const evidence = createEvidence(clock);
    expect(evidence.isLocal(cut, 20_000, true, 200)).toBe(true);
    await clock.advance(4_999);
    expect(evidence.isLocal(causeOf('refused'), undefined, false)).toBe(true);
    await clock.advance(1);
    expect(evidence.isLocal(causeOf('refused'), undefined, false)).toBe(false);
  });

  test('does not where its window is wider, or was said on an attempt that never came up', () => {
    const evidence = createEvidence(manualClock(10_000));
    expect(evidence.isLocal(cut, 20_000, true, 201)).toBe(false);
    expect(evidence.isLocal(causeOf('refused'), undefined, false, 0)).toBe(false);
  });
});

describe('the retry policy is told', () => {
  test('of a local cause after a wake, and not without', async () => {
    const bench = connectionBench();
    await bench.open();
    await bench.clock.advance(20_000);
    bench.transports[0]?.last.down('lost');
    await bench.clock.advance(1_000);
    bench.connection.wake();
    bench.transports[0]?.last.down('refused');
    expect(bench.asked.map(({ isLocal }) => isLocal)).toEqual([false, true]);
  });

  test('of a link that answers no ping', async () => {
    const bench = connectionBench({ transports: [scripted('a', { liveness: 'ping' })] });
    await bench.open();
    await bench.clock.advance(10_500);
    expect(bench.asked).toMatchObject([{ isLocal: true, cause: { kind: 'lost', error: { code: 'timeout' } } }]);
  });

  test('how long there has been no settled link', async () => {
    const bench = connectionBench();
    await bench.open();
    await bench.clock.advance(20_000);
    for (const waitMs of [1_000, 3_000, 5_000]) {
      bench.transports[0]?.last.down('lost');
      await bench.clock.advance(waitMs);
      // up again, and not for long enough to settle
      bench.transports[0]?.last.up();
    }
    expect(bench.asked.map(({ awayMs }) => awayMs)).toEqual([0, 1_000, 4_000]);
    await bench.clock.advance(10_000);
    bench.transports[0]?.last.down('lost');
    expect(bench.asked.at(-1)).toMatchObject({ attempt: 1, awayMs: 0 });
  });
});
