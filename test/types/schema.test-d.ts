import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  createValidator,
  type EventInput,
  type EventName,
  type EventOutput,
  type EventSchemas,
  unchecked,
} from '../../src/protocol/schema.ts';

const events = {
  message: z.object({ text: z.string(), at: z.string().transform((text) => new Date(text)) }),
  note: v.object({ title: v.string(), tags: v.optional(v.array(v.string()), []) }),
  cursor: unchecked<{ x: number }>(),
};
type Events = typeof events;

declare function publish<Name extends EventName<Events>>(event: Name, data: EventInput<Events, Name>): void;
declare function on<Name extends EventName<Events>>(event: Name, handler: (data: EventOutput<Events, Name>) => void): void;

test('names, inputs and outputs come from the schemas', () => {
  expectTypeOf<EventName<Events>>().toEqualTypeOf<'message' | 'note' | 'cursor'>();
  expectTypeOf<EventInput<Events, 'message'>>().toEqualTypeOf<{ text: string; at: string }>();
  expectTypeOf<EventOutput<Events, 'message'>>().toEqualTypeOf<{ text: string; at: Date }>();
  expectTypeOf<EventInput<Events, 'note'>>().toEqualTypeOf<{ title: string; tags?: string[] | undefined }>();
  expectTypeOf<EventOutput<Events, 'note'>>().toEqualTypeOf<{ title: string; tags: string[] }>();
  expectTypeOf<EventInput<Events, 'cursor'>>().toEqualTypeOf<{ x: number }>();
  expectTypeOf<EventOutput<Events, 'cursor'>>().toEqualTypeOf<{ x: number }>();
});

test('without a map, any name goes and the data is unknown', () => {
  expectTypeOf<EventName<EventSchemas>>().toEqualTypeOf<string>();
  expectTypeOf<EventInput<EventSchemas, string>>().toEqualTypeOf<unknown>();
  expectTypeOf<EventOutput<EventSchemas, string>>().toEqualTypeOf<unknown>();
});

test('handlers get the output', () => {
  on('message', (data) => expectTypeOf(data.at).toEqualTypeOf<Date>());
  on('note', ({ tags }) => expectTypeOf(tags).toEqualTypeOf<string[]>());
});

test('what is wrong does not compile', () => {
  publish('message', { text: 'hi', at: '2026' });
  // @ts-expect-error a name that is not in the map
  publish('mesage', { text: 'hi', at: '2026' });
  // @ts-expect-error the output where the input belongs
  publish('message', { text: 'hi', at: new Date() });
  // @ts-expect-error a field is missing
  publish('message', { text: 'hi' });
  // @ts-expect-error a field of another event
  publish('note', { title: 'hi', x: 1 });
  // @ts-expect-error the wrong type in an unchecked event
  publish('cursor', { x: '1' });
  // @ts-expect-error not a schema
  createValidator({ a: (data: unknown) => data });
});
