import type { Gap } from '../delivery/order.ts';
import type { SendStatus } from '../delivery/outbox-options.ts';
import { assertJson } from '../delivery/send-errors.ts';
import { RealtimeError } from '../errors.ts';
import { type Readable, writable } from '../events/readable.ts';
import { removable } from '../platform/abort.ts';
import { disposable, type Remover } from '../platform/dispose.ts';
import type { Platform } from '../platform/platform.ts';
import { waitFor } from '../platform/wait.ts';
import type { EventFrame, Position, PresenceMember } from '../protocol/frame.ts';
import type { EventInput, EventName, EventOutput, EventSchemas } from '../protocol/schema.ts';
import type { ChannelState } from './channel-state.ts';
import { type EventStreamOptions, iterate } from './events.ts';
import type { Subscription } from './subscription.ts';

/** An event as handlers get it beside its data: where it comes from, its number, its id, its time. */
export type EventMessage<Data = unknown> = Omit<EventFrame, 'data'> & {
  /** The payload, after validation. */
  readonly data: Data;
};

/** What became of a send that the server accepted. */
export interface Accepted {
  /** The id of the send: its own, or the one that the caller gave. */
  readonly id: string;
  /** The number that the message got in the channel's log, where the server tells. */
  readonly offset: number | undefined;
  /** The numbering that {@link Accepted.offset} belongs to. */
  readonly epoch: string | undefined;
}

/** One listener's own wishes. */
export interface ListenOptions {
  /** Takes the listener away. */
  readonly signal?: AbortSignal;
}

/** One send's own wishes. */
export interface PublishOptions {
  /** Gives the send up. One that has left already may still be applied by the server. */
  readonly signal?: AbortSignal;
  /** The id under which a server applies the send at most once. @defaultValue a random one */
  readonly id?: string;
  /** How long it may take until it is accepted, also while there is no connection, in milliseconds. @defaultValue `outbox.maxAgeMs` */
  readonly timeoutMs?: number;
  /**
   * True for what nobody needs later, such as typing: not queued, not tried again, not kept by the server. It is done when
   * it has left; only transports that get an answer to each send tell of a refusal. @defaultValue as the option `delivery` says
   */
  readonly volatile?: boolean;
}

/** A send that is under way, as {@link Channel.send} gives it. */
export interface Sending {
  /** Its id, known before it has left. The event that comes back to us and to others carries it, where the server gives it on. */
  readonly id: string;
  /** How far it is; it changes back from `failed` when the send is retried. */
  readonly status: Readable<SendStatus>;
  /**
   * The same as what {@link Channel.publish} gives. It may be left alone: a failure that nobody looks at is not reported as
   * an unhandled rejection, since `status` tells of it too.
   */
  readonly confirmed: Promise<Accepted>;
  /** Gives it up while it waits. One that has left already may still be applied by the server. */
  cancel(): void;
}

/** One request's own wishes. */
export type RequestOptions = Omit<PublishOptions, 'volatile'>;

/** What something that is built on a channel needs of the manager beneath it: presence, typing, lists, and yours. */
export interface ChannelContext {
  /** The clock, the chance, the ids and the signals that the manager uses. */
  readonly platform: Platform;
  /** Makes a `fault` of the manager of an error, or of what a listener threw. */
  report(error: unknown): void;
  /** Calls back for each hole in this channel that could not be replayed. The answer takes the listener away. */
  onGap(listener: (gap: Gap) => void): Remover;
  /**
   * Ties something to the handle: it is ended when the handle is left, when the signal fires, or by calling the answer,
   * once. What is ended by the handle may still send.
   */
  until(end: () => void, signal?: AbortSignal): Remover;
}

/**
 * A named stream of events, as one part of the application holds it. Handles are counted: the channel is joined with the
 * first and left, after a grace time, with the last. Leaving one handle takes only its own listeners away.
 */
