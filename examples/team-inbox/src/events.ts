import { z } from 'zod';

/** Somebody of an organisation. */
const person = z.object({ id: z.string(), name: z.string(), role: z.enum(['customer', 'agent']) });

/** What a list shows of a conversation. There is one for each customer, and it has the customer's id. */
const conversation = z.object({
  id: z.string(),
  customer: z.string(),
  status: z.enum(['open', 'closed']),
  assignee: person.optional(),
  last: z.object({ text: z.string(), from: person, at: z.number() }),
});

/**
 * Everything that travels, by name: the one place where events are described. The pages check what arrives against it,
 * and the server what it is sent.
 */
export const events = {
  /** In a conversation. The server adds who wrote it, and its number in the store. */
  message: z.object({
    text: z.string().trim().min(1).max(4000),
    author: person.optional(),
    number: z.number().optional(),
  }),
  /** In a conversation, volatile. */
  typing: z.object({ key: z.string(), isTyping: z.boolean(), data: z.string().optional() }),
  /** To one user: a conversation is new or has changed. */
  conversation,
  /** To one agent: somebody gave you a conversation. */
  assigned: z.object({ conversation: z.string(), customer: z.string(), by: z.string() }),
  /** A request of an agent, on the agent's own channel. Without a word on the assignee, the assignee stays. */
  change: z.object({
    conversation: z.string(),
    status: z.enum(['open', 'closed']).optional(),
    assignee: z.string().optional(),
  }),
};

export type Person = z.infer<typeof person>;
export type Conversation = z.infer<typeof conversation>;
