import { expectTypeOf, test } from 'vitest';
import type { Dialect } from '../../src/protocol/dialect.ts';
import { emit, jsonDialect, post } from '../../src/protocol/json-dialect.ts';

test('the examples compile', () => {
  const portal = jsonDialect<{ chatId: string; message?: { id: string } }>({
    channel: 'chatId',
    id: ({ message }) => message?.id,
    data: ({ message, ...rest }) => message ?? rest,
    join: (chatId) => emit('join_chat', { chatId }),
    publish: ({ channel, data }) => post(`/chat/${encodeURIComponent(channel)}/messages`, data),
  });
  expectTypeOf(portal).toEqualTypeOf<Dialect>();
});

test('without a type of its own, a message is an object of unknown fields', () => {
  jsonDialect({ ignore: (message) => message['type'] === 'ping' });
  // @ts-expect-error nothing is known of a field
  jsonDialect({ channel: (message) => message['room'].id });
});

test('what is wrong does not compile', () => {
  // @ts-expect-error no such option
  jsonDialect({ chanel: 'room' });
  // @ts-expect-error a field that the message does not have
  jsonDialect<{ room: string }>({ channel: ({ rom }) => rom });
  // @ts-expect-error an acknowledgement has an id
  jsonDialect({ ack: { when: 'ok' } });
  // @ts-expect-error no such way of resuming
  jsonDialect({ resume: 'all' });
  // @ts-expect-error a receipt says what became of the send
  jsonDialect({ receipt: () => ({ offset: 1 }) });
});