export interface Channel<Schemas extends EventSchemas = EventSchemas> {
  /** Its name. */
  readonly name: string;
  /** How the channel stands with the server. */
  readonly state: Readable<ChannelState>;
  /** After which message the channel stands: the last one that was handed to the handlers, or the one of the join. */
  readonly position: Position | undefined;
  /** Who is in the channel, where the server tells. */
  readonly members: Readable<readonly PresenceMember[]>;
  /** For what is built on the channel. */
  readonly context: ChannelContext;
  /**
   * Listens for an event. Events come in the server's order, each once. A handler that throws is reported as a `fault` of
   * the manager and disturbs nobody else.
   *
   * @param handler - gets the payload, and the message that carried it
   * @returns the remover; calling it twice is harmless
   * @example
   * ```ts
   * const stop = channel.on('message', ({ text }) => show(text));
   * ```
   */
  on<Name extends EventName<Schemas>>(
    event: Name,
    handler: (data: EventOutput<Schemas, Name>, message: EventMessage<EventOutput<Schemas, Name>>) => void,
    options?: ListenOptions,
  ): Remover;
  /**
   * Listens for every event, in order over all names.
   *
   * @returns the remover; calling it twice is harmless
   */
  onAny(handler: (message: EventMessage) => void, options?: ListenOptions): () => void;
  /**
   * Waits for the next event of a name.
   *
   * @throws RealtimeError `aborted` when the signal fires, `closed` when the handle is left
   * @example
   * ```ts
   * const { text } = await channel.once('message', { signal: AbortSignal.timeout(5_000) });
   * ```
   */
  once<Name extends EventName<Schemas>>(event: Name, options?: ListenOptions): Promise<EventOutput<Schemas, Name>>;
  /**
   * Iterates over the events of a name, through a bounded buffer. The iteration ends with the signal or with the handle.
   *
   * @throws RealtimeError `queue-full` inside the loop when it falls too far behind
   * @example
   * ```ts
   * for await (const { data } of channel.events('message', { signal })) show(data.text);
   * ```
   */
  events<Name extends EventName<Schemas>>(
    event: Name,
    options?: EventStreamOptions,
  ): AsyncIterableIterator<EventMessage<EventOutput<Schemas, Name>>>;
  /** Iterates over all events of the channel, through a buffer of 1,000. */
  [Symbol.asyncIterator](): AsyncIterableIterator<EventMessage>;
  /**
   * Sends an event, with the payload as it is when it leaves: do not change it afterwards. It is queued while there is no connection, sent again under the same id when a link breaks, and done
   * when the server has accepted it.
   *
   * @throws RealtimeError `invalid-payload` before it leaves; `rejected`, `expired`, `unconfirmed`, `queue-full`, `too-large`,
   * `aborted`, `signed-out`, `closed`; `connection-lost` for a volatile send without a connection
   * @example
   * ```ts
   * await channel.publish('message', { text: 'hello' });
   * ```
   */
  publish<Name extends EventName<Schemas>>(
    event: Name,
    data: EventInput<Schemas, Name>,
    options?: PublishOptions,
  ): Promise<Accepted>;
  /**
   * Sends an event as {@link Channel.publish} does, and answers at once with what an interface needs that shows it before it is
   * accepted: its id, how far it is, and the means to give it up.
   *
   * @example
   * ```ts
   * const { id, status, confirmed } = channel.send('message', { text });
   * list.add({ id, text, status });
   * confirmed.catch(() => list.mark(id, 'not sent'));
   * channel.on('message', (message, { id }) => list.replace(id, message));
   * ```
   */
  send<Name extends EventName<Schemas>>(event: Name, data: EventInput<Schemas, Name>, options?: PublishOptions): Sending;
  /**
   * Sends an event and waits for the server's answer to it.
   *
   * @returns what the server answered; its form is up to the server
   * @throws RealtimeError as {@link Channel.publish}
   */
  request<Name extends EventName<Schemas>>(
    event: Name,
    data: EventInput<Schemas, Name>,
    options?: RequestOptions,
  ): Promise<unknown>;
  /**
   * Enters us into {@link Channel.members}, or says something new about us; after a reconnect it is said again. Leaving the
   * handle takes us out.
   *
   * @param data - what the others see beside our name
   * @throws RealtimeError `invalid-payload` for what is no JSON, `closed`
   */
  enter(data?: unknown): void;
  /** Takes us out of {@link Channel.members}. */
  exit(): void;
  /** Gives the handle back: its listeners are gone, its loops end. Calling it twice is harmless. */
  leave(): void;
  /** The same as {@link Channel.leave}, for `using`. Present where the platform has the symbol. */
  [Symbol.dispose](): void;
}

