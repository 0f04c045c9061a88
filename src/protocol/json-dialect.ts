import { RealtimeError } from '../errors.ts';
import type { Dialect, OutboundMessage } from './dialect.ts';
import type { ClientFrame, JoinFrame, Position, ServerFrame } from './frame.ts';
import type { JoinInfo, JsonDialectOptions, JsonMessage } from './json-options.ts';
import { createReader, onlyEpoch } from './json-read.ts';

type Options = JsonDialectOptions<unknown>;

/** How each option is checked. Extractors, selectors and fields are checked where they are made ready. */
const checks: Record<keyof Options, 'text' | 'flag' | 'function' | 'elsewhere' | readonly string[]> = {
  name: 'text',
  parse: ['json', 'text'],
  split: 'function',
  ignore: 'elsewhere',
  frames: 'function',
  event: 'elsewhere',
  channel: 'elsewhere',
  defaultChannel: 'text',
  data: 'elsewhere',
  id: 'elsewhere',
  offset: 'elsewhere',
  epoch: 'elsewhere',
  cursor: 'elsewhere',
  at: 'elsewhere',
  from: 'elsewhere',
  welcome: 'elsewhere',
  joined: 'elsewhere',
  left: 'elsewhere',
  ack: 'elsewhere',
  error: 'elsewhere',
  pong: 'elsewhere',
  pinged: 'elsewhere',
  answerPing: 'function',
  joinAnswer: 'function',
  authAccepted: 'elsewhere',
  authExpired: 'elsewhere',
  authRefused: 'elsewhere',
  receipt: 'function',
  closing: 'function',
  hello: 'function',
  joinsInHello: 'flag',
  open: 'function',
  join: 'function',
  leave: 'function',
  publish: 'function',
  ping: 'function',
  authenticate: 'function',
  announce: 'function',
  honoursIds: 'flag',
  resume: ['channel', 'connection', 'none'],
};

const brand: unique symbol = Symbol.for('keepwire.Outgoing') as never;

/** A message that needs more than a JSON value; made by {@link emit} and {@link post}. */
export interface Outgoing extends Omit<OutboundMessage, 'frames'> {
  /** Tells it from a JSON value of the same form. */
  readonly [brand]: true;
}

/**
 * A message under an event name, for Socket.IO servers.
 *
 * @example
 * ```ts
 * jsonDialect({ join: (chatId) => emit('join_chat', { chatId }) });
 * ```
 */
export function emit(event: string, data?: JsonMessage): Outgoing {
  return { [brand]: true, event, data };
}

/**
 * A message by an HTTP request of its own, for servers that take sends by REST.
 *
 * @param path - relative to the transport's `sendUrl`; with a leading slash it replaces the whole path of that address.
 * Encode what you put into it.
 * @param data - the body, as JSON
 * @param method - `'POST'` unless given
 *
 * @example
 * ```ts
 * jsonDialect({
 *   publish: ({ channel, data }) => post(`/api/channels/${encodeURIComponent(channel)}/messages`, data),
 * });
 * ```
 */
export function post(path: string, data?: JsonMessage, method?: string): Outgoing {
  return { [brand]: true, path, data, method };
}

/**
 * Describes a server that exists already, so that every transport can talk to it as it is. Each option says where the
 * server puts something, or how it wants to be told something; the defaults fit messages such as
 * `{ "type": "session_update", "channel": "admin", "data": {} }`.
 *
 * @throws RealtimeError `invalid-option` for an option that is wrong or does not exist, by name
 *
 * @example A WebSocket server with one feed and commands
 * ```ts
 * const admin = jsonDialect({
 *   defaultChannel: 'admin-chat-updates',
 *   at: 'timestamp',
 *   join: (channel) => ({ type: 'subscribe', channel }),
 *   publish: ({ id, event, data }) => ({ type: event, id, data }),
 *   ack: { when: 'ack', id: 'id', error: 'error' },
 * });
 * ```
 *
 * @example An SSE server with REST sends
 * ```ts
 * const chat = jsonDialect({
 *   welcome: 'init',
 *   ignore: ['connection', 'ping'],
 *   channel: 'data.channelId',
 *   defaultChannel: 'me',
 *   publish: ({ channel, data }) => post(`/api/channels/${encodeURIComponent(channel)}/messages`, data),
 *   resume: 'connection',
 * });
 * ```
 *
 * @example A Socket.IO server with rooms
 * ```ts
 * const portal = jsonDialect<{ chatId: string; message?: { id: string } }>({
 *   channel: 'chatId',
 *   id: ({ message }) => message?.id,
 *   data: ({ message, ...rest }) => message ?? rest,
 *   join: (chatId) => emit('join_chat', { chatId }),
 *   leave: (chatId) => emit('leave_chat', { chatId }),
 *   publish: ({ event, channel, data }) => emit(event, { chatId: channel, data }),
 * });
 * ```
 */
