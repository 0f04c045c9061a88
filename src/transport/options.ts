import { isObject, madeBy, type Rule } from '../platform/rules.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { causeCodes } from './cause.ts';

/** Most of what a dialect is: the options of all transports have one. */
export const aDialect: Rule = ['what jsonDialect() gives', (value) => isObject((value as Dialect | null)?.traits)];

export const somePosts: Rule = madeBy('httpPosts', 'beside');

/** An absolute http address, or a relative one: anything without another scheme. */
export const anHttpAddress: readonly [wanted: string, isRight: (url: unknown) => unknown] = [
  'an http(s) address',
  (url) => (typeof url === 'string' || url instanceof URL) && /^(https?:|(?![a-z][\w+.-]*:).)/i.test(String(url)),
];

export const headersRule: Rule = [
  'headers, or a function that gives some',
  (value) => isObject(value) || typeof value === 'function',
];

export const statusesRule: Rule = ['a cause for codes from 100 to 599', (value) => isMeaning(value, /^[1-5]\d\d$/)];

/** A cause for each of some native codes. */
export function isMeaning(meanings: unknown, code: RegExp): boolean {
  const isCause = ([native, kind]: [string, unknown]): boolean => code.test(native) && Object.hasOwn(causeCodes, kind as string);
  return isObject(meanings) && Object.entries(meanings).every(isCause);
}
