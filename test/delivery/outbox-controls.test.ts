import { describe, expect, test, vi } from 'vitest';
import { createOutbox } from '../../src/delivery/outbox.ts';
import {
  defaultOutboxLimits,
  type OutboxEntry,
  type OutboxOptions,
  type SendOptions,
} from '../../src/delivery/outbox-options.ts';
import type { OutboxStorage } from '../../src/delivery/storage.ts';
import { RealtimeError } from '../../src/errors.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { linkOf } from '../support/outbox-link.ts';

function setup(options: Partial<OutboxOptions> = {}) {
  const clock = manualClock();
  const late: OutboxEntry[] = [];
  const outbox = createOutbox({ ...defaultOutboxLimits, ...options }, clock, () => {}, { late: (entry) => late.push(entry) });
  const outcomes: string[] = [];
  const send = (id: string, more: SendOptions & { channel?: string; reply?: boolean; data?: unknown } = {}): void => {
    const { channel = 'lobby', reply, data = 'x', ...rest } = more;
    outbox.send({ kind: 'publish', id, channel, event: 'move', data, reply }, rest).then(
      ({ status }) => outcomes.push(`${id} ${status}`),
      (error: RealtimeError) => outcomes.push(`${id} ${error.code}`),
    );
  };
  const settle = (): Promise<void> => clock.advance(0);
  const list = (): string[] => outbox.entries.get().map(({ id, status, attempts }) => `${id} ${status} ${attempts}`);
  return { clock, late, outbox, outcomes, send, settle, list };
}

const lost = new RealtimeError('connection-lost', 'cut');

describe('the list', () => {
  test('shows each send as it goes, and forgets what was accepted', async () => {
    const { outbox, send, settle, list } = setup();
    const { link, acceptAll } = linkOf(1);
    send('a', { data: { text: 'hello' } });
    await settle();
    expect(outbox.entries.get()).toEqual([
      {
        id: 'a',
        channel: 'lobby',
        event: 'move',
        data: { text: 'hello' },
        status: 'queued',
        delivery: 'at-least-once',
        since: 1_700_000_000_000,
        attempts: 0,
        bytes: expect.any(Number),
        error: undefined,
      },
    ]);
    outbox.use(link);
    await settle();
    expect(list()).toEqual(['a sending 1']);
    acceptAll();
    await settle();
    expect(list()).toEqual([]);
  });

  test('is told once for all that happens in one tick', async () => {
    const { outbox, send, settle } = setup();
    const listener = vi.fn();
    outbox.entries.subscribe(listener);
    for (const id of ['a', 'b', 'c']) send(id);
    await settle();
    expect(listener).toHaveBeenCalledTimes(2);
  });

  test('says why a send did not go through the last time', async () => {
    const { outbox, send, settle } = setup();
    const { link, batches } = linkOf(1);
    outbox.use(link);
    send('a');
    await settle();
    batches[0]?.reject(lost);
    await settle();
    expect(outbox.entries.get()[0]).toMatchObject({ status: 'queued', attempts: 1, error: lost });
  });
});

