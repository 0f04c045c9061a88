import type { Messages } from 'keepwire/react';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { Byline, isFollowUp, NotSent } from '../../../shared/react/message.tsx';
import type { Message } from '../hooks.ts';

/** A conversation as a list: history on scrolling up, failed sends with a way out, and the words for when there is nothing. */
export function MessageList({
  me,
  list,
  empty,
}: {
  readonly me: string;
  readonly list: Messages<Message, { text: string }>;
  readonly empty: ReactNode;
}): ReactNode {
  const { items, status, hasMore, isLoadingMore, error, gap, loadMore, reload } = list;
  const place = useRef<HTMLDivElement>(null);
  /** How far the reader is from the end, in pixels: what comes above must not move what is read. */
  const fromEnd = useRef(0);

  useLayoutEffect(() => {
    const { current } = place;
    if (items.length > 0 && current) current.scrollTop = current.scrollHeight - current.clientHeight - fromEnd.current;
  }, [items]);
  useEffect(() => {
    // a list that is not full cannot be scrolled
    const { current } = place;
    if (hasMore && !isLoadingMore && current && current.scrollHeight <= current.clientHeight) void loadMore();
  });

  if (status === 'loading' && items.length === 0) return <p className="empty dim">Loading…</p>;
  if (status === 'failed' && items.length === 0) {
    return (
      <div className="empty" role="alert">
        <h3>This conversation could not be loaded</h3>
        <p className="dim">{error?.message}</p>
        <button type="button" onClick={reload}>
          Try again
        </button>
      </div>
    );
  }
  if (items.length === 0) return <div className="empty">{empty}</div>;
  return (
    <div
      ref={place}
      className="messages"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        const away = scrollHeight - scrollTop - clientHeight;
        fromEnd.current = away < 40 ? 0 : away;
        if (scrollTop < 80 && hasMore && !isLoadingMore) void loadMore();
      }}
    >
      <p className="edge dim">{isLoadingMore || hasMore ? 'Loading earlier messages…' : 'The beginning'}</p>
      {gap ? <p className="edge dim">Catching up…</p> : null}
      <ol aria-label="Messages" aria-live="polite">
        {items.map((entry, index) => (
          <Line key={entry.id} me={me} entry={entry} before={items[index - 1]?.item} list={list} />
        ))}
      </ol>
    </div>
  );
}

type Entry = Messages<Message>['items'][number];

const saidBy = ({ author, at }: Message): { from: string; at: number } => ({ from: author.id, at });

function Line({
  me,
  entry: { id, item, status, error },
  before,
  list: { retry, discard },
}: {
  readonly me: string;
  readonly entry: Entry;
  readonly before: Message | undefined;
  readonly list: Pick<Messages<Message>, 'retry' | 'discard'>;
}): ReactNode {
  const { author, at, text } = item;
  const isGrouped = isFollowUp(before && saidBy(before), saidBy(item));
  const state = { sending: 'pending', confirmed: 'sent', failed: 'failed' }[status];
  return (
    <li className="message" data-state={state} data-number={item.number} data-mine={author.id === me} data-grouped={isGrouped}>
      {isGrouped ? null : <Byline name={author.id === me ? 'You' : author.name} at={at} />}
      <p className="bubble">{text}</p>
      {status === 'sending' ? <p className="note dim">Sending…</p> : null}
      {status === 'failed' ? <NotSent problem={error?.message} onRetry={() => retry(id)} onDiscard={() => discard(id)} /> : null}
    </li>
  );
}
