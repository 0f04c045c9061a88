import { type ReactNode, useEffect } from 'react';
import { useFollowEnd } from '../../shared/react/follow-end.ts';
import { Byline, isFollowUp, NotSent } from '../../shared/react/message.tsx';
import { MessageList, NothingSaid } from '../../shared/react/message-list.tsx';
import { PaneHead } from '../../shared/react/pane-head.tsx';
import { whoTypes } from '../../shared/words.ts';
import { Composer } from './composer.tsx';
import { sayAgain } from './portal.ts';
import { Status, Trouble } from './status.tsx';
import { type Message, usePortal } from './store.ts';

const none: readonly never[] = [];

/** The chat on the screen. */
export function Conversation({ chatId }: { readonly chatId: string }): ReactNode {
  const chat = usePortal(({ chats }) => chats.find(({ id }) => id === chatId));
  const messages = usePortal(({ messages }) => messages[chatId]);
  const show = usePortal(({ show }) => show);
  const { list, follow } = useFollowEnd();

  useEffect(() => {
    document.title = chat ? `${chat.title} · Portal chat` : 'Portal chat';
  }, [chat]);

  return (
    <main className="pane">
      <PaneHead title={chat?.title ?? chatId} about={chat?.about} back="chats" onBack={() => show(undefined)}>
        <Status />
      </PaneHead>
      <Trouble />
      <MessageList list={list}>
        {messages?.map((message, index) => (
          <Line key={message.clientId ?? message.id} chatId={chatId} message={message} before={messages[index - 1]} />
        ))}
      </MessageList>
      {messages?.length === 0 ? <NothingSaid /> : null}
      {messages ? null : <p className="empty dim">Loading…</p>}
      <Typing chatId={chatId} />
      <Composer chatId={chatId} title={chat?.title ?? chatId} onSend={follow} />
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
  const isGrouped = isFollowUp(before, message);
  const readers = visibleTo?.map((reader) => (reader === me ? 'you' : (people[reader] ?? reader))).join(', ');
  return (
    <li className="message" data-id={id} data-state={state} data-mine={from === me} data-grouped={isGrouped}>
      {isGrouped ? null : <Byline name={from === me ? 'You' : (people[from] ?? from)} at={at} />}
      <p className="bubble" data-private={readers !== undefined}>
        {text}
      </p>
      {readers ? <p className="note dim">Only for {readers}</p> : null}
      {state === 'pending' ? <p className="note dim">Sending…</p> : null}
      {state === 'failed' ? (
        <NotSent
          problem={problem}
          onRetry={() => void sayAgain(chatId, message)}
          onDiscard={() => discarded(chatId, clientId ?? id)}
        />
      ) : null}
    </li>
  );
}

function Typing({ chatId }: { readonly chatId: string }): ReactNode {
  const typing = usePortal(({ typing }) => typing[chatId] ?? none);
  const people = usePortal(({ people }) => people);
  return (
    <p className="typing dim" role="status">
      {whoTypes(typing.map((user) => people[user] ?? user))}
    </p>
  );
}