describe('a failed send', () => {
  test.each([
    ['its time was over', 'expired', async ({ clock }: ReturnType<typeof setup>) => clock.advance(120_000)],
    [
      'the server refused it',
      'rejected',
      async ({ outbox, settle }: ReturnType<typeof setup>) => {
        outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
        await settle();
      },
    ],
  ])('stays in the list when %s, and leaves again when it is retried', async (_, code, failing) => {
    const parts = setup();
    const { outbox, send, settle, outcomes, list } = parts;
    const statuses: string[] = [];
    send('a', { tell: (status) => statuses.push(status) });
    await failing(parts);
    expect(outcomes).toEqual([`a ${code}`]);
    expect(outbox.entries.get()).toMatchObject([{ id: 'a', status: 'failed', error: { code } }]);
    const { link, ids, acceptAll } = linkOf(1);
    outbox.use(link);
    await settle();
    expect(ids()).toEqual([]);
    expect(outbox.retry('a')).toBe(true);
    await settle();
    expect(ids()).toEqual([['a']]);
    acceptAll();
    await settle();
    expect(list()).toEqual([]);
    expect(statuses).toEqual(['queued', 'failed', 'queued', 'sending', 'accepted']);
    expect([outbox.retry('a'), outbox.retry('stranger'), outbox.size]).toEqual([false, false, 0]);
  });

  test('leaves before what was published after it when it is retried', async () => {
    const { outbox, send, settle } = setup();
    for (const id of ['a', 'b', 'c', 'd']) send(id);
    outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
    outbox.answered({ kind: 'reject', id: 'c', code: 'E' });
    outbox.retry('a');
    outbox.retry('c');
    const { link, ids } = linkOf(1);
    outbox.use(link);
    await settle();
    expect(ids()).toEqual([['a', 'b', 'c', 'd']]);
  });

  test('has its whole time again when it is retried', async () => {
    const { outbox, send, clock, outcomes, list } = setup();
    send('a', { timeoutMs: 100 });
    await clock.advance(100);
    outbox.retry('a');
    await clock.advance(99);
    expect(list()).toEqual(['a queued 0']);
    await clock.advance(1);
    expect(list()).toEqual(['a failed 0']);
    expect(outcomes).toEqual(['a expired']);
    expect(clock.pending).toBe(0);
  });

  test('is forgotten when it is cancelled, or published anew', async () => {
    const { outbox, send, settle, list, outcomes } = setup();
    for (const id of ['a', 'b']) {
      send(id);
      outbox.answered({ kind: 'reject', id, code: 'E' });
    }
    expect(outbox.cancel('a')).toBe(true);
    send('b');
    await settle();
    expect(list()).toEqual(['b queued 0']);
    expect(outcomes).toEqual(['a rejected', 'b rejected']);
  });

  test('is not listed when it was cancelled, given up or a request', async () => {
    const { outbox, send, settle, list, outcomes } = setup();
    const controller = new AbortController();
    send('a');
    send('b', { signal: controller.signal });
    send('c', { reply: true });
    expect([outbox.cancel('a'), outbox.cancel('a'), outbox.cancel('stranger')]).toEqual([true, false, false]);
    controller.abort();
    outbox.answered({ kind: 'reject', id: 'c', code: 'E' });
    await settle();
    expect(outcomes).toEqual(['a aborted', 'b aborted', 'c rejected']);
    expect(list()).toEqual([]);
  });

  test('goes when there are too many of them, or too large ones: the newest stay', async () => {
    const { outbox, send, settle, list } = setup({ maxFailed: 3, maxBytes: 1_000 });
    const failOne = (id: string, length: number): void => {
      send(id, { data: 'x'.repeat(length) });
      outbox.answered({ kind: 'reject', id, code: 'E' });
    };
    for (const id of ['a', 'b', 'c', 'd']) failOne(id, 1);
    await settle();
    expect(list()).toEqual(['b failed 0', 'c failed 0', 'd failed 0']);
    failOne('e', 800);
    await settle();
    expect(list()).toEqual(['d failed 0', 'e failed 0']);
  });

  test('stays failed when there is no room to retry it', async () => {
    const { outbox, send, settle, list } = setup({ maxCount: 1 });
    send('a');
    outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
    send('b');
    expect(() => outbox.retry('a')).toThrow(expect.objectContaining({ code: 'queue-full' }));
    await settle();
    expect(list()).toEqual(['a failed 0', 'b queued 0']);
    outbox.close(new RealtimeError('closed', 'over'));
    expect(() => outbox.retry('a')).toThrow(expect.objectContaining({ code: 'closed' }));
  });

  test('that is accepted after all is told once, and leaves the list', async () => {
    const { outbox, send, settle, clock, list, late, outcomes } = setup();
    const statuses: string[] = [];
    const { link, acceptAll } = linkOf(1);
    outbox.use(link);
    send('a', { timeoutMs: 100, tell: (status) => statuses.push(status) });
    await clock.advance(100);
    expect(list()).toEqual(['a failed 1']);
    acceptAll();
    acceptAll();
    outbox.answered({ kind: 'ack', id: 'a' });
    await settle();
    expect(late).toMatchObject([{ id: 'a', channel: 'lobby', event: 'move' }]);
    expect(list()).toEqual([]);
    expect(outcomes).toEqual(['a expired']);
    expect(statuses.at(-1)).toBe('accepted');
  });

  test('that is refused after all stays as it was', async () => {
    const { outbox, send, settle, clock, late } = setup();
    send('a', { timeoutMs: 100 });
    await clock.advance(100);
    outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
    await settle();
    expect(outbox.entries.get()).toMatchObject([{ status: 'failed', error: { code: 'expired' } }]);
    expect(late).toEqual([]);
  });
});

