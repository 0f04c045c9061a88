import { useCallback, useEffect, useRef, useState } from 'react';
import { useChannel, useEvent } from './realtime.ts';

/** It is said again so often while somebody types, in milliseconds. */
const repeatMs = 2_000;
/** Without another word somebody has stopped, in milliseconds. */
const expiryMs = 5_000;

/** Who types in a room, and how to say that we do. */
export function useTyping(
  channelName: string,
  me: string,
): readonly [names: readonly string[], say: (isTyping: boolean) => void] {
  const channel = useChannel(channelName);
  /** When each of them last said so. */
  const [typists, setTypists] = useState<ReadonlyMap<string, number>>(new Map());
  const lastSaid = useRef(0);

  const note = (name: string | undefined, isTyping: boolean): void => {
    if (name === undefined || name === me) return;
    setTypists((before) => {
      const after = new Map(before);
      if (isTyping) after.set(name, Date.now());
      else if (!after.delete(name)) return before;
      return after;
    });
  };
  useEvent(channel, 'typing', ({ isTyping }, { from }) => note(from, isTyping));
  useEvent(channel, 'message', (_, { from }) => note(from, false));

  useEffect(() => {
    if (typists.size === 0) return;
    const oldest = Math.min(...typists.values());
    const timer = setTimeout(
      () => setTypists((before) => new Map([...before].filter(([, at]) => Date.now() - at < expiryMs))),
      oldest + expiryMs - Date.now(),
    );
    return () => clearTimeout(timer);
  }, [typists]);

  const say = useCallback(
    (isTyping: boolean) => {
      const now = Date.now();
      if (isTyping ? now - lastSaid.current < repeatMs : lastSaid.current === 0) return;
      lastSaid.current = isTyping ? now : 0;
      // it is volatile: without a connection nobody needs to know
      channel?.publish('typing', { isTyping }, { volatile: true }).catch(() => {});
    },
    [channel],
  );

  return [[...typists.keys()], say];
}
