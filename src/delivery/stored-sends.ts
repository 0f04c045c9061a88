import { answerOf, inTransaction, type Upgrade } from './database.ts';
import type { StoredFailure, StoredSend } from './storage.ts';

/** A send as a record. Its content is text, so that whatever can be sent can be stored, and no token is ever in it. */
interface SendRecord {
  readonly id: string;
  /** The page that sends it. */
  readonly owner: string;
  /** The sends of one page leave in this order. */
  readonly order: number;
  readonly text: string;
}

/** Until when a page is to be believed alive, where there are no locks. */
interface LeaseRecord {
  readonly owner: string;
  /** In milliseconds since the Unix epoch. */
  readonly until: number;
}

/** One change, in the order of the calls. */
export type Change =
  | { readonly kind: 'put'; readonly send: StoredSend }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'clear' };

/** What was taken over. */
export interface Claim {
  /** Oldest first. */
  readonly sends: readonly StoredSend[];
  /** How many records could not be read; they are gone. */
  readonly corrupt: number;
}

/** The steps of the schema. Once published, a step is never changed. */
export const upgrades: readonly Upgrade[] = [
  (database) => {
    database.createObjectStore('sends', { keyPath: 'id' }).createIndex('owner', 'owner');
    database.createObjectStore('leases', { keyPath: 'owner' });
  },
];

/** The records of one user, as one page sees them. */
export interface StoredSends {
  /** Carries changes out, in one transaction. With a lease it is renewed on the way. */
  write(changes: readonly Change[], leaseUntil: number | undefined): Promise<void>;
  /** The other pages that own something. Records that belong to nobody are dropped, and counted. */
  others(): Promise<{ readonly owners: readonly string[]; readonly corrupt: number }>;
  /** Takes over what another page owns; with `now`, only if that page has no lease that is still good. */
  claim(from: string, now: number | undefined): Promise<Claim>;
  /** Renews the lease. @returns the ids that this page still owns */
  renew(leaseUntil: number): Promise<readonly string[]>;
}

const both = ['sends', 'leases'];

/** @param owner - the name of this page, which no other has */
export function createStoredSends(database: IDBDatabase, owner: string): StoredSends {
  let order = 0;

  return {
    write: (changes, leaseUntil) =>
      inTransaction(database, 'readwrite', both, (transaction) => {
        const [sends, leases] = both.map((name) => transaction.objectStore(name)) as [IDBObjectStore, IDBObjectStore];
        if (leaseUntil !== undefined) leases.put({ owner, until: leaseUntil } satisfies LeaseRecord);
        for (const change of changes) {
          if (change.kind === 'put') keep(sends, change.send);
          else if (change.kind === 'remove') sends.delete(change.id);
          else for (const store of [sends, leases]) store.clear();
        }
      }),

    others: () =>
      inTransaction(database, 'readwrite', both, async (transaction) => {
        const store = transaction.objectStore('sends');
        const byOwner = store.index('owner');
        const [ids, owned, owners] = await Promise.all([
          answerOf(store.getAllKeys()),
          answerOf(byOwner.getAllKeys()),
          keysOf(byOwner),
        ]);
        const known = new Set(owned);
        const strays = ids.filter((id) => !known.has(id));
        for (const id of strays) store.delete(id);
        return { owners: owners.map(String).filter((other) => other !== owner), corrupt: strays.length };
      }),

    claim: (from, now) =>
      inTransaction(database, 'readwrite', both, async (transaction) => {
        const [sends, leases] = both.map((name) => transaction.objectStore(name)) as [IDBObjectStore, IDBObjectStore];
        const lease = (await answerOf(leases.get(from))) as LeaseRecord | undefined;
        if (now !== undefined && lease && lease.until > now) return { sends: [], corrupt: 0 };
        leases.delete(from);
        const records = (await answerOf(sends.index('owner').getAll(from))) as SendRecord[];
        const claimed: StoredSend[] = [];
        for (const record of records.sort((a, b) => a.order - b.order)) {
          const send = readSend(record);
          if (send) {
            sends.put({ ...record, owner });
            claimed.push(send);
            order = Math.max(order, record.order + 1);
          } else sends.delete(record.id);
        }
        return { sends: claimed, corrupt: records.length - claimed.length };
      }),

    renew: (leaseUntil) =>
      inTransaction(database, 'readwrite', both, async (transaction) => {
        transaction.objectStore('leases').put({ owner, until: leaseUntil } satisfies LeaseRecord);
        const ids = await answerOf(transaction.objectStore('sends').index('owner').getAllKeys(owner));
        return ids.map(String);
      }),
  };

  /** What has failed keeps its place. */
  function keep(sends: IDBObjectStore, send: StoredSend): void {
    const { id } = send.frame;
    const record: SendRecord = { id, owner, order: order++, text: JSON.stringify(send) };
    if (!send.failed) sends.put(record);
    else {
      const request = sends.get(id);
      request.onsuccess = () =>
        sends.put({ ...record, order: (request.result as SendRecord | undefined)?.order ?? record.order });
    }
  }
}

/** The different keys of an index. */
function keysOf(index: IDBIndex): Promise<IDBValidKey[]> {
  return new Promise((resolve, reject) => {
    const keys: IDBValidKey[] = [];
    const request = index.openKeyCursor(null, 'nextunique');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve(keys);
      keys.push(cursor.key);
      cursor.continue();
    };
  });
}

/** Reads a record back; `undefined` for one that another program, a bug or an accident has written. */
function readSend({ id, text, order }: SendRecord): StoredSend | undefined {
  try {
    const { frame, delivery, since, timeoutMs, failed } = JSON.parse(text) as StoredSend;
    const { kind, channel, event } = frame;
    const isSend = kind === 'publish' && frame.id === id && typeof channel === 'string' && typeof event === 'string';
    const areNumbers = [since, timeoutMs, order].every(Number.isFinite);
    const isDeliverable = delivery === 'once' || delivery === 'at-least-once';
    if (!isSend || !areNumbers || !isDeliverable || !isFailure(failed)) return undefined;
    return { frame: { kind, id, channel, event, data: frame.data }, delivery, since, timeoutMs, ...(failed && { failed }) };
  } catch {
    return undefined; // no JSON, or not of an object
  }
}

function isFailure(failed: StoredFailure | undefined): boolean {
  return failed === undefined || (typeof failed.code === 'string' && typeof failed.message === 'string');
}
