import { RealtimeError } from 'keepwire';
import type { Person } from './events.ts';

/** Somebody who is signed in, in all tabs of this browser. */
export interface Session {
  readonly user: Person & { readonly org: string };
  readonly token: string;
}

const key = 'team-inbox.session';

/** Who uses this browser. */
export function session(): Session | undefined {
  return read(localStorage.getItem(key));
}

/** Signs in: an agent at the dashboard, a customer at the widget. @throws Error with the words of the server */
export async function signIn(role: Person['role'], name: string): Promise<Session> {
  const org = new URLSearchParams(location.search).get('org') ?? undefined;
  const response = await fetch(`/api/${role}`, { method: 'POST', body: JSON.stringify({ name, org }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return keep(answer);
}

/** Forgets the user in every tab; a page begins anew with nothing of the last one. */
export function signOut(): void {
  localStorage.removeItem(key);
  location.reload();
}

/** A browser is one user: when another tab signs in or out, this one follows. */
export function followOtherTabs(): void {
  addEventListener('storage', (event) => {
    // another token of the same user is no news; without a key everything was cleared
    const isOther = event.key === key && read(event.oldValue)?.user.id !== read(event.newValue)?.user.id;
    if (isOther || event.key === null) location.reload();
  });
}

/** Asks for another token. @throws RealtimeError `unauthorized` when the server wants a new sign-in */
export async function renewToken(signal: AbortSignal): Promise<string> {
  const response = await post('/api/refresh', signal);
  if (response.status === 401) throw new RealtimeError('unauthorized', 'your sign-in is over');
  if (!response.ok) throw new Error(`the token could not be renewed: ${response.status}`);
  const { token } = await response.json();
  const now = session();
  if (now) keep({ ...now, token });
  return token;
}

/** A GET as the user; a token that is over is renewed once. */
export async function load<T>(path: string, signal: AbortSignal): Promise<T> {
  let response = await get(path, signal);
  if (response.status === 401) {
    await renewToken(signal);
    response = await get(path, signal);
  }
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  return response.json();
}

const get = (path: string, signal: AbortSignal): Promise<Response> => fetch(path, { headers: bearer(), signal });
const post = (path: string, signal: AbortSignal): Promise<Response> => fetch(path, { method: 'POST', headers: bearer(), signal });
const bearer = (): Record<string, string> => ({ authorization: `Bearer ${session()?.token ?? ''}` });

function read(kept: string | null): Session | undefined {
  return kept === null ? undefined : JSON.parse(kept);
}

function keep({ user, token }: Session): Session {
  const kept = { user, token };
  localStorage.setItem(key, JSON.stringify(kept));
  return kept;
}
