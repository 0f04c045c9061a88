import { describe, expect, test } from 'vitest';
import { RealtimeError } from '../src/errors.ts';

describe('RealtimeError', () => {
  test('carries what it was made of', () => {
    const cause = new Error('underneath');
    const issues = [{ message: 'too short', path: ['name'] }];
    const error = new RealtimeError('invalid-payload', 'the data was refused', {
      hint: 'send more',
      cause,
      transport: 'sse',
      native: 1009,
      serverCode: 'E1',
      issues,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'RealtimeError',
      code: 'invalid-payload',
      message: 'the data was refused',
      hint: 'send more',
      transport: 'sse',
      native: 1009,
      serverCode: 'E1',
    });
    expect(error.cause).toBe(cause);
    expect(error.issues).toBe(issues);
  });

  test('has nothing that it was not given', () => {
    const error = new RealtimeError('closed', 'over');
    expect([error.hint, error.transport, error.native, error.serverCode]).toEqual([undefined, undefined, undefined, undefined]);
    expect(error.issues).toEqual([]);
    expect('cause' in error).toBe(false);
  });

  test('says what happened where it is logged as JSON', () => {
    const error = new RealtimeError('refused', 'the server is down', { hint: 'try later' });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'RealtimeError',
      code: 'refused',
      message: 'the server is down',
      hint: 'try later',
      issues: [],
    });
  });

  test('keeps a cause that is falsy', () => {
    expect(new RealtimeError('closed', 'over', { cause: 0 }).cause).toBe(0);
  });

  test('is known by its brand, also in another copy of the package', async () => {
    const address = new URL('../src/errors.ts?second-copy', import.meta.url).href;
    const second = (await import(/* @vite-ignore */ address)) as typeof import('../src/errors.ts');
    const foreign = new second.RealtimeError('forbidden', 'no');
    expect(second.RealtimeError).not.toBe(RealtimeError);
    expect(foreign).not.toBeInstanceOf(RealtimeError);
    expect(RealtimeError.is(foreign)).toBe(true);
    expect(RealtimeError.from(foreign, 'refused', 'other')).toBe(foreign);
  });

  test.each([undefined, null, 0, '', 'RealtimeError', {}, new Error('x'), { name: 'RealtimeError', code: 'closed' }])(
    '%j is none',
    (value) => {
      expect(RealtimeError.is(value)).toBe(false);
    },
  );

  test('does not show its brand', () => {
    const error = new RealtimeError('closed', 'over');
    expect(
      Object.getOwnPropertySymbols(error).filter((symbol) => Object.getOwnPropertyDescriptor(error, symbol)?.enumerable),
    ).toEqual([]);
  });

  test('from leaves one that is one already as it is', () => {
    const error = new RealtimeError('timeout', 'too late');
    expect(RealtimeError.from(error, 'refused', 'dialling', { hint: 'other' })).toBe(error);
  });

  test('from makes an AbortError into aborted', () => {
    const cause = new DOMException('stopped', 'AbortError');
    const error = RealtimeError.from(cause, 'refused', 'dialling', { transport: 'sse', hint: 'again' });
    expect(error).toMatchObject({ code: 'aborted', message: 'dialling: aborted', transport: 'sse', hint: 'again' });
    expect(error.cause).toBe(cause);
  });

  test.each([new Error('x'), new DOMException('late', 'TimeoutError'), 'text', undefined, null, { name: 'AbortError' }])(
    'from keeps %j as the cause',
    (thrown) => {
      const error = RealtimeError.from(thrown, 'refused', 'dialling', { native: 503 });
      expect(error).toMatchObject({ code: 'refused', message: 'dialling', native: 503 });
      expect(error.cause).toBe(thrown);
    },
  );
});
