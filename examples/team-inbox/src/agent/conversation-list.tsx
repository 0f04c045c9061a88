import { type ReactNode, useState } from 'react';
import { Time } from '../../../shared/react/message.tsx';
import { moveFocus } from '../../../shared/react/move-focus.ts';
import type { Conversation } from '../events.ts';
import { Status } from '../parts/status.tsx';
import { useSeen } from '../seen.ts';

const filters = {
  open: { label: 'Open', empty: 'Nobody waits for an answer.' },
  mine: { label: 'Mine', empty: 'Nothing was assigned to you.' },
  closed: { label: 'Closed', empty: 'Nothing is closed yet.' },
};
type Filter = keyof typeof filters;

/** The conversations, the newest first, by what is to be done. */
export function ConversationList({
  me,
  conversations,
  status,
  shown,
  go,
}: {
  readonly me: string;
  readonly conversations: readonly Conversation[];
  readonly status: 'loading' | 'ready' | 'failed';
  readonly shown: string | undefined;
  readonly go: (place: string) => void;
}): ReactNode {
  const [filter, setFilter] = useState<Filter>('open');
  const seen = useSeen();
  const listed = conversations.filter((conversation) => isIn(conversation, filter, me));
  return (
    <>
      <header>
        <h1>Inbox</h1>
        <Status />
      </header>
      <fieldset className="filters">
        <legend className="unseen">Which conversations</legend>
        {(Object.keys(filters) as Filter[]).map((name) => (
          <button key={name} type="button" aria-pressed={name === filter} onClick={() => setFilter(name)}>
            {filters[name].label}{' '}
            <span className="dim">{conversations.filter((conversation) => isIn(conversation, name, me)).length}</span>
          </button>
        ))}
      </fieldset>
      <nav aria-label="Conversations">
        {listed.length === 0 ? <p className="hint dim">{status === 'loading' ? 'Loading…' : filters[filter].empty}</p> : null}
        <ul onKeyDown={moveFocus}>
          {listed.map(({ id, customer, last, assignee }) => (
            <li key={id}>
              <button
                type="button"
                className="entry"
                data-conversation={id}
                aria-current={id === shown ? 'page' : undefined}
                onClick={() => go(id)}
              >
                <span className="avatar" aria-hidden="true">
                  {customer.slice(0, 1).toUpperCase()}
                </span>
                <span className="line">
                  <b>{customer}</b>
                  <Time at={last.at} />
                </span>
                <span className="line">
                  <span className="preview dim">
                    {last.from.id === me ? 'You: ' : last.from.role === 'agent' ? `${last.from.name}: ` : ''}
                    {last.text}
                  </span>
                  {id !== shown && last.from.role === 'customer' && (seen[id] ?? 0) < last.at ? (
                    <span className="dot" role="img" aria-label="unread" />
                  ) : null}
                </span>
                {assignee ? <span className="tag">{assignee.id === me ? 'You' : assignee.name}</span> : null}
              </button>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}

function isIn({ status, assignee }: Conversation, filter: Filter, me: string): boolean {
  return filter === 'mine' ? status === 'open' && assignee?.id === me : status === filter;
}
