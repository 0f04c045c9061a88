import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RealtimeError } from '../../src/errors.ts';
import { createValidator, type EventSchemas, unchecked, type Validated } from '../../src/protocol/schema.ts';

/** The error of an answer that has one. */
function errorOf(validated: Validated): RealtimeError {
  if (validated.kind === 'valid') throw new Error('the data was accepted');
  return validated.error;
}

/** The answer of a schema that is synchronous: a promise fails the test. */
function now(validated: Validated | Promise<Validated>): Validated {
  if (validated instanceof Promise) throw new Error('the answer came as a promise');
  return validated;
}

/** A schema with a `validate` of the test's own. */
function schema(validate: StandardSchemaV1.Props['validate']): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

describe('an event map', () => {
  const validator = createValidator({
    message: z.object({ text: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
    note: v.object({ title: v.string(), tags: v.optional(v.array(v.string()), []) }),
    secret: z.object({ pin: z.string().refine(async (pin) => pin.length === 4, 'four digits') }),
    cursor: unchecked<{ x: number }>(),
  });

  test('answers at once with what a zod schema made of the data', () => {
    const answer = now(validator.validate('message', { text: 'hi', at: '2026-01-02T03:04:05Z', extra: 1 }));
    expect(answer).toEqual({ kind: 'valid', data: { text: 'hi', at: new Date('2026-01-02T03:04:05Z') } });
  });

  test('answers at once with what a valibot schema made of the data', () => {
    expect(now(validator.validate('note', { title: 'a' }))).toEqual({ kind: 'valid', data: { title: 'a', tags: [] } });
  });

  test('names the place and the complaint', () => {
    const error = errorOf(now(validator.validate('message', { text: 7, at: 'yesterday' })));
    expect(error.code).toBe('invalid-payload');
    expect(error.issues.map((issue) => issue.path)).toEqual([['text'], ['at']]);
    expect(error.message).toContain('the event message was refused by its schema at text: ');
    expect(error.message).toContain('(and 1 more)');
  });

  test('turns path segments that are objects into their keys', () => {
    const error = errorOf(now(validator.validate('note', { title: 'a', tags: ['x', 3] })));
    expect(error.issues.map((issue) => issue.path)).toEqual([['tags', 1]]);
  });

  test('waits for an asynchronous schema', async () => {
    const taken = validator.validate('secret', { pin: '1234' });
    expect(taken).toBeInstanceOf(Promise);
    expect(await taken).toEqual({ kind: 'valid', data: { pin: '1234' } });
    const refused = errorOf(await validator.validate('secret', { pin: '1' }));
    expect(refused.issues).toEqual([{ message: 'four digits', path: ['pin'] }]);
  });

  test('passes unchecked data through as it is', () => {
    const data = { x: 'not a number' };
    expect(validator.needsNoCheck('cursor')).toBe(true);
    expect(now(validator.validate('cursor', data))).toEqual({ kind: 'valid', data });
    expect(validator.needsNoCheck('message')).toBe(false);
  });

  test('knows unchecked schemas of another copy of the package', () => {
    const foreign = JSON.parse(JSON.stringify(unchecked()['~standard'])) as object;
    const other = createValidator({
      a: { '~standard': { ...foreign, validate: () => ({ issues: [] }) } } as unknown as StandardSchemaV1,
    });
    expect(other.needsNoCheck('a')).toBe(true);
  });

  test.each(['typo', '__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])('sets the event %j aside', (event) => {
    expect(validator.needsNoCheck(event)).toBe(false);
    const answer = now(validator.validate(event, {}));
    expect(answer.kind).toBe('invalid');
    expect(errorOf(answer)).toMatchObject({ code: 'invalid-payload', issues: [] });
  });

  test('takes events with the names of object members', () => {
    const odd = createValidator(
      Object.fromEntries([
        ['__proto__', z.number()],
        ['constructor', z.string()],
      ]),
    );
    expect(now(odd.validate('__proto__', 1))).toEqual({ kind: 'valid', data: 1 });
    expect(now(odd.validate('constructor', 1)).kind).toBe('invalid');
  });

  test('cuts an event name that a server made endless', () => {
    expect(errorOf(now(validator.validate('x'.repeat(100_000), {}))).message.length).toBeLessThan(200);
  });
});

describe('without an event map', () => {
  test('every event passes as it is', () => {
    const validator = createValidator(undefined);
    const data = { any: 'thing' };
    expect(validator.needsNoCheck('whatever')).toBe(true);
    const answer = now(validator.validate('whatever', data));
    expect(answer.kind === 'valid' && answer.data).toBe(data);
  });
});

describe('a schema that breaks', () => {
  const cause = new Error('bug in the schema');

  test.each([
    [
      'throws',
      () => {
        throw cause;
      },
      cause,
    ],
    ['rejects', () => Promise.reject(cause), cause],
    ['answers nothing', () => undefined as never, expect.any(TypeError)],
    ['promises nothing', () => Promise.resolve(undefined as never), expect.any(TypeError)],
    ['has issues that are none', () => ({ issues: [null as never] }), expect.any(TypeError)],
  ])('is invalid with its cause when it %s', async (_, validate, expected) => {
    const answer = await createValidator({ a: schema(validate) }).validate('a', 1);
    expect(answer.kind).toBe('invalid');
    expect(errorOf(answer)).toMatchObject({ code: 'invalid-payload', cause: expected });
    expect(errorOf(answer).message).toBe('the event a broke its schema, which threw');
  });

  test('takes falsy issues as success, as the specification says', () => {
    const validator = createValidator({ a: schema(() => ({ value: 2, issues: undefined })) });
    expect(now(validator.validate('a', 1))).toEqual({ kind: 'valid', data: 2 });
  });

  test('refuses with an empty list of issues', () => {
    const error = errorOf(now(createValidator({ a: schema(() => ({ issues: [] })) }).validate('a', 1)));
    expect(error.message).toBe('the event a was refused by its schema: no reason was given');
  });

  test('keeps a bounded number of issues', () => {
    const validator = createValidator({ list: z.array(z.number()) });
    const error = errorOf(
      now(
        validator.validate(
          'list',
          Array.from({ length: 1000 }, () => 'no'),
        ),
      ),
    );
    expect(error.issues).toHaveLength(32);
    expect(error.message).toContain('(and 999 more)');
  });

  test('says the keys that are symbols', () => {
    const validator = createValidator({ a: schema(() => ({ issues: [{ message: 'no', path: [Symbol('s'), { key: 'k' }] }] })) });
    expect(errorOf(now(validator.validate('a', 1))).message).toBe('the event a was refused by its schema at Symbol(s).k: no');
  });
});

describe('wrong options', () => {
  test.each([
    ['a string', { a: 'string' }],
    ['nothing', { a: undefined }],
    ['a plain validator', { a: { parse: () => 1 } }],
    ['another version', { a: { '~standard': { version: 2, vendor: 'x', validate: () => ({ value: 1 }) } } }],
    ['no validate', { a: { '~standard': { version: 1, vendor: 'x' } } }],
  ])('an entry that is %s is named', (_, events) => {
    expect(() => createValidator(events as unknown as EventSchemas)).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining('events.a') }),
    );
  });

  test('a schema that is a function is fine', () => {
    const callable = Object.assign(
      () => {},
      schema((value) => ({ value })),
    );
    expect(now(createValidator({ a: callable }).validate('a', 1))).toEqual({ kind: 'valid', data: 1 });
  });
});
