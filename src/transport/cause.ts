import type { RealtimeErrorCode } from '../errors.ts';
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
