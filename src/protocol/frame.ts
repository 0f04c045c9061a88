/** Names, ids and positions from a server are kept, compared and sent back: more characters are not believed. */
export const longestName = 2048;

/**
 * Where a channel stands: after which message. Servers that number their messages give `{ epoch, offset }`; the epoch
 * changes when the numbering starts again (a lost log, a new stream), so offsets of different epochs never compare.
 * Servers that give an opaque token instead are held by that string.
 */
export type Position = OffsetPosition | string;

/** A position in a numbered log. */
export interface OffsetPosition {
  /** Names one numbering of the log. */
  readonly epoch: string;
  /** The number of the last message that was seen; 0 before the first. An integer. */
  readonly offset: number;
}

/** One event on one channel, as it crosses the link and as handlers get it beside its data. */
export interface EventFrame {
  readonly kind: 'event';
  /** The channel it belongs to. */
  readonly channel: string;
  /** Its name. */
  readonly event: string;
  /** Its payload; after validation, what the schema made of it. */
  readonly data: unknown;
  /** Its number in the channel's log. Absent on events that the server does not keep, such as typing. */
  readonly offset?: number;
  /** The numbering that {@link EventFrame.offset} belongs to, if it is not the one of the join answer. */
  readonly epoch?: string;
  /** An opaque position of the channel after this event, for servers that do not number. */
  readonly cursor?: string;
  /** The server's id for the message, or the id its sender gave it. */
  readonly id?: string;
  /** When the server accepted it, in milliseconds since the Unix epoch, by the server's clock. */
  readonly at?: number;
  /** Who sent it, by the server's word. */
  readonly from?: string;
  /** The W3C trace context that its sender gave, where the server hands it on. */
  readonly traceparent?: string;
}

/** The server has let us into a channel. Events that follow on this link begin right after the position. */
export interface JoinedFrame {
  readonly kind: 'joined';
  /** The name of the channel. */
  readonly channel: string;
  /** Names the numbering of the channel's log. Absent where the server has none. */
  readonly epoch?: string;
  /** The next event will be `offset + 1`. */
  readonly offset?: number;
  /** The opaque position, for servers that do not number. */
  readonly cursor?: string;
}

/** The server will not let us into a channel. */
export interface DeniedFrame {
  readonly kind: 'denied';
  /** The name of the channel. */
  readonly channel: string;
  /** The server's own word for the reason. */
  readonly code: string;
  /** For people, in the server's own words. */
  readonly message?: string;
}

/** We are no longer in a channel: asked for, or the server's decision (a reason is given then). */
export interface LeftFrame {
  readonly kind: 'left';
  /** The name of the channel. */
  readonly channel: string;
  /** Why, in the server's own words. */
  readonly reason?: string;
}

/** The server has accepted one send. */
export interface AckFrame {
  readonly kind: 'ack';
  /** The id of the send. */
  readonly id: string;
  /** The number that the message got in the channel's log. */
  readonly offset?: number;
  /** Names the numbering that the offset belongs to. */
  readonly epoch?: string;
  /** The answer to a request. */
  readonly data?: unknown;
}

