import {
  type Accepted,
  type Channel,
  coalesce,
  type EventInput,
  type EventMessage,
  type EventName,
  type EventOutput,
  type EventSchemas,
  type PresenceMember,
  type PublishOptions,
  RealtimeError,
  writable,
} from 'keepwire';
import { useCallback, useEffect, useState } from 'react';
import { useReadable } from './connection.ts';
import { useRealtime } from './context.ts';
import { type ChannelLike, nameOf, useHeld, useNewest } from './held.ts';

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
  return useHeld(name, (channel) => channel) as Channel<never> | undefined as Channel<Schemas> | undefined;
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
  const newest = useNewest(handler);
  useEffect(() => {
    if (name === undefined) return;
    // a handle of its own: one that was passed in may have been left by its owner
    const own = manager.channel(name);
    own.on(event, (data, message) => newest.current(data, message));
    return own.leave;
  }, [manager, name, event, newest]);
}

/**
 * The payload of the last event of a name that came while the component was mounted. However many come, the component is
 * rendered at most once per picture; {@link useEvent} tells of each.
 *
 * @param initial - the value until there is one, and on the server
 * @example
 * ```tsx
 * const price = useLatest('quotes', 'price', 0);
 * ```
 */
export function useLatest<Schemas extends EventSchemas, Name extends EventName<Schemas>, Initial = undefined>(
  channel: ChannelLike,
  event: Name,
  initial?: Initial,
): EventOutput<Schemas, Name> | Initial {
  const latest = useHeld(
    channel,
    (own) => {
      const last = writable<unknown>(undefined, own.context.report);
      own.on(event, last.set);
      return coalesce(last);
    },
    event,
  );
  const last = useReadable(latest, undefined);
  // what came over the wire is never `undefined`
  return (last === undefined ? initial : last) as EventOutput<Schemas, Name> | Initial;
}

/** Who is in a channel, as the server tells it; nobody on the server. For people with a status see `usePresence`. */
export function useMembers(channel: ChannelLike): readonly PresenceMember[] {
  return useReadable(
    useHeld(channel, ({ members }) => coalesce(members)),
    nobody,
  );
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
