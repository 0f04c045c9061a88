import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asCount, asText, asTime, compileExtractor, compileSelector, readPath } from '../../src/protocol/json-path.ts';

const seed = 20260103;
const refused = (option: string): unknown =>
  expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(option) });

describe('a path', () => {
  const message = JSON.parse('{"a":{"b":[{"c":1},{"c":2}]},"__proto__":{"own":true},"empty":null,"text":"word"}') as unknown;

  test.each([
    ['a.b.1.c', 2],
    ['a.b.0', { c: 1 }],
    ['__proto__.own', true],
    ['empty', null],
    ['a.b.2.c', undefined],
    ['a.b.length', undefined],
    ['a.b.-1', undefined],
    ['a.constructor', undefined],
    ['a.__proto__', undefined],
    ['toString', undefined],
    ['empty.x', undefined],
    ['text.length', undefined],
    ['text.0', undefined],
  ])('%s reads %j', (path, value) => {
    expect(compileExtractor('at', path)(message, {})).toEqual(value);
  });

  test.each([[''], ['.'], ['a.'], ['.a'], ['a..b'], [undefined], [7], [{}]])('%j is refused by name', (path) => {
    expect(() => compileExtractor('at', path as string)).toThrow(refused('at'));
  });

  // fast-check builds such objects by assignment, which frozen prototypes forbid to it; test/security/prototypes.test.ts does without
  test.skipIf(Object.isFrozen(Object.prototype))('reads what plain access reads, and only own fields, of any message', () => {
    const key = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'length', '0', '1', 'a'),
      fc.string(),
    );
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 0 }),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(key, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(
      fc.property(value, fc.array(key, { minLength: 1, maxLength: 4 }), (given, keys) => {
        const parsed = JSON.parse(JSON.stringify(given ?? null)) as unknown;
        const expected = keys.reduce<unknown>((at, name) => {
          if (Array.isArray(at)) return /^\d+$/.test(name) ? at[Number(name)] : undefined;
          const own = new Map(Object.entries(typeof at === 'object' && at !== null ? at : {}));
          return own.get(name);
        }, parsed);
        const found = readPath(parsed, keys);
        // '00' is no index of an array, though it is a number
        if (keys.every((name) => !/^0\d/.test(name))) expect(found).toBe(expected);
        expect([Object.prototype, Array.prototype, Object, Array]).not.toContain(found);
      }),
      { seed, numRuns: 2000 },
    );
  });
});

describe('a selector', () => {
  test('by name, by names, by function', () => {
    expect(compileSelector('ignore', 'ping').matches('ping', {}, {})).toBe(true);
    expect(compileSelector('ignore', 'ping').matches(undefined, {}, {})).toBe(false);
    expect(compileSelector('ignore', ['a', 'b']).matches('b', {}, {})).toBe(true);
    expect(compileSelector('ignore', ['a', 'b']).matches('constructor', {}, {})).toBe(false);
    const byField = compileSelector<{ op: number }>('ignore', ({ op }, { event }) => op === 9 && event === 'x');
    expect(byField.matches('any', { op: 9 }, { event: 'x' })).toBe(true);
    expect(byField.matches('any', { op: 9 }, {})).toBe(false);
  });

  test.each([[''], [[]], [['a', '']], [['a', 7]], [7], [null], [{ type: 'ping' }]])('%j is refused by name', (selector) => {
    expect(() => compileSelector('ignore', selector as string)).toThrow(refused('ignore'));
  });
});

describe('values', () => {
  test.each([
    ['a', 'a'],
    [7, '7'],
    ['', undefined],
    [Number.NaN, undefined],
    [null, undefined],
    [{}, undefined],
    [true, undefined],
  ])('as text, %j is %j', (value, text) => expect(asText(value)).toBe(text));

  test.each([
    [0, 0],
    ['12', 12],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740993', undefined],
    [-1, undefined],
    [1.5, undefined],
    ['', undefined],
    [' 1', undefined],
    ['1e3', undefined],
    [null, undefined],
    [true, undefined],
  ])('as a count, %j is %j', (value, count) => expect(asCount(value)).toBe(count));

  test.each([
    [1_700_000_000_000, 1_700_000_000_000],
    ['1970-01-01T00:00:01Z', 1000],
    ['yesterday', undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [null, undefined],
  ])('as a time, %j is %j', (value, time) => expect(asTime(value)).toBe(time));
});
