'use client';
import Link from 'next/link';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useChannels } from './channels.tsx';
import { Conversation } from './conversation.tsx';
import { useDesk } from './provider.tsx';

/** The conversation that was last on the screen, on whatever page: Escape closes it. */
export function Widget(): ReactNode {
  const { current } = useDesk();
  const { channels } = useChannels();
  const [isOpen, setIsOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const unread = channels?.filter(({ isUnread }) => isUnread).length ?? 0;

  useEffect(() => {
    if (!isOpen) return;
    const close = ({ key }: KeyboardEvent): void => {
      if (key !== 'Escape') return;
      setIsOpen(false);
      opener.current?.focus();
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [isOpen]);

  return (
    <>
      <button
        ref={opener}
        type="button"
        className="opener"
        aria-expanded={isOpen}
        aria-label={unread > 0 ? `Quick chat, ${unread} unread` : 'Quick chat'}
        onClick={() => setIsOpen(!isOpen)}
      >
        <svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden="true">
          <path d="M4 5h16v11H10l-4 4v-4H4z" strokeLinejoin="round" />
        </svg>
        {unread > 0 ? <span className="count">{unread}</span> : null}
      </button>
      {isOpen ? (
        <aside className="widget" aria-label="Quick chat">
          <Conversation
            key={current}
            channelId={current}
            place="widget"
            actions={
              <span className="actions">
                <Link className="expand" href={`/chat/${current}`} aria-label="Open the whole page" title="Open the whole page">
                  ⤢
                </Link>
                <button type="button" className="link" aria-label="Close" onClick={() => setIsOpen(false)}>
                  ✕
                </button>
              </span>
            }
          />
        </aside>
      ) : null}
    </>
  );
}
