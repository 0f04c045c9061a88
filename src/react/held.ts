import type { Channel, Readable } from 'keepwire';
import { useEffect, useInsertionEffect, useRef, useState } from 'react';
import { useRealtime } from './context.ts';

/** A channel for a hook: its name, or a handle on it; with `undefined` the hook does nothing yet. */
export type ChannelLike = string | Pick<Channel, 'name'> | undefined;

/** What a hook makes of a channel: the means to use it, and what is shown of it. */
export interface Made<Handle, View> {
  readonly handle: Handle;
  readonly view: Readable<View>;
}

/** The name of a channel. */
export const nameOf = (channel: ChannelLike): string | undefined => (typeof channel === 'object' ? channel.name : channel);

/** The value of the last render that was shown, for what runs later. */
export function useNewest<T>(value: T): { readonly current: T } {
  const newest = useRef(value);
  useInsertionEffect(() => {
    newest.current = value;
  });
  return newest;
}

/**
 * Makes something on a channel of its own handle while the component is mounted: `undefined` in the first render and on the
 * server, since a render must not join anything.
 *
 * @param what - another text makes another one
 */
export function useHeld<Held>(channel: ChannelLike, make: (channel: Channel) => Held, what?: string): Held | undefined {
  const manager = useRealtime();
  const name = nameOf(channel);
  const newest = useNewest(make);
  const [held, setHeld] = useState<{ readonly of: readonly unknown[]; readonly made: Held }>();
  useEffect(() => {
    if (name === undefined) return;
    const own = manager.channel(name);
    // a double mount, and other effects of this commit, still need it: the next handle is taken before this one is left
    const leave = (): void => queueMicrotask(own.leave);
    try {
      const made = newest.current(own);
      setHeld({ of: [manager, name, what], made });
    } catch (error) {
      leave();
      throw error;
    }
    return () => {
      setHeld(undefined);
      leave();
    };
  }, [manager, name, what, newest]);
  const [ofManager, ofName, ofWhat] = held?.of ?? [];
  return ofManager === manager && ofName === name && ofWhat === what ? held?.made : undefined;
}

/**
 * Options whose functions are those of the last render, also inside of plain objects. What is no function, and which
 * functions there are, stays as it is now.
 */
export function withNewest<Options extends object>(newest: { readonly current: Options }): Options {
  return follow(newest.current as Fields, () => newest.current as Fields) as Options;
}

type Fields = Readonly<Record<string, unknown>>;

function follow(fields: Fields, read: () => Fields | undefined): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const now = (): unknown => read()?.[name] ?? value;
      if (typeof value === 'function') return [name, (...given: unknown[]) => (now() as typeof value).apply(read(), given)];
      const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
      return [name, isPlain ? follow(value as Fields, now as () => Fields) : value];
    }),
  );
}
