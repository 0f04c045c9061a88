/** The platform's database, where there is one and the page may use it. */
export function systemIndexedDb(): IDBFactory | undefined {
  try {
    return (globalThis as { indexedDB?: IDBFactory }).indexedDB;
  } catch {
    return undefined; // a sandboxed frame may not even look
  }
}

/** The platform's locks; only secure contexts have them. */
export function systemLocks(): LockManager | undefined {
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}
