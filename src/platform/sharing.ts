/** The part of the Web Locks API that keepwire uses. */
export interface LocksLike {
  /** Calls back while the lock is held; it is let go when the answer settles. With `steal` whoever holds it loses it. */
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: boolean },
    callback: () => Promise<void> | undefined,
  ): Promise<unknown>;
}

/** The part of a `BroadcastChannel` that keepwire uses. */
export interface BroadcastChannelLike {
  /** Gets what the others of the same name post. */
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  /** Sends a copy to all others of the same name. */
  postMessage(message: unknown): void;
  /** Frees it. */
  close(): void;
}

/** Makes a {@link BroadcastChannelLike}. */
export type BroadcastChannelConstructor = new (name: string) => BroadcastChannelLike;

/** The platform's own Web Locks; old browsers, pages that are not secure and some embedded engines have none. */
export function systemLocks(): LocksLike | undefined {
  return (globalThis as { navigator?: { locks?: LocksLike } }).navigator?.locks;
}

/** The platform's own `BroadcastChannel`, looked up when it is needed. */
export function systemBroadcastChannel(): BroadcastChannelConstructor | undefined {
  return globalThis.BroadcastChannel as unknown as BroadcastChannelConstructor | undefined;
}

/**
 * Calls back when the browser is about to freeze the page: its network and timers stop then, though it may still get the
 * messages of other pages. The answer removes the listener.
 *
 * Source: Page Lifecycle API, https://wicg.github.io/page-lifecycle/
 */
export function onFreeze(listener: () => void): () => void {
  const page = (globalThis as { document?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> }).document;
  page?.addEventListener('freeze', listener);
  return () => page?.removeEventListener('freeze', listener);
}

/**
 * SHA-256 as hex, for names that must tell things apart without giving them away.
 *
 * @throws anything where the platform has no `crypto.subtle`: it exists only in secure contexts, as Web Locks do
 */
export async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
