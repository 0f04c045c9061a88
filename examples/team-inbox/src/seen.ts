import { useSyncExternalStore } from 'react';

/** Up to when this browser has seen each conversation, in milliseconds since the Unix epoch. */
type Seen = Readonly<Record<string, number>>;

const key = 'team-inbox.seen';
const listeners = new Set<() => void>();
let last: { readonly text: string | null; readonly seen: Seen } = { text: null, seen: {} };

/** What was seen, in all tabs of this browser. */
export function useSeen(): Seen {
  return useSyncExternalStore(subscribe, read);
}

/** Marks a conversation as seen. */
export function markSeen(id: string, at: number): void {
  const seen = read();
  if ((seen[id] ?? 0) >= at) return;
  localStorage.setItem(key, JSON.stringify({ ...seen, [id]: at }));
  for (const listener of [...listeners]) listener();
}

function read(): Seen {
  const text = localStorage.getItem(key);
  // React compares by identity
  if (text !== last.text) last = { text, seen: text === null ? {} : JSON.parse(text) };
  return last.seen;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}
