/** Takes something away, or ends it. Calling it twice is harmless. With `using` it is called at the end of the block. */
export interface Remover {
  (): void;
  /** The same as calling it. Present where the platform, or a polyfill that was there first, defines the symbol. */
  [Symbol.dispose](): void;
}

/**
 * Lets `using` end something, where the platform has the symbol for it: Safari has none.
 *
 * @param target - gets the symbol
 * @param end - what it calls
 * @returns the target
 * @example
 * ```ts
 * return disposable({ close }, close);
 * ```
 */
export function disposable<T extends object>(target: T, end: () => void): T & Disposable {
  const { dispose } = Symbol as { readonly dispose?: symbol };
  return (dispose ? Object.defineProperty(target, dispose, { value: end }) : target) as T & Disposable;
}
