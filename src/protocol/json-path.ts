import { RealtimeError } from '../errors.ts';
import { longestName } from './frame.ts';

/** What a carrier knows of a message besides its content. */
export interface MessageContext {
  /** The event name, on carriers that have one: SSE (`message` or absent by default), Socket.IO. */
  readonly event?: string;
  /** The id, on carriers that have one: SSE. Absent for the parts of a batch, which it cannot tell apart. */
  readonly id?: string;
  /** The channel, where it has a stream of its own. */
  readonly channel?: string;
}

/**
 * Where a value is in a message: a path of own fields, with arrays by index (`'data.users.0.id'`), or a function that
 * answers `undefined` where there is none. A function that throws makes the message garbled.
 */
export type Extractor<Message> = string | ((message: Message, context: MessageContext) => unknown);

/** Which messages are meant: those with this event name, or one of these, or those for which the function is true. */
export type Selector<Message> = string | readonly string[] | ((message: Message, context: MessageContext) => boolean);

/** An extractor that is ready for use. */
export type Extract = (message: unknown, context: MessageContext) => unknown;

/** A selector that is ready for use. */
export interface Select {
  /** The event names that it means; empty for a function. */
  readonly names: ReadonlySet<string>;
  matches(name: string | undefined, message: unknown, context: MessageContext): boolean;
}

/** Makes an extractor ready. @throws RealtimeError `invalid-option` with the name of the option */
export function compileExtractor<Message>(option: string, extractor: Extractor<Message>): Extract {
  if (typeof extractor === 'function') return extractor as Extract;
  const keys = typeof extractor === 'string' ? extractor.split('.') : [];
  if (keys.length === 0 || keys.includes('')) {
    throw new RealtimeError('invalid-option', `${option} is neither a function nor a path`, {
      hint: "A path is the names of fields with dots between them, such as 'data.user.id'.",
    });
  }
  return (message) => readPath(message, keys);
}

/** Makes a selector ready. @throws RealtimeError `invalid-option` with the name of the option */
export function compileSelector<Message>(option: string, selector: Selector<Message>): Select {
  if (typeof selector === 'function') {
    const test = selector as Extract;
    return { names: new Set(), matches: (_, message, context) => test(message, context) === true };
  }
  const list: unknown = typeof selector === 'string' ? [selector] : selector;
  if (!Array.isArray(list) || list.length === 0 || !list.every(isFilled)) {
    throw new RealtimeError('invalid-option', `${option} is neither an event name, nor a list of them, nor a function`);
  }
  const names = new Set<string>(list);
  return { names, matches: (name) => name !== undefined && names.has(name) };
}

/** The value at the end of a path. Only own fields count, so that no message can reach into a prototype. */
export function readPath(message: unknown, keys: readonly string[]): unknown {
  let value = message;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    // an array's own `length` is no field of the message
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * A name, an id or an opaque position: a filled string, or a number as its text.
 *
 * @throws RealtimeError `protocol` for one of more than {@link longestName} characters
 */
export function asText(value: unknown): string | undefined {
  const text = asWords(value);
  if (text === undefined || text.length <= longestName) return text;
  throw new RealtimeError('protocol', `a name, an id or a position has more than ${longestName} characters`);
}

/** What is only shown: the same, as long as it likes. */
export function asWords(value: unknown): string | undefined {
  if (isFilled(value)) return value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

/** A number in a log: a safe integer from 0, also as text, which is how databases write their 64-bit numbers. */
export function asCount(value: unknown): number | undefined {
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/** A moment in milliseconds since the Unix epoch: a number is that already, a text is a date. */
export function asTime(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : value;
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined;
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
