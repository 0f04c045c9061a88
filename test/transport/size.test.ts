import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLarger } from '../../src/transport/size.ts';

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

describe('the size of a message', () => {
  it('of text is that of its UTF-8, also where a character falls between two pieces', () => {
    const unit = fc.constantFrom('a', 'é', '€', '😀', '\ud83d', '\ude00');
    const text = fc
      .tuple(unit, fc.integer({ min: 16_370, max: 16_390 }), fc.string({ unit, maxLength: 40 }))
      .map(([one, count, rest]) => one.repeat(count) + rest);
    void fc.assert(
      fc.property(text, fc.integer({ min: -2, max: 2 }), (value, difference) => {
        expect(isLarger(value, bytesOf(value) + difference)).toBe(difference < 0);
      }),
      { numRuns: 200 },
    );
  });

  it('of text that cannot be larger, or must be, is known by its length', () => {
    expect(isLarger('€'.repeat(10), 30)).toBe(false);
    expect(isLarger('€'.repeat(10), 29)).toBe(true);
    expect(isLarger('a'.repeat(31), 30)).toBe(true);
    expect(isLarger('', 0)).toBe(false);
  });

  it('is known of buffers and blobs, and of nothing else', () => {
    expect(isLarger(new ArrayBuffer(9), 8)).toBe(true);
    expect(isLarger(new Uint8Array(8), 8)).toBe(false);
    expect(isLarger(new Blob(['123456789']), 8)).toBe(true);
    expect(isLarger({ any: 'thing' }, 0)).toBe(false);
    expect(isLarger(undefined, 0)).toBe(false);
  });
});
