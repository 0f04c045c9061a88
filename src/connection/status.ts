import type { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { ConnectionFacts } from './connection.ts';
import type { ConnectionState } from './state.ts';

/** The connection in one word, as other clients name it. */
export type Status =
  /** Never started. */
  | 'idle'
  /** On the way to the first link. */
  | 'connecting'
  /** A link carries traffic. */
  | 'connected'
  /** There was a link, and the next one is on its way or has its time. */
  | 'reconnecting'
  /** On purpose: stopped, closed, or held back by a named reason. */
  | 'disconnected'
  /** For good: the server refuses, or the retry policy gave up. `start()` tries again. */
  | 'failed';

/** All that can be said of a connection, as one immutable value. */
export interface ConnectionStatus {
  /** The connection in one word. */
  readonly status: Status;
  /** The transport of the link of now, up or on its way, by name. */
  readonly transport: string | undefined;
  /** The wish: `auto`, or a transport by name. */
  readonly mode: string;
  /**
   * Does anything get through to the server? `unknown` while that is being found out. Where only some transports get
   * through it is `up`, and the others are in {@link ConnectionStatus.blocked}.
   */
  readonly network: 'up' | 'down' | 'unknown';
  /** The transports that failed while another one worked, by name. They are tried again in the background. */
  readonly blocked: readonly string[];
  /** When {@link ConnectionStatus.status} became what it is, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** Failed attempts since the connection last settled. */
  readonly attempt: number;
  /** When the next attempt is due, in milliseconds since the Unix epoch. */
  readonly nextRetryAt: number | undefined;
  /** Why the last link ended; stays until the next one is up. */
  readonly reason: RealtimeError | undefined;
  /** The last round trip, in milliseconds, where the transport can measure it. */
  readonly latencyMs: number | undefined;
  /** When something last arrived, in milliseconds since the Unix epoch; as of the last change of this value. */
  readonly lastReceivedAt: number | undefined;
  /** Has there ever been a link? */
  readonly everConnected: boolean;
  /** The named reasons to stay disconnected. */
  readonly holds: readonly string[];
}

/** The status that follows from a state and its facts; `before` is the one until now, and stays where nothing differs. */
export function nextStatus(
  before: ConnectionStatus | undefined,
  state: ConnectionState,
  facts: ConnectionFacts,
  mode: string,
  clock: Clock,
): ConnectionStatus {
  const status = wordFor(state, facts.wasEverUp);
  /** Turns a monotonic time into a wall-clock one. */
  const wall = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : ms - clock.now() + clock.wallNow();
  const after: ConnectionStatus = {
    status,
    transport: facts.transport?.name,
    mode,
    network: facts.network,
    blocked: facts.blocked,
    since: status === before?.status ? before.since : clock.wallNow(),
    attempt: state.attempt,
    nextRetryAt: wall(facts.nextRetryMs),
    reason: state.phase === 'open' ? undefined : state.phase === 'ended' ? state.error : facts.reason,
    latencyMs: facts.latencyMs,
    lastReceivedAt: wall(facts.lastReceivedMs) ?? before?.lastReceivedAt,
    everConnected: facts.wasEverUp,
    holds: state.holds,
  };
  const names = Object.keys(after) as (keyof ConnectionStatus)[];
  return before && names.every((name) => Object.is(before[name], after[name])) ? before : after;
}

function wordFor(state: ConnectionState, wasEverUp: boolean): Status {
  switch (state.phase) {
    case 'idle':
      return state.serial === 0 ? 'idle' : 'disconnected';
    case 'connecting':
    case 'waiting':
      return wasEverUp ? 'reconnecting' : 'connecting';
    case 'open':
      return 'connected';
    case 'held':
      return 'disconnected';
    case 'ended':
      return state.error ? 'failed' : 'disconnected';
  }
}
