import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { answerOf, inTransaction, openDatabase } from '../../src/delivery/database.ts';
import { type IndexedDbStorageOptions, indexedDbStorage } from '../../src/delivery/indexeddb.ts';
import { createOutbox } from '../../src/delivery/outbox.ts';
import { defaultOutboxLimits, type OutboxEntry } from '../../src/delivery/outbox-options.ts';
import { upgrades } from '../../src/delivery/stored-sends.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { Readable } from '../../src/events/readable.ts';
import { type ManualClock, manualClock } from '../../src/testing/clock.ts';
import { when } from '../support/clients.ts';
import { linkOf } from '../support/outbox-link.ts';
import { type PageLocks, pageLocks } from '../support/page-locks.ts';

const databaseOf = (user: string): string => `keepwire/${encodeURIComponent(user)}`;
const never = new AbortController().signal;

afterEach(() => {
  vi.restoreAllMocks();
});

/** One browser profile: its database, its locks, its time. */
function profile() {
  const clock = manualClock();
  const locks = pageLocks();
  return { factory: new IDBFactory(), clock, locks };
}

let serial = 0;

/** One page with an outbox that is stored. */
function page(
  { factory, clock, locks }: { factory: IDBFactory; clock: ManualClock; locks: PageLocks | 'none' },
  options: Partial<IndexedDbStorageOptions> = {},
) {
  const own = locks === 'none' ? undefined : locks.page();
  const storage = indexedDbStorage({ user: 'ada', indexedDB: factory, locks: own?.locks ?? 'none', ...options });
  const outbox = createOutbox({ ...defaultOutboxLimits, storage }, clock, () => {});
  const faults: RealtimeError[] = [];
  const { restore, taken, flush } = outbox;
  const newId = (): string => `page ${++serial}`;
  storage.open({ clock, newId, restore, taken, flush, degraded: (error) => faults.push(error) });
  const outcomes: string[] = [];
  const publish = (id: string, more: { timeoutMs?: number; channel?: string; reply?: boolean } = {}): void => {
    const { timeoutMs, channel = 'lobby', reply } = more;
    outbox.send({ kind: 'publish', id, channel, event: 'say', data: { text: id }, reply }, { timeoutMs }).then(
      ({ status }) => outcomes.push(`${id} ${status}`),
      ({ code }: RealtimeError) => outcomes.push(`${id} ${code}`),
    );
  };
  const close = (): void => outbox.close(new RealtimeError('closed', 'over'));
  onTestFinished(close);
  return { outbox, storage, faults, outcomes, publish, close, crash: () => own?.crash() };
}

const idsOf = (entries: readonly OutboxEntry[]): string[] => entries.map(({ id }) => id);

/** Waits until exactly these sends are in the list, in this order. */
async function shows(entries: Readable<readonly OutboxEntry[]>, ...ids: string[]): Promise<readonly OutboxEntry[]> {
  return when(entries, (list) => idsOf(list).join() === ids.join());
}