/** The server has refused one send. */
export interface RejectFrame {
  readonly kind: 'reject';
  /** The id of the send. */
  readonly id: string;
  /** The server's own word for the reason. */
  readonly code: string;
  /** For people, in the server's own words. */
  readonly message?: string;
  /** Present when the same send may succeed later: do not try before, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** Proof of life. With positions it also tells of events at the tail that never arrived. */
export interface HeartbeatFrame {
  readonly kind: 'heartbeat';
  /** The last position of each joined channel that has a log. */
  readonly positions?: readonly ChannelPosition[];
  /** The server's clock, in milliseconds since the Unix epoch. */
  readonly at?: number;
}

/** A channel and where it stands. */
export interface ChannelPosition {
  /** The name of the channel. */
  readonly channel: string;
  /** Names the numbering that the offset belongs to. */
  readonly epoch: string;
  /** A number in the channel's log. */
  readonly offset: number;
}

/** The answer to a ping: the server's to ours, or ours to the server's. */
export interface PongFrame {
  readonly kind: 'pong';
  /** The server's clock, in milliseconds since the Unix epoch. */
  readonly at?: number;
  /** The ping that we answer, where it said something. */
  readonly data?: unknown;
}

/** Who is in a channel: all of them (`sync`), or what changed. */
export interface PresenceFrame {
  readonly kind: 'presence';
  /** The name of the channel. */
  readonly channel: string;
  /** True when {@link PresenceFrame.members} is everybody, false when it is only who came or changed. */
  readonly sync: boolean;
  /** Who is there, or who came and who says something new. */
  readonly members: readonly PresenceMember[];
  /** The keys of those who are gone. */
  readonly gone?: readonly string[];
}

/** One person in a channel, however many tabs and devices they have. */
export interface PresenceMember {
  /** The stable key of the member: the user id. */
  readonly key: string;
  /** What the member says about itself. */
  readonly data?: unknown;
}

/** What the server would like the client to do about its connection. */
export interface AdviceFrame {
  readonly kind: 'advice';
  /** Do not dial again before, in milliseconds from the end of the link. */
  readonly retryAfterMs?: number;
  /** Dial again at a random moment within this many milliseconds after that. */
  readonly spreadMs?: number;
  /** The server is about to go: move to another link now. */
  readonly drain?: boolean;
}

/** What the server says of the token on a live link. */
export interface AuthFrame {
  readonly kind: 'auth';
  /** What the server says of it. */
  readonly status: 'accepted' | 'expired' | 'refused';
  /** For people, in the server's own words. */
  readonly message?: string;
}

/** The server's first frame: the link is up. */
export interface WelcomeFrame {
  readonly kind: 'welcome';
  /** The protocol version that the server will speak. */
  readonly version: number;
  /** The server's name for this link. */
  readonly session?: string;
  /** The server sends something at least this often, in milliseconds. */
  readonly heartbeatMs?: number;
  /** Whoever is cut off without a word comes back at a random moment within this time, in milliseconds. See {@link AdviceFrame}. */
  readonly spreadMs?: number;
  /** Who the server takes us for. */
  readonly user?: string;
}

/** A message that could not be read. It is reported and the link goes on. */
export interface GarbledFrame {
  readonly kind: 'garbled';
  /** What was wrong; never the content. */
  readonly message: string;
  /** What was thrown while it was read. */
  readonly cause?: unknown;
}

/** Everything that can come from a server, once a dialect has translated it. */
export type ServerFrame =
  | EventFrame
  | JoinedFrame
  | DeniedFrame
  | LeftFrame
  | AckFrame
  | RejectFrame
  | HeartbeatFrame
  | PingFrame
  | PongFrame
  | PresenceFrame
  | AdviceFrame
  | AuthFrame
  | WelcomeFrame
  | GarbledFrame;

/** Lets us into a channel, from a position if we have one. */
export interface JoinFrame {
  readonly kind: 'join';
  /** The name of the channel. */
  readonly channel: string;
  /** Names the numbering that the offset belongs to. */
  readonly epoch?: string;
  /** A number in the channel's log. */
  readonly offset?: number;
  /** The opaque position, for servers that do not number. */
  readonly cursor?: string;
}

/** Takes us out of a channel. */
export interface LeaveFrame {
  readonly kind: 'leave';
  /** The name of the channel. */
  readonly channel: string;
}

/** One send. The id stays the same over every retry, and a server that honours it applies the send once. */
export interface PublishFrame {
  readonly kind: 'publish';
  /** The id under which the server applies it at most once. */
  readonly id: string;
  /** The name of the channel. */
  readonly channel: string;
  /** The name of the event. */
  readonly event: string;
  /** The payload. */
  readonly data: unknown;
  /** True for an event that nobody needs later, such as typing: not kept, not numbered, not retried. */
  readonly volatile?: boolean;
  /** True when the sender waits for an answer: it comes in the `data` of the acknowledgement. */
  readonly reply?: boolean;
  /** The W3C trace context of the send, for servers that trace. */
  readonly traceparent?: string;
}

/** Asks for a sign of life: the server's, or ours. */
export interface PingFrame {
  readonly kind: 'ping';
  /** What the server said with it, for the answer. */
  readonly data?: unknown;
}

/** Brings a new token onto a live link. */
export interface AuthenticateFrame {
  readonly kind: 'authenticate';
  /** The token itself. */
  readonly token: string;
}

/** Enters us into the members of a channel with what we say about ourselves, or takes us out. */
export interface AnnounceFrame {
  readonly kind: 'announce';
  /** The name of the channel. */
  readonly channel: string;
  /** `undefined` takes us out. */
  readonly data?: unknown;
  /** False takes us out. */
  readonly present: boolean;
}

/** Everything that can go to a server, before a dialect translates it. */
export type ClientFrame = JoinFrame | LeaveFrame | PublishFrame | PingFrame | PongFrame | AuthenticateFrame | AnnounceFrame;

/** The join of a channel from where it stands. */
export function joinFrame(channel: string, position: Position | undefined): JoinFrame {
  return { kind: 'join', channel, ...(typeof position === 'string' ? { cursor: position } : position) };
}