describe('a hold', () => {
  test('keeps everything back until the last one is released', async () => {
    const { outbox, send, settle, list } = setup();
    const { link, ids } = linkOf(1);
    const release = [outbox.hold(), outbox.hold()];
    outbox.use(link);
    send('a');
    await settle();
    release[0]?.();
    release[0]?.();
    await settle();
    expect([ids(), list()]).toEqual([[], ['a queued 0']]);
    release[1]?.();
    await settle();
    expect(ids()).toEqual([['a']]);
  });
});

describe('after a refusal', () => {
  test('later sends go on', async () => {
    const { outbox, send, settle } = setup();
    const { link, ids, batches } = linkOf(1);
    outbox.use(link);
    send('a');
    await settle();
    send('b');
    batches[0]?.resolve([{ id: 'a', status: 'rejected', code: '422' }]);
    await settle();
    expect(ids()).toEqual([['a'], ['b']]);
  });

  test.each(['retry', 'cancel'] as const)('later sends of a channel that blocks wait until it is settled by %s', async (way) => {
    const { outbox, send, settle } = setup({ blocks: (channel) => channel === 'orders' });
    const { link, ids, batches, acceptAll } = linkOf(1);
    outbox.use(link);
    send('a', { channel: 'orders' });
    await settle();
    send('b', { channel: 'orders' });
    send('c');
    batches[0]?.resolve([{ id: 'a', status: 'rejected', code: '422' }]);
    await settle();
    expect(ids()).toEqual([['a'], ['c']]);
    acceptAll();
    outbox[way]('a');
    await settle();
    expect(ids().slice(2)).toEqual([way === 'retry' ? ['a', 'b'] : ['b']]);
  });
});

describe('a send that must be applied once', () => {
  const breakLink = async ({ outbox, settle }: ReturnType<typeof setup>, honoursIds: boolean, error = lost): Promise<void> => {
    const { link, batches } = linkOf(1, 'receipt', { honoursIds });
    outbox.use(link);
    await settle();
    outbox.linkDown(1);
    batches[0]?.reject(error);
    await settle();
  };

  test.each([
    { first: true, second: true, delivery: 'once', outcome: 'accepted' },
    { first: true, second: false, delivery: 'once', outcome: 'unconfirmed' },
    { first: false, second: true, delivery: 'once', outcome: 'unconfirmed' },
    { first: false, second: false, delivery: 'once', outcome: 'unconfirmed' },
    { first: false, second: false, delivery: 'at-least-once', outcome: 'accepted' },
  ] as const)(
    'after an unknown outcome: $delivery, ids honoured $first then $second: $outcome',
    async ({ first, second, delivery, outcome }) => {
      const parts = setup();
      const { outbox, send, settle, outcomes, list } = parts;
      send('a', { delivery });
      await breakLink(parts, first);
      const next = linkOf(2, 'receipt', { honoursIds: second });
      outbox.use(next.link);
      await settle();
      next.acceptAll();
      await settle();
      expect(outcomes).toEqual([`a ${outcome}`]);
      expect(next.ids()).toEqual(outcome === 'accepted' ? [['a']] : []);
      expect(list()).toEqual(outcome === 'accepted' ? [] : ['a failed 1']);
    },
  );

  test('is not in doubt when it never left, or when the server said no to the token or asked to have it later', async () => {
    const parts = setup();
    const { outbox, send, settle, clock } = parts;
    send('a', { delivery: 'once' });
    await breakLink(parts, false, new RealtimeError('unauthorized', 'token'));
    const next = linkOf(2, 'receipt');
    outbox.use(next.link);
    await settle();
    next.batches[0]?.resolve([{ id: 'a', status: 'rejected', code: 'busy', retryAfterMs: 10 }]);
    await clock.advance(1_000);
    expect(next.ids()).toEqual([['a'], ['a']]);
  });

  test('leaves again when it is retried: who retries it knows', async () => {
    const parts = setup();
    const { outbox, send, settle } = parts;
    send('a', { delivery: 'once' });
    await breakLink(parts, false);
    const next = linkOf(2);
    outbox.use(next.link);
    await settle();
    outbox.retry('a');
    await settle();
    expect(next.ids()).toEqual([['a']]);
  });

  test('lets the sends behind it go on', async () => {
    const parts = setup();
    const { outbox, send, settle } = parts;
    send('a', { delivery: 'once' });
    send('b');
    await breakLink(parts, false);
    const next = linkOf(2);
    outbox.use(next.link);
    await settle();
    expect(next.ids()).toEqual([['b']]);
  });
});

