import {
  type Accepted,
  type Channel,
  type EventInput,
  type EventMessage,
  type EventName,
  type EventOutput,
  type EventSchemas,
  type PresenceMember,
  type PublishOptions,
  RealtimeError,
} from 'keepwire';
import { useCallback, useEffect, useInsertionEffect, useRef, useState } from 'react';
import { useReadable } from './connection.ts';
import { useRealtime } from './context.ts';

/** A channel for a hook: its name, or a handle on it; with `undefined` the hook does nothing yet. */
export type ChannelLike = string | Pick<Channel, 'name'> | undefined;

/** What {@link useSend} gives. */
export interface Sender<Schemas extends EventSchemas = EventSchemas> {
  /**
   * Sends an event, as `channel.publish` does. It never fails: what went wrong is in {@link Sender.error}, and the answer
   * is then `undefined`.
   */
  readonly send: <Name extends EventName<Schemas>>(
    event: Name,
    data: EventInput<Schemas, Name>,
    options?: PublishOptions,
  ) => Promise<Accepted | undefined>;
  /** True while a send waits for the server. */
  readonly pending: boolean;
  /** Why the last send failed; the next send clears it. */
  readonly error: RealtimeError | undefined;
}

const nobody: readonly PresenceMember[] = [];

const nameOf = (channel: ChannelLike): string | undefined => (typeof channel === 'object' ? channel.name : channel);

/**
 * A handle on a channel for as long as the component is mounted: `undefined` in the first render and on the server, since
 * a render must not join anything.
 *
 * @example
 * ```tsx
 * const lobby = useChannel('lobby');
 * useEffect(() => lobby?.enter({ name }), [lobby, name]);
 * ```
 */
export function useChannel<Schemas extends EventSchemas = EventSchemas>(name: string | undefined): Channel<Schemas> | undefined {
  const manager = useRealtime<Schemas>();
  const [held, setHeld] = useState<{ readonly manager: object; readonly channel: Channel<Schemas> }>();
  useEffect(() => {
    if (name === undefined) return;
    const channel = manager.channel(name);
    setHeld({ manager, channel });
    return () => {
      setHeld(undefined);
      // other effects of this commit may still use the handle
      queueMicrotask(channel.leave);
    };
  }, [manager, name]);
  return held?.manager === manager && held.channel.name === name ? held.channel : undefined;
}

/**
 * Calls the handler for each event of a name, for as long as the component is mounted. The handler of the last render is
 * called, so it needs no `useCallback`.
 *
 * @example
 * ```tsx
 * useEvent('lobby', 'message', ({ text }) => setTexts((texts) => [...texts, text]));
 * ```
 */
export function useEvent<Schemas extends EventSchemas, Name extends EventName<Schemas>>(
  channel: ChannelLike,
  event: Name,
  handler: (data: EventOutput<Schemas, Name>, message: EventMessage<EventOutput<Schemas, Name>>) => void,
): void {
  const manager = useRealtime<Schemas>();
  const name = nameOf(channel);
  const latest = useRef(handler);
  useInsertionEffect(() => {
    latest.current = handler;
  });
  useEffect(() => {
    if (name === undefined) return;
    // a handle of its own: one that was passed in may have been left by its owner
    const own = manager.channel(name);
    own.on(event, (data, message) => latest.current(data, message));
    return own.leave;
  }, [manager, name, event]);
}

/** Who is in a channel; nobody on the server. */
export function useMembers(channel: ChannelLike): readonly PresenceMember[] {
  return useReadable(useChannel(nameOf(channel))?.members, nobody);
}

/**
 * Sends events, with what a form wants to know about it.
 *
 * @example
 * ```tsx
 * const { send, pending, error } = useSend('lobby');
 * return <button disabled={pending} onClick={() => send('message', { text })}>{error?.message ?? 'Send'}</button>;
 * ```
 */
export function useSend<Schemas extends EventSchemas = EventSchemas>(channel: ChannelLike): Sender<Schemas> {
  const manager = useRealtime<Schemas>();
  const name = nameOf(channel);
  const [underWay, setUnderWay] = useState(0);
  const [error, setError] = useState<RealtimeError>();
  const send = useCallback<Sender<Schemas>['send']>(
    async (event, data, options) => {
      setUnderWay((count) => count + 1);
      setError(undefined);
      try {
        // an empty name gives the error that a missing one deserves
        const handle = manager.channel(name ?? '');
        return await handle.publish(event, data, options).finally(handle.leave);
      } catch (cause) {
        setError(RealtimeError.from(cause, 'rejected', `sending ${event} failed`));
        return undefined;
      } finally {
        setUnderWay((count) => count - 1);
      }
    },
    [manager, name],
  );
  return { send, pending: underWay > 0, error };
}
