import { RealtimeError } from '../errors.ts';
import { aText, checkOptions, madeBy, type OptionRules, overZero } from '../platform/rules.ts';
import { systemIndexedDb, systemLocks } from '../platform/storage.ts';
import { openDatabase } from './database.ts';
import type { OutboxStorage, OutboxStorageHost, StoredSend } from './storage.ts';
import { type Change, createStoredSends, type StoredSends, upgrades } from './stored-sends.ts';

/** The options of {@link indexedDbStorage}. */
export interface IndexedDbStorageOptions {
  /**
   * Whose sends are kept: an id that never changes. Each user has a database of their own, so nobody sends what another one
   * has written.
   */
  readonly user: string;
  /** Tells the applications of one origin apart. @defaultValue `'keepwire'` */
  readonly name?: string;
  /** How long the database may take until it is done without, in milliseconds. @defaultValue 3000 */
  readonly timeoutMs?: number;
  /**
   * How often it is looked for what pages that are gone have left, in milliseconds. Without Web Locks also how long a page that
   * is not heard of is believed to live. @defaultValue 15000
   */
  readonly leaseMs?: number;
  /** @defaultValue the platform's */
  readonly indexedDB?: IDBFactory;
  /** Tells living pages from those that are gone; `'none'` keeps leases in the database instead. @defaultValue the platform's, where it has them */
  readonly locks?: Pick<LockManager, 'request'> | 'none';
}

const rules: OptionRules<IndexedDbStorageOptions> = {
  user: [aText[0], aText[1], true],
  name: aText,
  timeoutMs: overZero,
  leaseMs: overZero,
  indexedDB: ['like the indexedDB of a browser', madeBy('', 'open')[1]],
  locks: ["like navigator.locks, or 'none'", (locks) => locks === 'none' || madeBy('', 'request')[1](locks)],
};

/** A page that is just being left may still hold its lock: it is waited for so long. */
const unloadMs = 300;

/**
 * Keeps the outbox in IndexedDB, so that a send survives a reload, a crash and a closed tab. It is in the database before it
 * leaves and before it is seen as queued, and goes out again under its id.
 *
 * Several pages of one user share the database. Each send belongs to one page, which alone sends it; when that page is gone,
 * another one takes it over. Pages are known to live by a Web Lock, or, where there are none (plain http), by a lease that they
 * renew.
 *
 * When the database is not there, full, blocked or broken, sending goes on from memory, and a `fault` with the code
 * `storage-degraded` tells. Every script of the same origin can read what is stored; tokens are never in it. It is emptied by
 * `signOut` of the manager, and when the provider's credentials turn out to be another user's.
 *
 * @throws RealtimeError `invalid-option`
 *
 * @example
 * ```ts
 * const realtime = createRealtime({
 *   transports: [websocket({ url: '/realtime' })],
 *   outbox: { storage: indexedDbStorage({ user: session.userId }), maxAgeMs: 86_400_000 },
 * });
 * ```
 */
