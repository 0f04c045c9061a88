import { RealtimeError } from '../errors.ts';

/** The error for a call that the caller's signal ended; the signal's own reason is its cause. */
export function abortedError(what: string, signal: AbortSignal): RealtimeError {
  return new RealtimeError('aborted', `${what} was aborted`, { cause: signal.reason });
}

/**
 * Calls back when the signal fires, at once if it already has. The answer removes the listener and may be called at any
 * time; without a signal nothing happens.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
