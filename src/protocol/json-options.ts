import type { RealtimeErrorCode } from '../errors.ts';
import type { Greeting, Receipt } from './dialect.ts';
import type { AnnounceFrame, JoinFrame, Position, PublishFrame, ServerFrame } from './frame.ts';
import type { Extractor, MessageContext, Selector } from './json-path.ts';

/**
 * What goes to the server: any JSON value, or the answer of `emit` (a Socket.IO event) or `post` (an HTTP request).
 * `undefined` means that the server has no word for it, and nothing goes.
 */
export type JsonMessage = unknown;

/** Where the parts of an acknowledgement are; the extractors read the acknowledging message. */
export interface AckFields<Message> {
  /** Which messages acknowledge. @defaultValue every message that has an {@link AckFields.id} */
  readonly when?: Selector<Message>;
  /** The id of the send, which `publish` gave to the server. */
  readonly id: Extractor<Message>;
  /** The server's yes or no: what is truthy accepts. @defaultValue accepted unless there is an {@link AckFields.error} */
  readonly ok?: Extractor<Message>;
  /** The server's own word for a refusal. */
  readonly error?: Extractor<Message>;
  /** The explanation of a refusal. */
  readonly message?: Extractor<Message>;
  /** The answer to a request. */
  readonly data?: Extractor<Message>;
  /** The number that the message got in the channel's log. */
  readonly offset?: Extractor<Message>;
  /** When a refused send may be tried again, in milliseconds from now. */
  readonly retryAfterMs?: Extractor<Message>;
  /** The message is an event as well: the server confirms a send by broadcasting it back. @defaultValue `false` */
  readonly isEvent?: boolean;
}

/** An acknowledgement, as a function reads it. */
export interface AckInfo {
  /** The id of the send. */
  readonly id: string | number;
  /** @defaultValue true unless there is an `error` */
  readonly ok?: boolean;
  /** The server refused it. */
  readonly error?: string;
  /** For people, in the server's own words. */
  readonly message?: string;
  /** The answer to a request. */
  readonly data?: unknown;
  /** The number that the message got. */
  readonly offset?: number;
  /** The numbering that the offset belongs to. */
  readonly epoch?: string;
  /** Do not try the same again before, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** Where the parts of an error message are. */
export interface ErrorFields<Message> {
  /** Which messages are errors. */
  readonly when: Selector<Message>;
  /** The id of the send that was refused. */
  readonly id?: Extractor<Message>;
  /** The channel that was refused, when no send was. @defaultValue the `channel` of the dialect, without `defaultChannel` */
  readonly channel?: Extractor<Message>;
  /** The server's own word. @defaultValue the field `code` */
  readonly code?: Extractor<Message>;
  /** The explanation. @defaultValue the field `message` */
  readonly message?: Extractor<Message>;
  /** When a refused send may be tried again, in milliseconds from now. */
  readonly retryAfterMs?: Extractor<Message>;
}

/** An error message, as a function reads it. */
export interface ErrorInfo {
  /** The id of the send that it is about. */
  readonly id?: string | number;
  /** The channel that it is about. */
  readonly channel?: string;
  /** The server's own word. */
  readonly code?: string;
  /** For people, in the server's own words. */
  readonly message?: string;
  /** Do not try the same again before, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** What became of a join, read from the answer to it. */
export interface JoinInfo {
  /** @defaultValue true unless there is an `error` */
  readonly ok?: boolean;
  /** The server's own word for a refusal. */
  readonly error?: string;
  /** For people, in the server's own words. */
  readonly message?: string;
  /** The next event will be `offset + 1`. */
  readonly offset?: number;
  /** The numbering that the offset belongs to. */
  readonly epoch?: string;
  /** The opaque position, for servers that do not number. */
  readonly cursor?: string;
}

/** What became of a send, read from the answer to it. */
export type ReceiptInfo = Omit<Receipt, 'id'>;

/**
 * How a server that exists already speaks. Every option stands alone; what is left out, the server does not have.
 *
 * A message from the server is looked at in this order, and the first that applies counts: `ignore`, `frames`,
 * `welcome`, `pong`, `pinged`, `auth…`, `ack`, `error`, `joined`, `left`, event. A message without an event name or a channel is
 * none of ours and is left out.
 */
export interface JsonDialectOptions<Message = Readonly<Record<string, unknown>>> {
  /** For errors and the monitor. @defaultValue `'json'` */
  readonly name?: string;

  // Reading: the whole

  /**
   * How text is read: as JSON, as it is, or by a function that throws for what it cannot read. Socket.IO events whose
   * argument is a bare text need `'text'`, as that is not JSON. A binary message without an event name is read as text in
   * UTF-8; with `split` or `frames` it is left to those, as an `ArrayBuffer`.
   *
   * @defaultValue `'json'`
   */
  readonly parse?: 'json' | 'text' | ((text: string, context: MessageContext) => unknown);
  /**
   * The messages in one that is a batch. Several arguments of a Socket.IO event arrive as one array.
   *
   * @defaultValue an array is a batch of its elements, unless the carrier gives it an event name
   */
  readonly split?: (message: unknown, context: MessageContext) => readonly unknown[];
  /** Messages that mean nothing, such as the server's own pings. They count as a sign of life. */
  readonly ignore?: Selector<Message>;
  /** Frames of your own for what the other options cannot say: presence, advice. `undefined` leaves a message to them. */
  readonly frames?: (message: Message, context: MessageContext) => readonly ServerFrame[] | undefined;

