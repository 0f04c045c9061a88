import { RealtimeError } from '../errors.ts';
import { disposable, type Remover } from './dispose.ts';

/**
 * A remover that is also called when one of the signals fires, and then lets go of all of them. Calling it again does
 * nothing.
 */
export function removable(remove: () => void, ...signals: readonly (AbortSignal | undefined)[]): Remover {
  const forget: (() => void)[] = [remove];
  const finish = (): void => {
    for (const each of forget.splice(0)) each();
  };
  for (const signal of signals) {
    // one that has fired already has called it, and there is nothing left to be forgotten
    if (forget.length) forget.push(onAbort(signal, finish));
  }
  return disposable(finish, finish);
}

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
  const waiting = waitingFor(signal);
  // a function of its own, so that the same callback can wait twice
  const call = (): void => callback();
  waiting.callbacks.add(call);
  return () => {
    if (waiting.callbacks.delete(call) && waiting.callbacks.size === 0) waiting.stop();
  };
}

/**
 * One listener per signal, however many wait for it: Node 20 warns of a leak at the eleventh. The entry goes with the last
 * that waits, and with the signal.
 */
const waits = new WeakMap<AbortSignal, { readonly callbacks: Set<() => void>; readonly stop: () => void }>();

function waitingFor(signal: AbortSignal): NonNullable<ReturnType<typeof waits.get>> {
  const known = waits.get(signal);
  if (known !== undefined) return known;
  const callbacks = new Set<() => void>();
  const fire = (): void => {
    waits.delete(signal);
    for (const callback of [...callbacks]) if (callbacks.delete(callback)) callback();
  };
  signal.addEventListener('abort', fire, { once: true });
  const stop = (): void => {
    waits.delete(signal);
    signal.removeEventListener('abort', fire);
  };
  const waiting = { callbacks, stop };
  waits.set(signal, waiting);
  return waiting;
}
