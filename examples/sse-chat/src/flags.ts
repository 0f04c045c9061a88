import { useSyncExternalStore } from 'react';

/** What can be switched off. */
export interface Flags {
  readonly realtime: boolean;
  readonly typing: boolean;
  readonly presence: boolean;
}

const key = 'sse-chat.flags';
const listeners = new Set<() => void>();
let flags: Flags = { realtime: true, typing: true, presence: true, ...JSON.parse(localStorage.getItem(key) ?? '{}') };

export const readFlags = (): Flags => flags;

export function setFlag(name: keyof Flags, isOn: boolean): void {
  flags = { ...flags, [name]: isOn };
  localStorage.setItem(key, JSON.stringify(flags));
  for (const listener of [...listeners]) listener();
}

export function onFlags(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export const useFlags = (): Flags => useSyncExternalStore(onFlags, readFlags);
