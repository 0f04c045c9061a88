import { type Readable, writable } from '../events/readable.ts';
import type { Clock } from '../platform/clock.ts';

/** One thing that the connection did or learned, with the reason: the answer to "why are we on long-poll?". */
export interface Decision {
  /** When, in milliseconds since the Unix epoch. */
  readonly at: number;
  /**
   * What: a link was dialled, as the only one (`dial`), beside one that takes long (`hedge`), to replace the one in use
   * (`redial`), because a better transport may work by now (`promote`), or after the one in use was ended to make room
   * (`swap`); a link has carried something (`proved`) or ended (`ended`); a transport was set aside (`aside`); the next
   * attempt has a time (`wait`).
   */
  readonly what: 'dial' | 'hedge' | 'redial' | 'promote' | 'swap' | 'proved' | 'ended' | 'aside' | 'wait';
  /** The name of the transport that it is about. */
  readonly transport: string | undefined;
  /** Why, in words. */
  readonly reason: string;
}

/** Notes a {@link Decision}. */
export type Note = (what: Decision['what'], transport: string | undefined, reason: string) => void;

/** So many are kept. */
const mostDecisions = 100;

/**
 * Makes an empty history: the last decisions, oldest first, and the way to add one.
 *
 * @param report - hears of a subscriber that throws
 */
export function createHistory(
  clock: Clock,
  report: (error: unknown) => void,
): { readonly decisions: Readable<readonly Decision[]>; readonly note: Note } {
  const decisions = writable<readonly Decision[]>([], report);
  return {
    decisions,
    note(what, transport, reason) {
      const decision: Decision = { at: clock.wallNow(), what, transport, reason };
      decisions.set([...decisions.get().slice(1 - mostDecisions), decision]);
    },
  };
}
