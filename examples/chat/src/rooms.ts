import { useSyncExternalStore } from 'react';
import { lobbyChannel, useMessages } from './realtime.ts';
import { loadRooms } from './rest.ts';

const firstRooms = ['general', 'random', 'help'];
const longestName = 24;

/** The rooms, which one is open, and how to make another. */
export interface Rooms {
  readonly rooms: readonly string[];
  /** The room of the address, so that a link opens it. */
  readonly open: string;
  /** Opens a room; one that does not exist yet is made, for everybody. */
  enter(name: string): void;
}

/** The rooms that everybody sees. */
export function useRooms(): Rooms {
  const open = useSyncExternalStore(onHashChange, readHash);
  const { items, send } = useMessages(lobbyChannel, {
    key: ({ name }: { readonly name: string }) => name,
    load: ({ signal }) => loadRooms(signal),
    insert: { room: (room) => room },
    // it is queued until there is a connection
    optimistic: { event: 'room', item: (room: { readonly name: string }) => room },
  });
  const rooms = [...new Set([...firstRooms, ...items.map(({ item }) => asRoomName(item.name)), open])].filter(Boolean);

  return {
    rooms,
    open,
    enter(name) {
      const room = asRoomName(name);
      if (room === '') return;
      location.hash = `/${room}`;
      if (!rooms.includes(room)) send({ name: room });
    },
  };
}

/** `Design Review!` becomes `design-review`. */
function asRoomName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, longestName);
}

function readHash(): string {
  const text = location.hash.replace(/^#\/?/, '');
  try {
    return asRoomName(decodeURIComponent(text)) || 'general';
  } catch {
    // a percent sign that begins no escape
    return asRoomName(text) || 'general';
  }
}

function onHashChange(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
