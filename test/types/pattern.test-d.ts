import { expectTypeOf, test } from 'vitest';
import { channelPattern, type PatternChannel, type PatternNames } from '../../src/channel/pattern.ts';

const conversation = channelPattern('org:{org}:conversation:{id}');

test('the parameters come from the pattern', () => {
  expectTypeOf<PatternNames<'org:{org}:conversation:{id}'>>().toEqualTypeOf<'org' | 'id'>();
  expectTypeOf<PatternNames<'lobby'>>().toEqualTypeOf<never>();
  expectTypeOf(conversation).toBeCallableWith({ org: 'acme', id: 7 });
  expectTypeOf(conversation.match('')).toEqualTypeOf<{ readonly org: string; readonly id: string } | undefined>();
  expectTypeOf(conversation.pattern).toEqualTypeOf<'org:{org}:conversation:{id}'>();
});

test('the name has the form of the pattern', () => {
  expectTypeOf(conversation({ org: 'a', id: 1 })).toEqualTypeOf<`org:${string}:conversation:${string}`>();
  expectTypeOf<PatternChannel<'lobby'>>().toEqualTypeOf<'lobby'>();
});

test('a pattern that is only a string takes any parameters', () => {
  const some = channelPattern('a:{b}' as string);
  expectTypeOf(some({ b: 1 })).toEqualTypeOf<string>();
  expectTypeOf(some.match('')).toEqualTypeOf<Readonly<Record<string, string>> | undefined>();
});

test('what is wrong does not compile', () => {
  // @ts-expect-error a parameter is missing
  conversation({ org: 'acme' });
  // @ts-expect-error all parameters are missing
  conversation();
  // @ts-expect-error a misspelt parameter
  conversation({ org: 'acme', ID: 7 });
  // @ts-expect-error a parameter too many
  conversation({ org: 'acme', id: 7, user: 1 });
  // @ts-expect-error a value of the wrong type
  conversation({ org: 'acme', id: true });
  // @ts-expect-error a pattern without parameters takes none
  channelPattern('lobby')({ id: 1 });
  // @ts-expect-error a name of another form
  const other: ReturnType<typeof conversation> = 'org:1:user:2';
  void other;
});
