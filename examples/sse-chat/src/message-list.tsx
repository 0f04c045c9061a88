import { useVirtualizer } from '@tanstack/react-virtual';
import { type FormEvent, memo, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Byline, isFollowUp, NotSent } from '../../shared/react/message.tsx';
import { currentChat, discard, edit, problemOf, remove, sayAgain } from './chat.ts';
import { type Message, useChat } from './store.ts';

const rowPx = 66;
/** So near the end somebody follows what comes. */
const nearPx = 60;

/** Only the messages that can be seen are in the page, however many there are. */
export function MessageList({ messages }: { readonly messages: readonly Message[] }): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const virtual = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => messages[index]?.clientId ?? messages[index]?.id ?? index,
    overscan: 8,
  });
  const newest = messages.at(-1);
  const first = messages[0];
  const before = useRef(first);
  const heightPx = useRef(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: these are when it has to move
  useLayoutEffect(() => {
    const element = scroller.current;
    if (isAtEnd.current) virtual.scrollToIndex(messages.length - 1, { align: 'end' });
    else if (element && before.current !== first) {
      // older messages came before what is being read: it stays where it is
      const added = messages.findIndex(({ id }) => id === before.current?.id);
      if (added > 0) element.scrollTop += added * rowPx;
    }
    before.current = first;
  }, [messages.length, newest, first, virtual]);

  // a banner above takes room, and not from the newest message
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return (
    <div
      ref={scroller}
      className="messages"
      role="log"
      aria-label="Messages"
      data-count={messages.length}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        // a list that grows has not been scrolled by anybody
        if (scrollHeight === heightPx.current) isAtEnd.current = scrollHeight - scrollTop - clientHeight < nearPx;
        heightPx.current = scrollHeight;
      }}
    >
      <ol style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ key, index, start }) => {
          const message = messages[index];
          if (!message) return null;
          return (
            <li key={key} ref={virtual.measureElement} data-index={index} style={{ transform: `translateY(${start}px)` }}>
              <Line message={message} isGrouped={isFollowUp(messages[index - 1], message)} />
            </li>
          );
        })}
      </ol>
    </div>
  );
}

const Line = memo(function Line({ message, isGrouped }: { readonly message: Message; readonly isGrouped: boolean }): ReactNode {
  const me = currentChat()?.session.userId;
  const name = useChat(({ people }) => people[message.from]?.username ?? message.from);
  const [isEditing, setEditing] = useState(false);
  const [problem, setProblem] = useState<string>();
  const { id, from, text, at, state, edited } = message;
  const isMine = from === me;

  const attempt = (work: Promise<unknown>): void => {
    setProblem(undefined);
    work.then(
      () => setEditing(false),
      (error: unknown) => setProblem(problemOf(error)),
    );
  };

  return (
    <div className="message" data-id={id} data-state={state} data-mine={isMine} data-grouped={isGrouped}>
      {isGrouped ? null : <Byline name={isMine ? 'You' : name} at={at} />}
      {isEditing ? (
        <EditForm text={text} onSave={(next) => attempt(edit(message, next))} onCancel={() => setEditing(false)} />
      ) : (
        <div className="with-actions">
          <p className="bubble">
            {text}
            {edited ? <span className="edited dim"> (edited)</span> : null}
          </p>
          {isMine && state === 'sent' ? (
            <span className="actions">
              <button type="button" className="link" onClick={() => setEditing(true)}>
                Edit
              </button>
              <button type="button" className="link" onClick={() => attempt(remove(message))}>
                Delete
              </button>
            </span>
          ) : null}
        </div>
      )}
      {state === 'pending' ? <p className="note dim">Sending…</p> : null}
      {problem ? (
        <p className="note problem" role="alert">
          Not changed: {problem}.
        </p>
      ) : null}
      {state === 'failed' ? (
        <NotSent problem={message.problem} onRetry={() => void sayAgain(message)} onDiscard={() => discard(message)} />
      ) : null}
    </div>
  );
});

function EditForm({
  text,
  onSave,
  onCancel,
}: {
  readonly text: string;
  readonly onSave: (text: string) => void;
  readonly onCancel: () => void;
}): ReactNode {
  const [value, setValue] = useState(text);
  const save = (event: FormEvent): void => {
    event.preventDefault();
    if (value.trim() !== '') onSave(value.trim());
  };
  return (
    <form className="edit" onSubmit={save}>
      <input
        value={value}
        maxLength={4000}
        aria-label="Change the message"
        // biome-ignore lint/a11y/noAutofocus: it was asked for
        autoFocus
        onChange={({ target }) => setValue(target.value)}
        onKeyDown={({ key }) => key === 'Escape' && onCancel()}
      />
      <button type="submit" className="primary">
        Save
      </button>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}
