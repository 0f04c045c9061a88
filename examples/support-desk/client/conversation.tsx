'use client';
import type { ListEntry } from 'keepwire/live-list';
import { type ReactNode, useEffect, useId } from 'react';
import { useFollowEnd } from '../../shared/react/follow-end.ts';
import { Byline, isFollowUp, NotSent } from '../../shared/react/message.tsx';
import { MessageList, NothingSaid } from '../../shared/react/message-list.tsx';
import { whoTypes } from '../../shared/words.ts';
import type { WireMessage } from '../server/notices.ts';
import { useChannels } from './channels.tsx';
import { Composer } from './composer.tsx';
import { useSession } from './provider.tsx';
import { ways } from './status.tsx';
import { type Chat, useChat } from './use-chat.ts';

/** A channel: on the page, in the pane beside it, or in the widget. */
export function Conversation({
  channelId,
  place,
  actions,
}: {
  readonly channelId: string;
  readonly place: 'page' | 'pane' | 'widget';
  /** Buttons beside the title. */
  readonly actions?: ReactNode;
}): ReactNode {
  const { channels, seen } = useChannels();
  const chat = useChat(channelId);
  const info = channels?.find(({ id }) => id === channelId);
  const heading = useId();
  const isUnread = info?.isUnread === true;

  useEffect(() => {
    if (isUnread) seen(channelId);
  }, [isUnread, seen, channelId]);

  return (
    <section
      className="pane conversation"
      data-place={place}
      data-channel={channelId}
      data-status={chat.status}
      data-mode={chat.mode}
      aria-labelledby={heading}
    >
      <header>
        <div className="title">
          <h2 id={heading}>{info?.title ?? channelId}</h2>
          {place === 'page' ? <p className="dim">{info?.about}</p> : null}
        </div>
        <People chat={chat} />
        {actions}
      </header>
      <Messages chat={chat} />
      <p className="typing dim" role="status">
        {whoTypes(chat.typers.map(({ data, key }) => (typeof data === 'string' ? data : key)))}
      </p>
      <Composer chat={chat} title={info?.title ?? channelId} hasFocus={place !== 'pane'} />
    </section>
  );
}

function People({ chat: { connectedUsers } }: { readonly chat: Chat }): ReactNode {
  const names = connectedUsers.map(({ name, via }) => `${name} (${via.map((one) => ways[one]).join(', ')})`);
  return (
    <ul className="people" aria-label={`${connectedUsers.length} connected`} title={names.join('\n')}>
      {connectedUsers.slice(0, 4).map(({ id, name }) => (
        <li key={id} className="avatar" data-user={id}>
          {name.slice(0, 1).toUpperCase()}
          <span className="unseen">{name}</span>
        </li>
      ))}
      {connectedUsers.length > 4 ? <li className="dim">+{connectedUsers.length - 4}</li> : null}
    </ul>
  );
}

function Messages({ chat }: { readonly chat: Chat }): ReactNode {
  const { messages, listStatus } = chat;
  const { list } = useFollowEnd();

  if (messages.length === 0) {
    if (listStatus === 'loading') return <p className="empty dim">Loading…</p>;
    if (listStatus === 'ready') return <NothingSaid />;
    return (
      <div className="empty">
        <h3>This could not be loaded</h3>
        <p className="dim">{chat.error?.message}</p>
        <button type="button" onClick={chat.reload}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <MessageList list={list}>
      {chat.hasMore ? (
        <li className="more">
          <button type="button" className="link" disabled={chat.isLoadingMore} onClick={() => void chat.loadMore()}>
            {chat.isLoadingMore ? 'Loading…' : 'Show older messages'}
          </button>
        </li>
      ) : null}
      {messages.map((entry, index) => (
        <Line key={entry.id} entry={entry} before={messages[index - 1]?.item} chat={chat} />
      ))}
    </MessageList>
  );
}

const saidBy = ({ authorId, createdAt }: WireMessage): { from: string; at: number } => ({ from: authorId, at: createdAt });

function Line({
  entry,
  before,
  chat,
}: {
  readonly entry: ListEntry<WireMessage>;
  readonly before: WireMessage | undefined;
  readonly chat: Chat;
}): ReactNode {
  const session = useSession();
  const { id, item, status, error } = entry;
  const { authorId, author, text, createdAt } = item;
  const isMine = authorId === session?.user.id;
  const isGrouped = isFollowUp(before && saidBy(before), saidBy(item));
  return (
    <li className="message" data-id={item.id} data-state={status} data-mine={isMine} data-grouped={isGrouped}>
      {isGrouped ? null : <Byline name={isMine ? 'You' : author} at={createdAt} />}
      <p className="bubble">{text}</p>
      {status === 'sending' ? <p className="note dim">Sending…</p> : null}
      {status === 'failed' ? (
        <NotSent
          problem={error?.serverCode ? `the server refused it (${error.serverCode})` : error?.message}
          onRetry={() => chat.retry(id)}
          onDiscard={() => chat.discard(id)}
        />
      ) : null}
    </li>
  );
}
