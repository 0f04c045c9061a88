import type { Dialect, DialectTraits, Greeting, OutboundMessage, Receipt } from './dialect.ts';
import { type ClientFrame, longestName, type ServerFrame } from './frame.ts';
import { receiptsFor } from './receipts.ts';

/** The version of keepwire's own protocol that this package speaks. */
export const protocolVersion = 1;

const traits: DialectTraits = {
  greets: true,
  joinsInHello: true,
  answersJoins: true,
  acks: true,
  honoursIds: true,
  resume: 'channel',
  pings: true,
  reauth: true,
};

/**
 * keepwire's own protocol: a message is one frame or an array of frames, as JSON, and a frame on the wire is the frame
 * in memory. `docs/protocol.md` describes it for server authors.
 */
export const keepwireDialect: Dialect = { name: 'keepwire', traits, hello, decode, encode, post, receipts };

/** The same without what only carriers with an answer for each message need: small bundles leave that out. */
export const keepwireFrames: Dialect = { name: 'keepwire', traits, hello, decode, encode };

function hello({ token, client, joins, waitMs }: Greeting): unknown {
  const channels = joins.map(({ kind: _, ...join }) => join);
  return { kind: 'hello', version: protocolVersion, client, token, waitMs, channels };
}

function decode(data: unknown, event?: string): readonly ServerFrame[] {
  // `message` is the name that an SSE message without one has
  if (event !== undefined && event !== 'frames' && event !== 'message') return [];
  const value = typeof data === 'string' ? (JSON.parse(data) as unknown) : data;
  if (!Array.isArray(value)) {
    const frame = readFrame(value);
    return frame ? [frame] : [];
  }
  const frames: ServerFrame[] = [];
  for (const item of value) {
    const frame = readFrame(item);
    if (frame) frames.push(frame);
  }
  return frames;
}

function encode(frames: readonly ClientFrame[]): readonly OutboundMessage[] {
  return frames.length ? [{ frames, data: frames, event: 'frames' }] : [];
}

function post({ frames }: OutboundMessage, { client }: Greeting): unknown {
  return { client, frames };
}

function receipts(answer: unknown, { frames }: OutboundMessage): readonly Receipt[] {
  const known: Receipt[] = [];
  for (const frame of Array.isArray(answer) ? decode(answer) : []) {
    if (frame.kind !== 'ack' && frame.kind !== 'reject') continue;
    const { kind, ...rest } = frame;
    known.push({ ...rest, status: kind === 'ack' ? 'accepted' : 'rejected' });
  }
  return receiptsFor(frames, known, { status: 'sent' });
}

/**
 * Checks one frame and gives it back as it is. Unknown kinds are left out, so that a newer server can say more; a known
 * kind with a wrong field is garbled, so that nothing behind this line has to ask again.
 */
function readFrame(value: unknown): ServerFrame | undefined {
  if (typeof value !== 'object' || value === null) return garbled('a frame is no object');
  const frame = value as Fields;
  const { kind, version, message } = frame;
  // almost every frame is an event: its fields are read by name, and nothing is made
  if (kind === 'event' && isEvent(frame)) return value as ServerFrame;
  if (!isText(kind)) return garbled('a frame has no kind');
  const names = needed.get(kind);
  if (!names) return undefined;
  if (!names.every((name) => frame[name] !== undefined) || !Object.entries(frame).every(isRight)) {
    return garbled(`a frame of kind ${kind} has a wrong field`);
  }
  if (kind === 'garbled') return garbled(`the server could not read a message of ours: ${message}`);
  if (kind === 'welcome' && version !== protocolVersion) return garbled(`the server speaks version ${version}`);
  return value as ServerFrame;
}

type Fields = Readonly<Record<string, unknown>>;

function isEvent({ channel, event, offset, epoch, id, cursor, at, from, traceparent }: Fields): boolean {
  return (
    isName(channel) &&
    isName(event) &&
    (offset === undefined || isCount(offset)) &&
    (epoch === undefined || isName(epoch)) &&
    (id === undefined || isName(id)) &&
    (cursor === undefined || isName(cursor)) &&
    (at === undefined || isAmount(at)) &&
    (from === undefined || isName(from)) &&
    (traceparent === undefined || isName(traceparent))
  );
}

/** The fields that a frame of each kind must have. */
const needed: ReadonlyMap<string, readonly string[]> = new Map([
  ['event', ['channel', 'event']],
  ['joined', ['channel']],
  ['denied', ['channel', 'code']],
  ['left', ['channel']],
  ['presence', ['channel', 'members', 'sync']],
  ['ack', ['id']],
  ['reject', ['id', 'code']],
  ['garbled', ['message']],
  ['heartbeat', []],
  ['welcome', ['version']],
  ['auth', ['status']],
  ['advice', []],
  ['pong', []],
]);

/** The type of each field, which is the same in every kind that has it. */
const types: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ...['channel', 'event', 'id', 'epoch', 'cursor', 'code', 'session', 'user', 'from', 'traceparent'].map(
    (name) => [name, isName] as const,
  ),
  ...['message', 'reason'].map((name) => [name, isText] as const),
  ...['at', 'heartbeatMs', 'retryAfterMs', 'spreadMs'].map((name) => [name, isAmount] as const),
  ['offset', isCount],
  ...['drain', 'sync'].map((name) => [name, isBoolean] as const),
  ['status', (value) => value === 'accepted' || value === 'expired' || value === 'refused'],
  ['positions', (value) => isList(value, isPosition)],
  ['members', (value) => isList(value, isMember)],
  ['gone', (value) => isList(value, isName)],
]);

/** A field without a type here is the application's, or a newer server's. */
function isRight([name, value]: readonly [string, unknown]): boolean {
  return value === undefined || types.get(name)?.(value) !== false;
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Names, ids and positions are kept, compared and sent back. */
function isName(value: unknown): boolean {
  return isText(value) && value.length <= longestName;
}

/** Times and durations. */
function isAmount(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isList(value: unknown, isRight: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isRight);
}

function isPosition(value: unknown): boolean {
  const { channel, epoch, offset } = (value ?? {}) as Fields;
  return isName(channel) && isName(epoch) && isCount(offset);
}

function isMember(value: unknown): boolean {
  return isName(((value ?? {}) as Fields)['key']);
}

function garbled(message: string): ServerFrame {
  return { kind: 'garbled', message };
}
