import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channelPattern } from '../../src/channel/pattern.ts';

const seed = 20260102;

describe('a channel pattern', () => {
  const conversation = channelPattern('org:{org}:conversation:{id}');

  test('makes a name and takes it apart', () => {
    expect(conversation({ org: '1', id: 2 })).toBe('org:1:conversation:2');
    expect(conversation.match('org:1:conversation:2')).toEqual({ org: '1', id: '2' });
    expect(conversation.pattern).toBe('org:{org}:conversation:{id}');
  });

  test.each([
    '',
    'org',
    'org:1',
    'org:1:conversation',
    'org:1:conversation:',
    'org::conversation:2',
    'org:1:conversation:2:more',
    'xorg:1:conversation:2',
    'org:1:user:2',
    'org:{org}:conversation:2',
    'org:%:conversation:2',
    'org:%3:conversation:2',
    'org:%zz:conversation:2',
    'org:%41:conversation:2',
    'org:%3a:conversation:2',
  ])('does not match %j', (name) => {
    expect(conversation.match(name)).toBeUndefined();
  });

  test('keeps a value in its place', () => {
    const name = conversation({ org: '1:conversation:9', id: '{a}%3A' });
    expect(name).toBe('org:1%3Aconversation%3A9:conversation:%7Ba%7D%253A');
    expect(conversation.match(name)).toEqual({ org: '1:conversation:9', id: '{a}%3A' });
  });

  test('encodes only the separators that the pattern has', () => {
    expect(channelPattern('user-{id}')({ id: 'a-b/c.d' })).toBe('user-a-b/c.d');
    expect(channelPattern('{a}-{b}')({ a: 'x-y', b: 'z' })).toBe('x%2Dy-z');
    expect(channelPattern('{file}.json')({ file: 'v1.2' })).toBe('v1%2E2.json');
  });

  test('takes a pattern without parameters', () => {
    const lobby = channelPattern('lobby');
    expect(lobby()).toBe('lobby');
    expect(lobby.match('lobby')).toEqual({});
    expect(lobby.match('lobby2')).toBeUndefined();
  });

  test('takes parameter names of object members', () => {
    const odd = channelPattern('{__proto__}/{constructor}');
    const params = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(odd(params as never)).toBe('a/b');
    expect(Object.entries(odd.match('a/b') ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(() => odd({} as never)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });

  test.each([
    ['missing', { org: '1' }],
    ['missing', { org: '1', id: undefined }],
    ['missing', undefined],
    ['empty', { org: '1', id: '' }],
    ['neither a string nor a finite number', { org: '1', id: Number.NaN }],
    ['neither a string nor a finite number', { org: '1', id: Number.POSITIVE_INFINITY }],
    ['neither a string nor a finite number', { org: '1', id: null }],
    ['neither a string nor a finite number', { org: '1', id: { toString: () => 'x' } }],
  ])('refuses a parameter that is %s', (what, params) => {
    expect(() => conversation(params as never)).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(what) }),
    );
  });

  test.each([
    ['', 'is empty'],
    ['org:{org', 'opens a brace and does not close it'],
    ['org:{a{b}}', 'opens a brace and does not close it'],
    ['org:org}', 'closes a brace'],
    ['org:{a}:b}', 'closes a brace'],
    ['org:{}', "name ''"],
    ['org:{a b}', "name 'a b'"],
    ['{1a}', "name '1a'"],
    ['{a}:{a}', 'twice'],
    ['{a}{b}', 'no separator after the parameter a'],
    ['{a}b{c}', 'no separator after the parameter a'],
    ['{a}2', 'no separator after the parameter a'],
    ['{a}%{b}', 'no separator after the parameter a'],
    ['{a}é', 'no separator after the parameter a'],
    ['{a}\n', 'no separator after the parameter a'],
  ])('the pattern %j is refused', (pattern, why) => {
    expect(() => channelPattern(pattern)).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(why) }),
    );
  });

  test('a pattern that is no string is refused', () => {
    expect(() => channelPattern(7 as never)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('for any pattern and any values', () => {
  const separator = fc.constantFrom(...' !"#$&\'()*+,-./:;<=>?@[\\]^_`|~');
  const literal = fc
    .tuple(
      separator,
      fc.string({ unit: 'binary' }).map((text) => text.replace(/[{}]/g, '')),
    )
    .map((parts) => parts.join(''));
  const any = fc
    .array(literal, { minLength: 1, maxLength: 4 })
    .chain((texts) =>
      fc.record({
        texts: fc.constant(texts),
        head: fc.constantFrom('', 'org', ':', 'é'),
        tail: fc.option(literal, { nil: '' }),
        // every UTF-16 unit, lone surrogates too, and often the reserved ones
        values: fc.array(
          fc.oneof(
            fc.string({ unit: 'binary', minLength: 1 }),
            fc.string({ unit: fc.constantFrom(':', '%', '{', '}', '-', '2', 'D', '\ud800', 'a'), minLength: 1 }),
          ),
          { minLength: texts.length + 1, maxLength: texts.length + 1 },
        ),
      }),
    )
    .map(({ texts, head, tail, values }) => ({
      pattern: channelPattern(`${head}${values.map((_, index) => `{p${index}}${texts[index] ?? ''}`).join('')}${tail}` as string),
      params: Object.fromEntries(values.map((value, index) => [`p${index}`, value])),
    }));

  test('match gives back what the name was made of', () => {
    fc.assert(
      fc.property(any, ({ pattern, params }) => {
        expect(pattern.match(pattern(params))).toEqual(params);
      }),
      { seed, numRuns: 1000 },
    );
  });

  test('two sets of values never make one name', () => {
    const pair = channelPattern('a:{x}:{y}-{z}');
    const value = fc.string({ unit: fc.constantFrom(':', '%', '-', '3', 'A', 'a'), minLength: 1, maxLength: 4 });
    const params = fc.record({ x: value, y: value, z: value });
    fc.assert(
      fc.property(params, params, (one, two) => {
        expect(pair(one) === pair(two)).toBe(JSON.stringify([one.x, one.y, one.z]) === JSON.stringify([two.x, two.y, two.z]));
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('a name that matches is the name that its parameters make', () => {
    const pattern = channelPattern('{x}:{y}');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(':', '%', '3', 'A', 'a', '{', 'b') }), (name) => {
        const params = pattern.match(name);
        if (params !== undefined) expect(pattern(params)).toBe(name);
      }),
      { seed, numRuns: 5000 },
    );
  });
});
