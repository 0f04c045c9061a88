/** One message, as it is stored. */
export interface StoredMessage {
  /** Over all channels, in the order of arrival. */
  readonly id: string;
  readonly channel: string;
  readonly from: string;
  readonly text: string;
  /** When it arrived, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The id that the sender gave it, if any. */
  readonly clientId?: string;
  /** The users who may read it; without it everybody in the channel may. */
  readonly visibleTo?: readonly string[];
  /** True when its text was changed. */
  readonly edited?: boolean;
}

/** A message that is to be stored. */
export type NewMessage = Pick<StoredMessage, 'channel' | 'from' | 'text' | 'clientId' | 'visibleTo'>;

/** The messages of all channels. */
export interface MessageStore {
  /** Stores a message; the same `clientId` of the same sender gives the message that is there already. */
  add(message: NewMessage): { readonly message: StoredMessage; readonly isNew: boolean };
  edit(id: string, text: string): StoredMessage | undefined;
  remove(id: string): StoredMessage | undefined;
  get(id: string): StoredMessage | undefined;
  /** What a reader may see of a channel, oldest first. */
  list(channel: string, reader: string, options?: { readonly after?: string; readonly limit?: number }): readonly StoredMessage[];
  /** Everything in a channel, whoever may read it. */
  all(channel: string): readonly StoredMessage[];
  /** Forgets a channel. */
  clear(channel: string): void;
}

/** Keeps messages in memory. */
export function createMessageStore(): MessageStore {
  const channels = new Map<string, StoredMessage[]>();
  const bySender = new Map<string, string>();
  let count = 0;

  const listOf = (channel: string): StoredMessage[] => {
    const list = channels.get(channel) ?? [];
    channels.set(channel, list);
    return list;
  };
  const find = (id: string): StoredMessage | undefined => {
    for (const list of channels.values()) {
      const found = list.find((message) => message.id === id);
      if (found) return found;
    }
    return undefined;
  };

  return {
    add({ channel, from, text, clientId, visibleTo }) {
      const key = clientId && `${from}\n${clientId}`;
      const known = key && bySender.get(key);
      const there = known && find(known);
      if (there) return { message: there, isNew: false };
      count += 1;
      const message: StoredMessage = { id: String(count), channel, from, text, at: Date.now(), clientId, visibleTo };
      listOf(channel).push(message);
      if (key) bySender.set(key, message.id);
      return { message, isNew: true };
    },
    edit(id, text) {
      const message = find(id);
      if (!message) return undefined;
      const changed = { ...message, text, edited: true };
      const list = listOf(message.channel);
      list[list.indexOf(message)] = changed;
      return changed;
    },
    remove(id) {
      const message = find(id);
      if (message) listOf(message.channel).splice(listOf(message.channel).indexOf(message), 1);
      return message;
    },
    get: find,
    list: (channel, reader, { after = '0', limit = 200 } = {}) =>
      listOf(channel)
        .filter((message) => isReader(message, reader) && Number(message.id) > Number(after))
        .slice(-limit),
    all: (channel) => [...listOf(channel)],
    clear: (channel) => void channels.delete(channel),
  };
}

/** May this user read the message? */
export function isReader({ from, visibleTo }: Pick<StoredMessage, 'from' | 'visibleTo'>, user: string): boolean {
  return !visibleTo || from === user || visibleTo.includes(user);
}
