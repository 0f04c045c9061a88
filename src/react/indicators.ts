import type { Member, PresenceStatus } from 'keepwire/presence';
import type { Typer, TypingOptions } from 'keepwire/typing';
import { createElement, type HTMLAttributes, type ReactNode } from 'react';
import type { ChannelLike } from './held.ts';
import { useTyping } from './people.ts';

/** What {@link TypingIndicator} takes: every attribute of a `span`, and who types or where. */
export interface TypingIndicatorProps extends Omit<HTMLAttributes<HTMLSpanElement>, 'children'> {
  /** Those who type, where they are known already: from `useTyping`. */
  readonly typers?: readonly Typer[];
  /** The channel to watch, where they are not. */
  readonly channel?: ChannelLike;
  /** Who we are, so that we are not shown to ourselves; with `channel`. */
  readonly me?: TypingOptions['me'];
  /** The name of somebody. @defaultValue `data` or `data.name` where it is text, else the key */
  readonly name?: (typer: Typer) => string;
  /** What to show for those who type; nothing for nobody. @defaultValue `Ada is typing`, `Ada and Bob are typing`, `3 people are typing` */
  readonly children?: (typers: readonly Typer[]) => ReactNode;
}

/**
 * Says who types, without any style: a polite live region that is always there, with `data-typers` for how many.
 *
 * @example
 * ```tsx
 * <TypingIndicator typers={typers} />
 * <TypingIndicator channel="lobby" me={{ key: user.id }}>{(typers) => typers.length > 0 && '…'}</TypingIndicator>
 * ```
 */
export function TypingIndicator({
  typers,
  channel,
  me,
  name = nameOfTyper,
  children = (all) => describeTypers(all.map(name)),
  ...attributes
}: TypingIndicatorProps): ReactNode {
  const watched = useTyping(typers ? undefined : channel, { me });
  const all = typers ?? watched.typers;
  return createElement(
    'span',
    { role: 'status', 'data-keepwire': 'typing', 'data-typers': all.length, ...attributes },
    children(all),
  );
}

/** What {@link PresenceIndicator} takes: every attribute of a `span`, and whose status. */
export interface PresenceIndicatorProps extends Omit<HTMLAttributes<HTMLSpanElement>, 'children'> {
  /** Somebody, from `usePresence`. */
  readonly member?: Pick<Member, 'status'>;
  /** The status itself, in the place of a member. @defaultValue `offline` */
  readonly status?: PresenceStatus;
  /** What is read out. @defaultValue the status itself */
  readonly label?: (status: PresenceStatus) => string;
}

/**
 * A mark that says how somebody is, without any style: an image for screen readers, `data-status` for your styles. It is no
 * live region, as people come and go all the time.
 *
 * @example
 * ```tsx
 * <PresenceIndicator member={member} label={(status) => t(`presence.${status}`)} />
 * ```
 */
export function PresenceIndicator({
  member,
  status = member?.status ?? 'offline',
  label = (word) => word,
  ...attributes
}: PresenceIndicatorProps): ReactNode {
  const text = label(status);
  const own = { role: 'img', 'aria-label': text, title: text, 'data-keepwire': 'presence', 'data-status': status };
  return createElement('span', { ...own, ...attributes });
}

function nameOfTyper({ key, data }: Typer): string {
  const name = typeof data === 'object' && data !== null && 'name' in data ? data.name : data;
  return typeof name === 'string' && name !== '' ? name : key;
}

function describeTypers(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length === 1) return `${names[0]} is typing`;
  return names.length === 2 ? `${names.join(' and ')} are typing` : `${names.length} people are typing`;
}
