import type { Appended, Head, Log, LogEntry, News, NumberedEntry, Page } from '../../examples/server/log.ts';

/** Where a channel stood: the number of its epoch, from 0, and the offset in it. */
export interface Place {
  readonly epoch: number;
  readonly offset: number;
}

/** One numbering of one channel, with everything that was ever in it. */
export interface EpochRecord {
  readonly name: string;
  readonly entries: readonly NumberedEntry[];
  /** Entries up to here cannot be read any more. */
  readonly trimmedTo: number;
}

/**
 * The log of the server, kept by the test: it survives every crash of the server, and forgets nothing even where the server
 * does. Each event that it numbers gets the number of its epoch into its data, so that a client can be checked without
 * trusting what it says of itself.
 */
export interface Truth extends Log {
  readonly channels: ReadonlyMap<string, readonly EpochRecord[]>;
  /** What was passed on and not kept, by channel: id and data. */
  readonly passed: ReadonlyMap<string, ReadonlyMap<string, LogEntry>>;
  headOf(channel: string): Place;
  /** All channels begin anew, as after the loss of the disk. */
  lose(): void;
  /** What is in a channel now can no longer be read. */
  trim(channel: string): void;
}

interface Epoch extends EpochRecord {
  readonly entries: NumberedEntry[];
  readonly ids: Map<string, number>;
  trimmedTo: number;
}

/** Makes an empty log. */
export function createTruth(): Truth {
  const channels = new Map<string, Epoch[]>();
  const passed = new Map<string, Map<string, LogEntry>>();
  const listeners = new Map<string, Set<(news: News) => void>>();

  const newEpoch = (channel: string, index: number): Epoch => ({
    name: `${channel}-${index}`,
    entries: [],
    ids: new Map(),
    trimmedTo: 0,
  });

  function epochsOf(channel: string): Epoch[] {
    const known = channels.get(channel) ?? [newEpoch(channel, 0)];
    channels.set(channel, known);
    return known;
  }

  function now(channel: string): Epoch {
    return epochsOf(channel).at(-1) as Epoch;
  }

  function tell(channel: string, news: News): void {
    for (const listener of listeners.get(channel) ?? []) listener(news);
  }

  return {
    channels,
    passed,
    headOf(channel) {
      const epochs = epochsOf(channel);
      return { epoch: epochs.length - 1, offset: epochs.at(-1)?.entries.length ?? 0 };
    },
    async append(channel, entry): Promise<Appended> {
      const epochs = epochsOf(channel);
      const epoch = now(channel);
      const key = `${entry.from} ${entry.id}`;
      const known = epoch.ids.get(key);
      if (known !== undefined) return { epoch: epoch.name, offset: known, duplicate: true };
      const offset = epoch.entries.length + 1;
      const data = JSON.stringify({ ...(JSON.parse(entry.data ?? '{}') as object), epoch: epochs.length - 1 });
      const numbered = { ...entry, data, offset };
      epoch.entries.push(numbered);
      epoch.ids.set(key, offset);
      tell(channel, { kind: 'appended', entry: numbered });
      return { epoch: epoch.name, offset, duplicate: false };
    },
    async read(channel, after, limit): Promise<Page> {
      const { name, entries, trimmedTo } = now(channel);
      const from = Math.max(after, trimmedTo);
      return { epoch: name, entries: entries.slice(from, from + limit) };
    },
    async head(channel): Promise<Head> {
      const { name, entries, trimmedTo } = now(channel);
      return { epoch: name, offset: entries.length, oldest: trimmedTo + 1 };
    },
    async pass(channel, entry) {
      passed.set(channel, (passed.get(channel) ?? new Map<string, LogEntry>()).set(entry.id, entry));
      tell(channel, { kind: 'passing', entry });
    },
    subscribe(channel, listener) {
      const set = listeners.get(channel) ?? new Set();
      listeners.set(channel, set.add(listener));
      return () => set.delete(listener);
    },
    lose() {
      for (const [channel, epochs] of channels) {
        epochs.push(newEpoch(channel, epochs.length));
        tell(channel, { kind: 'restarted', epoch: now(channel).name });
      }
    },
    trim(channel) {
      const epoch = now(channel);
      epoch.trimmedTo = epoch.entries.length;
    },
  };
}
