import type { ConnectionStatus } from 'keepwire';
import { create } from 'zustand';
import type { Session } from './session.ts';
import type { WireMessage } from './wire.ts';

/** A message on the screen: the server's, or ours on the way to it. */
export interface Message extends WireMessage {
  readonly state: 'sent' | 'pending' | 'failed';
  /** Why it failed. */
  readonly problem?: string;
}

/** A chat in the list. */
export interface Chat {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly last?: WireMessage;
  /** The newest message that was on the screen. */
  readonly seen?: string;
}

/** Everything that is shown. */
export interface PortalState {
  readonly session: Session | undefined;
  readonly connection: ConnectionStatus | undefined;
  readonly chats: readonly Chat[];
  readonly people: Readonly<Record<string, string>>;
  /** The chat on the screen. */
  readonly shown: string | undefined;
  /** The messages of the chats that were shown, oldest first. */
  readonly messages: Readonly<Record<string, readonly Message[]>>;
  /** Who types, by chat. */
  readonly typing: Readonly<Record<string, readonly string[]>>;
  received(chatId: string, ...messages: readonly WireMessage[]): void;
  typed(chatId: string, userId: string, isTyping: boolean): void;
  connectionChanged(connection: ConnectionStatus): void;
  show(chatId: string | undefined): void;
  listed(chats: readonly Chat[], people: Readonly<Record<string, string>>): void;
  /** One of ours: on its way, or failed. */
  noted(chatId: string, message: Message): void;
  discarded(chatId: string, clientId: string): void;
}

const nothing = { connection: undefined, chats: [], people: {}, shown: undefined, messages: {}, typing: {} };

/** The one store of the page. */
export const usePortal = create<PortalState>()((set) => ({
  session: undefined,
  ...nothing,
  received: (chatId, ...messages) =>
    set(({ messages: all, chats, shown, typing }) => {
      const list = messages.reduce((before, message) => put(before, { ...message, state: 'sent' }), all[chatId] ?? []);
      const last = list.filter(({ state }) => state === 'sent').at(-1);
      const writers = new Set(messages.map(({ from }) => from));
      return {
        messages: { ...all, [chatId]: list },
        chats: chats.map((chat) =>
          chat.id === chatId ? { ...chat, last, seen: shown === chatId ? last?.id : chat.seen } : chat,
        ),
        typing: { ...typing, [chatId]: (typing[chatId] ?? []).filter((user) => !writers.has(user)) },
      };
    }),
  typed: (chatId, userId, isTyping) =>
    set(({ typing }) => {
      const others = (typing[chatId] ?? []).filter((user) => user !== userId);
      return { typing: { ...typing, [chatId]: isTyping ? [...others, userId] : others } };
    }),
  connectionChanged: (connection) =>
    set(({ typing }) => ({ connection, typing: connection.status === 'connected' ? typing : {} })),
  show: (shown) =>
    set(({ chats }) => ({ shown, chats: chats.map((chat) => (chat.id === shown ? { ...chat, seen: chat.last?.id } : chat)) })),
  listed: (chats, people) =>
    set(({ chats: before, shown }) => ({
      people,
      chats: chats.map((chat) => {
        const known = before.find(({ id }) => id === chat.id);
        return { ...chat, seen: !known || shown === chat.id ? chat.last?.id : known.seen };
      }),
    })),
  noted: (chatId, message) => set(({ messages: all }) => ({ messages: { ...all, [chatId]: put(all[chatId] ?? [], message) } })),
  discarded: (chatId, clientId) =>
    set(({ messages: all }) => ({
      messages: { ...all, [chatId]: (all[chatId] ?? []).filter((message) => message.clientId !== clientId) },
    })),
}));

/** Another user, or nobody: nothing of the one before stays. */
export function reset(session: Session | undefined): void {
  usePortal.setState({ ...nothing, session });
}

/**
 * The list with a message in its place. The same message may come by the answer to its send, by the socket and with the
 * history, in any order: the server's word replaces ours, and ours never replaces the server's.
 */
function put(list: readonly Message[], message: Message): readonly Message[] {
  const isSame = (other: Message): boolean =>
    (message.clientId !== undefined && other.clientId === message.clientId) || other.id === message.id;
  if (message.state !== 'sent' && list.some((other) => other.state === 'sent' && isSame(other))) return list;
  const rest = list.filter((other) => !isSame(other));
  return [...rest, message].sort((one, other) => rankOf(one) - rankOf(other) || one.at - other.at);
}

/** The server's messages by their number, then ours. */
function rankOf({ state, id }: Message): number {
  return state === 'sent' ? Number(id) : Number.MAX_SAFE_INTEGER;
}
