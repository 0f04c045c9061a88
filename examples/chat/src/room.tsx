import { TypingIndicator, useConnection, useReceipts, useTyping } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { useFollowEnd } from '../../shared/react/follow-end.ts';
import { isFollowUp } from '../../shared/react/message.tsx';
import { Bubble } from './bubble.tsx';
import { Composer } from './composer.tsx';
import { type Conversation, useConversation } from './messages.ts';
import { Outbox } from './outbox.tsx';
import { channelOf } from './realtime.ts';

/** What is older counts as read. */
const pageLoadedAt = Date.now();

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
  const { list, follow } = useFollowEnd();
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

  const actions = { onEdit: edit, onRemove: remove, onRetry: retry, onCancel: cancel };
  return (
    <section className="room" hidden={!isOpen} aria-label={`Room ${name}`}>
      <div className="log" role="log" {...list}>
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
          follow();
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
