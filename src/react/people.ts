import { coalesce, writable } from 'keepwire';
import { type Member, type Presence, type PresenceOptions, presence } from 'keepwire/presence';
import { type Mark, type MarkPosition, type Receipts, type ReceiptsOptions, receipts } from 'keepwire/receipts';
import { type Typer, type Typing, type TypingOptions, typing } from 'keepwire/typing';
import { useEffect, useMemo, useRef } from 'react';
import { useReadable } from './connection.ts';
import { type ChannelLike, type Made, useHeld, useNewest, withNewest } from './held.ts';

/** Who is in a channel, as {@link usePresence} gives it. */
export interface People<Data extends object = object> extends Pick<Presence<Data>, 'update' | 'setStatus'> {
  /** Everybody, us included, in the order of coming. */
  readonly members: readonly Member<Data>[];
  /** Everybody else. The same array for as long as nothing of them has changed. */
  readonly others: readonly Member<Data>[];
  /** Us, as the others see us; `undefined` until we are entered, and on the server. */
  readonly me: Member<Data> | undefined;
}

const noMembers: readonly Member<never>[] = [];
const nobody = { members: noMembers, others: noMembers, me: undefined };
const noTypers: readonly Typer[] = [];
const noMarks: ReadonlyMap<string, Mark> = new Map();
const nothing = (): void => {};

/**
 * Shows who is in a channel, and enters us while the component is mounted, see `presence` of `keepwire/presence`. What
 * `me.data` says may change from render to render; another `me.key` is another person. The functions among the options are
 * those of the last render, the rest is as it was in the first.
 *
 * @example
 * ```tsx
 * const { others } = usePresence('lobby', { me: { key: user.id, data: { name: user.name } } });
 * return others.map((member) => <li key={member.key}><PresenceIndicator member={member} /> {member.data.name}</li>);
 * ```
 */
export function usePresence<Data extends object = object>(
  channel: ChannelLike,
  options: Omit<PresenceOptions<Data>, 'signal'> = {},
): People<Data> {
  const newest = useNewest<PresenceOptions<Data>>(options);
  const said = JSON.stringify(options.me?.data);
  /** What the presence of now was told last. */
  const told = useRef<string>(undefined);
  const made = useHeld(
    channel,
    (own): Made<Presence<Data>, Pick<People<Data>, 'members' | 'others' | 'me'>> => {
      const handle = presence<Data>(own, withNewest(newest));
      told.current = said;
      const read = () => ({ members: handle.members.get(), others: handle.others.get(), me: handle.me.get() });
      const view = writable(read(), own.context.report);
      // each of the three would be a render of its own
      own.context.until(coalesce(handle.members).subscribe(() => view.set(read())));
      return { handle, view };
    },
    options.me?.key,
  );
  const handle = made?.handle;
  useEffect(() => {
    const { me } = newest.current;
    if (!handle || !me?.data || told.current === said) return;
    told.current = said;
    handle.update(me.data);
  }, [handle, said, newest]);
  const { update = nothing, setStatus = nothing } = handle ?? {};
  return { ...useReadable(made?.view, nobody), update, setStatus };
}

/** Who types in a channel, as {@link useTyping} gives it. */
export interface TypingState extends Pick<Typing, 'keystroke' | 'stop'> {
  /** Those who type, in the order of their beginning; never us. */
  readonly typers: readonly Typer[];
  /** For the field: `<input {...inputProps} />` says that we type, and that we stopped when it is emptied or left. */
  readonly inputProps: {
    /** Says that we type. A controlled field keeps its `onChange` beside it. */
    readonly onInput: (event: { readonly currentTarget: EventTarget }) => void;
    /** Says that we stopped. */
    readonly onBlur: () => void;
  };
}

/**
 * Shows who types in a channel, and says when we do, see `typing` of `keepwire/typing`. Leaving the page part stops it. The
 * functions among the options are those of the last render, the rest is as it was in the first.
 *
 * @example
 * ```tsx
 * const { typers, inputProps } = useTyping('lobby', { me: { key: user.id, data: user.name } });
 * return <><TypingIndicator typers={typers} /><input {...inputProps} /></>;
 * ```
 */
export function useTyping(channel: ChannelLike, options: Omit<TypingOptions, 'signal'> = {}): TypingState {
  const newest = useNewest<TypingOptions>(options);
  const made = useHeld(
    channel,
    (own): Made<Typing, readonly Typer[]> => {
      const handle = typing(own, withNewest(newest));
      return { handle, view: coalesce(handle.typers) };
    },
    options.me?.key,
  );
  const { keystroke = nothing, stop = nothing } = made?.handle ?? {};
  const inputProps = useMemo<TypingState['inputProps']>(
    () => ({
      onInput: ({ currentTarget }) => ((currentTarget as { readonly value?: string }).value === '' ? stop() : keystroke()),
      onBlur: stop,
    }),
    [keystroke, stop],
  );
  return { typers: useReadable(made?.view, noTypers), keystroke, stop, inputProps };
}

/** The read marks of a channel, as {@link useReceipts} gives them. */
export interface ReadMarks extends Pick<Receipts, 'mark' | 'readBy' | 'unread'> {
  /** The mark of each person, ours among them. */
  readonly marks: ReadonlyMap<string, Mark>;
}

/**
 * Keeps the read marks of a channel, see `receipts` of `keepwire/receipts`. The functions among the options are those of the
 * last render, the rest is as it was in the first.
 *
 * @example
 * ```tsx
 * const { mark, readBy } = useReceipts('lobby', { me: { key: user.id } });
 * useEffect(() => mark(lastOffset), [mark, lastOffset]);
 * ```
 */
export function useReceipts(channel: ChannelLike, options: Omit<ReceiptsOptions, 'signal'> = {}): ReadMarks {
  const newest = useNewest<ReceiptsOptions>(options);
  const made = useHeld(
    channel,
    (own): Made<Receipts, ReadonlyMap<string, Mark>> => {
      const handle = receipts(own, withNewest(newest));
      return { handle, view: coalesce(handle.marks) };
    },
    options.me?.key,
  );
  const marks = useReadable(made?.view, noMarks);
  const handle = made?.handle;
  // other marks are other answers: functions that stay the same would be taken for answers that stay the same
  const questions = useMemo(
    () => ({
      marks,
      readBy: (position: MarkPosition) => handle?.readBy(position) ?? [],
      unread: (positions: Iterable<MarkPosition>) => handle?.unread(positions) ?? 0,
    }),
    [handle, marks],
  );
  return { ...questions, mark: handle?.mark ?? nothing };
}
