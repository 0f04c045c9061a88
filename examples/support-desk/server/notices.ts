/** One message of a channel, as every way in sends it. */
export interface WireMessage {
  readonly id: string;
  readonly channelId: string;
  /** Its number in the channel, without holes. */
  readonly seq: number;
  readonly authorId: string;
  readonly author: string;
  readonly text: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** The id that the sender gave it. */
  readonly clientId?: string;
}

/** Somebody who is connected, and by which ways. */
export interface WirePerson {
  readonly id: string;
  readonly name: string;
  readonly via: readonly Via[];
}

/** The ways in. */
export type Via = 'socket' | 'sse' | 'polling';

/** What the administrator has chosen. */
export interface Settings {
  readonly connectionMode: 'auto' | Via;
  readonly socketUrl: string;
}

/** What the server says in a channel, by its type. */
export type Notice =
  | ({ readonly type: 'message' } & WireMessage)
  | {
      readonly type: 'typing';
      readonly channelId: string;
      readonly userId: string;
      readonly name: string;
      readonly isTyping: boolean;
    }
  | { readonly type: 'presence'; readonly channelId: string; readonly people: readonly WirePerson[] }
  | ({ readonly type: 'settings_changed'; readonly channelId: string } & Settings)
  /** There is something new in another channel. */
  | { readonly type: 'activity'; readonly channelId: string; readonly message: WireMessage };

/** A channel, as lists show it. */
export interface WireChannel {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly last?: WireMessage;
}

/** What the server counts, for the page of the administrator. */
export interface Statistics {
  readonly startedAt: number;
  readonly messages: number;
  /** Is the Socket.IO process there? */
  readonly isSocketUp: boolean;
  readonly connections: readonly {
    readonly via: Via;
    readonly userId: string;
    readonly channels: readonly string[];
    readonly since: number;
  }[];
}
