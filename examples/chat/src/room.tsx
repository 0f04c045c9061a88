import { useConnection } from 'keepwire/react';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Composer } from './composer.tsx';
import { type Message, useConversation } from './messages.ts';
import { Avatar } from './people.tsx';
import { channelOf } from './realtime.ts';
import { useTyping } from './typing.ts';

/** What is older counts as read. */
const pageLoadedAt = Date.now();

/** Messages of one person within this time stand together, in milliseconds. */
const groupMs = 5 * 60_000;

/** One room. It stays mounted while another one is open, so that what it sends and what it missed is not lost. */
export function Room({
  name,
  me,
  isOpen,
  onUnread,
}: {
  readonly name: string;
  readonly me: string;
  readonly isOpen: boolean;
  readonly onUnread: (room: string, count: number) => void;
}): ReactNode {
  const { messages, isLoaded, send, retry, discard } = useConversation(name, me);
  const [typists, sayTyping] = useTyping(channelOf(name), me);
  const { status } = useConnection();
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const last = messages.at(-1);
  const [seenAt, setSeenAt] = useState(pageLoadedAt);
  const unread = isOpen ? 0 : messages.filter(({ from, at }) => from !== me && at > seenAt).length;

  useEffect(() => {
    if (isOpen && last !== undefined) setSeenAt(last.at);
  }, [isOpen, last]);
  useEffect(() => onUnread(name, unread), [name, unread, onUnread]);

  // after every render, since whatever makes the log longer must keep its end in view
  useLayoutEffect(() => {
    if (isOpen && isAtEnd.current) log.current?.scrollTo({ top: log.current.scrollHeight });
  });

  return (
    <section className="room" hidden={!isOpen} aria-label={`Room ${name}`}>
      <div
        className="log"
        role="log"
        ref={log}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
        }}
      >
        {messages.length > 0 ? (
          <ol>
            {messages.map((message, index) => (
              <Bubble
                key={message.id}
                message={message}
                isMine={message.from === me}
                isGrouped={isFollowUp(messages[index - 1], message)}
                onRetry={retry}
                onDiscard={discard}
              />
            ))}
          </ol>
        ) : (
          <Empty room={name} isLoaded={isLoaded} />
        )}
      </div>
      <p className="hint" aria-live="polite">
        {typingText(typists) ??
          (last?.state === 'pending' && status !== 'connected' ? 'Your message waits for the connection.' : '')}
      </p>
      <Composer
        room={name}
        isOpen={isOpen}
        onType={sayTyping}
        onSend={(text) => {
          isAtEnd.current = true;
          send(text);
        }}
      />
    </section>
  );
}

function Bubble({
  message,
  isMine,
  isGrouped,
  onRetry,
  onDiscard,
}: {
  readonly message: Message;
  readonly isMine: boolean;
  readonly isGrouped: boolean;
  readonly onRetry: (message: Message) => void;
  readonly onDiscard: (message: Message) => void;
}): ReactNode {
  const { from, at, text, state, problem } = message;
  const time = new Date(at);
  return (
    <li className="message" data-mine={isMine} data-grouped={isGrouped} data-state={state}>
      {isGrouped ? null : (
        <div className="byline">
          <Avatar name={from} />
          <b>{isMine ? 'You' : from}</b>
          <time dateTime={time.toISOString()}>{time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}</time>
        </div>
      )}
      <p className="bubble">{text}</p>
      {state === 'pending' ? <span className="state">Sending…</span> : null}
      {state === 'failed' ? (
        <div className="state" role="alert">
          <span>Not sent: {problem}</span>
          <button type="button" className="link" onClick={() => onRetry(message)}>
            Try again
          </button>
          <button type="button" className="link" onClick={() => onDiscard(message)}>
            Discard
          </button>
        </div>
      ) : null}
    </li>
  );
}

function Empty({ room, isLoaded }: { readonly room: string; readonly isLoaded: boolean }): ReactNode {
  if (!isLoaded) return <p className="empty dim">Loading the conversation…</p>;
  return (
    <div className="empty">
      <h2>#{room} is quiet</h2>
      <p className="dim">Write the first message. Open this page in a second window to see it arrive there.</p>
    </div>
  );
}

function isFollowUp(before: Message | undefined, message: Message): boolean {
  return before?.from === message.from && message.at - before.at < groupMs;
}

function typingText(names: readonly string[]): string | undefined {
  const [first, second] = names;
  if (first === undefined) return undefined;
  if (second === undefined) return `${first} is typing…`;
  return names.length === 2 ? `${first} and ${second} are typing…` : 'Several people are typing…';
}
