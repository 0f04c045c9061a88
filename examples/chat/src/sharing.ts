import { useSyncExternalStore } from 'react';

const key = 'keepwire-chat-own-connections';

/** Whether the tabs of this browser share one connection, and how to change it: for all of them. */
export function useSharing(): readonly [isShared: boolean, setShared: (isShared: boolean) => void] {
  return [useSyncExternalStore(onChange, isShared), setShared];
}

const isShared = (): boolean => localStorage.getItem(key) === null;

function setShared(wish: boolean): void {
  if (wish) localStorage.removeItem(key);
  else localStorage.setItem(key, 'yes');
  // the event comes by itself to the other tabs only
  dispatchEvent(new StorageEvent('storage', { key }));
}

function onChange(listener: () => void): () => void {
  addEventListener('storage', listener);
  return () => removeEventListener('storage', listener);
}
