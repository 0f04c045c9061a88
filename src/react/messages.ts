import { type EventSchemas, RealtimeError } from 'keepwire';
import { type ListView, type LiveList, type LiveListOptions, liveList } from 'keepwire/live-list';
import { useMemo } from 'react';
import { useReadable } from './connection.ts';
import { type ChannelLike, useHeld, useNewest, withNewest } from './held.ts';

/** The options of {@link useMessages}: those of `liveList`. The functions are those of the last render, so nothing needs a `useMemo`. */
export type MessagesOptions<Item, Data = unknown, Schemas extends EventSchemas = EventSchemas> = Omit<
  LiveListOptions<Item, Data, Schemas>,
  'signal'
>;

/** What {@link useMessages} gives: the list as it is now, and what can be done with it. */
export interface Messages<Item, Data = unknown>
  extends ListView<Item>,
    Pick<LiveList<Item, Data>, 'send' | 'retry' | 'discard' | 'loadMore' | 'reload' | 'trim'> {}

/** Before there is a list, and on the server. One object for all, since React compares snapshots by identity. */
const loading: ListView<never> = {
  items: [],
  status: 'loading',
  isLive: false,
  hasMore: false,
  isLoadingMore: false,
  error: undefined,
  gap: undefined,
};

/**
 * A live list of a channel: history, live events and our own sends in one, see `liveList` of `keepwire/live-list`. The
 * component is rendered at most once per picture.
 *
 * @example
 * ```tsx
 * const { items, send, loadMore, hasMore } = useMessages('lobby', {
 *   key: ({ id }: Message) => id,
 *   load: ({ before, limit, signal }) => api.messages({ before: before?.id, limit, signal }),
 *   insert: { message: (message) => message as Message },
 *   optimistic: { item: (text: string, { id, at }) => ({ id, text, at }) },
 * });
 * ```
 */
export function useMessages<Item, Data = unknown, Schemas extends EventSchemas = EventSchemas>(
  channel: ChannelLike,
  options: MessagesOptions<Item, Data, Schemas>,
): Messages<Item, Data> {
  const { insert, update, remove } = options;
  const newest = useNewest<LiveListOptions<Item, Data, Schemas>>(options);
  const list = useHeld(
    channel,
    // the payload types exist at compile time only
    (own) =>
      liveList<Item, Data>(own, { per: 'frame', ...withNewest(newest as { readonly current: LiveListOptions<Item, Data> }) }),
    Object.keys({ ...insert, ...update, ...remove }).join(),
  );
  const actions = useMemo(() => actionsOf(list), [list]);
  return { ...useReadable<ListView<Item>>(list?.view, loading), ...actions };
}

function actionsOf<Item, Data>(list: LiveList<Item, Data> | undefined): Omit<Messages<Item, Data>, keyof ListView<Item>> {
  if (list) return list;
  const nothing = (): void => {};
  return {
    send() {
      throw new RealtimeError('closed', 'useMessages has no channel', { hint: 'Call send in an event handler, with a channel.' });
    },
    retry: nothing,
    discard: nothing,
    loadMore: async () => {},
    reload: nothing,
    trim: nothing,
  };
}
