import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import { claimsOf } from '../protocol/jwt.ts';
import { cleanError } from '../transport/secret.ts';
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

/** Another user than before: the subject of the credentials differs. */
export interface IdentityChange {
  /** Who it was. */
  readonly from: string;
  /** Who it is; `undefined` when there are no credentials any more. */
  readonly to: string | undefined;
}

/** So many refused tokens are remembered. */
const mostRefused = 8;
/** A token that ends within this time is not worth an attempt: 1 second. */
const shortestLifeMs = 1_000;

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
  /**
   * The server refused this token: it is never sent again.
   *
   * @returns whether that is news: links at the same time may have the same token
   */
  refuse(credentials: Credentials | undefined): boolean;
  /** Can there be another token after a refused one? */
  readonly renewable: boolean;
  /** Gives up the question that is under way. */
  cancel(): void;
  /** Whoever the next credentials are for is not another user than before. */
  forget(): void;
}

/**
 * @param source - the application's provider, or a fixed token
 * @param timeoutMs - how long the provider may take
 * @param changed - called with credentials of another user, before anybody gets them; a question that is asked during the call
 * has them as its answer
 */
export function createAuth(
  source: AuthProvider | Answer,
  clock: Clock,
  timeoutMs: number,
  changed: (change: IdentityChange) => void = () => {},
): Auth {
  /** The tokens that the server refused of late; the newest is the last. */
  const refused: string[] = [];
  /** The last question was answered by a refusal. */
  let wasRefused = false;
  let underWay: { readonly answer: Promise<Credentials | undefined>; readonly abort: AbortController } | undefined;
  /** What the provider gave last: it may quote it when it fails. */
  let lastToken: string | undefined;
  /** Whose the last credentials were. */
  let subject: string | undefined;
  /** What the question of now is answered with, while a change of user is told. */
  let prepared: Promise<Credentials | undefined> | undefined;
  const provider: AuthProvider = typeof source === 'function' ? source : () => source;

  function ask(reason: AuthReason): NonNullable<typeof underWay> {
    const abort = new AbortController();
    const { signal } = abort;
    const cancelDeadline = clock.schedule(() => abort.abort(timedOut(timeoutMs)), timeoutMs);
    const givenUp = new Promise<never>((_, reject) => onAbort(signal, () => reject(signal.reason)));
    const call = (why: AuthReason): Promise<Credentials | undefined> =>
      // called inside a promise, so that a provider that throws at once is no different
      Promise.race([Promise.resolve({ reason: why, signal }).then(provider), givenUp]).then(check);
    const answer = call(reason)
      // a provider with a memory may not have looked at the end; a second old token is for the server to judge, whose clock counts
      .then((credentials) => (isSpent(credentials) && reason.endsWith('connect') ? call('expiring') : credentials))
      .then(identify)
      .catch((cause: unknown) => {
        const hint = 'It is asked again with the next attempt.';
        throw cleanError(RealtimeError.from(cause, 'refused', 'the auth provider failed', { hint }), lastToken);
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
    lastToken = token;
    const { exp, sub } = claimsOf(token);
    return { ...credentials, expiresAt: credentials.expiresAt ?? exp, subject: credentials.subject ?? sub };
  }

  function isSpent(credentials: Credentials | undefined): boolean {
    const { expiresAt = Number.POSITIVE_INFINITY } = credentials ?? {};
    return typeof source === 'function' && expiresAt - clock.wallNow() < shortestLifeMs;
  }

  function identify(credentials: Credentials | undefined): Credentials | undefined {
    const from = subject;
    // a token that does not say whose it is, is believed to be of the same user
    subject = credentials && (credentials.subject ?? from);
    if (from !== undefined && subject !== from) {
      prepared = Promise.resolve(credentials);
      changed({ from, to: subject });
      prepared = undefined;
    }
    return credentials;
  }

  return {
    renewable: typeof source === 'function',
    credentials(reason) {
      if (source === undefined || prepared !== undefined) return prepared;
      underWay ??= ask(wasRefused ? 'refused' : reason);
      return underWay.answer;
    },
    refuse(credentials) {
      wasRefused = true;
      if (!credentials || refused.includes(credentials.token)) return false;
      if (refused.push(credentials.token) > mostRefused) refused.shift();
      return true;
    },
    cancel() {
      underWay?.abort.abort(new RealtimeError('aborted', 'asking for credentials was given up'));
      // whoever asks next has a question of its own
      underWay = undefined;
    },
    forget() {
      subject = undefined;
    },
  };
}

function timedOut(timeoutMs: number): RealtimeError {
  return new RealtimeError('timeout', `the auth provider gave no answer within ${timeoutMs} ms`, {
    hint: 'Pass its signal on to fetch, so that the request ends too.',
  });
}
