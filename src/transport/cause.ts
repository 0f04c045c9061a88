import { RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from '../errors.ts';
import type { DownCause } from './transport.ts';

/** Every way in which a link can end, except that we ended it ourselves. */
export type CauseKind = Exclude<DownCause['kind'], 'aborted'>;

/** The error code that belongs to each cause, unless something more exact is known. */
export const causeCodes: Readonly<Record<CauseKind, RealtimeErrorCode>> = {
  lost: 'connection-lost',
  refused: 'refused',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  dismissed: 'dismissed',
  unsupported: 'unsupported',
  protocol: 'protocol',
};

/** What a dialect's word for an end (`Dialect.closing`) means for the link; the other codes say nothing about it. */
export const causeKinds: Partial<Readonly<Record<RealtimeErrorCode, CauseKind>>> = {
  refused: 'refused',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  dismissed: 'dismissed',
  closed: 'dismissed',
  unsupported: 'unsupported',
  protocol: 'protocol',
  'too-large': 'protocol',
};

/** What to say where the user can act and nothing more exact is known. */
const hints: Partial<Readonly<Record<RealtimeErrorCode, string>>> = {
  unauthorized: 'Check that the auth provider gives a fresh token.',
  protocol: 'Check the address and the dialect.',
  'too-large': 'Send less at once, or raise the limit.',
};

/** What can be said of a cause when nothing more exact is known. */
export function hintOf(kind: CauseKind): string | undefined {
  return hints[causeCodes[kind]];
}

/** What is known of the end of a link besides its kind. */
export interface DownDetails extends RealtimeErrorDetails {
  /** @defaultValue the code that belongs to the kind */
  readonly code?: RealtimeErrorCode;
  /** Do not dial again before, in milliseconds from now. Only read for `lost` and `refused`, as is the next. */
  readonly retryAfterMs?: number;
  /** Dial again at a random moment within this many milliseconds after that. */
  readonly spreadMs?: number;
  /** Another link waits to take over: dial at once. Only read for `lost`. */
  readonly handover?: boolean;
}

/** A cause with its error. */
export function downCause(kind: CauseKind, message: string, details: DownDetails): Exclude<DownCause, { kind: 'aborted' }> {
  const { code = causeCodes[kind], retryAfterMs, spreadMs, handover } = details;
  return { kind, error: new RealtimeError(code, message, { hint: hints[code], ...details }), retryAfterMs, spreadMs, handover };
}
