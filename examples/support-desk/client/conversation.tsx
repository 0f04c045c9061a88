'use client';
import type { ListEntry } from 'keepwire/live-list';
import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import type { WireMessage } from '../server/notices.ts';
import { useChannels } from './channels.tsx';
import { Composer } from './composer.tsx';
import { useSession } from './provider.tsx';
import { ways } from './status.tsx';
import { type Chat, useChat } from './use-chat.ts';

/** Messages of one person within this time are one group. */
const groupMs = 300_000;

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
      className="conversation"
      data-place={place}
      data-channel={channelId}
      data-status={chat.status}
      data-mode={chat.mode}
      aria-labelledby={heading}
    >
      <header>
        <div>
          <h2 id={heading}>{info?.title ?? channelId}</h2>
          {place === 'page' ? <p className="dim">{info?.about}</p> : null}
        </div>
        <People chat={chat} />
        {actions}
      </header>
      <Messages chat={chat} />
      <p className="typing dim" role="status">
        {sentenceOf(chat.typers.map(({ data, key }) => (typeof data === 'string' ? data : key)))}
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
          <span className="name">{name}</span>
        </li>
      ))}
      {connectedUsers.length > 4 ? <li className="dim">+{connectedUsers.length - 4}</li> : null}
    </ul>
  );
}

function Messages({ chat }: { readonly chat: Chat }): ReactNode {
  const { messages, listStatus } = chat;
  const list = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);

  useLayoutEffect(() => {
    if (isAtEnd.current && messages.length > 0) list.current?.scrollTo(0, list.current.scrollHeight);
  }, [messages]);

  if (messages.length === 0) {
    return (
      <div className="empty">
        {listStatus === 'loading' ? <p className="dim">Loading…</p> : null}
        {listStatus === 'ready' ? (
          <>
            <h3>Nothing was said here yet</h3>
            <p className="dim">Write the first message.</p>
          </>
        ) : null}
        {listStatus === 'failed' ? (
          <>
            <h3>This could not be loaded</h3>
            <p className="dim">{chat.error?.message}</p>
            <button type="button" onClick={chat.reload}>
              Try again
            </button>
          </>
        ) : null}
      </div>
    );
  }
  return (
    <ol
      ref={list}
      className="messages"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it
      tabIndex={0}
      aria-label="Messages"
      aria-live="polite"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
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
    </ol>
  );
}

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
  const isFollowUp = before?.authorId === authorId && createdAt - before.createdAt < groupMs;
  return (
    <li className="message" data-id={item.id} data-state={status} data-mine={isMine} data-grouped={isFollowUp}>
      {isFollowUp ? null : (
        <p className="byline">
          <b>{isMine ? 'You' : author}</b>
          <time className="dim" dateTime={new Date(createdAt).toISOString()}>
            {new Date(createdAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
          </time>
        </p>
      )}
      <p className="bubble">{text}</p>
      {status === 'sending' ? <p className="note dim">Sending…</p> : null}
      {status === 'failed' ? (
        <p className="note problem" role="alert">
          Not sent: {error?.serverCode ? `the server refused it (${error.serverCode})` : error?.message}.{' '}
          <button type="button" className="link" onClick={() => chat.retry(id)}>
            Try again
          </button>{' '}
          <button type="button" className="link" onClick={() => chat.discard(id)}>
            Discard
          </button>
        </p>
      ) : null}
    </li>
  );
}

function sentenceOf(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length > 2) return 'Several people are typing…';
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
}