export function jsonDialect<Message = Readonly<Record<string, unknown>>>(options: JsonDialectOptions<Message> = {}): Dialect {
  const own = options as Options;
  check(own);
  const { receipt, open, joinAnswer } = own;
  return {
    name: own.name ?? 'json',
    traits: {
      greets: own.welcome !== undefined,
      joinsInHello: own.joinsInHello ?? own.join === undefined,
      answersJoins: own.joined !== undefined || joinAnswer !== undefined,
      acks: own.ack !== undefined || receipt !== undefined,
      honoursIds: own.honoursIds,
      resume: own.resume ?? 'none',
      pings: own.ping !== undefined,
      reauth: own.authenticate !== undefined,
    },
    hello: own.hello,
    opening: open && ((greeting) => open(greeting).flatMap((message) => outbound(message, []))),
    decode: createReader(own),
    encode: (frames) => frames.flatMap((frame) => outbound(wordFor(own, frame), [frame])),
    receipts:
      receipt &&
      ((answer, { frames }) =>
        frames.flatMap((frame) => (frame.kind === 'publish' ? [{ ...receipt(answer, frame), id: frame.id }] : []))),
    answers:
      joinAnswer &&
      ((answer, { frames }) =>
        frames.flatMap((frame) => (frame.kind === 'join' ? joinFrames(joinAnswer(answer, frame), frame) : []))),
    closing: own.closing,
  };
}

/** What the server calls this frame; `undefined` when it has no word for it. */
function wordFor(options: Options, frame: ClientFrame): JsonMessage {
  switch (frame.kind) {
    case 'join':
      return options.join?.(frame.channel, positionOf(frame));
    case 'leave':
      return options.leave?.(frame.channel);
    case 'publish':
      return options.publish?.(frame);
    case 'ping':
      return options.ping?.();
    case 'pong':
      return options.answerPing?.(frame.data);
    case 'authenticate':
      return options.authenticate?.(frame.token);
    case 'announce':
      return options.announce?.(frame);
  }
}

function joinFrames(answer: JoinInfo | undefined, { channel }: JoinFrame): readonly ServerFrame[] {
  const {
    error,
    ok = error === undefined,
    message,
    offset,
    epoch = offset === undefined ? undefined : onlyEpoch,
    cursor,
  } = answer ?? {};
  if (!ok) return [{ kind: 'denied', channel, code: error ?? 'denied', message }];
  return [{ kind: 'joined', channel, offset, epoch, cursor }];
}

function positionOf({ epoch, offset, cursor }: JoinFrame): Position | undefined {
  return epoch === undefined || offset === undefined ? cursor : { epoch, offset };
}

function outbound(message: JsonMessage, frames: readonly ClientFrame[]): readonly OutboundMessage[] {
  if (message === undefined) return [];
  if (!isOutgoing(message)) return [{ frames, data: message }];
  const { event, path, method, data } = message;
  return [{ frames, event, path, method, data }];
}

function isOutgoing(message: unknown): message is Outgoing {
  return typeof message === 'object' && message !== null && brand in message;
}

function check(options: Options): void {
  if (typeof options !== 'object' || options === null) throw wrong('jsonDialect was given no object of options');
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, option)) throw wrong(`jsonDialect has no option ${option}`);
    if (value === null) throw wrong(`${option} is null; leave it out instead`);
    const rule = checks[option as keyof Options];
    if (value === undefined || rule === 'elsewhere') continue;
    if (rule === 'text' && (typeof value !== 'string' || value === '')) throw wrong(`${option} is not a filled text`);
    if (rule === 'flag' && typeof value !== 'boolean') throw wrong(`${option} is neither true nor false`);
    if (rule === 'function' && typeof value !== 'function') throw wrong(`${option} is not a function`);
    const mayBeFunction = option === 'parse' && typeof value === 'function';
    if (typeof rule === 'object' && !rule.includes(value as string) && !mayBeFunction) {
      throw wrong(`${option} is none of ${rule.join(', ')}`);
    }
  }
  if (options.ping !== undefined && options.pong === undefined) {
    throw wrong('ping is given without pong', 'Say which messages answer a ping, or leave both out.');
  }
  if ((options.pinged === undefined) !== (options.answerPing === undefined)) {
    throw wrong('pinged and answerPing go together', 'Say which messages ask, and what the answer is.');
  }
}

function wrong(message: string, hint?: string): RealtimeError {
  return new RealtimeError('invalid-option', message, { hint });
}
