import { RealtimeError } from '../errors.ts';
import type { Dialect } from './dialect.ts';
import type { EventFrame, ServerFrame } from './frame.ts';
import type { AckInfo, ErrorInfo, JsonDialectOptions } from './json-options.ts';
import {
  asCount,
  asText,
  asTime,
  asWords,
  compileExtractor,
  compileSelector,
  type Extract,
  type Extractor,
  type MessageContext,
  readPath,
  type Selector,
} from './json-path.ts';
import { protocolVersion } from './keepwire.ts';

type Options = JsonDialectOptions<unknown>;

/** Reads one message: frames, or `undefined` when it is for the next rule. */
type Rule = (name: string | undefined, message: unknown, context: MessageContext) => readonly ServerFrame[] | undefined;

/** The numbering of servers that number and never begin again. */
export const onlyEpoch = '0';

/** Makes the reading half of a dialect; see {@link JsonDialectOptions} for the order in which a message is looked at. */
export function createReader(options: Options): Dialect['decode'] {
  const nameOf = options.event === undefined ? carrierOrType : compileExtractor('event', options.event);
  const ignored = options.ignore === undefined ? undefined : compileSelector('ignore', options.ignore).names;
  const { parse = 'json', split = elements } = options;
  const rules = createRules(options);
  /** Who splits messages, or makes frames of them, may want the bytes. */
  const readsBytes = options.split !== undefined || options.frames !== undefined;

  return (message, event, id, channel) => {
    // JSON in a binary message is the same JSON; an event with a name may have bytes for its data
    const isText = typeof message === 'string';
    const data = isText || readsBytes || event !== undefined ? message : asUtf8(message);
    // a ping often has no content that could be parsed
    if (event !== undefined && ignored?.has(event)) return [];
    if (data === '' && parse === 'json') return [];
    const context = { event, id, channel };
    const parts = split(typeof data === 'string' ? read(data, context) : data, context);
    // the carrier's one id cannot tell the parts of a batch apart
    const own = parts.length === 1 ? context : { event, channel };
    return parts.flatMap((part) => translate(part, own));
  };

  function read(text: string, context: MessageContext): unknown {
    if (typeof parse === 'function') return parse(text, context);
    if (parse === 'text') return text;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // the engine's own error quotes the content, which may be private
      throw new RealtimeError('protocol', 'a message is not JSON');
    }
  }

  /** One part of a batch that cannot be read leaves the others as they are. */
  function translate(message: unknown, context: MessageContext): readonly ServerFrame[] {
    try {
      const name = asText(nameOf(message, context));
      for (const rule of rules) {
        const frames = rule(name, message, context);
        if (frames !== undefined) return frames;
      }
      return [];
    } catch (cause) {
      return [{ kind: 'garbled', message: `a message could not be read by the ${options.name ?? 'json'} dialect`, cause }];
    }
  }
}

