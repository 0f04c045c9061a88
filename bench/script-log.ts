import type { Log, LogEntry, News, NumberedEntry } from '../examples/server/log.ts';
import { payloadWriter } from './payload.ts';

/** A log of the reference server whose entries are computed when they are read. */
export interface ScriptLog extends Log {
  /** From now on the channel holds so many messages of this size: a burst that the sessions have yet to read. */
  publish(channel: string, messages: number, bytes: number): void;
}

/** A channel of this name holds one message that nobody has seen, whenever it is joined. */
export const firstMessagePrefix = 'first-';

const epoch = 'bench';
const noPayload = (): string => '{}';

/** One entry as the bench has it; the id is as long as one of a client. */
export function entryAt(offset: number, data: string): NumberedEntry {
  return { id: offset.toString(16).padStart(32, '0'), event: 'message', data, at: 1_800_000_000_000, from: 'ada', offset };
}

/** Makes a log without entries. */
export function createScriptLog(): ScriptLog {
  const channels = new Map<string, { messages: number; payload: (index: number) => string }>();
  const listeners = new Map<string, (news: News) => void>();

  return {
    publish(channel, messages, bytes) {
      channels.set(channel, { messages, payload: payloadWriter(bytes) });
      const last = entryAt(messages, '{}');
      // the number shows that others are missing before it, and the session reads them
      listeners.get(channel)?.({ kind: 'appended', entry: last });
    },
    async read(channel, after, limit) {
      const { messages, payload } = channels.get(channel) ?? { messages: isFirst(channel) ? 1 : 0, payload: noPayload };
      const entries: NumberedEntry[] = [];
      const last = Math.min(messages, after + limit);
      for (let offset = after + 1; offset <= last; offset += 1) entries.push(entryAt(offset, payload(offset - 1)));
      return { epoch, entries };
    },
    async head(channel) {
      return { epoch, offset: channels.get(channel)?.messages ?? 0, oldest: 1 };
    },
    subscribe(channel, listener) {
      listeners.set(channel, listener);
      return () => {
        listeners.delete(channel);
      };
    },
    append: () => Promise.reject(new Error('nobody publishes to the log of the bench')),
    pass: async (_channel: string, _entry: LogEntry) => {},
  };
}

function isFirst(channel: string): boolean {
  return channel.startsWith(firstMessagePrefix);
}
