import { RealtimeError } from '../errors.ts';

/** The parameter names of a pattern: `'org' | 'id'` for `'org:{org}:conversation:{id}'`. */
export type PatternNames<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PatternNames<Rest>
  : never;

/** The channel names that a pattern makes: `org:${string}:conversation:${string}`. */
export type PatternChannel<Pattern extends string> = Pattern extends `${infer Text}{${string}}${infer Rest}`
  ? `${Text}${string}${PatternChannel<Rest>}`
  : Pattern;

/** What a pattern is filled with. Of a pattern that is only known as a `string`, the names are not known either. */
export type PatternParams<Pattern extends string, Value = string | number> = string extends Pattern
  ? Readonly<Record<string, Value>>
  : { readonly [Name in PatternNames<Pattern>]: Value };

/** The arguments of a call: none for a pattern without parameters. */
/** What a pattern is called with: its parameters, or nothing when it has none. */
export type PatternArguments<Pattern extends string> = string extends Pattern
  ? [params?: PatternParams<Pattern>]
  : [PatternNames<Pattern>] extends [never]
    ? []
    : [params: PatternParams<Pattern>];

/** Makes channel names, and takes them apart again. */
export interface ChannelPattern<Pattern extends string> {
  /**
   * The channel name for these parameters.
   *
   * @throws RealtimeError `invalid-option` for a parameter that is missing, empty, or neither a string nor a finite number
   */
  (...params: PatternArguments<Pattern>): PatternChannel<Pattern>;
  /** The parameters of a name that this pattern makes, always as strings; `undefined` for any other name. */
  match(channel: string): PatternParams<Pattern, string> | undefined;
  /** The pattern as it was given. */
  readonly pattern: Pattern;
}

/** One parameter, and the text before it. */
interface Slot {
  readonly before: string;
  readonly name: string;
}

const nameForm = /^[A-Za-z_][A-Za-z0-9_]*$/;
/**
 * Printable ASCII without letters, digits and `%`: those occur in escapes (`%3A`), so a text that begins with one could
 * not tell where a value ends.
 */
const separatorForm = /^[ -$&-/:-@[-`|~]/;

/**
 * Makes typed channel names. A missing or misspelt parameter does not compile, and a value cannot break out of its place:
 * `:`, `{`, `}`, `%` and the separators of the pattern are percent-encoded in values and decoded by `match`.
 *
 * The text after a parameter has to begin with a separator: a printable ASCII character that is no letter and no digit.
 *
 * @throws RealtimeError `invalid-option` for an empty pattern, a brace that is not closed, a parameter that occurs twice or
 * has a wrong name, or two parameters without a separator between them
 *
 * @example
 * ```ts
 * const conversation = channelPattern('org:{org}:conversation:{id}');
 * conversation({ org: 'acme', id: 7 }); // 'org:acme:conversation:7'
 * conversation.match('org:acme:conversation:7'); // { org: 'acme', id: '7' }
 * conversation.match('org:acme'); // undefined
 * ```
 */
export function channelPattern<const Pattern extends string>(pattern: Pattern): ChannelPattern<Pattern> {
  const { slots, tail } = parse(pattern);
  const reserved = new Set([':', '{', '}', '%']);
  for (const text of [...slots.slice(1).map((slot) => slot.before), tail]) if (text !== '') reserved.add(text.charAt(0));

  const name = (params: Readonly<Record<string, unknown>> = {}): string => {
    let channel = '';
    for (const slot of slots) channel += slot.before + encode(textOf(slot.name, params), reserved);
    return channel + tail;
  };

  const match = (channel: string): Record<string, string> | undefined => {
    const found: [string, string][] = [];
    let at = 0;
    for (const [index, { before, name }] of slots.entries()) {
      if (!channel.startsWith(before, at)) return undefined;
      at += before.length;
      const after = slots[index + 1]?.before ?? tail;
      const end = after === '' ? channel.length : channel.indexOf(after.charAt(0), at);
      const value = end > at ? decode(channel.slice(at, end), reserved) : undefined;
      if (value === undefined) return undefined;
      found.push([name, value]);
      at = end;
    }
    return channel.slice(at) === tail ? Object.fromEntries(found) : undefined;
  };

  return Object.assign(name, { match, pattern }) as unknown as ChannelPattern<Pattern>;

  /** A parameter as text. Own properties only: a pattern may name a parameter `constructor`. */
  function textOf(name: string, params: Readonly<Record<string, unknown>>): string {
    const value = typeof params === 'object' && params !== null && Object.hasOwn(params, name) ? params[name] : undefined;
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return String(value);
    const what = value === undefined ? 'missing' : value === '' ? 'empty' : 'neither a string nor a finite number';
    throw new RealtimeError('invalid-option', `the parameter ${name} of the channel pattern '${pattern}' is ${what}`);
  }
}

/** Cuts a pattern into its parameters, each with the text before it, and the text after the last. */
function parse(pattern: string): { slots: readonly Slot[]; tail: string } {
  const wrong = (why: string): RealtimeError => new RealtimeError('invalid-option', `the channel pattern '${pattern}' ${why}`);
  if (typeof pattern !== 'string') throw new RealtimeError('invalid-option', 'a channel pattern is not a string');
  if (pattern === '') throw wrong('is empty');

  const [first = '', ...parts] = pattern.split('{');
  if (first.includes('}')) throw wrong('closes a brace that was not opened');
  const slots: Slot[] = [];
  const names = new Set<string>();
  let before = first;
  for (const [index, part] of parts.entries()) {
    const close = part.indexOf('}');
    if (close < 0) throw wrong('opens a brace and does not close it');
    const name = part.slice(0, close);
    if (!nameForm.test(name)) throw wrong(`has a parameter with the name '${name}'; a name is letters, digits and _`);
    if (names.has(name)) throw wrong(`has the parameter ${name} twice`);
    names.add(name);
    slots.push({ before, name });
    before = part.slice(close + 1);
    if (before.includes('}')) throw wrong('closes a brace that was not opened');
    if (before === '' && index < parts.length - 1) throw wrong(`has no separator after the parameter ${name}`);
    if (before !== '' && !separatorForm.test(before)) {
      throw wrong(`has no separator after the parameter ${name}: '${before.charAt(0)}' could be part of a value`);
    }
  }
  return { slots, tail: before };
}

/** All that is reserved is printable ASCII, so an escape is one byte of two hexadecimal digits. */
function encode(value: string, reserved: ReadonlySet<string>): string {
  let text = '';
  // by UTF-16 unit, so that half of a surrogate pair comes back as it was
  for (let at = 0; at < value.length; at++) {
    const unit = value.charAt(at);
    text += reserved.has(unit) ? `%${unit.charCodeAt(0).toString(16).toUpperCase()}` : unit;
  }
  return text;
}

/** Undoes {@link encode}; what it cannot have made is no value, so that a channel has exactly one name. */
function decode(text: string, reserved: ReadonlySet<string>): string | undefined {
  const [first = '', ...escaped] = text.split('%');
  let value = first;
  for (const part of escaped) value += String.fromCharCode(Number.parseInt(part.slice(0, 2), 16)) + part.slice(2);
  return encode(value, reserved) === text ? value : undefined;
}
