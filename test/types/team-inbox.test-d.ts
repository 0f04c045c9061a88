import type { RealtimeManager } from 'keepwire';
import { expectTypeOf, test } from 'vitest';
import { conversationChannel, orgChannel, userChannel } from '../../examples/team-inbox/src/channels.ts';
import type { events, Person } from '../../examples/team-inbox/src/events.ts';

declare const realtime: RealtimeManager<typeof events>;

test('the channels of the team inbox take their parameters, and no others', () => {
  expectTypeOf(conversationChannel({ org: 'acme', id: 7 })).toEqualTypeOf<`org:${string}:conversation:${string}`>();
  // @ts-expect-error a parameter is missing
  conversationChannel({ org: 'acme' });
  // @ts-expect-error a misspelt parameter
  conversationChannel({ organisation: 'acme', id: 'a' });
  // @ts-expect-error a parameter of another pattern
  orgChannel({ org: 'acme', id: 'a' });
  // @ts-expect-error a value of the wrong type
  userChannel({ org: 'acme', id: { id: 'a' } });
});

test('the events of the team inbox are those of its registry', () => {
  const channel = realtime.channel(conversationChannel({ org: 'acme', id: 'a' }));
  channel.on('message', ({ author }) => expectTypeOf(author).toEqualTypeOf<Person | undefined>());
  // @ts-expect-error no such event
  channel.on('mesage', () => {});
  // @ts-expect-error a field of the wrong type
  void channel.publish('message', { text: 1 });
  // @ts-expect-error no such status
  void channel.request('change', { conversation: 'a', status: 'gone' });
});
