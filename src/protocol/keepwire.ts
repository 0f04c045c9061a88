import { RealtimeError } from '../errors.ts';
import type { Dialect, DialectTraits, Receipt } from './dialect.ts';
import type { ServerFrame } from './frame.ts';

/** The version of keepwire's own protocol that this package speaks. */
export const protocolVersion = 1;

const traits: DialectTraits = {
  greets: true,
  joinsInHello: true,
  answersJoins: true,
  acks: true,
  resume: 'channel',
  pings: true,
  reauth: true,
};

/**
 * keepwire's own protocol: a message is one frame or an array of frames, as JSON, and a frame on the wire is the frame
 * in memory. `docs/protocol.md` describes it for server authors.
 */
export const keepwireDialect: Dialect = {
  name: 'keepwire',
  traits,
  hello: ({ token, client, joins, waitMs }) => ({
    kind: 'hello',
    version: protocolVersion,
    client,
    token,
    waitMs,
    channels: joins.map(({ kind: _, ...join }) => join),
  }),
  decode(data) {
    const value = typeof data === 'string' ? (JSON.parse(data) as unknown) : data;
    const frames: ServerFrame[] = [];
    for (const item of Array.isArray(value) ? value : [value]) {
      const frame = readFrame(item);
      if (frame !== undefined) frames.push(frame);
    }
    return frames;
  },
  encode: (frames) => (frames.length === 0 ? [] : [{ frames, data: frames, event: 'frames' }]),
  post: ({ frames }, { client }) => ({ client, frames }),
  receipts(answer, { frames }) {
    const answers = new Map<string, Receipt>();
    for (const frame of Array.isArray(answer) ? keepwireDialect.decode(answer) : []) {
      if (frame.kind === 'ack') answers.set(frame.id, { ...frame, status: 'accepted' });
      else if (frame.kind === 'reject') answers.set(frame.id, { ...frame, status: 'rejected' });
    }
    return frames.flatMap((frame) =>
      frame.kind === 'publish' ? [answers.get(frame.id) ?? { id: frame.id, status: 'sent' }] : [],
    );
  },
};

const isText = (value: unknown): value is string => typeof value === 'string';
const isOptional = (value: unknown, type: string): boolean => value === undefined || typeof value === type;
const isOptionalCount = (value: unknown): boolean =>
  value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);

/**
 * Checks one frame and gives it back as it is. Unknown kinds are left out, so that a newer server can say more; a known
 * kind with a wrong field is garbled, so that nothing behind this line has to ask again.
 */
function readFrame(value: unknown): ServerFrame | undefined {
  const frame = value as Record<string, unknown> | null;
  if (typeof frame !== 'object' || frame === null) return garbled('it is not an object');
  switch (frame['kind']) {
    case 'event':
      return isText(frame['channel']) &&
        isText(frame['event']) &&
        isOptionalCount(frame['offset']) &&
        isOptional(frame['epoch'], 'string') &&
        isOptional(frame['id'], 'string') &&
        isOptional(frame['cursor'], 'string')
        ? (value as ServerFrame)
        : garbled('an event has a wrong field');
    case 'joined':
      return isText(frame['channel']) &&
        isOptionalCount(frame['offset']) &&
        isOptional(frame['epoch'], 'string') &&
        isOptional(frame['cursor'], 'string')
        ? (value as ServerFrame)
        : garbled('a joined frame has a wrong field');
    case 'denied':
    case 'left':
      return isText(frame['channel']) ? (value as ServerFrame) : garbled(`a ${frame['kind']} frame names no channel`);
    case 'ack':
    case 'reject':
      return isText(frame['id']) ? (value as ServerFrame) : garbled(`a ${frame['kind']} frame has no id`);
    case 'heartbeat':
      return isOptionalList(frame['positions'], isChannelPosition)
        ? (value as ServerFrame)
        : garbled('a heartbeat has wrong positions');
    case 'presence':
      return isText(frame['channel']) &&
        isOptionalList(frame['members'] ?? null, isMember) &&
        isOptionalList(frame['gone'], isText)
        ? (value as ServerFrame)
        : garbled('a presence frame has a wrong field');
    case 'welcome':
      return frame['version'] === protocolVersion
        ? (value as ServerFrame)
        : garbled(`the server speaks version ${String(frame['version'])} of the protocol, this client ${protocolVersion}`);
    case 'auth':
    case 'advice':
    case 'pong':
      return value as ServerFrame;
    default:
      // a kind of a newer version is left out; what has no kind at all is none of ours
      return isText(frame['kind']) ? undefined : garbled('it has no kind');
  }
}

function isOptionalList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isItem));
}

function isChannelPosition(value: unknown): boolean {
  const position = value as Record<string, unknown> | null;
  return isText(position?.['channel']) && isText(position['epoch']) && Number.isSafeInteger(position['offset']);
}

function isMember(value: unknown): boolean {
  return isText((value as Record<string, unknown> | null)?.['key']);
}

function garbled(why: string): ServerFrame {
  const message = `a frame of the keepwire protocol could not be read: ${why}`;
  return { kind: 'garbled', message, cause: new RealtimeError('protocol', message) };
}
