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
