import { TypingIndicator, useConnection, useReceipts, useTyping } from 'keepwire/react';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Bubble } from './bubble.tsx';
import { Composer } from './composer.tsx';
import { type Conversation, type Line, useConversation } from './messages.ts';
import { Outbox } from './outbox.tsx';
import { channelOf } from './realtime.ts';

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
  const conversation = useConversation(name, me);
  const { lines, waiting, send, edit, remove, retry, cancel } = conversation;
  const { typers, keystroke, stop } = useTyping(channelOf(name), { me: { key: me } });
  const { mark, readBy } = useReceipts(channelOf(name), { me: { key: me } });
  const { status } = useConnection();
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const last = lines.at(-1);
  const lastMine = lines.findLast(({ from, state }) => from === me && state === 'sent');
  const [seenAt, setSeenAt] = useState(pageLoadedAt);
  const unread = isOpen ? 0 : lines.filter(({ from, at }) => from !== me && at > seenAt).length;

  useEffect(() => {
    if (isOpen && last !== undefined) setSeenAt(last.at);
  }, [isOpen, last]);
  useEffect(() => onUnread(name, unread), [name, unread, onUnread]);
  const lastOffset = lines.findLast(({ offset }) => offset !== undefined)?.offset;
  useEffect(() => {
    if (isOpen && lastOffset !== undefined && !document.hidden) mark(lastOffset);
  }, [isOpen, lastOffset, mark]);

  // after every render, since whatever makes the log longer must keep its end in view
  useLayoutEffect(() => {
    if (isOpen && isAtEnd.current) log.current?.scrollTo({ top: log.current.scrollHeight });
  });

  // and when the room for it changes: the keyboard of a phone, the outbox, the devtools
  useEffect(() => {
    const view = log.current;
    if (view === null) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) view.scrollTo({ top: view.scrollHeight });
    });
    observer.observe(view);
    return () => observer.disconnect();
  }, []);

  const actions = { onEdit: edit, onRemove: remove, onRetry: retry, onCancel: cancel };
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
        {lines.length > 0 ? (
          <>
            <Older conversation={conversation} />
            <ol>
              {lines.map((line, index) => (
                <Bubble
                  key={line.id}
                  line={line}
                  isMine={line.from === me}
                  isGrouped={isFollowUp(lines[index - 1], line)}
                  seenBy={line === lastMine && line.offset !== undefined ? readBy(line.offset) : nobody}
                  actions={actions}
                />
              ))}
            </ol>
          </>
        ) : (
          <Empty room={name} conversation={conversation} />
        )}
      </div>
      <p className="hint">
        <TypingIndicator typers={typers} name={({ key }) => key} />
        {typers.length === 0 && status !== 'connected' ? 'No connection: what you write waits in the outbox.' : null}
      </p>
      <Outbox changes={waiting} onRetry={retry} onCancel={cancel} />
      <Composer
        room={name}
        isOpen={isOpen}
        onType={(isTyping) => (isTyping ? keystroke() : stop())}
        onSend={(text) => {
          isAtEnd.current = true;
          send(text);
        }}
      />
    </section>
  );
}

const nobody: readonly string[] = [];

function Older({ conversation: { hasMore, isLoadingMore, loadMore } }: { readonly conversation: Conversation }): ReactNode {
  if (!hasMore) return null;
  return (
    <button type="button" className="older" disabled={isLoadingMore} onClick={() => void loadMore()}>
      {isLoadingMore ? 'Loading…' : 'Show older messages'}
    </button>
  );
}

function Empty({
  room,
  conversation: { status, reload },
}: {
  readonly room: string;
  readonly conversation: Conversation;
}): ReactNode {
  switch (status) {
    case 'loading':
      return <p className="empty dim">Loading the conversation…</p>;
    case 'failed':
      return (
        <div className="empty" role="alert">
          <h2>The history could not be loaded</h2>
          <p className="dim">What is written from now on is shown as it comes.</p>
          <button type="button" onClick={reload}>
            Load it again
          </button>
        </div>
      );
    case 'ready':
      return (
        <div className="empty">
          <h2>#{room} is quiet</h2>
          <p className="dim">Write the first message. Open this page in a second window to see it arrive there.</p>
        </div>
      );
  }
}

function isFollowUp(before: Line | undefined, line: Line): boolean {
  return before?.from === line.from && line.at - before.at < groupMs;
}
