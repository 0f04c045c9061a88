import { z } from 'zod';

const answer = z.object({ token: z.string(), expiresAt: z.number(), user: z.string() });

/** What a guest gets: a token, and when it ends. */
export type Ticket = z.infer<typeof answer>;

/** Asks the server for a token under a name. */
export async function logIn(name: string, signal?: AbortSignal): Promise<Ticket> {
  const response = await fetch('/realtime/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
    signal,
  });
  if (response.status === 400) throw new Error('A name has 1 to 32 letters, digits, spaces, dots or dashes.');
  if (!response.ok) throw new Error('The server cannot be reached. Is it running?');
  return answer.parse(await response.json());
}

/** Asks the server to cut the links of this user, as a broken network would. */
export async function cutConnection(name: string): Promise<void> {
  const { token } = await logIn(name);
  await fetch('/realtime/cut', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: '{}',
  });
}

const key = 'keepwire-chat-name';

/** The name of this window; each window may have its own. An address with `?as=Ada` opens one under that name. */
export const rememberedName = (): string | undefined =>
  sessionStorage.getItem(key) ?? new URLSearchParams(location.search).get('as') ?? undefined;

/** The address of another window under the same name, in the same room. */
export const addressAs = (name: string): string => `?${new URLSearchParams({ as: name })}${location.hash}`;

export function rememberName(name: string | undefined): void {
  history.replaceState(null, '', location.pathname + location.hash);
  if (name === undefined) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, name);
}
