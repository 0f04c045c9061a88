import type { RealtimeErrorCode } from '../errors.ts';
import type { ClientFrame, JoinFrame, ServerFrame } from './frame.ts';

/** What keepwire knows of an attempt when it makes the first flight: the token, the channels and where they stand. */
export interface Greeting {
  /** The token for this attempt, if the application has one. */
  readonly token: string | undefined;
  /** Names this client over all its links. */
  readonly client: string;
  /** The channels to join, each with its position if there is one. */
  readonly joins: readonly JoinFrame[];
  /** For a poll: how long the server may hold it, in milliseconds; 0 asks for an answer at once. */
  readonly waitMs?: number;
}

/** One message to the server, in the form that every carrier understands. */
export interface OutboundMessage {
  /** The frames that this message carries: receipts are given for these. */
  readonly frames: readonly ClientFrame[];
  /** The content: a string goes as it is; anything else as JSON, or as the argument of a Socket.IO event. */
  readonly data: unknown;
  /** The event name, for carriers that have one (Socket.IO). @defaultValue the carrier's own default */
  readonly event?: string;
  /** The address for a POST, relative to the adapter's, for carriers that send by HTTP. */
  readonly path?: string;
  /** The HTTP method, for carriers that send by HTTP. @defaultValue `'POST'` */
  readonly method?: string;
}

/** What became of one send. */
export interface Receipt {
  /** The id of the send. */
  readonly id: string;
  /**
   * `accepted` and `rejected` are the server's word. `sent` means no more than that it left: an acknowledgement frame
   * may tell the rest. `unknown`, with `retryAfterMs`, means that no answer came, where others of the batch have one.
   */
  readonly status: 'accepted' | 'rejected' | 'sent' | 'unknown';
  /** The number that the message got in the channel's log. */
  readonly offset?: number;
  /** The numbering that the offset belongs to. */
  readonly epoch?: string;
  /** The answer to a request. */
  readonly data?: unknown;
  /** The server's own word for a rejection. */
  readonly code?: string;
  /** For people, in the server's own words. */
  readonly message?: string;
  /** Present when the same send may succeed later, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** What a server's own protocol can do; the adapter derives its `Capabilities` from it. */
export interface DialectTraits {
  /** The server's first message is a greeting, and only then is a link up. */
  readonly greets: boolean;
  /** The greeting (token, joins, positions) travels with the first flight, see {@link Dialect.hello}. */
  readonly joinsInHello: boolean;
  /** The server answers each join; where it does not, a join counts as done when it was sent. */
  readonly answersJoins: boolean;
  /** The server acknowledges sends by frames of their own, on carriers that have no receipts. */
  readonly acks: boolean;
  /** The server applies the sends of one id at most once. @defaultValue false */
  readonly honoursIds?: boolean;
  /** What the server can replay after a reconnect: each channel, the stream as a whole, or nothing. */
  readonly resume: 'channel' | 'connection' | 'none';
  /** The server answers pings. */
  readonly pings: boolean;
  /** The server takes a new token on a live link. */
  readonly reauth: boolean;
}

/**
 * The translation between a server's own messages and keepwire's frames. It holds no state and knows no carrier: the
 * same dialect serves WebSocket, SSE, long-poll and Socket.IO.
 */
export interface Dialect {
  /** Its name, for errors and the monitor. */
  readonly name: string;
  /** What the server's own protocol can do. */
  readonly traits: DialectTraits;
  /**
   * The greeting as a JSON value, for servers that take it with the first flight. Adapters place it (query, body,
   * subprotocol, first frame, Socket.IO `auth`). Given a token, the greeting carries it.
   */
  hello?(greeting: Greeting): unknown;
  /** The messages to send as soon as the carrier is open, for servers that want the token or something else first. */
  opening?(greeting: Greeting): readonly OutboundMessage[];
  /**
   * Translates one inbound message.
   *
   * @param data - text (WebSocket, SSE, a long-poll body), or a value (Socket.IO arguments, an element of a batch)
   * @param event - the event name, on carriers that have one
   * @param id - the message id, on carriers that have one
   * @param channel - the channel, on carriers with a stream for each
   * @returns the frames in it; none for a message that means nothing to us
   * @throws anything, for a message that cannot be read; the link reports it and goes on
   */
  decode(data: unknown, event?: string, id?: string, channel?: string): readonly ServerFrame[];
  /** Translates frames into messages; a frame that this server has no word for yields none. */
  encode(frames: readonly ClientFrame[]): readonly OutboundMessage[];
  /** The body of a POST that carries this message, where it differs from the message's own data. */
  post?(message: OutboundMessage, greeting: Greeting): unknown;
  /**
   * Reads the answer to a message: the body of a POST, parsed, or the arguments of a Socket.IO acknowledgement.
   *
   * @returns a receipt for each frame of the message that has an id
   */
  receipts?(answer: unknown, message: OutboundMessage): readonly Receipt[];
  /**
   * Reads what the answer to a message says beside the receipts, for servers that answer a join with an acknowledgement
   * (Socket.IO) or with the body of a POST.
   *
   * @returns `joined` or `denied` for each join of the message
   */
  answers?(answer: unknown, message: OutboundMessage): readonly ServerFrame[];
  /**
   * Reads a close code or a refusal of the carrier, for servers with codes of their own.
   *
   * @returns the error code that it means, or `undefined` for the adapter's own table
   */
  closing?(native: number | string, reason: string): RealtimeErrorCode | undefined;
}
