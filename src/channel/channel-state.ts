import type { Gap } from '../delivery/order.ts';
import type { RealtimeError } from '../errors.ts';

/** How a channel stands with the server. */
export interface ChannelState {
  /**
   * `joining` until the server has let us in (also while there is no connection), `joined`, `denied` when it will not let
   * us in, `left` when it or we ended it.
   */
  readonly status: 'joining' | 'joined' | 'denied' | 'left';
  /**
   * How sure it is that nothing is missing since the last join, but for the gaps that were told of: `verified` by numbers,
   * only the server's claim, or unknown. A claim becomes `verified` when the first numbered message has come.
   */
  readonly continuity: 'verified' | 'server-claimed' | 'unknown';
  /**
   * `running` while a hole is being filled and what comes live waits, `failed` when the last one could not be filled; see
   * {@link ChannelState.gap}.
   */
  readonly backfill: 'idle' | 'running' | 'failed';
  /** The last hole that was not filled. */
  readonly gap: Gap | undefined;
  /** Why the channel was denied or left by the server. */
  readonly error: RealtimeError | undefined;
}
