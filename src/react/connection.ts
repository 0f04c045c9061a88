import type { ConnectionStatus, Readable } from 'keepwire';
import { useSyncExternalStore } from 'react';
import { useRealtime } from './context.ts';

/** One object for all, since React compares snapshots by identity. */
const idle: ConnectionStatus = {
  status: 'idle',
  transport: undefined,
  mode: 'auto',
  since: 0,
  attempt: 0,
  nextRetryAt: undefined,
  reason: undefined,
  latencyMs: undefined,
  lastReceivedAt: undefined,
  network: 'unknown',
  blocked: [],
  everConnected: false,
  holds: [],
};

const subscribeToNothing = (): (() => void) => () => {};

/**
 * The value of a `Readable`, as it changes.
 *
 * @param readable - what to read; `undefined` while there is nothing yet
 * @param fallback - the value while there is nothing to read, and on the server; the same object on every render
 * @example
 * ```tsx
 * const state = useReadable(useChannel('lobby')?.state, undefined);
 * ```
 */
export function useReadable<T, Fallback = T>(readable: Readable<T> | undefined, fallback: Fallback): T | Fallback {
  return useSyncExternalStore<T | Fallback>(
    readable?.subscribe ?? subscribeToNothing,
    readable?.get ?? (() => fallback),
    () => fallback,
  );
}

/** How the connection is. On the server, and while a page hydrates, it is `idle`. */
export function useConnection(): ConnectionStatus {
  return useReadable(useRealtime().status, idle);
}

/**
 * The transport that is wished for, and the function that changes it: `auto`, or a transport by name.
 *
 * @example
 * ```tsx
 * const [mode, setMode] = useMode();
 * return <button aria-pressed={mode === 'sse'} onClick={() => setMode('sse')}>SSE</button>;
 * ```
 */
export function useMode(): readonly [mode: string, setMode: (mode: string) => void] {
  const { mode, setMode } = useRealtime();
  return [useReadable(mode, mode.get()), setMode];
}
