import { createRealtime } from 'keepwire';
import { indexedDbStorage } from 'keepwire/indexeddb';
import { websocket } from 'keepwire/websocket';

/** What the test wants of this page. */
export interface OutboxPageSettings {
  readonly url: string;
  readonly token: string;
  readonly user: string;
  readonly channel: string;
  /** Keeps sends back until `release` is called. */
  readonly isHeld: boolean;
  /** Without them leases are used. */
  readonly locks?: 'none';
}

const scope = globalThis as unknown as { settings: OutboxPageSettings; page: object };
const { url, token, user, channel, isHeld, locks } = scope.settings;
const faults: string[] = [];
const realtime = createRealtime({
  transports: [websocket({ url: `${url}/realtime` })],
  auth: token,
  outbox: { storage: indexedDbStorage({ user, leaseMs: 2_000, locks }) },
});
realtime.on('fault', ({ message }) => faults.push(message));
const release = realtime.outbox.hold();
if (!isHeld) release();
const room = realtime.channel(channel);
realtime.start();

/** The server knows the ids of all tests. */
const idOf = (id: string): string => `${channel}/${id}`;

const page = {
  release,
  faults: () => faults,
  /** Publishes, and answers when the sends are safe: a reload cannot lose them any more. */
  async publish(...ids: string[]) {
    this.publishNow(...ids);
    const unseen = new Set(ids.map(idOf));
    await new Promise<void>((resolve) => {
      const stop = realtime.outbox.entries.subscribe((entries) => {
        for (const { id } of entries) unseen.delete(id);
        if (unseen.size) return;
        queueMicrotask(() => stop());
        resolve();
      });
    });
  },
  /** The same without waiting. */
  publishNow(...ids: string[]) {
    for (const id of ids) room.publish('say', id, { id: idOf(id) }).catch(() => {});
  },
  /** Resolves when this page has exactly so many sends in its list. */
  has: (count: number) =>
    new Promise<void>((resolve) => {
      const stop = realtime.outbox.entries.subscribe((entries) => {
        if (entries.length !== count) return;
        queueMicrotask(() => stop());
        resolve();
      });
    }),
  /** Everything that is stored for this origin, as text. */
  async stored() {
    const all: unknown[] = [];
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await answer(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        all.push(name, await answer(database.transaction(store).objectStore(store).getAll()));
      }
      database.close();
    }
    return JSON.stringify([all, { ...localStorage }, { ...sessionStorage }]);
  },
};
scope.page = page;

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