/** A publish, or a request: one that waits for the server's answer. */
export type SendRequest = PublishOptions & { readonly reply?: boolean; readonly tell?: (status: SendStatus) => void };

/** What a handle needs from the manager. */
export interface ChannelHost {
  /** Fires when the manager is closed: every handle is left then. */
  readonly ended: AbortSignal;
  readonly platform: Platform;
  report(error: unknown, channel: string): void;
  onGap(channel: string, listener: (gap: Gap) => void): () => void;
  send(channel: string, event: string, data: unknown, options: SendRequest): Promise<{ accepted: Accepted; reply: unknown }>;
  announce(channel: string, owner: object, presence: { readonly data: unknown } | undefined): void;
  release(channel: string): void;
  newId(): string;
}

/** Makes one handle on a subscription. */
export function createChannel<Schemas extends EventSchemas>(
  subscription: Subscription,
  host: ChannelHost,
  signal?: AbortSignal,
): Channel<Schemas> {
  const { name, bus, state, members } = subscription;
  const controller = new AbortController();
  const { signal: ended } = controller;
  /** The name under which this handle announces its presence. */
  const owner = {};
  /** True after everything that is tied to the handle was ended. */
  let isLeft = false;

  function assertOpen(): void {
    if (isLeft) throw new RealtimeError('closed', `this handle on the channel ${name} was left: ask the manager for a new one`);
  }

  function listen(event: string, listener: (frame: EventFrame) => void, signal?: AbortSignal): Remover {
    assertOpen();
    return removable(bus.on(event, listener), ended, signal);
  }

  async function send(event: string, data: unknown, options: SendRequest = {}): Promise<{ accepted: Accepted; reply: unknown }> {
    assertOpen();
    return host.send(name, event, data, options);
  }

  const channel: Omit<Channel, typeof Symbol.dispose> = {
    name,
    state,
    members,
    get position() {
      return subscription.position;
    },
    onAny(handler, options) {
      assertOpen();
      return removable(bus.onAny(handler), ended, options?.signal);
    },
    context: {
      platform: host.platform,
      report: (error) => host.report(error, name),
      onGap: (listener) => removable(host.onGap(name, listener), ended),
      until: (end, signal) => removable(end, ended, signal),
    },
    on: (event, handler, options) => listen(event, (frame) => handler(frame.data, frame), options?.signal),
    async once(event, { signal } = {}) {
      assertOpen();
      return waitFor(`waiting for ${event}`, { signal, ended }, (resolve) => bus.on(event, ({ data }) => resolve(data)));
    },
    events(event, options = {}) {
      assertOpen();
      return iterate<EventFrame>((listener) => bus.on(event, listener), options, ended);
    },
    [Symbol.asyncIterator]() {
      assertOpen();
      return iterate<EventFrame>((listener) => bus.onAny(listener), {}, ended);
    },
    publish: async (event, data, options) => (await send(event, data, options)).accepted,
    send(event, data, { id = host.newId(), signal, ...options } = {}) {
      const given = new AbortController();
      const status = writable<SendStatus>('queued', (error) => host.report(error, name));
      const cancel = removable(() => given.abort(signal?.reason), signal);
      /** From there on the outbox tells, also of retries. */
      let isInOutbox = false;
      const tell = (next: SendStatus): void => {
        isInOutbox = true;
        status.set(next);
      };
      const end = (last: SendStatus): void => {
        if (!isInOutbox) status.set(last);
        cancel();
      };
      const confirmed = send(event, data, { ...options, id, signal: given.signal, tell }).then(({ accepted }) => accepted);
      void confirmed.then(
        () => end('accepted'),
        () => end('failed'),
      );
      return { id, status, confirmed, cancel };
    },
    request: async (event, data, options) => (await send(event, data, { ...options, reply: true })).reply,
    enter(data) {
      assertOpen();
      assertJson(data, `what is said on entering ${name}`);
      host.announce(name, owner, { data });
    },
    exit: () => host.announce(name, owner, undefined),
    leave() {
      if (ended.aborted) return;
      channel.exit();
      controller.abort();
      isLeft = true;
      host.release(name);
      forget();
    },
  };
  const forget = removable(channel.leave, host.ended, signal);
  // the payload types exist at compile time only: the bus carries what the validator let through
  return disposable(channel, channel.leave) as Channel<never> as Channel<Schemas>;
}
