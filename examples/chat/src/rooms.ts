import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { z } from 'zod';
import { events, lobbyChannel, useChannel, useEvent } from './realtime.ts';

const firstRooms = ['general', 'random', 'help'];
const longestName = 24;
const past = z.array(z.object({ event: z.string(), data: z.unknown() }));

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
  const lobby = useChannel(lobbyChannel);
  const [rooms, setRooms] = useState<readonly string[]>(firstRooms);
  const open = useSyncExternalStore(onHashChange, readHash);
  const add = useCallback(
    (names: readonly string[]) =>
      setRooms((known) => [
        ...known,
        ...[...new Set(names.map(asRoomName))].filter((name) => name !== '' && !known.includes(name)),
      ]),
    [],
  );

  useEvent(lobby, 'room', ({ name }) => add([name]));

  useEffect(() => {
    const ended = new AbortController();
    lobby?.request('history', { limit: 200 }, { signal: ended.signal }).then(
      (answer) =>
        add(
          past.parse(answer).flatMap(({ event, data }) => {
            const room = events.room.safeParse(data);
            return event === 'room' && room.success ? [room.data.name] : [];
          }),
        ),
      () => {}, // then there are only the first rooms, and those that are made from now on
    );
    return () => ended.abort();
  }, [lobby, add]);

  return {
    rooms: rooms.includes(open) ? rooms : [...rooms, open],
    open,
    enter(name) {
      const room = asRoomName(name);
      if (room === '') return;
      location.hash = `/${room}`;
      if (rooms.includes(room)) return;
      add([room]);
      // it is queued until there is a connection; a room that stays unknown to others still works by its link
      lobby?.publish('room', { name: room }).catch(() => {});
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
