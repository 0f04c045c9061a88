import { RealtimeError } from '../errors.ts';

/** What an option must be: in the words of the hint, and as a test of what was given. What is not needed may be absent. */
export type Rule = readonly [wanted: string, isRight: (value: unknown) => unknown, isNeeded?: boolean];

/** The rules for all options of a factory; the type keeps the list complete. */
export type OptionRules<Options> = Readonly<Record<keyof Options, Rule>>;

/** Anything at all, or what is checked elsewhere. */
export const anything: Rule = ['anything', () => true];
export const aText: Rule = ['a text that is not empty', (value) => typeof value === 'string' && value];
export const aFunction: Rule = ['a function', (value) => typeof value === 'function'];
export const anObject: Rule = ['an object', isObject];
export const overZero: Rule = ['a number over 0', (value) => typeof value === 'number' && value > 0];
export const notNegative: Rule = ['a number that is not negative', (value) => typeof value === 'number' && value >= 0];
export const aCount: Rule = ['a number of at least 1', (value) => typeof value === 'number' && value >= 1];
export const aFlag: Rule = ['true or false', (value) => typeof value === 'boolean'];

/** One of these words. */
export function oneOf(...words: readonly string[]): Rule {
  return [`one of ${words.join(', ')}`, (value) => words.includes(value as string)];
}

/** What a function of ours makes, known by one of its methods. */
export function madeBy(maker: string, method: string): Rule {
  return [`what ${maker}() gives`, (value) => typeof (value as Record<string, unknown> | null)?.[method] === 'function'];
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** @param what - begins the message, and names the option. @throws RealtimeError `invalid-option` */
export function check(what: string, value: unknown, [wanted, isRight]: Rule): void {
  if (!isRight(value)) throw invalidOption(what, wanted);
}

/** @param what - begins the message, and names the option */
export function invalidOption(what: string, wanted: string): RealtimeError {
  return new RealtimeError('invalid-option', `${what} is not valid`, { hint: `It must be ${wanted}.` });
}

/**
 * Refuses what is no object, options that do not exist (a misspelt one would do nothing), and those that cannot be right. The
 * error does not quote them: there may be a token in an address.
 *
 * @param factory - what was called, for the error
 * @throws RealtimeError `invalid-option`
 */
export function checkOptions<Options extends object>(factory: string, options: Options, rules: OptionRules<Options>): void {
  if (!isObject(options)) throw new RealtimeError('invalid-option', `${factory}() was called without options`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(rules, name)) continue;
    throw new RealtimeError('invalid-option', `${factory}() has no option ${name}`, {
      hint: `It has ${Object.keys(rules).join(', ')}.`,
    });
  }
  for (const [name, rule] of Object.entries<Rule>(rules)) {
    const value = options[name as keyof Options];
    if (rule[2] || value !== undefined) check(`${name} of ${factory}()`, value, rule);
  }
}
