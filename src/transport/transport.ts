import type { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, Position, ServerFrame } from '../protocol/frame.ts';

/** What is known of a transport before it is used. */
export interface Capabilities {
  /** Can frames travel upstream? */
  readonly send: boolean;
  /** How acceptance of a send becomes known: with its receipt, by a frame, or not at all. */
  readonly ack: 'receipt' | 'frame' | 'none';
  /** The server applies the sends of one id at most once, so that they can be sent again without harm. @defaultValue false */
  readonly honoursIds?: boolean;
  /** What is replayed after a reconnect: each channel, the stream as a whole, or nothing. */
  readonly resume: 'channel' | 'connection' | 'none';
  /** Who notices a dead peer: the adapter itself, a ping that goes unanswered, or silence that lasts too long. */
  readonly liveness: 'self' | 'ping' | 'silence';
  /** Are channels joined by frames on a live link, or only by dialling with another set? */
  readonly joining: 'frame' | 'dial';
  /** Can a live link take a new token? */
  readonly reauth: boolean;
}

/** What the application's auth provider gives for one attempt. */
export interface Credentials {
  /** The token itself. Never logged, never put into an error. */
  readonly token: string;
  /** When it ends, in milliseconds since the Unix epoch. Read from the token when it is a JWT and this is absent. */
  readonly expiresAt?: number;
  /** Whom it is for. A session that a transport keeps (Socket.IO) is never offered to another subject. */
  readonly subject?: string;
}

/** What an adapter is given to make one link. */
export interface LinkRequest {
  /** The only way to end a link from our side. */
  readonly signal: AbortSignal;
  /** Names this client over all its links, so that a server can tell a new link of ours from a new client. */
  readonly client: string;
  /** Resolved freshly for this attempt. */
  readonly credentials: Credentials | undefined;
  /**
   * The channels to join and where each stands. A live view: it always answers with the positions of now, so an adapter
   * that asks again (long-poll) reads it again.
   */
  readonly channels: ReadonlyMap<string, Position | undefined>;
  /** The last id of the stream as a whole (`Last-Event-ID` and the like). A live view too: read it when it is sent. */
  readonly cursor: string | undefined;
  /**
   * The server does not take the position that it was given: it is forgotten, and what is missing will be a gap. End the link
   * with `refused` after it, so that the next one asks without.
   *
   * @param channel - whose position it was; without one, it was that of the stream as a whole
   */
  readonly positionRefused?: (channel?: string) => void;
  /** For deadlines inside the adapter. */
  readonly clock: Clock;
}

/** What a link says of itself when it comes up. */
export interface LinkInfo {
  /** The server's name for this link. */
  readonly session?: string;
  /** The server sends something at least this often, in milliseconds. */
  readonly heartbeatMs?: number;
  /** After an end that nobody announces the server wants its clients back at random moments within this time, in milliseconds. */
  readonly spreadMs?: number;
  /** Who the server takes us for. */
  readonly user?: string;
  /** The channels whose joins travelled with the first flight; the others are joined by frames. */
  readonly joining: readonly string[];
  /** True when the server itself has spoken on this link, false when only the carrier is open. */
  readonly greeted: boolean;
  /** What the server claims about continuity, where it claims anything. Never believed without a check. */
  readonly claimsRecovered?: boolean;
  /** The link goes by way of another one, and it is the token of that one that counts: ours is not renewed while it lives. */
  readonly isRelayed?: boolean;
}

/** Where a link reports. The calls of one link follow the order: `up`, then `frames` and `alive`, then `down`. */
export interface LinkSink {
  /** The link works. At most once, before any frame. */
  up(info: LinkInfo): void;
  /** What arrived, in order; the cursor is the stream's last id after this batch. */
  frames(batch: readonly ServerFrame[], cursor?: string): void;
  /** Something arrived that has no content. */
  alive(): void;
  /** The link has ended. Exactly once, last. */
  down(cause: DownCause): void;
}

/** Why a link ended. Every native code becomes one of these, in one table per adapter. */
export type DownCause =
  /** We ended it. */
  | { readonly kind: 'aborted' }
  /** It broke, or the server ended it in the ordinary way: dial again. */
  | LostLink
  /** It was not let in, for a reason that passes: dial again later. */
  | DownWithAdvice<'refused'>
  /** The token is missing, expired or wrong. */
  | DownWithError<'unauthorized'>
  /** The token is good and still not enough. */
  | DownWithError<'forbidden'>
  /** The server ended it for good. */
  | DownWithError<'dismissed'>
  /** This transport cannot work here: no such API, or something on the way does not let it through. */
  | DownWithError<'unsupported'>
  /** What arrived is not what was agreed. */
  | DownWithError<'protocol'>;

/** A {@link DownCause} that has an error to show. */
export interface DownWithError<Kind extends string> {
  /** Which end it is. */
  readonly kind: Kind;
  /** What to show, with the native code and the cause. */
  readonly error: RealtimeError;
}

/** A {@link DownCause} with which the server may have said when to come back. */
export interface DownWithAdvice<Kind extends string> extends DownWithError<Kind> {
  /** Do not dial again before, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** Dial again at a random moment within this many milliseconds after that. */
  readonly spreadMs?: number;
}

/** A link that was up and is gone. */
export interface LostLink extends DownWithAdvice<'lost'> {
  /** The server and the network are not to blame, and another link waits to take over: dial at once. */
  readonly handover?: boolean;
}

/** One physical attempt or session: opens at most once, ends exactly once, is never used again. */
export interface Link {
  /**
   * Sends frames in order.
   *
   * @returns a receipt for each frame that has an id; `accepted` only when the server's acceptance is known
   * @throws RealtimeError `closed` before the link is up and after it is down, `connection-lost` when it is unknown
   * whether the server got them
   */
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
}

/** A recipe that makes links. Write your own against the contract suite of `keepwire/testing`. */
export interface Transport {
  /** The name that modes, status and errors use. */
  readonly name: string;
  /** What is known of it before it is used. */
  readonly capabilities: Capabilities;
  /** Starts one link and returns at once; it never throws. One call is one link: no retry, no queue, no memory. */
  connect(request: LinkRequest, sink: LinkSink): Link;
}
