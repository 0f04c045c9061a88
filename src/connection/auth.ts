import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import type { Credentials } from '../transport/transport.ts';

/** Why credentials are wanted: the first link, a later one, the end of the token is near, or the server refused the last one. */
export type AuthReason = 'connect' | 'reconnect' | 'expiring' | 'refused';

/** What an auth provider is told. */
export interface AuthContext {
  /** Why credentials are wanted. */
  readonly reason: AuthReason;
  /** Fires when the answer is no longer wanted or the deadline has passed. */
  readonly signal: AbortSignal;
}

/** Gives the credentials for the next link: a token, or a token with its end and subject; `undefined` for none. */
export type AuthProvider = (context: AuthContext) => Answer | Promise<Answer>;

/** A token, or a token with its end and subject; `undefined` for none. */
export type Answer = string | Credentials | undefined;

/** So many refused tokens are remembered. */
const mostRefused = 8;

/** The one place that asks for credentials. */
export interface Auth {
  /**
   * The credentials for an attempt. Callers at the same time share one question. `undefined` at once where the
   * application has no provider.
   *
   * @throws RealtimeError `timeout`, `unauthorized` (the provider gave a token again that the server refused), or
   * `refused` with the provider's own error as cause
   */
  credentials(reason: AuthReason): Promise<Credentials | undefined> | undefined;
  /** The server refused this token: it is never sent again. */
  refuse(credentials: Credentials | undefined): void;
  /** Can there be another token after a refused one? */
  readonly renewable: boolean;
  /** Gives up the question that is under way. */
  cancel(): void;
}

/**
 * @param source - the application's provider, or a fixed token
 * @param timeoutMs - how long the provider may take
 */
export function createAuth(source: AuthProvider | Answer, clock: Clock, timeoutMs: number): Auth {
  /** The tokens that the server refused of late; the newest is the last. */
  const refused: string[] = [];
  /** The last question was answered by a refusal. */
  let wasRefused = false;
  let underWay: { readonly answer: Promise<Credentials | undefined>; readonly abort: AbortController } | undefined;
  const provider: AuthProvider = typeof source === 'function' ? source : () => source;

  function ask(reason: AuthReason): NonNullable<typeof underWay> {
    const abort = new AbortController();
    const { signal } = abort;
    const cancelDeadline = clock.schedule(() => abort.abort(timedOut(timeoutMs)), timeoutMs);
    const givenUp = new Promise<never>((_, reject) => onAbort(signal, () => reject(signal.reason)));
    // called inside a promise, so that a provider that throws at once is no different
    const asked = Promise.resolve({ reason, signal }).then(provider);
    const answer = Promise.race([asked, givenUp])
      .then(check)
      .catch((error: unknown) => {
        throw RealtimeError.from(error, 'refused', 'the auth provider failed', {
          hint: 'It is asked again with the next attempt.',
        });
      })
      .finally(() => {
        cancelDeadline();
        if (underWay?.abort === abort) underWay = undefined;
      });
    return { answer, abort };
  }

  function check(given: Answer): Credentials | undefined {
    // null is what storage gives for nothing
    if (given === undefined || given === null) return undefined;
    const credentials = typeof given === 'string' ? { token: given } : given;
    const { token } = credentials;
    if (typeof token !== 'string' || !token) {
      throw new RealtimeError('invalid-option', 'the auth provider gave no token', {
        hint: 'It must give a string, an object with a `token`, or undefined for no credentials.',
      });
    }
    if (refused.includes(token)) {
      throw new RealtimeError('unauthorized', 'the auth provider gave a token that the server has refused', {
        hint: 'When its reason is `refused`, it must fetch a new one, or have the user sign in again.',
      });
    }
    wasRefused = false;
    return { ...credentials, expiresAt: credentials.expiresAt ?? expiryOf(token) };
  }

  return {
    renewable: typeof source === 'function',
    credentials(reason) {
      if (source === undefined) return undefined;
      underWay ??= ask(wasRefused ? 'refused' : reason);
      return underWay.answer;
    },
    refuse(credentials) {
      wasRefused = true;
      if (credentials) refused.push(credentials.token);
      if (refused.length > mostRefused) refused.shift();
    },
    cancel() {
      underWay?.abort.abort(new RealtimeError('aborted', 'asking for credentials was given up'));
      // whoever asks next has a question of its own
      underWay = undefined;
    },
  };
}

/** The `exp` of a JWT, in milliseconds since the Unix epoch; `undefined` for any other token. Source: RFC 7519, section 4.1.4. */
export function expiryOf(token: string): number | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: unknown } | null;
    return typeof claims?.exp === 'number' ? claims.exp * 1000 : undefined;
  } catch {
    return undefined; // not a JWT, so it says nothing about its end
  }
}

function timedOut(timeoutMs: number): RealtimeError {
  return new RealtimeError('timeout', `the auth provider gave no answer within ${timeoutMs} ms`, {
    hint: 'Pass its signal on to fetch, so that the request ends too.',
  });
}
