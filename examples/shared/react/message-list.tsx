import type { ReactNode } from 'react';
import type { FollowEnd } from './follow-end.ts';

/** The messages of a conversation, which are read out as they come. */
export function MessageList({ list, children }: Pick<FollowEnd, 'list'> & { readonly children: ReactNode }): ReactNode {
  return (
    <ol
      {...list}
      className="messages"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it
      tabIndex={0}
      aria-label="Messages"
      aria-live="polite"
    >
      {children}
    </ol>
  );
}

/** What stands there before anybody has written. */
export function NothingSaid(): ReactNode {
  return (
    <div className="empty">
      <h3>Nothing was said here yet</h3>
      <p className="dim">Write the first message.</p>
    </div>
  );
}
