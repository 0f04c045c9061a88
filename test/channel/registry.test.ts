import { describe, expect, test } from 'vitest';
import { createRegistry } from '../../src/channel/registry.ts';
import { createSubscription } from '../../src/channel/subscription.ts';
import type { JoinedFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { quietHooks } from '../support/subscription-hooks.ts';

function setup(graceMs = 1_000) {
  const clock = manualClock();
  const log: string[] = [];
  const registry = createRegistry(graceMs, clock, {
    create(name) {
      log.push(`create ${name}`);
      return createSubscription(name, quietHooks());
    },
    added: (name) => log.push(`added ${name} (${registry.positions().has(name)})`),
    dropped: (name) => log.push(`dropped ${name} (${registry.positions().has(name)})`),
    reopened: (name) => log.push(`reopened ${name}`),
  });
  return { clock, log, registry };
}

const link = { id: 1, resume: 'channel', isAlone: false, isStreamResumed: false } as const;
const joinedAt = (channel: string, offset: number): JoinedFrame => ({ kind: 'joined', channel, epoch: 'e', offset });

describe('the registry', () => {
  test('makes a channel with its first reference, and tells when it is there', () => {
    const { log, registry } = setup();
    const first = registry.retain('lobby');
    expect(registry.retain('lobby')).toBe(first);
    expect(registry.get('lobby')).toBe(first);
    expect(registry.get('other')).toBeUndefined();
    expect(log).toEqual(['create lobby', 'added lobby (true)']);
  });

  test('drops a channel after the grace time of its last reference', async () => {
    const { clock, log, registry } = setup();
    registry.retain('lobby');
    registry.retain('lobby');
    registry.release('lobby');
    expect(clock.pending).toBe(0);
    registry.release('lobby');
    await clock.advance(999);
    expect(registry.get('lobby')).toBeDefined();
    await clock.advance(1);
    expect(registry.get('lobby')).toBeUndefined();
    expect(log.slice(2)).toEqual(['dropped lobby (false)']);
    expect(clock.pending).toBe(0);
  });

  test('keeps a channel that is wanted again in time, with all that it knows', async () => {
    const { clock, log, registry } = setup();
    const first = registry.retain('lobby');
    registry.release('lobby');
    await clock.advance(999);
    expect(registry.retain('lobby')).toBe(first);
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    expect(registry.get('lobby')).toBe(first);
    registry.release('lobby');
    await clock.advance(1_000);
    expect(registry.get('lobby')).toBeUndefined();
    expect(log).toHaveLength(3);
  });

  test('makes a new one after it was dropped', async () => {
    const { clock, registry } = setup(0);
    const first = registry.retain('lobby');
    registry.release('lobby');
    await clock.advance(0);
    expect(registry.retain('lobby')).not.toBe(first);
  });

  test('a release too many does no harm', async () => {
    const { clock, registry } = setup();
    registry.release('never');
    registry.retain('lobby');
    registry.release('lobby');
    registry.release('lobby');
    expect(clock.pending).toBe(1);
    await clock.advance(1_000);
    expect(registry.get('lobby')).toBeUndefined();
    registry.release('lobby');
    expect(clock.pending).toBe(0);
  });

  test('takes the listeners of a dropped channel away', async () => {
    const { clock, registry } = setup();
    const { bus } = registry.retain('lobby');
    bus.on('message', () => {});
    registry.release('lobby');
    await clock.advance(1_000);
    expect(bus.size).toBe(0);
  });

  test('clear drops all of them at once, also those in their grace time', () => {
    const { clock, log, registry } = setup();
    registry.retain('a');
    registry.retain('b');
    registry.release('b');
    registry.clear();
    expect([...registry.all()]).toEqual([]);
    expect(clock.pending).toBe(0);
    expect(log.slice(-2)).toEqual(['dropped a (false)', 'dropped b (false)']);
  });

  test('lists what is wanted', () => {
    const { registry } = setup();
    const [a, b] = [registry.retain('a'), registry.retain('b')];
    expect([...registry.all()]).toEqual([a, b]);
  });
});

test('the positions are those of the moment in which they are asked for', () => {
  const { registry } = setup();
  expect([...registry.positions()]).toEqual([]);
  const lobby = registry.retain('lobby');
  registry.retain('__proto__');
  const before = registry.positions();
  lobby.joined(joinedAt('lobby', 7), link);
  expect([...registry.positions()]).toEqual([
    ['lobby', { epoch: 'e', offset: 7 }],
    ['__proto__', undefined],
  ]);
  expect([...before.keys()]).toEqual(['lobby', '__proto__']);
});

describe('a channel that is wanted again', () => {
  test('is asked for again when the server had not let us in, or had ended it', () => {
    const { registry, log } = setup();
    const { denied, left, state } = registry.retain('lobby');
    denied({ kind: 'denied', channel: 'lobby', code: 'full' });
    expect(state.get().status).toBe('denied');
    registry.retain('lobby');
    expect(state.get()).toMatchObject({ status: 'joining', error: undefined });
    left({ kind: 'left', channel: 'lobby' });
    registry.retain('lobby');
    expect(state.get().status).toBe('joining');
    expect(log.filter((line) => line.startsWith('reopened'))).toEqual(['reopened lobby', 'reopened lobby']);
  });

  test('is left alone while it is joined or on its way', () => {
    const { registry, log } = setup();
    registry.retain('lobby').joined(joinedAt('lobby', 1), link);
    registry.retain('lobby');
    expect(log.some((line) => line.startsWith('reopened'))).toBe(false);
  });

  test('that nobody wants any longer says that it is left', async () => {
    const { registry, clock } = setup();
    const { state } = registry.retain('lobby');
    registry.release('lobby');
    await clock.advance(1_000);
    expect(state.get().status).toBe('left');
  });
});