/** The rules for the options that are there, in their order. */
function createRules(options: Options): readonly Rule[] {
  const channelOf = compileExtractor('channel', options.channel ?? 'channel');
  const offsetOf = optional('offset', options.offset);
  const epochOf = optional('epoch', options.epoch);
  const cursorOf = optional('cursor', options.cursor);
  const { frames } = options;
  // a server that names its numbering may leave the name out where it is the one of the join
  const defaultEpoch = options.epoch === undefined ? onlyEpoch : undefined;
  const event = createEventRule(options, channel, position);

  const rules: (Rule | undefined)[] = [
    when('ignore', options.ignore, () => []),
    frames && ((_, message, context) => frames(message, context)),
    when('welcome', options.welcome, () => [{ kind: 'welcome', version: protocolVersion }]),
    when('pong', options.pong, () => [{ kind: 'pong' }]),
    when('pinged', options.pinged, (_, message) => [{ kind: 'ping', data: message }]),
    when('authAccepted', options.authAccepted, () => [{ kind: 'auth', status: 'accepted' }]),
    when('authExpired', options.authExpired, () => [{ kind: 'auth', status: 'expired' }]),
    when('authRefused', options.authRefused, () => [{ kind: 'auth', status: 'refused' }]),
    createAckRule(options, event, defaultEpoch),
    createErrorRule(options),
    when('joined', options.joined, (_, message, context) => {
      const joined = channel(message, context);
      return joined === undefined ? undefined : [{ kind: 'joined', channel: joined, ...position(message, context) }];
    }),
    when('left', options.left, (_, message, context) => {
      const left = channel(message, context);
      return left === undefined ? undefined : [{ kind: 'left', channel: left }];
    }),
    event,
  ];
  return rules.filter((rule) => rule !== undefined);

  function channel(message: unknown, context: MessageContext): string | undefined {
    return asText(channelOf(message, context)) ?? context.channel ?? options.defaultChannel;
  }

  function position(message: unknown, context: MessageContext): Pick<EventFrame, 'offset' | 'epoch' | 'cursor'> {
    const offset = asCount(offsetOf(message, context));
    return {
      offset,
      epoch: asText(epochOf(message, context)) ?? (offset === undefined ? undefined : defaultEpoch),
      cursor: asText(cursorOf(message, context)),
    };
  }
}

/** A message with a name and a channel is an event. */
function createEventRule(
  options: Options,
  channelOf: (message: unknown, context: MessageContext) => string | undefined,
  positionOf: (message: unknown, context: MessageContext) => Pick<EventFrame, 'offset' | 'epoch' | 'cursor'>,
): Rule {
  const dataOf = options.data === undefined ? dataOrAll : compileExtractor('data', options.data);
  const idOf: Extract = options.id === undefined ? (_, { id }) => id : compileExtractor('id', options.id);
  const atOf = optional('at', options.at);
  const fromOf = optional('from', options.from);

  return (event, message, context) => {
    const channel = event === undefined ? undefined : channelOf(message, context);
    if (event === undefined || channel === undefined) return undefined;
    return [
      {
        kind: 'event',
        channel,
        event,
        data: dataOf(message, context),
        ...positionOf(message, context),
        id: asText(idOf(message, context)),
        at: asTime(atOf(message, context)),
        from: asText(fromOf(message, context)),
      },
    ];
  };
}

function createAckRule({ ack, epoch }: Options, eventRule: Rule, defaultEpoch: string | undefined): Rule | undefined {
  if (ack === undefined) return undefined;
  if (typeof ack === 'function') {
    return (_, message, context) => {
      const info = ack(message, context);
      return info === undefined ? undefined : ackFrames(info, defaultEpoch);
    };
  }
  checkFields('ack', ack, 'id');
  const idOf = compileExtractor('ack.id', ack.id);
  const okOf = optional('ack.ok', ack.ok);
  const errorOf = optional('ack.error', ack.error);
  const messageOf = optional('ack.message', ack.message);
  const dataOf = optional('ack.data', ack.data);
  const offsetOf = optional('ack.offset', ack.offset);
  const epochOf = optional('epoch', epoch);
  const retryOf = optional('ack.retryAfterMs', ack.retryAfterMs);
  const rule: Rule = (name, message, context) => {
    const id = asText(idOf(message, context));
    if (id === undefined) return undefined;
    const error = errorOf(message, context) ?? undefined;
    const info = {
      id,
      ok: ack.ok === undefined ? error === undefined : Boolean(okOf(message, context)),
      error: asText(error),
      message: asWords(messageOf(message, context)),
      data: dataOf(message, context),
      offset: asCount(offsetOf(message, context)),
      epoch: asText(epochOf(message, context)),
      retryAfterMs: asCount(retryOf(message, context)),
    };
    const frames = ackFrames(info, defaultEpoch);
    return ack.isEvent === true ? [...frames, ...(eventRule(name, message, context) ?? [])] : frames;
  };
  return ack.when === undefined ? rule : when('ack.when', ack.when, rule);
}

