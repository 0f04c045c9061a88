import { createMessageStore, type MessageStore, type StoredMessage } from '../shared/message-store.ts';
import type { Conversation, Person } from './src/events.ts';

/** Somebody, and the organisation. */
export interface Member extends Person {
  readonly org: string;
}

/** What the organisations have: people, conversations and messages. It stands for the database. */
export interface Ledger {
  /** Makes somebody known. */
  remember(member: Member): void;
  member(id: string): Member | undefined;
  /** The people of an organisation. */
  members(org: string): readonly Member[];
  /** Writes a message down; the same `clientId` of the same author is the same message. */
  write(conversation: string, author: Member, text: string, clientId?: string): { message: StoredMessage; isNew: boolean };
  /** One page of a conversation, oldest first: the newest messages, or those before a number. */
  page(conversation: string, before: number, limit: number): readonly StoredMessage[];
  /** All messages of a conversation. */
  all(conversation: string): readonly StoredMessage[];
  conversation(id: string): Conversation | undefined;
  conversations(org: string): readonly Conversation[];
  /** Changes what is known of a conversation; `undefined` when there is none. */
  change(id: string, change: Partial<Pick<Conversation, 'status' | 'assignee'>>): Conversation | undefined;
}

/** An empty ledger, in memory. */
export function createLedger(store: MessageStore = createMessageStore()): Ledger {
  const members = new Map<string, Member>();
  const conversations = new Map<string, Conversation>();

  return {
    remember: (member) => void members.set(member.id, member),
    member: (id) => members.get(id),
    members: (org) => [...members.values()].filter((member) => member.org === org),
    write(id, author, text, clientId) {
      const { message, isNew } = store.add({ channel: id, from: author.id, text, clientId });
      const before = conversations.get(id);
      if (isNew) {
        const customer = members.get(id)?.name ?? id;
        // a customer who writes opens it again
        const status = author.id === id ? 'open' : (before?.status ?? 'open');
        const last = { text, from: personOf(author), at: message.at };
        conversations.set(id, { id, customer, assignee: before?.assignee, status, last });
      }
      return { message, isNew };
    },
    page: (id, before, limit) =>
      store
        .all(id)
        .filter((message) => Number(message.id) < before)
        .slice(-limit),
    all: store.all,
    conversation: (id) => conversations.get(id),
    conversations: (org) => [...conversations.values()].filter(({ id }) => members.get(id)?.org === org),
    change(id, change) {
      const before = conversations.get(id);
      if (!before) return undefined;
      const after = { ...before, ...change };
      conversations.set(id, after);
      return after;
    },
  };
}

/** What everybody may know of somebody. */
export function personOf({ id, name, role }: Member): Person {
  return { id, name, role };
}
