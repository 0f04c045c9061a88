import { type Channel, createRealtime, type EventMessage, type RealtimeManager, unchecked } from 'keepwire';
import { memory } from 'keepwire/memory';
import {
  createHooks,
  PresenceIndicator,
  RealtimeProvider,
  TypingIndicator,
  useChannelReady,
  useEvent,
  useLatest,
  useMessages,
  usePresence,
  useReceipts,
  useTyping,
} from 'keepwire/react';
import type { InputHTMLAttributes } from 'react';
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

test('the last event has the payload of its event, or the initial value', () => {
  expectTypeOf(hooks.useLatest('lobby', 'typing')).toEqualTypeOf<boolean | undefined>();
  expectTypeOf(hooks.useLatest('lobby', 'typing', false)).toEqualTypeOf<boolean>();
  expectTypeOf(hooks.useLatest('lobby', 'message', null)).toEqualTypeOf<{ text: string; at: number } | null>();
  // @ts-expect-error there is no such event
  hooks.useLatest('lobby', 'mesage');
  expectTypeOf(useLatest('lobby', 'anything')).toBeUnknown();
});

test('a list infers its item and what is sent', () => {
  interface Line {
    id: string;
    text: string;
  }
  const { items, send, loadMore, gap } = hooks.useMessages('lobby', {
    key: ({ id }: Line) => id,
    insert: { message: ({ text, at }) => ({ id: String(at), text }) },
    remove: {
      typing(isTyping) {
        expectTypeOf(isTyping).toEqualTypeOf<boolean>();
        return undefined;
      },
    },
    optimistic: { item: (text: string, { id }) => ({ id, text }) },
  });
  expectTypeOf(items[0]?.item).toEqualTypeOf<Line | undefined>();
  expectTypeOf(send).toEqualTypeOf<(data: string) => string>();
  expectTypeOf(loadMore()).toEqualTypeOf<Promise<void>>();
  expectTypeOf(gap?.reason).not.toBeAny();
  // @ts-expect-error there is no such event
  hooks.useMessages('lobby', { key: ({ id }: Line) => id, insert: { mesage: () => undefined } });
  // @ts-expect-error ended by the component, not by a signal
  useMessages('lobby', { key: ({ id }: Line) => id, signal: AbortSignal.abort() });
});

test('people have the data that they say, and the field takes what it needs', () => {
  const { members, me, update, setStatus } = usePresence('lobby', { me: { key: 'ada', data: { name: 'Ada', desk: 4 } } });
  expectTypeOf(members[0]?.data).toEqualTypeOf<{ name: string; desk: number } | undefined>();
  expectTypeOf(me?.data).toEqualTypeOf<{ name: string; desk: number } | undefined>();
  update({ desk: 5 });
  // @ts-expect-error a desk is a number
  update({ desk: 'five' });
  // @ts-expect-error offline is who left
  setStatus('offline');
  const { typers, inputProps } = useTyping('lobby', { me: { key: 'ada' } });
  expectTypeOf(inputProps).toExtend<InputHTMLAttributes<HTMLInputElement>>();
  expectTypeOf(<textarea {...inputProps} />).not.toBeAny();
  expectTypeOf(<TypingIndicator typers={typers} className="dots" />).not.toBeAny();
  expectTypeOf(<TypingIndicator channel="lobby" />).not.toBeAny();
  const [first] = members;
  if (first) expectTypeOf(<PresenceIndicator member={first} />).not.toBeAny();
  // @ts-expect-error there is no such status
  expectTypeOf(<PresenceIndicator status="busy" />).not.toBeAny();
  expectTypeOf(useReceipts('lobby').readBy(4)).toEqualTypeOf<readonly string[]>();
});

test('who waits for a channel has it', () => {
  expectTypeOf(useChannelReady('lobby')).toEqualTypeOf<Channel>();
  expectTypeOf(hooks.useChannelReady('lobby')).toEqualTypeOf<Channel<typeof events>>();
  void hooks.useChannelReady('lobby').publish('typing', true);
  // @ts-expect-error typing is true or false
  void hooks.useChannelReady('lobby').publish('typing', 'yes');
});
