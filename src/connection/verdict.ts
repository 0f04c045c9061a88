import { RealtimeError } from '../errors.ts';
import type { DownCause, DownWithAdvice } from '../transport/transport.ts';
import { createEvidence } from './evidence.ts';
import { nextDelayMs, type RetryPolicy } from './retry.ts';
import type { Routes } from './routes.ts';
import type { Session, SessionParts } from './session.ts';
import type { Next } from './state.ts';

/** Judges ends of links: what comes after one, and how much time is left before it. */
export interface Verdict {
  /**
   * What comes after the end of a link: when to dial again, or that it is over.
   *
   * @param attempt - the number of failed attempts, with this one
   */
  after(session: Session, cause: DownCause, attempt: number): Next;
  /** How long to wait before a link is replaced that wishes it; `false` for not at all. */
  beforeReplacing(session: Session): number | false;
  isSettled(session: Session): boolean;
  /** A link has carried something. */
  proved(): void;
  /** The application wants a connection: what was counted before counts no more. */
  fresh(): void;
  /** The network has changed, or the page or the device is back. */
  changed(): void;
}

/** What a verdict is made of. */
export interface VerdictParts extends Pick<SessionParts, 'platform' | 'auth'> {
  readonly routes: Routes;
  readonly retry: RetryPolicy;
  /** How long a link must stay up until earlier failures stop counting, in milliseconds. */
  readonly settleAfterMs: number;
  fault(error: RealtimeError): void;
}

/** The wait where the retry policy says nothing that can be used: 30 seconds. */
const brokenPolicyMs = 30_000;
/** After so many ends in a row by a message that is too large, the connection fails with that error. */
const mostTooLarge = 3;

/** After so many links in a row that did not settle, another transport has its turn. */
const mostShort = 3;

/** Makes one for a connection. */
export function createVerdict({ platform, auth, routes, retry, settleAfterMs, fault }: VerdictParts): Verdict {
  const { clock, random } = platform;
  /** Tokens refused in a row, with nothing proven in between. */
  let refusals = 0;
  /** Links in a row that were to be replaced before they had settled. */
  let hastyReplacements = 0;
  /** Links in a row that ended because of a message that was too large, before they had settled. */
  let tooLarge = 0;
  /** When the last settled link ended. */
  let awaySinceMs = 0;
  /** Tells what ended a link here from what ended it there. */
  const evidence = createEvidence(clock);

  function uptimeMsOf({ upMs }: Session): number {
    return upMs === undefined ? 0 : clock.now() - upMs;
  }

  function isSettled(session: Session): boolean {
    return uptimeMsOf(session) >= settleAfterMs;
  }

  /** A policy that throws, or answers what cannot be waited for, must neither stop the connection nor make it dial in a loop. */
  function ask(session: Session, attempt: number, cause: DownCause): number | false {
    const uptimeMs = uptimeMsOf(session);
    const isLocal = evidence.isLocal(cause, session.live && uptimeMs, isSettled(session), session.advice?.spreadMs);
    try {
      const asked = retry({ attempt, cause, uptimeMs, awayMs: clock.now() - awaySinceMs, isLocal, random });
      return asked === false || Number.isFinite(asked) ? asked : brokenPolicyMs;
    } catch (error) {
      fault(new RealtimeError('handler-failed', 'the retry policy threw', { cause: error }));
      return brokenPolicyMs;
    }
  }

  return {
    isSettled,
    proved() {
      refusals = 0;
    },
    fresh() {
      refusals = 0;
      tooLarge = 0;
    },
    changed: evidence.changed,
    beforeReplacing(session) {
      if (isSettled(session)) hastyReplacements = 0;
      const attempt = hastyReplacements++;
      // a server that wants every new link replaced must not be dialled in a loop
      return attempt === 0 ? 0 : ask(session, attempt, { kind: 'aborted' });
    },
    after(session, cause, attempt) {
      const { isProven, dialledMs, route, credentials, advice } = session;
      if (attempt === 1) awaySinceMs = clock.now();
      const isFinal = cause.kind === 'unauthorized' || cause.kind === 'forbidden' || cause.kind === 'dismissed';
      // what the server or the auth provider says of us is no fault of the transport
      if (dialledMs !== undefined && !isProven && !isFinal) routes.failed(route);
      // a proxy that cuts each link after a few seconds lets the greeting through, and nothing else is the matter; of a poll it
      // may as well refuse the next request
      const isCut = cause.kind === 'lost' || cause.kind === 'refused';
      if (isProven && isCut && !isSettled(session) && attempt >= mostShort) routes.failed(route, true);
      if (cause.kind === 'unauthorized') {
        if (auth.refuse(credentials)) refusals += 1;
        // one new token is worth a try; a second refusal is an answer
        if (auth.renewable && refusals < 2 && credentials) {
          // a server that lets every token in and then turns it away must not be dialled in a loop
          const isHasty = isProven && attempt > 1 && !isSettled(session);
          const delayMs = isHasty ? ask(session, attempt, cause) : 0;
          return delayMs === false ? { kind: 'end', error: cause.error } : { kind: 'retry', delayMs };
        }
      }
      if (isFinal) return { kind: 'end', error: cause.error };
      // the same message would end every link that replays it
      if (isSettled(session) || cause.kind === 'aborted' || cause.error.code !== 'too-large') tooLarge = 0;
      else if (++tooLarge > mostTooLarge) return { kind: 'end', error: cause.error };
      const isHandover = cause.kind === 'lost' && cause.handover;
      const asked = isHandover || routes.hasFresherThan(route) ? 0 : ask(session, attempt, cause);
      if (asked === false) return { kind: 'end', error: gaveUp(attempt, cause) };
      // a header or a `retry:` names a time; how wide the window is may have been said on the link before
      const { retryAfterMs = advice?.retryAfterMs, spreadMs = advice?.spreadMs } = cause as Partial<DownWithAdvice<string>>;
      return { kind: 'retry', delayMs: nextDelayMs(attempt, asked, { retryAfterMs, spreadMs }, random) };
    },
  };
}

function gaveUp(attempt: number, cause: DownCause): RealtimeError {
  return new RealtimeError('refused', `the retry policy gave up after ${attempt - 1} retries`, {
    cause: cause.kind === 'aborted' ? undefined : cause.error,
    hint: 'Call start() to try again.',
  });
}