/** Waits until a condition holds, turn by turn of the event loop: the database of the tests lives in it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`never became true: ${condition}`);
}

/** Lets time pass in steps of a second, and lets the database finish after each. */
async function pass(clock: ManualClock, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 1_000) {
    await clock.advance(1_000);
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What is in the database of a user, by id. */
async function dump(factory: IDBFactory, user = 'ada'): Promise<Record<string, unknown>[]> {
  const database = await openDatabase(factory, databaseOf(user), upgrades, never);
  const all = await inTransaction(database, 'readonly', ['sends'], (transaction) =>
    answerOf(transaction.objectStore('sends').getAll() as IDBRequest<Record<string, unknown>[]>),
  );
  database.close();
  return all;
}

async function put(factory: IDBFactory, ...records: object[]): Promise<void> {
  const database = await openDatabase(factory, databaseOf('ada'), upgrades, never);
  await inTransaction(database, 'readwrite', ['sends'], (transaction) => {
    for (const record of records) transaction.objectStore('sends').put(record);
  });
  database.close();
}

describe('a reload', () => {
  test('brings the sends back in order, under their ids, and they leave once', async () => {
    const world = profile();
    const before = page(world);
    for (const id of ['c', 'a', 'b']) before.publish(id);
    await shows(before.outbox.entries, 'c', 'a', 'b');
    before.crash();

    const after = page(world);
    // published before the database has answered, and later all the same
    after.publish('d');
    const list = await shows(after.outbox.entries, 'c', 'a', 'b', 'd');
    expect(list[0]).toMatchObject({ channel: 'lobby', event: 'say', data: { text: 'c' }, status: 'queued' });
    const { link, ids, acceptAll } = linkOf(1);
    after.outbox.use(link);
    await until(() => ids().length === 1);
    expect(ids()).toEqual([['c', 'a', 'b', 'd']]);
    acceptAll();
    await until(async () => (await dump(world.factory)).length === 0);
    after.close();
    const last = page(world);
    last.publish('e');
    await shows(last.outbox.entries, 'e');
  });

  test('twice keeps the order, also with what was published between', async () => {
    const world = profile();
    for (const id of ['a', 'b', 'c']) {
      const one = page(world);
      one.publish(id);
      await when(one.outbox.entries, (list) => idsOf(list).includes(id));
      one.close();
    }
    await shows(page(world).outbox.entries, 'a', 'b', 'c');
  });

  test('is not disturbed by a page that is closed while it opens, as React makes one in development', async () => {
    const world = profile();
    const before = page(world);
    before.publish('a');
    await shows(before.outbox.entries, 'a');
    before.crash();

    page(world).close();
    // at once: nobody looks again before time has passed, and it stands still here
    await shows(page(world).outbox.entries, 'a');
  });

  test('brings what has failed back as failed, with its reason, to be retried or forgotten', async () => {
    const world = profile();
    const before = page(world);
    for (const id of ['a', 'b', 'c']) before.publish(id);
    await shows(before.outbox.entries, 'a', 'b', 'c');
    before.outbox.answered({ kind: 'reject', id: 'a', code: 'E', message: 'no' });
    before.outbox.answered({ kind: 'reject', id: 'b', code: 'E', message: 'no' });
    await when(before.outbox.entries, (list) => list.filter(({ status }) => status === 'failed').length === 2);
    await until(async () => (await dump(world.factory)).filter(({ text }) => String(text).includes('failed')).length === 2);
    before.close();

    const after = page(world);
    const list = await shows(after.outbox.entries, 'a', 'b', 'c');
    expect(list.map(({ status, error }) => [status, error?.code])).toEqual([
      ['failed', 'rejected'],
      ['failed', 'rejected'],
      ['queued', undefined],
    ]);
    after.outbox.cancel('b');
    after.outbox.retry('a');
    const { link, ids, acceptAll } = linkOf(1);
    after.outbox.use(link);
    await until(() => ids().length === 1);
    expect(ids()).toEqual([['a', 'c']]);
    acceptAll();
    await until(async () => (await dump(world.factory)).length === 0);
  });

  test('fails what its time has passed for meanwhile, and what is left of it counts', async () => {
    const world = profile();
    const before = page(world);
    before.publish('short', { timeoutMs: 1_000 });
    before.publish('long', { timeoutMs: 10_000 });
    await shows(before.outbox.entries, 'short', 'long');
    before.close();
    await world.clock.advance(4_000);
    const after = page(world);
    const list = await shows(after.outbox.entries, 'short', 'long');
    expect(list.map(({ status, error }) => [status, error?.code])).toEqual([
      ['failed', 'expired'],
      ['queued', undefined],
    ]);
    await world.clock.advance(6_000);
    expect(after.outbox.entries.get().map(({ status }) => status)).toEqual(['failed', 'failed']);
  });

  test('does not bring back what was accepted, cancelled, or asked for an answer', async () => {
    const world = profile();
    const before = page(world);
    for (const id of ['a', 'b', 'c']) before.publish(id);
    before.publish('request', { reply: true });
    await when(before.outbox.entries, (list) => list.length === 4);
    before.outbox.answered({ kind: 'ack', id: 'a' });
    before.outbox.cancel('b');
    await until(async () => (await dump(world.factory)).length === 1);
    before.close();
    await shows(page(world).outbox.entries, 'c');
  });
});

describe('two pages', () => {
  test('send each their own, and what one leaves behind the other takes over', async () => {
    const world = profile();
    const [one, two] = [page(world), page(world)];
    one.publish('of one');
    two.publish('of two');
    await shows(one.outbox.entries, 'of one');
    await shows(two.outbox.entries, 'of two');
    await pass(world.clock, 20_000);
    const { link, ids } = linkOf(1);
    two.outbox.use(link);
    await until(() => ids().length === 1);
    one.crash();
    await pass(world.clock, 20_000);
    expect(idsOf(two.outbox.entries.get())).toEqual(['of one', 'of two']);
    expect(ids()).toEqual([['of two']]);
    expect(two.faults).toEqual([]);
  });

  test('a new one waits for the lock of one that is just being left, and not for long for one that lives', async () => {
    const world = profile();
    const living = page(world);
    living.publish('a');
    await shows(living.outbox.entries, 'a');
    const next = page(world);
    next.publish('b');
    await until(() => world.clock.dueIn().includes(300));
    expect(next.outbox.entries.get()).toEqual([]);
    await world.clock.advance(300);
    await shows(next.outbox.entries, 'b');
    living.crash();
    const third = page(world);
    await until(() => world.clock.dueIn().includes(300));
    next.crash();
    await when(third.outbox.entries, (list) => list.length === 2);
  });

  test('hold a lock only while they own something', async () => {
    const world = profile();
    const one = page(world);
    expect(world.locks.held).toEqual([]);
    one.publish('a');
    await shows(one.outbox.entries, 'a');
    expect(world.locks.held).toHaveLength(1);
    one.outbox.cancel('a');
    await until(() => world.locks.held.length === 0);
  });
});

describe('without locks', () => {
  const world = () => ({ ...profile(), locks: 'none' as const });

  /** A page whose time can stand still while that of the others goes on. */
  function sleeper(shared: ReturnType<typeof world>) {
    const clock = manualClock();
    return { ...page({ ...shared, clock }), clock };
  }

  test('a page that is not heard of is taken over when its lease is over, not before', async () => {
    const shared = world();
    const gone = sleeper(shared);
    gone.publish('a');
    await shows(gone.outbox.entries, 'a');
    const other = page(shared);
    await pass(shared.clock, 14_000);
    expect(other.outbox.entries.get()).toEqual([]);
    await pass(shared.clock, 7_000);
    expect(idsOf(other.outbox.entries.get())).toEqual(['a']);
    expect(other.faults).toEqual([]);
  });

  test('a page that lives renews its lease', async () => {
    const shared = world();
    const [one, two] = [page(shared), page(shared)];
    one.publish('a');
    await shows(one.outbox.entries, 'a');
    await pass(shared.clock, 60_000);
    expect([idsOf(one.outbox.entries.get()), idsOf(two.outbox.entries.get())]).toEqual([['a'], []]);
  });

  test.each(['wallNow', 'now'] as const)(
    'a page that slept too long by %s gives up what another one has taken, and sends none of it',
    async (jumping) => {
      const shared = world();
      const slept = sleeper(shared);
      slept.publish('a');
      slept.publish('b');
      await shows(slept.outbox.entries, 'a', 'b');
      const other = page(shared);
      await pass(shared.clock, 21_000);
      expect(idsOf(other.outbox.entries.get())).toEqual(['a', 'b']);
      // it wakes up with a link at the same moment, before any of its timers
      const { link, ids } = linkOf(1);
      vi.spyOn(slept.clock, jumping).mockReturnValue(shared.clock[jumping]());
      slept.outbox.use(link);
      await until(() => slept.outcomes.length === 2);
      expect([slept.outcomes, ids()]).toEqual([['a closed', 'b closed'], []]);
      slept.publish('c');
      await until(() => ids().length === 1);
      expect(ids()).toEqual([['c']]);
      expect(idsOf(other.outbox.entries.get())).toEqual(['a', 'b']);
    },
  );
});

describe('when the database fails, sending goes on from memory and is told once', () => {
  async function carriesOn(one: ReturnType<typeof page>): Promise<void> {
    const { link, ids, acceptAll } = linkOf(1);
    one.outbox.use(link);
    one.publish('a');
    await until(() => ids().length === 1);
    one.publish('b');
    acceptAll();
    await until(() => ids().length === 2);
    acceptAll();
    await until(() => one.outcomes.length === 2);
    expect(one.outcomes).toEqual(['a accepted', 'b accepted']);
    expect(one.faults).toEqual([expect.objectContaining({ code: 'storage-degraded', hint: expect.stringContaining('memory') })]);
  }

  test('there is none', async () => {
    await carriesOn(page(profile(), { indexedDB: undefined }));
  });

  test('it may not be used', async () => {
    const indexedDB = {
      open() {
        throw new DOMException('denied', 'SecurityError');
      },
    };
    await carriesOn(page(profile(), { indexedDB: indexedDB as never }));
  });

  test('it is of a newer version', async () => {
    const world = profile();
    const newer = await openDatabase(world.factory, databaseOf('ada'), [...upgrades, () => {}], never);
    newer.close();
    await carriesOn(page(world));
  });

  test('it never opens', async () => {
    const world = profile();
    const one = page(world, { indexedDB: { open: () => ({}) } as never });
    await until(() => world.clock.pending === 1);
    await world.clock.advance(3_000);
    await carriesOn(one);
  });

  test('it is full', async () => {
    const world = profile();
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no space', 'QuotaExceededError');
    });
    await carriesOn(page(world));
  });

  test('it never answers a write', async () => {
    const world = profile();
    const one = page(world);
    one.publish('first');
    await shows(one.outbox.entries, 'first');
    one.outbox.cancel('first');
    await until(() => world.locks.held.length === 0);
    one.outcomes.length = 0;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function stuck(this: IDBObjectStore) {
      // asks again and again, so that the transaction never ends
      const spin = (): void => {
        this.get('nothing').onsuccess = spin;
      };
      spin();
      return {} as never;
    });
    one.publish('a');
    await until(() => world.clock.dueIn().includes(3_000));
    await world.clock.advance(3_000);
    await until(() => one.outbox.entries.get().length === 1);
    vi.restoreAllMocks();
    const { link, ids, acceptAll } = linkOf(1);
    one.outbox.use(link);
    await until(() => ids().length === 1);
    acceptAll();
    await until(() => one.outcomes.length === 1);
    expect(one.outcomes).toEqual(['a accepted']);
    expect(one.faults.map(({ code }) => code)).toEqual(['storage-degraded']);
  });

  test('another page brings a newer version: it is let through', async () => {
    const world = profile();
    const one = page(world);
    one.publish('first');
    await shows(one.outbox.entries, 'first');
    const newer = await openDatabase(world.factory, databaseOf('ada'), [...upgrades, () => {}], never);
    newer.close();
    one.outbox.cancel('first');
    one.outcomes.length = 0;
    await until(() => one.faults.length === 1);
    one.outcomes.length = 0;
    await carriesOn(one);
  });
});

