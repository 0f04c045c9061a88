import { z } from 'zod';

const message = z.object({
  id: z.string(),
  text: z.string(),
  from: z.string(),
  /** In milliseconds since the Unix epoch: the server's time, or ours until it has answered. */
  at: z.number(),
  /** Its number in the room; the server gives it. */
  offset: z.number().optional(),
  isEdited: z.boolean().optional(),
});

/** One message of a room. */
export type Message = z.infer<typeof message>;

const page = z.object({ items: z.array(message), hasMore: z.boolean() });

/** A page of a room's history: the newest messages, or those before a number. */
export async function loadHistory(channel: string, before: number | undefined, limit: number, signal: AbortSignal) {
  return page.parse(await get('history', { channel, before, limit }, signal));
}

/** The rooms that somebody has made. */
export const loadRooms = async (signal: AbortSignal) =>
  z.array(z.object({ name: z.string() })).parse(await get('rooms', {}, signal));

/** The carriers of the links that the server holds of a user, as the server counts them. */
export const loadLinks = async (user: string, signal: AbortSignal) =>
  z.array(z.string()).parse(await get('links', { user }, signal));

async function get(what: string, query: Record<string, string | number | undefined>, signal: AbortSignal): Promise<unknown> {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  const response = await fetch(`/api/${what}?${new URLSearchParams(given)}`, { signal });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response.json();
}
