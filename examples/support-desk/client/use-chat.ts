import type { ConnectionStatus } from 'keepwire';
import { type Messages, type TypingState, useConnection, useMembers, useMode, useTyping } from 'keepwire/react';
import { useMemo } from 'react';
import type { Via, WireMessage } from '../server/notices.ts';
import { useMessages } from './hooks.ts';
import { useDesk, useSession } from './provider.tsx';
import { channelPath } from './wire.ts';

/** Somebody who is connected. */
export interface ConnectedUser {
  readonly id: string;
  readonly name: string;
  /** By which ways: one for each kind of connection that the person has. */
  readonly via: readonly Via[];
}

/** Everything that a view of a channel needs. */
export interface Chat extends Omit<Messages<WireMessage, string>, 'items' | 'status'>, TypingState {
  readonly status: ConnectionStatus['status'];
  readonly mode: string;
  readonly messages: Messages<WireMessage, string>['items'];
  /** How the list of messages is. */
  readonly listStatus: Messages<WireMessage, string>['status'];
  readonly connectedUsers: readonly ConnectedUser[];
}

/** A channel as a view shows it. However many views there are, they have one connection and the channel is joined once. */
export function useChat(channelId: string): Chat {
  const { load } = useDesk().desk;
  const session = useSession();
  const channel = session && channelId;
  const me = { id: session?.user.id ?? '', name: session?.user.name ?? '' };

  const { status } = useConnection();
  const [mode] = useMode();
  const members = useMembers(channel);
  const typing = useTyping(channel, { me: { key: me.id }, says: (isTyping) => ({ isTyping }) });
  const {
    items,
    status: listStatus,
    ...list
  } = useMessages<WireMessage, string>(channel, {
    key: ({ id }) => id,
    compare: (one, other) => one.seq - other.seq,
    async load({ before, limit, signal }) {
      const range = `limit=${limit}${before ? `&before=${before.seq}` : ''}`;
      return (await load<{ messages: WireMessage[] }>(`${channelPath(channelId)}/messages?${range}`, signal)).messages;
    },
    insert: { message: (message) => message },
    optimistic: {
      event: 'say',
      item: (text, { id, at }) => ({
        id,
        clientId: id,
        channelId,
        seq: Number.MAX_SAFE_INTEGER,
        authorId: me.id,
        author: me.name,
        text,
        createdAt: at,
      }),
    },
  });
  const connectedUsers = useMemo(
    () => members.map(({ key, data }) => ({ id: key, ...(data as Omit<ConnectedUser, 'id'>) })),
    [members],
  );
  return { ...list, ...typing, status, mode, messages: items, listStatus, connectedUsers };
}
