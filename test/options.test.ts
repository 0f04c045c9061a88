import { describe, expect, test } from 'vitest';
import { defaultLiveness } from '../src/connection/liveness.ts';
import { noDedup } from '../src/delivery/dedup.ts';
import { defaultOutboxLimits } from '../src/delivery/outbox-options.ts';
import { RealtimeError } from '../src/errors.ts';
import { assertMode, type RealtimeOptions, resolveOptions } from '../src/options.ts';
import { systemPlatform } from '../src/platform/platform.ts';
import { manualClock } from '../src/testing/clock.ts';
import { scripted } from './support/scripted-transport.ts';

const transports = [scripted('a'), scripted('b')];

function refusal(options: unknown): RealtimeError {
  try {
    resolveOptions(options as RealtimeOptions);
  } catch (error) {
    if (RealtimeError.is(error)) return error;
    throw error;
  }
  throw new Error('the options were taken');
}

describe('the options', () => {
  test('have the documented defaults', () => {
    const { retry, dedup, ...rest } = resolveOptions({ transports });
    expect(dedup('lobby')).toBeTypeOf('function');
    expect(rest).toEqual({
      transports,
      mode: 'auto',
      events: undefined,
      auth: undefined,
      connectTimeoutMs: 10_000,
      settleAfterMs: 10_000,
      authTimeoutMs: 10_000,
      drainMs: 2_000,
      leaveAfterMs: 1_000,
      reorder: { maxMessages: 64, waitMs: 200 },
      backfill: undefined,
      delivery: {},
      liveness: { pingAfterMs: 25_000, pongTimeoutMs: 10_000, silenceMs: 60_000 },
      outbox: {
        maxCount: 1_000,
        maxBytes: 1_048_576,
        maxSendBytes: 262_144,
        maxAgeMs: 120_000,
        overflow: 'reject-new',
        windowSize: 256,
        maxFailed: 100,
        blocks: undefined,
        storage: undefined,
      },
      platform: systemPlatform,
    });
    const cause = { kind: 'lost', error: new RealtimeError('connection-lost', 'x') } as const;
    expect(retry({ attempt: 1, cause, uptimeMs: 0, awayMs: 0, isLocal: false, random: () => 1 })).toBe(3_200);
  });

  test('are taken as given', () => {
    const given = {
      transports,
      mode: 'b',
      events: {},
      auth: () => 'token',
      retry: () => 7,
      connectTimeoutMs: 1,
      settleAfterMs: 2,
      authTimeoutMs: 3,
      drainMs: 4,
      leaveAfterMs: 0,
      dedup: noDedup,
    } satisfies RealtimeOptions;
    expect(resolveOptions(given)).toMatchObject(given);
  });

  test('fill in the parts of a group that were not given', () => {
    const clock = manualClock();
    const resolved = resolveOptions({
      transports,
      liveness: { silenceMs: 5 },
      outbox: { maxCount: 3, overflow: 'drop-oldest' },
      platform: { clock },
    });
    expect(resolved.liveness).toEqual({ ...defaultLiveness, silenceMs: 5 });
    expect(resolved.outbox).toEqual({ ...defaultOutboxLimits, maxCount: 3, overflow: 'drop-oldest' });
    expect(resolved.platform).toEqual({ ...systemPlatform, clock });
  });

  test.each([undefined, null, 5, 'options'])('%j are none', (options) => {
    expect(refusal(options)).toMatchObject({ code: 'invalid-option', message: expect.stringContaining('options') });
  });

  test('with an unknown name are refused by that name', () => {
    expect(refusal({ transports, conectTimeoutMs: 5 })).toMatchObject({
      code: 'invalid-option',
      message: 'options.conectTimeoutMs is not valid',
      hint: expect.stringContaining('connectTimeoutMs'),
    });
  });

  test.each([
    ['absent', undefined],
    ['no list', transports[0]],
    ['empty', []],
    ['null inside', [null]],
    ['a name only', [{ name: 'x' }]],
    ['without connect', [{ name: 'x', capabilities: {} }]],
    ['without capabilities', [{ name: 'x', connect() {} }]],
    ['without a name', [{ connect() {}, capabilities: {} }]],
    ['one wrong among right ones', [...transports, {}]],
    ['of one name', [scripted('a'), scripted('a')]],
    ['named auto', [scripted('auto')]],
  ])('with transports %s are refused', (_, value) => {
    expect(refusal({ transports: value })).toMatchObject({
      code: 'invalid-option',
      message: 'options.transports is not valid',
      hint: expect.stringMatching(/^It must be .*transport/),
    });
  });

  const durations = ['connectTimeoutMs', 'settleAfterMs', 'authTimeoutMs', 'drainMs', 'leaveAfterMs'];
  const groups = [
    ...['pingAfterMs', 'pongTimeoutMs', 'silenceMs'].map((name) => ['liveness', name]),
    ...['maxMessages', 'waitMs'].map((name) => ['reorder', name]),
    ...['maxCount', 'maxBytes', 'maxAgeMs', 'windowSize', 'maxFailed'].map((name) => ['outbox', name]),
  ];
  const wrong = [-1, Number.NaN, '5', null, {}];

  test.each(durations.flatMap((name) => wrong.map((value) => [name, value] as const)))('refuse %s: %j', (name, value) => {
    expect(refusal({ transports, [name]: value })).toMatchObject({
      code: 'invalid-option',
      message: `options.${name} is not valid`,
      hint: 'It must be a number that is not negative.',
    });
  });

  test.each(groups.flatMap(([group, name]) => wrong.map((value) => [group, name, value] as const)))(
    'refuse %s.%s: %j',
    (group, name, value) => {
      expect(refusal({ transports, [String(group)]: { [String(name)]: value } })).toMatchObject({
        code: 'invalid-option',
        message: expect.stringContaining(String(name)),
      });
    },
  );

  test('refuse a retry policy that is no function', () => {
    expect(refusal({ transports, retry: 500 })).toMatchObject({ code: 'invalid-option', message: 'options.retry is not valid' });
  });

  test('refuse a mode that no transport has', () => {
    expect(refusal({ transports, mode: 'c' })).toMatchObject({
      code: 'invalid-option',
      message: 'the mode "c" is not valid',
      hint: 'It must be one of auto, a, b.',
    });
  });
});

test('assertMode takes auto and the names of the transports only', () => {
  for (const mode of ['auto', 'a', 'b']) expect(() => assertMode(mode, transports)).not.toThrow();
  for (const mode of ['', 'A', 'toString', '__proto__']) expect(() => assertMode(mode, transports)).toThrow(/is not valid/);
});
