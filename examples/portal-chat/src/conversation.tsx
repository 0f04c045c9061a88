import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { Composer } from './composer.tsx';
import { sayAgain } from './portal.ts';
import { Status, Trouble } from './status.tsx';
import { type Message, usePortal } from './store.ts';

/** Messages of one person within this time are one group. */
const groupMs = 300_000;
const none: readonly never[] = [];

/** The chat on the screen. */
export function Conversation({ chatId }: { readonly chatId: string }): ReactNode {
  const chat = usePortal(({ chats }) => chats.find(({ id }) => id === chatId));
  const messages = usePortal(({ messages }) => messages[chatId]);
  const show = usePortal(({ show }) => show);
  const list = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);

  useLayoutEffect(() => {
    if (isAtEnd.current && messages) list.current?.scrollTo(0, list.current.scrollHeight);
  }, [messages]);
  useEffect(() => {
    document.title = chat ? `${chat.title} · Portal chat` : 'Portal chat';
  }, [chat]);

  return (
    <main className="conversation">
      <header>
        <button type="button" className="back" aria-label="Back to the chats" onClick={() => show(undefined)}>
          ←
        </button>
        <div>
          <h2>{chat?.title ?? chatId}</h2>
          <p className="dim">{chat?.about}</p>
        </div>
        <Status />
      </header>
      <Trouble />
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
        {messages?.map((message, index) => (
          <Line key={message.clientId ?? message.id} chatId={chatId} message={message} before={messages[index - 1]} />
        ))}
      </ol>
      {messages?.length === 0 ? (
        <div className="empty">
          <h3>Nothing was said here yet</h3>
          <p className="dim">Write the first message.</p>
        </div>
      ) : null}
      {messages ? null : <p className="empty dim">Loading…</p>}
      <Typing chatId={chatId} />
      <Composer
        chatId={chatId}
        title={chat?.title ?? chatId}
        onSend={() => {
          isAtEnd.current = true;
        }}
      />
    </main>
  );
}

function Line({
  chatId,
  message,
  before,
}: {
  readonly chatId: string;
  readonly message: Message;
  readonly before: Message | undefined;
}): ReactNode {
  const me = usePortal(({ session }) => session?.user.id);
  const people = usePortal(({ people }) => people);
  const discarded = usePortal(({ discarded }) => discarded);
  const { id, clientId, from, text, at, visibleTo, state, problem } = message;
  const isFollowUp = before?.from === from && at - before.at < groupMs;
  const readers = visibleTo?.map((reader) => (reader === me ? 'you' : (people[reader] ?? reader))).join(', ');
  return (
    <li className="message" data-id={id} data-state={state} data-mine={from === me} data-grouped={isFollowUp}>
      {isFollowUp ? null : (
        <p className="byline">
          <b>{from === me ? 'You' : (people[from] ?? from)}</b>
          <time className="dim">{new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}</time>
        </p>
      )}
      <p className="bubble" data-private={readers !== undefined}>
        {text}
      </p>
      {readers ? <p className="note dim">Only for {readers}</p> : null}
      {state === 'pending' ? <p className="note dim">Sending…</p> : null}
      {state === 'failed' ? (
        <p className="note problem" role="alert">
          Not sent: {problem}.{' '}
          <button type="button" className="link" onClick={() => void sayAgain(chatId, message)}>
            Try again
          </button>{' '}
          <button type="button" className="link" onClick={() => discarded(chatId, clientId ?? id)}>
            Discard
          </button>
        </p>
      ) : null}
    </li>
  );
}

function Typing({ chatId }: { readonly chatId: string }): ReactNode {
  const typing = usePortal(({ typing }) => typing[chatId] ?? none);
  const people = usePortal(({ people }) => people);
  const names = typing.map((user) => people[user] ?? user);
  return (
    <p className="typing dim" role="status">
      {names.length === 0
        ? ''
        : names.length < 3
          ? `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`
          : 'Several people are typing…'}
    </p>
  );
}