function ackFrames(info: AckInfo, defaultEpoch: string | undefined): readonly ServerFrame[] {
  const { error, ok = error === undefined, message, data, offset, epoch = defaultEpoch, retryAfterMs } = info;
  const id = String(info.id);
  if (ok) return [{ kind: 'ack', id, offset, epoch: offset === undefined ? undefined : epoch, data }];
  return [{ kind: 'reject', id, code: error ?? 'rejected', message, retryAfterMs }];
}

function createErrorRule({ error, channel }: Options): Rule | undefined {
  if (error === undefined) return undefined;
  if (typeof error === 'function') {
    return (_, message, context) => {
      const info = error(message, context);
      return info === undefined ? undefined : errorFrames(info);
    };
  }
  checkFields('error', error, 'when');
  const idOf = optional('error.id', error.id);
  const channelOf = compileExtractor('error.channel', error.channel ?? channel ?? 'channel');
  const codeOf = compileExtractor('error.code', error.code ?? 'code');
  const messageOf = compileExtractor('error.message', error.message ?? 'message');
  const retryOf = optional('error.retryAfterMs', error.retryAfterMs);
  return when('error.when', error.when, (_, message, context) =>
    errorFrames({
      id: asText(idOf(message, context)),
      channel: asText(channelOf(message, context)),
      code: asText(codeOf(message, context)),
      message: asWords(messageOf(message, context)),
      retryAfterMs: asCount(retryOf(message, context)),
    }),
  );
}

function errorFrames({ id, channel, code = 'error', message, retryAfterMs }: ErrorInfo): readonly ServerFrame[] {
  if (id !== undefined) return [{ kind: 'reject', id: String(id), code, message, retryAfterMs }];
  if (channel !== undefined) return [{ kind: 'denied', channel, code, message }];
  // it belongs to nothing of ours: it is reported and the link goes on
  const what = 'the server reported an error';
  return [{ kind: 'garbled', message: what, cause: new RealtimeError('rejected', message ?? what, { serverCode: code }) }];
}

/** A rule for the messages of a selector; none when the option is not there. */
function when(option: string, selector: Selector<unknown> | undefined, rule: Rule): Rule | undefined {
  if (selector === undefined) return undefined;
  const { matches } = compileSelector(option, selector);
  return (name, message, context) => (matches(name, message, context) ? rule(name, message, context) : undefined);
}

/** An extractor that finds nothing when the option is not there. */
function optional(option: string, extractor: Extractor<unknown> | undefined): Extract {
  return extractor === undefined ? () => undefined : compileExtractor(option, extractor);
}

function checkFields(option: string, fields: object, needed: string): void {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, needed)) {
    throw new RealtimeError('invalid-option', `${option} is neither a function nor an object with ${needed}`);
  }
}

function asUtf8(message: unknown): unknown {
  return message instanceof ArrayBuffer || ArrayBuffer.isView(message) ? new TextDecoder().decode(message) : message;
}

/** Under a name of its own, a list is what the event is about, or the several arguments of a Socket.IO event. */
function elements(message: unknown, { event }: MessageContext): readonly unknown[] {
  return Array.isArray(message) && isUnnamed(event) ? message : [message];
}

function carrierOrType(message: unknown, { event }: MessageContext): unknown {
  return isUnnamed(event) ? (asText(readPath(message, ['type'])) ?? event) : event;
}

/** Every SSE message without a name of its own is called `message`, so that name says nothing. */
function isUnnamed(event: string | undefined): boolean {
  return event === undefined || event === 'message';
}

function dataOrAll(message: unknown): unknown {
  const hasData = typeof message === 'object' && message !== null && !Array.isArray(message) && Object.hasOwn(message, 'data');
  return hasData ? (message as { data: unknown }).data : message;
}
