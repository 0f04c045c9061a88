import type { ReactNode } from 'react';

/** Messages of one person within this time are one group. */
const groupMs = 300_000;

/** Who said it, and when, in milliseconds since the Unix epoch. */
interface Said {
  readonly from: string;
  readonly at: number;
}

/** Does a message go on with the one before it, so that it needs no byline? */
export function isFollowUp(before: Said | undefined, { from, at }: Said): boolean {
  return before?.from === from && at - before.at < groupMs;
}

/** Who wrote the messages below it, and since when. */
export function Byline({ name, at }: { readonly name: string; readonly at: number }): ReactNode {
  return (
    <p className="byline">
      <b>{name}</b>
      <Time at={at} />
    </p>
  );
}

/** The time of day. */
export function Time({ at }: { readonly at: number }): ReactNode {
  return (
    <time className="dim" dateTime={new Date(at).toISOString()}>
      {new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
    </time>
  );
}

/** Below a message that did not get through: why, and the ways out. */
export function NotSent({
  problem,
  onRetry,
  onDiscard,
}: {
  readonly problem: string | undefined;
  readonly onRetry: () => void;
  readonly onDiscard: () => void;
}): ReactNode {
  return (
    <p className="note problem" role="alert">
      Not sent: {problem}.{' '}
      <button type="button" className="link" onClick={onRetry}>
        Try again
      </button>{' '}
      <button type="button" className="link" onClick={onDiscard}>
        Discard
      </button>
    </p>
  );
}
