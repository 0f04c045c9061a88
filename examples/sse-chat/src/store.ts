import { useSyncExternalStore } from 'react';
import type { WireChannel, WireMessage, WirePresence } from './wire.ts';

/** A message on the screen: the server's, or ours on the way to it. */
export interface Message extends WireMessage {
  readonly state: 'sent' | 'pending' | 'failed';
  readonly problem?: string;
}

/** Everything that is shown of the chat. */
export interface ChatState {
  readonly channels: readonly WireChannel[];
  readonly shown: string | undefined;
  /** By channel, oldest first; absent until they were loaded. */
  readonly messages: Readonly<Record<string, readonly Message[]>>;
  readonly unread: Readonly<Record<string, number>>;
  readonly people: Readonly<Record<string, WirePresence>>;
  /** Who types, by channel: the user and the name. */
  readonly typing: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly announcement: string | undefined;
}

/** A change of the state. */
export type Change = (state: ChatState) => ChatState;

/** So many messages of a channel are kept. */
export const longestHistory = 10_000;

const empty: ChatState = {
  channels: [],
  shown: undefined,
  messages: {},
  unread: {},
  people: {},
  typing: {},
  announcement: undefined,
};

/** What the page shows. Changes are applied together, once for each frame of the screen. */
export function createStore() {
  const listeners = new Set<() => void>();
  let state = empty;
  let waiting: Change[] = [];
  /** How often the screen was told of changes, and of how many. */
  const counts = { frames: 0, changes: 0 };

  function flush(): void {
    const changes = waiting;
    waiting = [];
    counts.frames += 1;
    counts.changes += changes.length;
    const before = state;
    state = changes.reduce((current, change) => change(current), state);
    if (state !== before) for (const listener of [...listeners]) listener();
  }

  return {
    counts,
    get: () => state,
    /** With the next frame; a page that is not seen has none. */
    change(change: Change): void {
      waiting.push(change);
      if (waiting.length > 1) return;
      if (document.visibilityState === 'visible') requestAnimationFrame(flush);
      else setTimeout(flush, 0);
    },
    /** At once: what somebody has typed or clicked. */
    changeNow(change: Change): void {
      waiting.push(change);
      flush();
    },
    reset(): void {
      waiting = [];
      state = empty;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export const store = createStore();

/** A part of the state. The function must give the same object as long as nothing has changed. */
export function useChat<T>(select: (state: ChatState) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}

/** Changes the messages of one channel. */
export const inChannel =
  (channel: string, change: (messages: readonly Message[]) => readonly Message[]): Change =>
  (state) => {
    const before = state.messages[channel] ?? [];
    const after = change(before);
    return after === before ? state : { ...state, messages: { ...state.messages, [channel]: after.slice(-longestHistory) } };
  };

/**
 * Puts a message in its place. The same message may come by the answer to its send, by the stream and with the history, in
 * any order: the server's word replaces ours, and ours never replaces the server's.
 */
export function put(list: readonly Message[], message: Message): readonly Message[] {
  const at = list.findLastIndex((other) => isSame(other, message));
  if (at >= 0 && message.state !== 'sent' && list[at]?.state === 'sent') return list;
  const rest = at < 0 ? [...list] : list.toSpliced(at, 1);
  // almost always it is the newest
  let place = rest.length;
  while (place > 0 && rankOf(rest[place - 1] as Message) > rankOf(message)) place -= 1;
  rest.splice(place, 0, message);
  return rest;
}

/** The server's word on a part of the history: what it does not have there is gone. */
export function replacePart(list: readonly Message[], part: readonly WireMessage[], isWhole: boolean): readonly Message[] {
  const first = isWhole ? 0 : Number(part[0]?.id ?? 0);
  const kept = list.filter((message) =>
    message.state === 'sent' ? Number(message.id) < first : !part.some((one) => isSame(one, message)),
  );
  const older = kept.filter(({ state }) => state === 'sent');
  const own = kept.filter(({ state }) => state !== 'sent');
  return [...older, ...part.map((message) => ({ ...message, state: 'sent' as const })), ...own];
}

function isSame(one: WireMessage, other: WireMessage): boolean {
  return one.id === other.id || (one.clientId !== undefined && one.clientId === other.clientId);
}

/** The server's messages by their number, then ours. */
function rankOf({ state, id }: Message): number {
  return state === 'sent' ? Number(id) : Number.MAX_SAFE_INTEGER;
}