  // Reading: an event

  /** The name of an event. @defaultValue the carrier's event name, unless that is `message`; else the field `type` */
  readonly event?: Extractor<Message>;
  /** The channel. @defaultValue the field `channel` */
  readonly channel?: Extractor<Message>;
  /** The channel of messages that name none, for servers without channels and for what concerns the whole user. */
  readonly defaultChannel?: string;
  /** The payload. @defaultValue the field `data` where there is one, else the message */
  readonly data?: Extractor<Message>;
  /**
   * What tells an event from every other. No field is taken by default: a field `id` is often the id of the thing that
   * the event is about, and the second event about it would be dropped as a repetition.
   *
   * @defaultValue the carrier's id
   */
  readonly id?: Extractor<Message>;
  /** The number in the channel's log: consecutive integers. */
  readonly offset?: Extractor<Message>;
  /**
   * The numbering that the offset belongs to. A server whose numbers begin again, after a restart say, has to give it:
   * else its new events are taken for old ones.
   *
   * @defaultValue one numbering for ever, by the name `'0'`
   */
  readonly epoch?: Extractor<Message>;
  /** The opaque position of the channel after the event, for servers that do not number. */
  readonly cursor?: Extractor<Message>;
  /** When the server accepted it: milliseconds since the Unix epoch, or a date as text. */
  readonly at?: Extractor<Message>;
  /** Who sent it. */
  readonly from?: Extractor<Message>;

  // Reading: answers

  /** The greeting of a server that always speaks first. Given this, a link is up when it came, and only then. */
  readonly welcome?: Selector<Message>;
  /** The answer to a join; channel, offset, epoch and cursor are read from it. @defaultValue a join counts when it was sent */
  readonly joined?: Selector<Message>;
  /** The server has taken us out of a channel. */
  readonly left?: Selector<Message>;
  /** The answer to a send, for servers that answer by messages. */
  readonly ack?: AckFields<Message> | ((message: Message, context: MessageContext) => AckInfo | undefined);
  /** The server refuses a send (an `id` is there) or a join (a `channel` is there), or complains in general. */
  readonly error?: ErrorFields<Message> | ((message: Message, context: MessageContext) => ErrorInfo | undefined);
  /** The answer to our ping. */
  readonly pong?: Selector<Message>;
  /**
   * The server's own pings that want an answer; needs `answerPing`. Pings that want none are `ignore`d.
   */
  readonly pinged?: Selector<Message>;
  /** The server has taken the new token. */
  readonly authAccepted?: Selector<Message>;
  /** The token has expired on the live link. */
  readonly authExpired?: Selector<Message>;
  /** The server has refused the token. */
  readonly authRefused?: Selector<Message>;
  /**
   * What the answer to a send means: the body of an HTTP answer with a good status, or the arguments of a Socket.IO
   * acknowledgement. On Socket.IO an acknowledgement is asked for only when this or `ack` is given; on WebSocket, where
   * there is no such answer, it must be left out unless `ack` is there.
   *
   * @defaultValue a send that was answered was accepted
   */
  readonly receipt?: (answer: unknown, frame: PublishFrame) => ReceiptInfo;
  /**
   * What the answer to a join means, for servers that answer in place: the arguments of a Socket.IO acknowledgement, or the
   * body of a POST. Given this, a channel is joined when the answer came.
   *
   * @defaultValue a join counts when it was sent, unless there is `joined`
   */
  readonly joinAnswer?: (answer: unknown, frame: JoinFrame) => JoinInfo | undefined;
  /** What a close code or refusal of the server's own means. @defaultValue the adapter's table */
  readonly closing?: (native: number | string, reason: string) => RealtimeErrorCode | undefined;

  // Writing

  /** The greeting that travels with the first flight: the adapter places it in the query, the body or `auth`. */
  readonly hello?: (greeting: Greeting) => JsonMessage;
  /** The channels travel with the first flight, in `hello` or in the address. @defaultValue true when there is no `join` */
  readonly joinsInHello?: boolean;
  /** The first messages on an open link, such as the token. */
  readonly open?: (greeting: Greeting) => readonly JsonMessage[];
  /** Lets us into a channel, from a position where there is one. */
  readonly join?: (channel: string, position: Position | undefined) => JsonMessage;
  /** Takes us out of a channel. */
  readonly leave?: (channel: string) => JsonMessage;
  /** One send. Put `frame.id` where the server keeps it apart from others, so that a repeated send is applied once. */
  readonly publish?: (frame: PublishFrame) => JsonMessage;
  /**
   * The server applies a send once, however often it comes under the id that {@link JsonDialectOptions.publish} gives it.
   * Sends that are declared `once` are repeated only where this is true. @defaultValue false
   */
  readonly honoursIds?: boolean;
  /** Asks for a sign of life; needs `pong`. */
  readonly ping?: () => JsonMessage;
  /** Answers a ping of the server; gets the message that asked. */
  readonly answerPing?: (message: unknown) => JsonMessage;
  /** Brings a new token onto a live link. */
  readonly authenticate?: (token: string) => JsonMessage;
  /** Enters us into the members of a channel, or takes us out. */
  readonly announce?: (frame: AnnounceFrame) => JsonMessage;

  /**
   * What the server replays after a reconnect: each channel from the position in `join`, the stream as a whole from its
   * last id, or nothing. Claim only what it does: what is claimed is not reported as a gap.
   *
   * @defaultValue `'none'`
   */
  readonly resume?: 'channel' | 'connection' | 'none';
}
