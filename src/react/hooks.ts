import type { Channel, EventMessage, EventName, EventOutput, EventSchemas, RealtimeManager } from 'keepwire';
import { type Sender, useChannel, useEvent, useLatest, useSend } from './channel.ts';
import { useRealtime } from './context.ts';
import type { ChannelLike } from './held.ts';
import { type Messages, type MessagesOptions, useMessages } from './messages.ts';
import { useChannelReady } from './ready.ts';

/** The hooks whose types depend on the event map. */
export interface RealtimeHooks<Schemas extends EventSchemas> {
  /** See `useRealtime` of this entry. */
  readonly useRealtime: () => RealtimeManager<Schemas>;
  /** See `useChannel` of this entry. */
  readonly useChannel: (name: string | undefined) => Channel<Schemas> | undefined;
  /** See `useChannelReady` of this entry. */
  readonly useChannelReady: (name: string) => Channel<Schemas>;
  /** See `useEvent` of this entry. */
  readonly useEvent: <Name extends EventName<Schemas>>(
    channel: ChannelLike,
    event: Name,
    handler: (data: EventOutput<Schemas, Name>, message: EventMessage<EventOutput<Schemas, Name>>) => void,
  ) => void;
  /** See `useLatest` of this entry. */
  readonly useLatest: <Name extends EventName<Schemas>, Initial = undefined>(
    channel: ChannelLike,
    event: Name,
    initial?: Initial,
  ) => EventOutput<Schemas, Name> | Initial;
  /** See `useMessages` of this entry. */
  readonly useMessages: <Item, Data = unknown>(
    channel: ChannelLike,
    options: MessagesOptions<Item, Data, Schemas>,
  ) => Messages<Item, Data>;
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
  return { useRealtime, useChannel, useChannelReady, useEvent, useLatest, useMessages, useSend };
}
