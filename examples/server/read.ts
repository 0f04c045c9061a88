import type { ClientFrame, JoinFrame } from './frames.ts';

/** The first flight of a link, checked. */
export interface Hello {
  /** Names the client over all its links. */
  readonly client: string;
  readonly token: string | undefined;
  /** For a poll: how long to hold it, in milliseconds. */
  readonly waitMs: number;
  readonly joins: readonly JoinFrame[];
}

/** Something from a client that could not be read. */
export interface Unreadable {
  readonly kind: 'unreadable';
  /** What is wrong; never the content. */
  readonly message: string;
  /** The id of the send, when at least that could be read. */
  readonly id?: string;
}

/** Names and ids are part of keys and logs; nobody needs longer ones. */
const longestName = 256;

/** Reads JSON text. */
export function readJson(text: string): { readonly value: unknown } | Unreadable {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return unreadable('the message is not JSON');
  }
}

/** Reads a hello, from any carrier. */
export function readHello(value: unknown): Hello | Unreadable {
  const hello = asObject(value);
  if (hello?.['kind'] !== 'hello') return unreadable('the first message has to be a hello');
  const { version, client, token, waitMs = 0, channels } = hello;
  if (!isCount(version) || version < 1) return unreadable('the hello has no version');
  if (!isName(client)) return unreadable('the hello has no client id');
  if (token !== undefined && typeof token !== 'string') return unreadable('the token of the hello is not a text');
  if (!isCount(waitMs)) return unreadable('waitMs of the hello is not a count');
  if (!Array.isArray(channels)) return unreadable('the hello has no list of channels');
  const joins: JoinFrame[] = [];
  for (const item of channels) {
    const join = readFrame({ ...asObject(item), kind: 'join' });
    if (join.kind !== 'join') return unreadable('a channel of the hello cannot be read');
    joins.push(join);
  }
  return { client, token, waitMs, joins };
}

/** Reads one frame of a live link or a POST. */
export function readFrame(value: unknown): ClientFrame | Unreadable | { readonly kind: 'unknown' } {
  const frame = asObject(value);
  if (frame === undefined) return unreadable('a frame is not an object');
  const { kind, channel, id } = frame;
  switch (kind) {
    case 'ping':
      return { kind };
    case 'authenticate':
      return typeof frame['token'] === 'string' ? { kind, token: frame['token'] } : unreadable('authenticate has no token');
    case 'join': {
      const { epoch, offset } = frame;
      if (!isName(channel)) return unreadable('a join names no channel');
      if (epoch === undefined && offset === undefined) return { kind, channel };
      if (typeof epoch !== 'string' || !isCount(offset)) return unreadable('a join has half a position');
      return { kind, channel, epoch, offset };
    }
    case 'leave':
      return isName(channel) ? { kind, channel } : unreadable('a leave names no channel');
    case 'announce': {
      const { present, data } = frame;
      if (!isName(channel) || typeof present !== 'boolean') return unreadable('an announcement has no channel or no present');
      return { kind, channel, present, data };
    }
    case 'publish': {
      const { event, data, volatile = false, reply = false, traceparent } = frame;
      if (!isName(id)) return unreadable('a send has no id');
      if (!isName(channel) || !isName(event) || typeof volatile !== 'boolean' || typeof reply !== 'boolean') {
        return { ...unreadable('a send has a wrong field'), id };
      }
      // what is no trace context is dropped, as an unknown field is: a send does not fail for it
      const trace = typeof traceparent === 'string' && traceparent.length <= 128 ? { traceparent } : {};
      return { kind, id, channel, event, data, volatile, reply, ...trace };
    }
    default:
      return typeof kind === 'string' ? { kind: 'unknown' } : unreadable('a frame has no kind');
  }
}

/** The object behind a value, if it is one. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestName;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function unreadable(message: string): Unreadable {
  return { kind: 'unreadable', message };
}
