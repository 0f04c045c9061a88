/** One step of a schema: what version `n` adds to version `n - 1` is the step at place `n - 1`. */
export type Upgrade = (database: IDBDatabase, transaction: IDBTransaction) => void;

/** What one request of IndexedDB answers. */
export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Opens a database, after the steps that it lacks. Another page with an older version of it may keep this waiting.
 *
 * @param signal - gives up waiting; what opens later is closed again
 */
export function openDatabase(
  factory: IDBFactory,
  name: string,
  upgrades: readonly Upgrade[],
  signal: AbortSignal,
): Promise<IDBDatabase> {
  const request = factory.open(name, upgrades.length);
  request.onupgradeneeded = ({ oldVersion }) => {
    const { result, transaction } = request;
    if (transaction) for (const upgrade of upgrades.slice(oldVersion)) upgrade(result, transaction);
  };
  return answerOf(request).then((database) => {
    if (!signal.aborted) return database;
    database.close();
    throw signal.reason;
  });
}

/** Does some work in one transaction; resolves when it is committed, and takes everything back when the work fails. */
export async function inTransaction<T>(
  database: IDBDatabase,
  mode: IDBTransactionMode,
  stores: readonly string[],
  work: (transaction: IDBTransaction) => Promise<T> | T,
): Promise<T> {
  const transaction = database.transaction([...stores], mode);
  const committed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was taken back'));
  });
  // when the work fails, its own error is the one to tell
  committed.catch(() => {});
  let result: T;
  try {
    result = await work(transaction);
  } catch (error) {
    abort(transaction);
    throw transaction.error ?? error;
  }
  await committed;
  return result;
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch (error) {
    // it is over already, which is what was wanted
    if (!(error instanceof Error)) throw error;
  }
}
