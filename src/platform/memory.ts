/** Where a text is kept over reloads. Both functions may throw; then nothing is kept. */
export interface TextMemory {
  /** What was kept last. */
  get(): string | null | undefined;
  /** Keeps this in its place. */
  set(value: string): void;
}

/**
 * Keeps a text in `localStorage`, for this origin.
 *
 * @param key - under which name; two managers with different servers need two
 * @example
 * ```ts
 * createRealtime({ transports, remember: localMemory() });
 * ```
 */
export function localMemory(key = 'keepwire.routes'): TextMemory {
  return {
    get: () => localStorage.getItem(key),
    set: (value) => localStorage.setItem(key, value),
  };
}