describe('records', () => {
  const right = (id: string): object => ({
    kind: 'x',
    frame: { kind: 'publish', id, channel: 'lobby', event: 'say', data: 1 },
    delivery: 'once',
    since: 1_700_000_000_000,
    timeoutMs: 5_000,
  });
  const record = (id: string, text: string, more = {}): object => ({ id, owner: 'gone', order: 1, text, ...more });

  test('that cannot be read are dropped and counted, and the others come back', async () => {
    const world = profile();
    const broken = {
      ...right('i'),
      failed: { code: 5 },
    };
    await put(
      world.factory,
      record('a', JSON.stringify(right('a'))),
      record('b', '{"frame":'),
      record('c', 'null'),
      record('d', JSON.stringify({ ...right('d'), timeoutMs: 'soon' })),
      record('e', JSON.stringify(right('another'))),
      record('f', JSON.stringify({ ...right('f'), delivery: 'volatile' })),
      record('g', JSON.stringify({ ...right('g'), frame: { kind: 'leave', id: 'g', channel: 'lobby' } })),
      { id: 'h', text: 'of nobody' },
      record('i', JSON.stringify(broken)),
      record('j', JSON.stringify(right('j')), { order: 0 }),
    );
    const one = page(world);
    const list = await shows(one.outbox.entries, 'j', 'a');
    expect(list.map(({ delivery, data }) => [delivery, data])).toEqual([
      ['once', 1],
      ['once', 1],
    ]);
    await until(() => one.faults.length === 1);
    expect(one.faults[0]).toMatchObject({
      code: 'storage-degraded',
      message: '8 stored sends could not be read, and were dropped',
    });
    expect((await dump(world.factory)).map(({ id }) => id)).toEqual(['a', 'j']);
  });

  test('of one user are never seen by another, nor by another application', async () => {
    const world = profile();
    const ada = page(world);
    ada.publish('a');
    await shows(ada.outbox.entries, 'a');
    ada.crash();
    for (const options of [{ user: 'bob' }, { name: 'other' }, { user: 'ada/x' }, { name: 'keepwire/ada', user: 'x' }]) {
      const other = page(world, options);
      other.publish('mine');
      await shows(other.outbox.entries, 'mine');
      other.close();
    }
    await shows(page(world).outbox.entries, 'a');
  });

  test('are all gone after clear, and nothing comes back from them', async () => {
    const world = profile();
    const one = page(world);
    one.publish('a');
    await shows(one.outbox.entries, 'a');
    one.outbox.clear(new RealtimeError('signed-out', 'bye'));
    await until(async () => (await dump(world.factory)).length === 0);
    expect(one.outcomes).toEqual(['a signed-out']);
    await until(() => world.locks.held.length === 0);
  });

  test('that are handed over after clear are not taken', async () => {
    const world = profile();
    await put(world.factory, record('a', JSON.stringify(right('a'))));
    const one = page(world);
    one.outbox.clear(new RealtimeError('signed-out', 'bye'));
    await until(async () => (await dump(world.factory)).length === 0);
    expect([one.outbox.size, one.outbox.entries.get()]).toEqual([0, []]);
  });

  test('outlive a new version of the schema', async () => {
    const world = profile();
    await put(world.factory, record('a', JSON.stringify(right('a'))));
    const seen: number[] = [];
    const step = (): void => {
      seen.push(2);
    };
    const newer = await openDatabase(world.factory, databaseOf('ada'), [...upgrades, step], never);
    expect(seen).toEqual([2]);
    expect([newer.version, [...newer.objectStoreNames]]).toEqual([2, ['leases', 'sends']]);
    const ids = await inTransaction(newer, 'readonly', ['sends'], (transaction) =>
      answerOf(transaction.objectStore('sends').getAllKeys()),
    );
    newer.close();
    expect(ids).toEqual(['a']);
  });
});

test('after close nothing is left: no timer, no lock, no connection', async () => {
  const world = profile();
  const one = page(world);
  one.publish('a');
  await shows(one.outbox.entries, 'a');
  one.publish('b');
  one.close();
  await until(() => world.locks.held.length === 0);
  expect(world.clock.pending).toBe(0);
  // a connection that is still open would block this
  await answerOf(world.factory.deleteDatabase(databaseOf('ada')));
  expect(one.faults).toEqual([]);
});

test.each([{ user: '' }, { user: undefined as never }, { user: 'ada', name: '' }])('%j is refused', (options) => {
  expect(() => indexedDbStorage(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
});
