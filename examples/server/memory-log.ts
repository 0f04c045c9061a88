import { randomBytes } from 'node:crypto';
import { createRecent, pairKey, type Recent } from './keys.ts';
import type { Log, LogEntry, News, NumberedEntry } from './log.ts';

/** The bounds of a memory log. */
export interface MemoryLogOptions {
  /** Entries kept per channel. @defaultValue `10_000` */
  readonly maxEntries?: number;
  /** Characters of data kept per channel. @defaultValue `8_388_608` */
  readonly maxBytes?: number;
  /** Send ids remembered per channel, at least; at most twice as many. @defaultValue `20_000` */
  readonly maxIds?: number;
  /** Channels kept; beyond it, the oldest one without a listener goes. @defaultValue `10_000` */
  readonly maxChannels?: number;
}

/** A log in the memory of this process: it is gone with it, and then has another epoch. */
export interface MemoryLog extends Log {
  /** Loses a channel's log, or all of them, as a crash would: empty, another epoch, no ids. */
  forget(channel?: string): void;
}

interface Channel {
  epoch: string;
  /** The number of the last entry. */
  offset: number;
  /** The kept entries are `entries[first..]`; those before are holes, cut off from time to time. */
  entries: (NumberedEntry | undefined)[];
  first: number;
  bytes: number;
  /** Offsets by sender and send id. */
  ids: Recent<number>;
  listeners: Set<(news: News) => void>;
}

/** What an entry costs beside its data. */
const entryBytes = 100;

const newEpoch = (): string => randomBytes(6).toString('hex');

/** Makes an empty memory log. */
export function createMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const { maxEntries = 10_000, maxBytes = 8 * 2 ** 20, maxIds = 20_000, maxChannels = 10_000 } = options;
  /** In order of creation; see {@link evictOne}. */
  const channels = new Map<string, Channel>();

  return {
    async append(name, entry) {
      const channel = channelOf(name);
      const key = pairKey(entry.from, entry.id);
      const known = channel.ids.get(key);
      if (known !== undefined) return { epoch: channel.epoch, offset: known, duplicate: true };
      const numbered: NumberedEntry = { ...entry, offset: channel.offset + 1 };
      channel.offset = numbered.offset;
      channel.entries.push(numbered);
      channel.bytes += sizeOf(numbered);
      channel.ids.set(key, numbered.offset);
      trim(channel);
      tell(channel, { kind: 'appended', entry: numbered });
      return { epoch: channel.epoch, offset: numbered.offset, duplicate: false };
    },
    async read(name, after, limit) {
      const channel = channelOf(name);
      const from = Math.max(channel.first, channel.entries.length - (channel.offset - after));
      const entries = channel.entries.slice(from, from + limit).filter((entry) => entry !== undefined);
      return { epoch: channel.epoch, entries };
    },
    async head(name) {
      const { epoch, offset, entries, first } = channelOf(name);
      return { epoch, offset, oldest: offset - (entries.length - first) + 1 };
    },
    async pass(name, entry) {
      tell(channelOf(name), { kind: 'passing', entry });
    },
    subscribe(name, listener) {
      const { listeners } = channelOf(name);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forget(name) {
      for (const [key, channel] of channels) {
        if (name !== undefined && name !== key) continue;
        Object.assign(channel, { ...emptyChannel(maxIds), listeners: channel.listeners });
        tell(channel, { kind: 'restarted', epoch: channel.epoch });
      }
    },
  };

  function channelOf(name: string): Channel {
    const known = channels.get(name);
    if (known !== undefined) return known;
    if (channels.size >= maxChannels) evictOne();
    const channel = emptyChannel(maxIds);
    channels.set(name, channel);
    return channel;
  }

  /** A channel that is listened to goes to the end of the line, so that the search is short on average. */
  function evictOne(): void {
    for (const [name, channel] of [...channels].slice(0, 100)) {
      channels.delete(name);
      if (channel.listeners.size === 0) return;
      channels.set(name, channel);
    }
  }

  function trim(channel: Channel): void {
    while (channel.entries.length - channel.first > maxEntries || channel.bytes > maxBytes) {
      const oldest = channel.entries[channel.first];
      if (oldest === undefined) break;
      channel.bytes -= sizeOf(oldest);
      channel.entries[channel.first] = undefined;
      channel.first += 1;
    }
    // cut in large pieces, so that an append costs the same however long the log is
    if (channel.first > 1000 && channel.first * 2 > channel.entries.length) {
      channel.entries = channel.entries.slice(channel.first);
      channel.first = 0;
    }
  }
}

function emptyChannel(maxIds: number): Channel {
  return { epoch: newEpoch(), offset: 0, entries: [], first: 0, bytes: 0, ids: createRecent(maxIds), listeners: new Set() };
}

function sizeOf(entry: LogEntry): number {
  return entryBytes + (entry.data?.length ?? 0);
}

function tell(channel: Channel, news: News): void {
  for (const listener of channel.listeners) listener(news);
}
