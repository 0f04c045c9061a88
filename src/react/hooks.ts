import type { Channel, EventMessage, EventName, EventOutput, EventSchemas, RealtimeManager } from 'keepwire';
import { type ChannelLike, type Sender, useChannel, useEvent, useSend } from './channel.ts';
import { useRealtime } from './context.ts';

/** The hooks whose types depend on the event map. */
export interface RealtimeHooks<Schemas extends EventSchemas> {
  /** See `useRealtime` of this entry. */
  readonly useRealtime: () => RealtimeManager<Schemas>;
  /** See `useChannel` of this entry. */
  readonly useChannel: (name: string | undefined) => Channel<Schemas> | undefined;
  /** See `useEvent` of this entry. */
  readonly useEvent: <Name extends EventName<Schemas>>(
    channel: ChannelLike,
    event: Name,
    handler: (data: EventOutput<Schemas, Name>, message: EventMessage<EventOutput<Schemas, Name>>) => void,
  ) => void;
  /** See `useSend` of this entry. */
  readonly useSend: (channel: ChannelLike) => Sender<Schemas>;
}

/**
 * The hooks, typed by an event map. They are the very same functions; only their types know more.
 *
 * @example
 * ```tsx
 * const events = { message: z.object({ text: z.string() }) };
 * export const { useChannel, useEvent, useSend } = createHooks<typeof events>();
 * ```
 */
export function createHooks<Schemas extends EventSchemas>(): RealtimeHooks<Schemas> {
  return { useRealtime, useChannel, useEvent, useSend };
}
