import type { Log, NumberedEntry } from '../server/log.ts';
import type { Refusal } from '../server/sends.ts';

/** One message as it is now: with its edits; a deleted one is gone. */
export interface Message {
  readonly id: string;
  readonly text: string;
  readonly from: string;
  /** In milliseconds since the Unix epoch. */
  readonly at: number;
  /** Its number in the room. */
  readonly offset: number;
  readonly isEdited: boolean;
}

/** What the rooms hold, kept up to date from their logs. */
export interface History {
  /** The last messages of a room, or those before a number; oldest first. */
  read(room: string, before: number, limit: number): { readonly items: readonly Message[]; readonly hasMore: boolean };
  /** May this user say this? Only authors change their messages. */
  judge(
    user: string,
    room: string,
    send: { readonly id: string; readonly event: string; readonly data?: unknown },
  ): true | Refusal;
}

const mostRooms = 500;
/** The log keeps as many. */
const mostMessages = 10_000;
/** The longest page that one answer has. */
const mostPerPage = 200;

/** Reads the logs of rooms, where messages, edits and deletions follow each other, into the messages that they come to. */
export function createHistory(log: Log): History {
  /** By room, and there by id, in the order of the log. */
  const rooms = new Map<string, Map<string, Message>>();

  function messagesOf(room: string): Map<string, Message> {
    const known = rooms.get(room);
    if (known !== undefined) return known;
    const messages = new Map<string, Message>();
    rooms.set(room, messages);
    log.subscribe(room, (news) => {
      if (news.kind === 'restarted') messages.clear();
      else if (news.kind === 'appended') apply(messages, news.entry);
    });
    return messages;
  }

  return {
    read(room, before, limit) {
      const older = [...(rooms.get(room)?.values() ?? [])].filter(({ offset }) => offset < before);
      const items = older.slice(-Math.min(limit, mostPerPage));
      return { items, hasMore: items.length < older.length };
    },
    judge(user, room, { id, event, data }) {
      if (!rooms.has(room) && rooms.size >= mostRooms) return { code: 'too-many-rooms', message: 'there are enough rooms' };
      const messages = messagesOf(room);
      switch (event) {
        case 'message':
          // an id is its sender's own, and ours for the whole room
          if (messages.has(id)) return { code: 'known-id', message: 'another message has this id' };
          return isSpam(textOf(data)) ? { code: 'refused', message: 'this room takes no spam' } : true;
        case 'edited':
        case 'deleted': {
          const message = messages.get(idOf(data));
          if (message === undefined) return { code: 'gone', message: 'the message is not there any more' };
          return message.from === user || { code: 'not-yours', message: 'only the author can change a message' };
        }
        default:
          return true;
      }
    },
  };
}

function apply(messages: Map<string, Message>, { id, event, data, at, from, offset }: NumberedEntry): void {
  const said: unknown = JSON.parse(data ?? 'null');
  const changed = messages.get(idOf(said));
  if (event === 'message') messages.set(id, { id, text: textOf(said), from, at, offset, isEdited: false });
  else if (event === 'edited' && changed) messages.set(changed.id, { ...changed, text: textOf(said), isEdited: true });
  else if (event === 'deleted' && changed) messages.delete(changed.id);
  if (messages.size > mostMessages) messages.delete(messages.keys().next().value ?? '');
}

/** A rule for the sake of seeing a message refused. */
const isSpam = (text: string): boolean => /^spam\b/i.test(text);

const textOf = (data: unknown): string => textAt(data, 'text');
const idOf = (data: unknown): string => textAt(data, 'id');

function textAt(data: unknown, key: string): string {
  const value = (data as Record<string, unknown> | null)?.[key];
  return typeof value === 'string' ? value : '';
}
