'use client';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { useChannels } from './channels.tsx';

/** The channels, with the last word in each. */
export function ChannelList({ shown }: { readonly shown?: string }): ReactNode {
  const { channels, problem, reload } = useChannels();
  if (!channels) {
    return problem ? (
      <div className="hint" role="alert">
        <p className="problem">The channels could not be loaded: {problem}.</p>
        <button type="button" onClick={reload}>
          Try again
        </button>
      </div>
    ) : (
      <p className="hint dim">Loading…</p>
    );
  }
  return (
    <ul className="channels">
      {channels.map(({ id, title, about, last, isUnread }) => (
        <li key={id}>
          <Link className="entry channel" href={`/chat/${id}`} data-channel={id} aria-current={id === shown ? 'page' : undefined}>
            <span className="line">
              <b>{title}</b>
              {isUnread ? <span className="dot" role="img" aria-label="unread" /> : null}
            </span>
            <span className="preview dim">{last ? `${last.author}: ${last.text}` : about}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
