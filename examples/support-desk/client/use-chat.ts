import type { Channel, ConnectionStatus } from 'keepwire';
import { type ListEntry, type ListView, type LiveList, liveList } from 'keepwire/live-list';
import { useConnection, useMode, useReadable } from 'keepwire/react';
import { type Typer, type Typing, typing } from 'keepwire/typing';
import { useEffect, useMemo, useState } from 'react';
import type { Via, WireMessage } from '../server/notices.ts';
import { useChannel } from './hooks.ts';
import { useDesk, useSession } from './provider.tsx';
import { channelPath } from './wire.ts';

/** Somebody who is connected. */
export interface ConnectedUser {
  readonly id: string;
  readonly name: string;
  readonly via: readonly Via[];
}

/** Everything that a view of a channel needs. */
export interface Chat {
  readonly status: ConnectionStatus['status'];
  readonly mode: string;
  readonly transport: string | undefined;
  readonly messages: readonly ListEntry<WireMessage>[];
  readonly view: ListView<WireMessage>;
  readonly connectedUsers: readonly ConnectedUser[];
  readonly typers: readonly Typer[];
  send(text: string): void;
  retry(id: string): void;
  discard(id: string): void;
  loadMore(): void;
  /** Loads again what could not be loaded. */
  reload(): void;
  /** A key was pressed; `stop` when the field was emptied. */
  keystroke(): void;
  stop(): void;
}

interface Parts {
  readonly list: LiveList<WireMessage, string>;
  readonly typing: Typing;
}

const loading: ListView<WireMessage> = {
  items: [],
  status: 'loading',
  hasMore: false,
  isLoadingMore: false,
  error: undefined,
  gap: undefined,
};
const nobody: readonly never[] = [];

/** A channel as a view shows it. However many views there are, they have one connection and the channel is joined once. */
export function useChat(channelId: string): Chat {
  const { desk } = useDesk();
  const session = useSession();
  const channel = useChannel(session ? channelId : undefined);
  const { status, transport } = useConnection();
  const [mode] = useMode();
  const [parts, setParts] = useState<Parts>();

  useEffect(() => {
    if (!channel || !session) return;
    const { user } = session;
    const load = async (range: string, signal: AbortSignal): Promise<readonly WireMessage[]> =>
      (await desk.load<{ messages: WireMessage[] }>(`${channelPath(channel.name)}/messages?${range}`, signal)).messages;
    const list = liveList<WireMessage, string, typeof import('./wire.ts').events>(channel, {
      key: ({ id }) => id,
      compare: (one, other) => one.seq - other.seq,
      load: ({ before, limit, signal }) => load(`limit=${limit}${before ? `&before=${before.seq}` : ''}`, signal),
      insert: { message: (message) => message },
      optimistic: {
        event: 'say',
        item: (text, { id, at }) => ({
          id,
          clientId: id,
          channelId: channel.name,
          seq: Number.MAX_SAFE_INTEGER,
          authorId: user.id,
          author: user.name,
          text,
          createdAt: at,
        }),
      },
      per: 'frame',
    });
    const typers = typing(channel as unknown as Channel, { me: { key: user.id }, says: (isTyping) => ({ isTyping }) });
    setParts({ list, typing: typers });
    return () => {
      setParts(undefined);
      typers.close();
      list.close();
    };
  }, [desk, channel, session]);

  const view = useReadable(parts?.list.view, loading);
  const typers = useReadable(parts?.typing.typers, nobody);
  const members = useReadable(channel?.members, nobody);
  const connectedUsers = useMemo(
    () => members.map(({ key, data }) => ({ id: key, ...(data as Omit<ConnectedUser, 'id'>) })),
    [members],
  );
  const actions = useMemo(
    () => ({
      send: (text: string) => void parts?.list.send(text),
      retry: (id: string) => parts?.list.retry(id),
      discard: (id: string) => parts?.list.discard(id),
      loadMore: () => void parts?.list.loadMore(),
      reload: () => parts?.list.reload(),
      keystroke: () => parts?.typing.keystroke(),
      stop: () => parts?.typing.stop(),
    }),
    [parts],
  );
  return { status, mode, transport, messages: view.items, view, connectedUsers, typers, ...actions };
}