export function indexedDbStorage(options: IndexedDbStorageOptions): OutboxStorage {
  checkOptions('indexedDbStorage', options, rules);
  const { user, name = 'keepwire', timeoutMs = 3_000, leaseMs = 15_000 } = options;
  const locks = options.locks === 'none' ? undefined : (options.locks ?? systemLocks());
  const databaseName = [name, user].map(encodeURIComponent).join('/');
  let host: OutboxStorageHost;
  let owner = '';
  let database: IDBDatabase | undefined;
  let records: StoredSends | undefined;
  /** The database is open and what was left is handed over, or it is clear that there is none. */
  let ready: Promise<void> = Promise.resolve();
  /** What this page owns. */
  const kept = new Set<string>();
  let waiting: { readonly change: Change; readonly done: () => void }[] = [];
  let isWriting = false;
  let isClosed = false;
  let isDegraded = false;
  /** Gives back the lock of this page. */
  let release: (() => void) | undefined;
  /** Until when the others believe in us, by both clocks. */
  let lease: { readonly wallMs: number; readonly ms: number } | undefined;
  let isRenewing = false;
  let cancelTick = (): void => {};

  return {
    open(given) {
      host = given;
      owner = host.newId();
      ready = start();
    },
    put: (send) => change({ kind: 'put', send }),
    remove: (id) => void change({ kind: 'remove', id }),
    mayFlush() {
      if (!lease || !kept.size || isLeaseGood(lease)) return true;
      void renew();
      return false;
    },
    clear: () => change({ kind: 'clear' }),
    close() {
      isClosed = true;
      cancelTick();
      if (!isWriting) end();
    },
  };

  async function start(): Promise<void> {
    try {
      const factory = options.indexedDB ?? systemIndexedDb();
      if (!factory) throw new Error('this platform has no IndexedDB');
      const opened = await within('opening', (signal) => openDatabase(factory, databaseName, upgrades, signal));
      // a newer version in another page, or the user who empties the browser
      opened.onversionchange = () => lose('another page has a newer version of it');
      opened.onclose = () => lose('the browser has closed it');
      database = opened;
      records = createStoredSends(opened, owner);
      await sweep(unloadMs);
      if (!isClosed) tick();
    } catch (error) {
      give('the outbox cannot be stored', error);
    }
    if (isClosed && !waiting.length) end();
  }

  /** Looks now and then for what pages that are gone have left, and says that this one lives. */
  function tick(): void {
    cancelTick = host.clock.schedule(
      () => {
        const work = lease && kept.size ? renew() : Promise.resolve();
        void work
          .then(() => sweep(0))
          .catch((error: unknown) => give('what other pages left cannot be read', error))
          .then(() => {
            if (!isClosed && records) tick();
          });
      },
      locks ? leaseMs : leaseMs / 3,
    );
  }

  async function sweep(waitMs: number): Promise<void> {
    if (!records) return;
    const source = records;
    const { owners, corrupt } = await within('looking', () => source.others());
    // their sends become ours: nobody may believe that we are gone
    if (owners.length) await live();
    const claims = await Promise.all(owners.map((other) => claim(source, other, waitMs)));
    const sends = claims.flatMap((found) => found.sends);
    for (const { frame } of sends) kept.add(frame.id);
    if (sends.length && !isClosed) host.restore(sends);
    const dropped = claims.reduce((sum, found) => sum + found.corrupt, corrupt);
    if (dropped) host.degraded(degraded(`${dropped} stored sends could not be read, and were dropped`));
    leaveIfEmpty();
  }

  async function claim(
    source: StoredSends,
    other: string,
    waitMs: number,
  ): Promise<{ sends: readonly StoredSend[]; corrupt: number }> {
    const nothing = { sends: [], corrupt: 0 };
    if (isClosed) return nothing;
    if (!locks) return within('claiming', () => source.claim(other, host.clock.wallNow()));
    const giveUp = new AbortController();
    const cancel = waitMs ? host.clock.schedule(() => giveUp.abort(), waitMs) : () => {};
    try {
      const how = waitMs ? { signal: giveUp.signal } : { ifAvailable: true };
      return await locks.request(lockOf(other), how, (lock) => {
        cancel();
        // a page that was closed meanwhile would keep it from the next one
        return lock && !isClosed ? within('claiming', () => source.claim(other, undefined)) : nothing;
      });
    } catch (error) {
      if (giveUp.signal.aborted) return nothing;
      throw error;
    } finally {
      cancel();
    }
  }

  /** From now on the others know that this page lives. */
  async function live(): Promise<void> {
    if (!locks || release) return;
    await new Promise<void>((resolve, reject) => {
      const held = new Promise<void>((letGo) => {
        release = letGo;
      });
      locks
        .request(lockOf(owner), () => {
          resolve();
          return held;
        })
        .catch(reject);
    });
  }

  /** A page that owns nothing holds no lock: a page with one is not kept in the back-forward cache. */
  function leaveIfEmpty(): void {
    if (kept.size && !isClosed) return;
    release?.();
    release = undefined;
  }

  function change(next: Change): Promise<void> {
    if (isClosed && next.kind !== 'clear') return Promise.resolve();
    return new Promise((done) => {
      waiting.push({ change: next, done });
      if (isWriting) return;
      isWriting = true;
      void ready.then(write);
    });
  }

  /** What comes while a transaction is under way goes with the next one. */
  async function write(): Promise<void> {
    while (waiting.length) {
      const batch = waiting;
      waiting = [];
      const changes = batch.map((each) => each.change);
      const target = records;
      try {
        if (target) {
          if (changes.some(({ kind }) => kind === 'put')) await live();
          const until = nextLease();
          await within('writing', () => target.write(changes, until?.wallMs));
          lease = until;
          for (const each of changes) note(each);
          isDegraded = false;
        }
      } catch (error) {
        give('a send cannot be stored', error);
      }
      leaveIfEmpty();
      for (const { done } of batch) done();
    }
    isWriting = false;
    if (isClosed) end();
  }

  function note(done: Change): void {
    if (done.kind === 'put') kept.add(done.send.frame.id);
    else if (done.kind === 'remove') kept.delete(done.id);
    else kept.clear();
  }

  function nextLease(): typeof lease {
    const { clock } = host;
    return locks ? undefined : { wallMs: clock.wallNow() + leaseMs, ms: clock.now() + leaseMs };
  }

  /** A clock may stand still while the machine sleeps, or be set back: both must say that there is time, and some to spare. */
  function isLeaseGood({ wallMs, ms }: NonNullable<typeof lease>): boolean {
    const spareMs = leaseMs / 5;
    return host.clock.wallNow() < wallMs - spareMs && host.clock.now() < ms - spareMs;
  }

  /** Says that this page lives, and sees what others have taken since it was last heard of. */
  async function renew(): Promise<void> {
    const until = nextLease();
    if (!records || !until || isRenewing) return;
    isRenewing = true;
    const source = records;
    try {
      const before = [...kept];
      const owned = new Set(await within('renewing', () => source.renew(until.wallMs)));
      const taken = before.filter((id) => kept.has(id) && !owned.has(id));
      for (const id of taken) kept.delete(id);
      lease = until;
      if (taken.length) host.taken(taken);
    } catch (error) {
      give('the lease on what is stored cannot be renewed', error);
      // alone with what it has: the server knows the ids
      lease = undefined;
    }
    isRenewing = false;
    host.flush();
  }

  /** Work with the database, which some engines never answer. */
  async function within<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const giveUp = new AbortController();
    let cancel = (): void => {};
    const deadline = new Promise<never>((_, reject) => {
      cancel = host.clock.schedule(() => {
        const error = new Error(`${what} took longer than ${timeoutMs} ms`);
        giveUp.abort(error);
        lose(error.message);
        reject(error);
      }, timeoutMs);
    });
    try {
      return await Promise.race([work(giveUp.signal), deadline]);
    } finally {
      cancel();
    }
  }

  /** The database is not to be had any more. */
  function lose(why: string): void {
    if (records) give('the outbox is no longer stored', new Error(why));
    records = undefined;
    lease = undefined;
    database?.close();
  }

  function give(what: string, cause: unknown): void {
    if (isDegraded || isClosed) return;
    isDegraded = true;
    host.degraded(degraded(what, cause));
  }

  function end(): void {
    database?.close();
    records = undefined;
    leaveIfEmpty();
  }

  function lockOf(page: string): string {
    return `keepwire:${databaseName}:${page}`;
  }
}

function degraded(what: string, cause?: unknown): RealtimeError {
  return new RealtimeError('storage-degraded', what, { cause, hint: 'Sends go on from memory, and do not survive a reload.' });
}

export type { OutboxStorage, OutboxStorageHost, StoredFailure, StoredSend } from './storage.ts';
