/** @throws Error that says what was wanted, when the two differ. What is `undefined` counts as absent. */
export function equal(actual: unknown, wanted: unknown, what: string): void {
  if (!isSame(actual, wanted, false)) throw new Error(`${what}: wanted ${shown(wanted)}, got ${shown(actual)}`);
}

/** @throws Error when the value lacks something of the pattern; what it has besides does not count. */
export function matches(actual: unknown, pattern: unknown, what: string): void {
  if (!isSame(actual, pattern, true)) throw new Error(`${what}: wanted at least ${shown(pattern)}, got ${shown(actual)}`);
}

/** @throws Error when it is not so */
export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** The error that a promise is rejected with. @throws Error when it is not */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return outcome.error;
  throw new Error(`${what}: wanted a rejection, got ${shown(outcome.value)}`);
}

/** Is a text anywhere in a value: in its keys, its hidden properties, its causes? */
export function reveals(value: unknown, text: string, seen: Set<unknown> = new Set()): boolean {
  if (typeof value === 'string') return value.includes(text);
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  if (value instanceof Map || value instanceof Set) return [...value].some((item) => reveals(item, text, seen));
  return Reflect.ownKeys(value).some((key) => String(key).includes(text) || reveals(Reflect.get(value, key), text, seen));
}

function isSame(actual: unknown, wanted: unknown, isPartial: boolean): boolean {
  if (Object.is(actual, wanted)) return true;
  if (typeof actual !== 'object' || typeof wanted !== 'object' || actual === null || wanted === null) return false;
  if (Array.isArray(actual) !== Array.isArray(wanted)) return false;
  if (Array.isArray(actual) && actual.length !== (wanted as unknown[]).length) return false;
  const names = new Set([...(isPartial ? [] : Object.keys(actual)), ...Object.keys(wanted)]);
  return [...names].every((name) => isSame(ownOf(actual, name), ownOf(wanted, name), isPartial));
}

/** `__proto__` as a key of its own is data; the inherited one is not. */
function ownOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) || name === 'message' || name === 'code' ? Reflect.get(value, name) : undefined;
}

function shown(value: unknown): string {
  const seen = new Set<unknown>();
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'object' || item === null) return item;
    if (seen.has(item)) return '[seen before]';
    seen.add(item);
    return item instanceof Error ? { ...item, message: item.message } : item;
  });
  return (text ?? String(value)).slice(0, 500);
}
