import { createRealtime, type EventMessage, type RealtimeManager, unchecked } from 'keepwire';
import { memory } from 'keepwire/memory';
import { createHooks, RealtimeProvider, useEvent } from 'keepwire/react';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

const events = {
  message: z.object({ text: z.string(), at: z.string().transform(Number) }),
  typing: unchecked<boolean>(),
};
const hooks = createHooks<typeof events>();
const realtime = createRealtime({ transports: [memory({ server: { accept() {} } })], events });

test('the event map reaches the hooks', () => {
  hooks.useEvent('lobby', 'message', (data, message) => {
    expectTypeOf(data).toEqualTypeOf<{ text: string; at: number }>();
    expectTypeOf(message).toEqualTypeOf<EventMessage<{ text: string; at: number }>>();
  });
  // @ts-expect-error there is no such event
  hooks.useEvent('lobby', 'mesage', () => {});
  const { send } = hooks.useSend('lobby');
  void send('message', { text: 'hello', at: '1' });
  // @ts-expect-error the input of the schema is a string
  void send('message', { text: 'hello', at: 1 });
  expectTypeOf(hooks.useRealtime()).toEqualTypeOf<RealtimeManager<typeof events>>();
  const lobby = hooks.useChannel('lobby');
  hooks.useEvent(lobby, 'typing', (isTyping) => expectTypeOf(isTyping).toEqualTypeOf<boolean>());
});

test('a provider takes a manager of any event map', () => {
  expectTypeOf(<RealtimeProvider manager={realtime}>text</RealtimeProvider>).not.toBeAny();
});

test('without an event map every name is allowed, and payloads are unknown', () => {
  useEvent('lobby', 'anything', (data) => expectTypeOf(data).toBeUnknown());
});
