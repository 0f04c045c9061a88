import { createHooks, type Messages, useReadable } from 'keepwire/react';
import { useSyncExternalStore } from 'react';
import { conversationChannel, userChannel } from './channels.ts';
import type { Conversation, events, Person } from './events.ts';
import { load, type Session } from './session.ts';

/** The hooks of keepwire/react, with the types of our events. */
export const { useChannel, useEvent, useMessages, useRealtime } = createHooks<typeof events>();
export { useReadable };

/** A message on the screen. */
export interface Message {
  /** The id of its send: unique for each author. */
  readonly id: string;
  /** Its place in the store; ours are at the end until they have one. */
  readonly number: number;
  readonly author: Person;
  readonly text: string;
  readonly at: number;
}

/** What is sent. */
interface Draft {
  readonly text: string;
}

/** A conversation: its history, what comes, and what we send, in one list. Without an id, nothing yet. */
export function useConversation({ user }: Session, id: string | undefined): Messages<Message, Draft> {
  return useMessages<Message, Draft>(id === undefined ? undefined : conversationChannel({ org: user.org, id }), {
    key: ({ id, author }) => `${author.id} ${id}`,
    load: ({ before, limit, signal }) => {
      const until = before ? `&before=${before.number}` : '';
      return load<Message[]>(`/api/conversations/${id}/messages?limit=${limit}${until}`, signal);
    },
    insert: {
      message: ({ text, author, number }, { id = '', at = 0 }) =>
        author && number !== undefined ? { id, number, author, text, at } : undefined,
    },
    compare: (one, other) => one.number - other.number,
    pageSize: 30,
    optimistic: {
      item: ({ text }, { id, at }) => ({ id, number: Number.MAX_SAFE_INTEGER, author: user, text, at }),
    },
  });
}

/** The conversations that we may see, the newest first. */
export function useConversations({ user }: Session): {
  readonly conversations: readonly Conversation[];
  readonly status: 'loading' | 'ready' | 'failed';
} {
  const { items, status } = useMessages<Conversation>(userChannel({ org: user.org, id: user.id }), {
    key: ({ id }) => id,
    load: async ({ signal }) => ({ items: await load<Conversation[]>('/api/conversations', signal), hasMore: false }),
    insert: { conversation: (conversation) => conversation },
    compare: (one, other) => one.last.at - other.last.at,
  });
  return { conversations: items.map(({ item }) => item).reverse(), status };
}

/** The rest of the address after `#`, and how to go elsewhere. */
export function usePlace(): readonly [place: string, go: (place: string) => void] {
  const place = useSyncExternalStore(followHash, () => location.hash.slice(1));
  return [place, goTo];
}

function goTo(place: string): void {
  location.hash = place;
}

function followHash(changed: () => void): () => void {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
}
