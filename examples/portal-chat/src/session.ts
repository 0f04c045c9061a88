import { RealtimeError } from 'keepwire';

/** Somebody who is signed in. */
export interface Session {
  readonly user: { readonly id: string; readonly name: string };
  token: string;
  /** Fires at sign-out: what is under way for this user ends. */
  readonly ended: AbortController;
}

/** One tab is one user, so that two can be tried side by side. */
const key = 'portal-chat.session';

/** Signs in. @throws Error with the words of the server */
export async function signIn(name: string): Promise<Session> {
  const response = await fetch('/auth/login', { method: 'POST', body: JSON.stringify({ name }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return keep({ user: answer.user, token: answer.token });
}

/** The session of this tab before it was reloaded. */
export function restoreSession(): Session | undefined {
  const kept = sessionStorage.getItem(key);
  return kept ? keep(JSON.parse(kept)) : undefined;
}

export function forgetSession(): void {
  sessionStorage.removeItem(key);
}

/** Asks for another token. @throws RealtimeError `unauthorized` when the server wants a new sign-in */
export async function renewToken(session: Session, signal: AbortSignal): Promise<string> {
  const headers = { authorization: `Bearer ${session.token}` };
  const response = await fetch('/auth/refresh', { method: 'POST', headers, signal });
  if (response.status === 401) throw new RealtimeError('unauthorized', 'You were signed out by the server');
  if (!response.ok) throw new Error(`the token could not be renewed: ${response.status}`);
  session.token = (await response.json()).token;
  keep(session);
  return session.token;
}

/** A GET with the token of a session; ends with it. */
export async function load<T>({ token, ended }: Session, path: string): Promise<T> {
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}` }, signal: ended.signal });
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  return response.json();
}

function keep({ user, token }: Pick<Session, 'user' | 'token'>): Session {
  sessionStorage.setItem(key, JSON.stringify({ user, token }));
  return { user, token, ended: new AbortController() };
}
