/** Reads a flag that a developer has set by hand; where there is no storage, or it is not allowed, there is no flag. */
export function storedFlag(name: string): string | undefined {
  try {
    return (globalThis as { localStorage?: Storage }).localStorage?.getItem(name) ?? undefined;
  } catch {
    // a sandboxed frame, or a browser that keeps no storage: reading the property itself throws
    return undefined;
  }
}

/**
 * Puts a value into a record on the global object, for the console of the browser.
 *
 * @returns what takes it away; the record goes with its last entry
 */
export function putOnGlobal(name: string, key: string, value: object): () => void {
  const scope = globalThis as unknown as Record<string, Record<string, object> | undefined>;
  const record = scope[name] ?? {};
  scope[name] = record;
  record[key] = value;
  return () => {
    if (record[key] === value) delete record[key];
    if (Object.keys(record).length === 0 && scope[name] === record) delete scope[name];
  };
}
