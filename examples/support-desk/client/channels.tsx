'use client';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import type { WireChannel, WireMessage } from '../server/notices.ts';
import { useEvent } from './hooks.ts';
import { useDesk } from './provider.tsx';

/** A channel in the list. */
export interface ChannelInfo extends WireChannel {
  readonly isUnread: boolean;
}

interface Channels {
  readonly channels: readonly ChannelInfo[] | undefined;
  /** Why they could not be loaded. */
  readonly problem: string | undefined;
  reload(): void;
  /** Everything in a channel was on the screen. */
  seen(channelId: string): void;
}

const Context = createContext<Channels | undefined>(undefined);

export function useChannels(): Channels {
  const context = useContext(Context);
  if (!context) throw new Error('there is no <ChannelsProvider> above');
  return context;
}

/** The list of the channels. The channel that is joined tells of what is new in the others. */
export function ChannelsProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const { desk, current } = useDesk();
  const [list, setList] = useState<readonly WireChannel[]>();
  const [seenSeq, setSeenSeq] = useState<Readonly<Record<string, number>>>({});
  const [problem, setProblem] = useState<string>();

  const reload = useCallback(() => {
    desk
      .load<{ channels: WireChannel[] }>('/api/chat/channels')
      .then(({ channels }) => {
        setProblem(undefined);
        setList(channels);
        setSeenSeq((before) => ({ ...Object.fromEntries(channels.map(({ id, last }) => [id, last?.seq ?? 0])), ...before }));
      })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, [desk]);

  useEffect(() => {
    reload();
    addEventListener('focus', reload);
    return () => removeEventListener('focus', reload);
  }, [reload]);

  const arrived = (message: WireMessage): void =>
    setList((before) =>
      before?.map((channel) =>
        channel.id === message.channelId && message.seq > (channel.last?.seq ?? 0) ? { ...channel, last: message } : channel,
      ),
    );
  useEvent(current, 'activity', ({ message }) => arrived(message));
  useEvent(current, 'message', arrived);

  const seen = useCallback(
    (channelId: string) =>
      setSeenSeq((before) => {
        const seq = list?.find(({ id }) => id === channelId)?.last?.seq ?? 0;
        return seq > (before[channelId] ?? 0) ? { ...before, [channelId]: seq } : before;
      }),
    [list],
  );
  const channels = useMemo(
    () => list?.map((channel) => ({ ...channel, isUnread: (channel.last?.seq ?? 0) > (seenSeq[channel.id] ?? 0) })),
    [list, seenSeq],
  );
  const value = useMemo(() => ({ channels, problem, reload, seen }), [channels, problem, reload, seen]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
