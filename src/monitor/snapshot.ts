import type { Decision } from '../connection/history.ts';
import type { ConnectionStatus } from '../connection/status.ts';
import type { RealtimeErrorCode } from '../errors.ts';
import type { DownCause } from '../transport/transport.ts';
import type { ByteCount } from './bytes.ts';
import type { ClockOffset } from './clock-offset.ts';
import type { Distribution } from './histogram.ts';
import type { Metrics } from './metrics.ts';
import type { TimelineEntry } from './timeline.ts';

/** Attempts and links of one transport. */
export interface TransportNumbers {
  /** Links that were asked for. */
  readonly attempts: number;
  /** Of these: came up. */
  readonly opened: number;
  /** Of these: ended before they were up, for a reason that is not ours. */
  readonly failed: number;
  /** Links that are up now. */
  readonly active: number;
}

/** Attempts and links of all transports. */
export interface ConnectionNumbers extends TransportNumbers {
  /** Opened, as a part of all attempts that are decided; `undefined` while there is none. An attempt that we gave up ourselves does not count. */
  readonly successRate: number | undefined;
  /** Times that the connection was lost and came back. */
  readonly reconnects: number;
  /** How links that were up, or were to come up, have ended. */
  readonly ends: Readonly<Partial<Record<DownCause['kind'], number>>>;
  /** The same for each transport, by name. */
  readonly transports: Readonly<Record<string, TransportNumbers>>;
}

/** What was seen of one channel. */
export interface ChannelNumbers {
  /** Its name. */
  readonly name: string;
  /** The server's last word on the join. */
  readonly status: 'joined' | 'denied' | 'left';
  /** The highest number that was seen; `undefined` where the server does not number. */
  readonly offset: number | undefined;
  /** Events that arrived, repeats included. */
  readonly events: number;
  /** Events that were here already. */
  readonly duplicates: number;
  /** Holes that could not be replayed. */
  readonly gaps: number;
  /** The keys of its members, where the server tells; at most 50. These are user ids. */
  readonly members: readonly string[];
}

/** A memory that has a bound, and how much of it is used. */
export interface MemoryBound {
  /** What is kept there. */
  readonly name: string;
  /** How many are in it now. */
  readonly used: number;
  /** How many there can be. */
  readonly limit: number;
}

/** All that a monitor knows, as one immutable value. Payloads and tokens are in no part of it. */
export interface MonitorSnapshot {
  /** The connection; `undefined` until the manager is made. */
  readonly status: ConnectionStatus | undefined;
  /** What the manager has counted: delivered, duplicates, gaps and so on. */
  readonly counts: Readonly<Metrics> | undefined;
  /** Attempts and links. */
  readonly connections: ConnectionNumbers;
  /** From the beginning of an attempt until its link was up, with the time that the token took, in milliseconds. */
  readonly connectMs: Distribution;
  /** From the loss of the connection until there was one again, in milliseconds; only where it was lost, not ended on purpose. */
  readonly reconnectMs: Distribution;
  /** Round trips of pings, in milliseconds. Empty for transports that have none. */
  readonly roundTripMs: Distribution;
  /**
   * From the acceptance of an event by the server until it arrived, in milliseconds, by the server's `at` and corrected by
   * {@link MonitorSnapshot.clock}. Replays are not in it. Empty where the server does not date its events.
   */
  readonly deliveryMs: Distribution;
  /** How long the handlers of an event took, in milliseconds. */
  readonly handlingMs: Distribution;
  /** From `publish` until the server had accepted, in milliseconds. */
  readonly acceptMs: Distribution;
  /** How far the server's clock is from ours; `undefined` until something dated has arrived. */
  readonly clock: ClockOffset | undefined;
  /** Sends that wait for their acceptance, in the outbox or on their way. */
  readonly sendsWaiting: number;
  /** Errors by code: of links, of sends and faults. */
  readonly errors: Readonly<Partial<Record<RealtimeErrorCode, number>>>;
  /** Bounded memories of the manager and of the monitor itself. */
  readonly memory: readonly MemoryBound[];
  /** Characters and bytes of messages; `undefined` unless the monitor was given a {@link byteMeter}. */
  readonly bytes: ByteCount | undefined;
  /** Why which transport was chosen, oldest first. */
  readonly decisions: readonly Decision[];
  /** The channels that were seen, the one that was heard of last at the end; at most 200. */
  readonly channels: readonly ChannelNumbers[];
  /** What happened last, oldest first. */
  readonly timeline: readonly TimelineEntry[];
}
