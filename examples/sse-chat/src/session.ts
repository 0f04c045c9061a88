import { type AuthContext, RealtimeError } from 'keepwire';

/** Somebody who is signed in. */
export interface Session {
  readonly userId: string;
  readonly username: string;
  accessToken: string;
  readonly refreshToken: string;
}

/** One tab is one user, so that two can be tried side by side. */
const key = 'sse-chat.session';

/** Signs in. @throws Error with the words of the server */
export async function signIn(name: string): Promise<Session> {
  const response = await fetch('/api/auth/login', { method: 'POST', body: JSON.stringify({ name }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  const { user, accessToken, refreshToken } = answer;
  return keep({ ...user, accessToken, refreshToken });
}

/** The session of this tab before it was reloaded. */
export function restoreSession(): Session | undefined {
  const kept = sessionStorage.getItem(key);
  return kept ? JSON.parse(kept) : undefined;
}

export function forgetSession(): void {
  sessionStorage.removeItem(key);
}

/** The token for the next link: the one that we have, or a new one before it ends and after it was refused. */
export async function tokenFor(session: Session, { reason, signal }: Pick<AuthContext, 'reason' | 'signal'>): Promise<string> {
  if (reason === 'connect' || (reason === 'reconnect' && !isOver(session.accessToken))) return session.accessToken;
  const body = JSON.stringify({ refreshToken: session.refreshToken });
  const response = await fetch('/api/auth/refresh', { method: 'POST', body, signal });
  if (response.status === 401) throw new RealtimeError('unauthorized', 'Your session has ended');
  if (!response.ok) throw new Error(`the token could not be renewed: ${response.status}`);
  session.accessToken = (await response.json()).accessToken;
  keep(session);
  return session.accessToken;
}

/** A REST call with the token, and once more with a new one when it is refused. @throws Error for any other refusal */
export async function rest<T>(session: Session, path: string, method = 'GET', content?: object): Promise<T> {
  const call = (): Promise<Response> =>
    fetch(path, {
      method,
      headers: { authorization: `Bearer ${session.accessToken}` },
      body: content && JSON.stringify(content),
    });
  let response = await call();
  if (response.status === 401) {
    await tokenFor(session, { reason: 'refused', signal: AbortSignal.timeout(10_000) });
    response = await call();
  }
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

/** Does the token end within the next seconds? */
function isOver(token: string): boolean {
  const { exp } = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as { exp: number };
  return exp * 1000 < Date.now() + 2_000;
}

function keep(session: Session): Session {
  sessionStorage.setItem(key, JSON.stringify(session));
  return session;
}
