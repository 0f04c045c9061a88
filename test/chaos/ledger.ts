import type { Gap } from '../../src/index.ts';
import type { Place } from './truth.ts';

/** One send, and how it ended. */
export interface SendRecord {
  readonly id: string;
  readonly client: number;
  readonly user: string;
  readonly channel: string;
  /** In the order of the calls, over the whole run. */
  readonly n: number;
  readonly isVolatile: boolean;
  /** The server may put it off; what has left after it by then overtakes it. */
  readonly mayBePutOff: boolean;
  outcome: SendOutcome;
}

export type SendOutcome =
  | { readonly kind: 'open' }
  | { readonly kind: 'accepted'; readonly epoch: string | undefined; readonly offset: number | undefined }
  | { readonly kind: 'failed'; readonly code: string };

/** What one handle on a channel was given, in its order. */
export type Entry =
  | {
      readonly kind: 'event';
      readonly id: string | undefined;
      readonly offset: number | undefined;
      readonly from: string | undefined;
      readonly data: unknown;
    }
  | { readonly kind: 'gap'; readonly gap: Gap };

/** One handle on a channel, from its opening to its leaving. */
export interface Timeline {
  readonly client: number;
  readonly channel: string;
  readonly entries: Entry[];
  /** Where the log stood when the client first said that it had joined. */
  confirmed: Place | undefined;
  isLeft: boolean;
  /** Events that came after it was left. */
  late: number;
}

/** Everything that is to be judged, beside the truth. */
export interface Ledger {
  readonly sends: readonly SendRecord[];
  readonly timelines: readonly Timeline[];
}

/** What is wrong. */
export type ViolationKind =
  | 'lost'
  | 'duplicated'
  | 'reordered'
  | 'phantom'
  | 'false-gap'
  | 'effect'
  | 'send-order'
  | 'late'
  | 'not-recovered'
  | 'leak'
  | 'failed';

export interface Violation {
  readonly kind: ViolationKind;
  readonly what: string;
}
