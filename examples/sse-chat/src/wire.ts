import { jsonDialect, post, unchecked } from 'keepwire';

/** One message of a channel, as the server sends it. */
export interface WireMessage {
  readonly id: string;
  readonly channel: string;
  readonly from: string;
  readonly text: string;
  readonly at: number;
  readonly clientId?: string;
  readonly edited?: boolean;
}

/** A channel of the user. */
export interface WireChannel {
  readonly id: string;
  readonly name: string;
  readonly memberCount: number;
}

/** How somebody is. */
export interface WirePresence {
  readonly userId: string;
  readonly username: string;
  readonly status: 'online' | 'away' | 'offline';
  readonly lastSeen: number;
  readonly currentChannel?: string;
}

/** What the whole user hears is on a channel of our own name. */
export const userChannel = 'me';

/** What travels, by name: first what the server says, then what we say. */
export const events = {
  init: unchecked<{ readonly userId: string; readonly channels: readonly WireChannel[] }>(),
  channel_message: unchecked<{
    readonly channelId: string;
    readonly action: 'new' | 'edited' | 'deleted';
    readonly message: WireMessage;
  }>(),
  channel_event: unchecked<{ readonly action: string; readonly channel: WireChannel; readonly userId?: string }>(),
  channel_init: unchecked<{ readonly channel: WireChannel; readonly members: readonly string[] }>(),
  presence: unchecked<WirePresence>(),
  broadcast: unchecked<{ readonly text: string }>(),
  /** A word to us alone, in no channel. */
  message: unchecked<{ readonly username: string; readonly text: string }>(),
  typing: unchecked<{ readonly userId: string; readonly username: string; readonly isTyping: boolean }>(),

  say: unchecked<{ readonly text: string }>(),
  edit: unchecked<{ readonly id: string; readonly text: string }>(),
  remove: unchecked<{ readonly id: string }>(),
  tell_typing: unchecked<{ readonly isTyping: boolean }>(),
};

interface Wire {
  readonly type: string;
  readonly data: { readonly channelId?: string; readonly action?: string; readonly message?: WireMessage };
}

/**
 * How the server speaks: `{ type, data }` on the stream, REST for everything that we say.
 *
 * @param replays - does a stream begin with what was missed after its last id?
 */
export const chatWire = (replays: boolean) =>
  jsonDialect<Wire>({
    name: 'chat',
    ignore: ['connection', 'ping'],
    channel: 'data.channelId',
    defaultChannel: userChannel,
    // the same change may come over two ways in, with another id on each or with none
    id: ({ data: { action, message } }, { id }) => (message ? `${action} ${message.id} ${message.text}` : id),
    resume: replays ? 'connection' : 'none',
    publish({ channel, event, data, id: clientId }) {
      const { id, ...rest } = data as { readonly id?: string };
      const path = `/api/channels/${encodeURIComponent(channel)}`;
      switch (event) {
        case 'say':
          return post(`${path}/messages`, { ...rest, clientId });
        case 'edit':
          return post(`/api/messages/${id}`, rest, 'PATCH');
        case 'remove':
          return post(`/api/messages/${id}`, undefined, 'DELETE');
        case 'tell_typing':
          return post(`${path}/typing`, rest);
        default:
          return undefined;
      }
    },
  });
