import type { Readable } from 'keepwire';

/** What every binding takes. */
export interface BindOptions {
  /** Ends the binding. The page stays as it is. */
  readonly signal?: AbortSignal;
}

/**
 * Calls a listener with the value of now, and on every change until the signal fires.
 *
 * @returns what ends it sooner; calling it twice is harmless
 * @example
 * ```ts
 * observe(realtime.status, ({ status }) => document.body.classList.toggle('offline', status !== 'connected'), { signal });
 * ```
 */
export function observe<T>(readable: Readable<T>, listener: (value: T) => void, { signal }: BindOptions = {}): () => void {
  if (signal?.aborted) return () => {};
  const remove = readable.subscribe(listener);
  const end = (): void => {
    remove();
    signal?.removeEventListener('abort', end);
  };
  signal?.addEventListener('abort', end);
  // the listener may have fired the signal in its first call
  if (signal?.aborted) end();
  return end;
}