test('clear fails what waits, and forgets what has failed', async () => {
  const { outbox, send, settle, outcomes, list, clock } = setup();
  send('a');
  outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
  send('b');
  outbox.clear(new RealtimeError('signed-out', 'bye'));
  await settle();
  expect(outcomes).toEqual(['a rejected', 'b signed-out']);
  expect([list(), clock.pending, outbox.size]).toEqual([[], 0, 0]);
  send('c');
  await settle();
  expect(list()).toEqual(['c queued 0']);
});

describe('with a storage', () => {
  function stored() {
    const calls: string[] = [];
    const puts: { resolve(): void; reject(error: unknown): void }[] = [];
    const storage: OutboxStorage = {
      open() {},
      put({ frame, failed }) {
        calls.push(`put ${frame.id}${failed ? ` ${failed.code}` : ''}`);
        return new Promise((resolve, reject) => {
          puts.push({ resolve, reject });
        });
      },
      remove: (id) => void calls.push(`remove ${id}`),
      mayFlush: () => true,
      clear: async () => {},
      close: () => void calls.push('close'),
    };
    return { ...setup({ storage }), calls, puts, storage };
  }

  test('a send is neither seen nor sent before it is safe, and holds back the ones behind it', async () => {
    const { outbox, send, settle, list, puts } = stored();
    const { link, ids } = linkOf(1, 'frame');
    outbox.use(link);
    send('a');
    send('b');
    send('c', { channel: 'other' });
    puts[1]?.resolve();
    puts[2]?.resolve();
    await settle();
    expect([list(), ids()]).toEqual([['b queued 0', 'c sending 1'], [['c']]]);
    puts[0]?.resolve();
    await settle();
    expect([list(), ids()]).toEqual([
      ['a sending 1', 'b sending 1', 'c sending 1'],
      [['c'], ['a', 'b']],
    ]);
  });

  test('that fails to keep it, it leaves all the same', async () => {
    const { outbox, send, settle, puts, outcomes } = stored();
    const { link, acceptAll } = linkOf(1);
    outbox.use(link);
    send('a');
    puts[0]?.reject(new Error('full'));
    await settle();
    acceptAll();
    await settle();
    expect(outcomes).toEqual(['a accepted']);
  });

  test('each end is written down: accepted, cancelled, failed, forgotten; what is closed stays for the next page', async () => {
    const { outbox, send, settle, calls } = stored();
    for (const id of ['a', 'b', 'c', 'd']) send(id);
    send('request', { reply: true });
    outbox.answered({ kind: 'ack', id: 'a' });
    outbox.cancel('b');
    outbox.answered({ kind: 'reject', id: 'c', code: 'E' });
    outbox.retry('c');
    outbox.answered({ kind: 'reject', id: 'c', code: 'E' });
    outbox.cancel('c');
    outbox.close(new RealtimeError('closed', 'over'));
    await settle();
    expect(calls).toEqual([
      ...['put a', 'put b', 'put c', 'put d', 'remove a', 'remove b', 'put c rejected', 'put c', 'put c rejected', 'remove c'],
      'close',
    ]);
  });

  test('nothing leaves while it says that another page may have taken it', async () => {
    const parts = stored();
    const { outbox, send, settle, puts } = parts;
    const mayFlush = vi.spyOn(parts.storage, 'mayFlush').mockReturnValue(false);
    const { link, ids } = linkOf(1);
    outbox.use(link);
    send('a');
    puts[0]?.resolve();
    await settle();
    expect(ids()).toEqual([]);
    mayFlush.mockReturnValue(true);
    outbox.flush();
    await settle();
    expect(ids()).toEqual([['a']]);
  });

  test('what is restored and must be applied once is not sent to a server that would not know it again', async () => {
    const { outbox, settle, list } = stored();
    const restored = (id: string, delivery: 'once' | 'at-least-once'): void =>
      outbox.restore([
        {
          frame: { kind: 'publish', id, channel: 'lobby', event: 'move', data: 1 },
          delivery,
          since: 1_700_000_000_000,
          timeoutMs: 1_000,
        },
      ]);
    restored('a', 'once');
    restored('b', 'at-least-once');
    restored('a', 'once');
    const { link, ids } = linkOf(1);
    outbox.use(link);
    await settle();
    expect([ids(), list()]).toEqual([[['b']], ['a failed 0', 'b sending 1']]);
    expect(outbox.entries.get()[0]?.error).toMatchObject({ code: 'unconfirmed', hint: expect.stringContaining('retry') });
  });
});
