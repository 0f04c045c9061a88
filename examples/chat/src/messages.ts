import type { OutboxEntry } from 'keepwire';
import type { ListEntry } from 'keepwire/live-list';
import { useReadable } from 'keepwire/react';
import { channelOf, events, useMessages, useRealtime, useSend } from './realtime.ts';
import { loadHistory, type Message } from './rest.ts';

/** What we said about a message and the server has not accepted yet. */
export interface Change {
  /** The id of its send. */
  readonly id: string;
  readonly kind: 'message' | 'edited' | 'deleted';
  /** For people: the text, or what happens to it. */
  readonly text: string;
  readonly status: 'queued' | 'sending' | 'failed';
  /** Why it failed. */
  readonly problem?: string;
}

/** One message as the page shows it, with what we have changed on top. */
export interface Line extends Message {
  readonly state: 'sent' | 'queued' | 'sending' | 'failed';
  /** The edit or deletion that is not accepted yet. */
  readonly change?: Change;
  readonly problem?: string;
}

/** A room's conversation. */
export interface Conversation {
  /** Oldest first; what is not accepted yet comes last. */
  readonly lines: readonly Line[];
  /** What is not accepted yet, in the order in which it leaves; what failed comes first. */
  readonly waiting: readonly Change[];
  readonly status: 'loading' | 'ready' | 'failed';
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  loadMore(): Promise<void>;
  reload(): void;
  /** Shows the message at once, and sends it. */
  send(text: string): void;
  edit(id: string, text: string): void;
  remove(id: string): void;
  /** Sends again what failed. */
  retry(id: string): void;
  /** Gives up what waits or failed. */
  cancel(id: string): void;
}

/**
 * The conversation of a room: history by REST, live events, and what we send. What of ours is not accepted lies in the
 * outbox, which survives a reload, so that is where it is read from.
 */
export function useConversation(room: string, me: string): Conversation {
  const channel = channelOf(room);
  const { outbox } = useRealtime();
  const { send: publish } = useSend(channel);
  const list = useMessages(channel, {
    key: ({ id }: Message) => id,
    load: ({ before, limit, signal }) => loadHistory(channel, before?.offset, limit, signal),
    insert: {
      message: ({ text }, { id = '', from = '', at = Date.now(), offset }) => ({ id, text, from, at, offset, isEdited: false }),
    },
    update: { edited: ({ id, text }) => ({ id, text, isEdited: true }) },
    remove: { deleted: ({ id }) => id },
    compare: (a, b) => rank(a) - rank(b) || a.at - b.at,
    optimistic: { item: ({ text }: { readonly text: string }, { id, at }): Message => ({ id, text, at, from: me }) },
  });
  const waiting = useReadable(outbox.entries, nothing).filter((entry) => entry.channel === channel);
  const changes = waiting.flatMap(asChange);

  return {
    ...list,
    lines: linesOf(list.items, waiting, me),
    waiting: changes,
    send: (text) => void list.send({ text }),
    edit: (id, text) => void publish('edited', { id, text }),
    remove: (id) => void publish('deleted', { id }),
    retry(id) {
      if (list.items.some((line) => line.id === id && line.status === 'failed')) list.retry(id);
      else outbox.retry(id);
    },
    cancel(id) {
      outbox.cancel(id);
      list.discard(id);
    },
  };
}

const nothing: readonly OutboxEntry[] = [];

/** What the server has not numbered comes last. */
const rank = ({ offset = Number.MAX_SAFE_INTEGER }: Message): number => offset;

/** The list with what we changed, and what an earlier page of ours left in the outbox. */
function linesOf(items: readonly ListEntry<Message>[], waiting: readonly OutboxEntry[], me: string): readonly Line[] {
  const sends = new Map(waiting.map((entry) => [entry.id, entry]));
  const shown = items.filter(({ error }) => error?.code !== 'aborted');
  const known = new Set(shown.map(({ item }) => item.id));
  const left = waiting.flatMap((entry): Line[] => {
    const said = events.message.safeParse(entry.data);
    if (entry.event !== 'message' || known.has(entry.id) || !said.success) return [];
    return [{ id: entry.id, text: said.data.text, from: me, at: entry.since, ...standing(entry) }];
  });
  const lines = shown.map(({ item, status, error }): Line => {
    const send = sends.get(item.id);
    if (send) return { ...item, ...standing(send) };
    return { ...item, state: status === 'confirmed' ? 'sent' : status, problem: error?.message };
  });
  const ours = lines.findIndex(({ state }) => state !== 'sent');
  const end = ours < 0 ? lines.length : ours;
  return [...lines.slice(0, end), ...left, ...lines.slice(end)].map((line) => withChange(line, waiting));
}

function standing({ status, error }: OutboxEntry): Pick<Line, 'state' | 'problem'> {
  // what waits may have had a problem too: it is no news until it has failed
  return { state: status, problem: status === 'failed' ? error?.message : undefined };
}

/** A message with our last edit or deletion of it. */
function withChange(line: Line, waiting: readonly OutboxEntry[]): Line {
  const entry = waiting.findLast(({ event, data }) => event !== 'message' && events.deleted.safeParse(data).data?.id === line.id);
  const [change] = entry ? asChange(entry) : [];
  if (!change) return line;
  return change.kind === 'edited' ? { ...line, text: change.text, change } : { ...line, change };
}

function asChange({ id, event, data, status, error }: OutboxEntry): Change[] {
  const common = { id, status, problem: status === 'failed' ? error?.message : undefined };
  switch (event) {
    case 'message':
    case 'edited':
      return [{ ...common, kind: event, text: events.message.safeParse(data).data?.text ?? '' }];
    case 'deleted':
      return [{ ...common, kind: event, text: 'a message' }];
    default:
      return [];
  }
}
