/** What a manager has counted since it was made. */
export interface Metrics {
  /** Events that arrived, duplicates included; messages that could not be read are counted as garbled. */
  received: number;
  /** Events that were handed to handlers. */
  delivered: number;
  /** Events that had been here already. */
  duplicates: number;
  /** Events that a schema refused, or whose name is not in the event map. */
  invalid: number;
  /** Messages that could not be read at all. */
  garbled: number;
  /** Events of channels that nobody has opened. */
  unwanted: number;
  /** Holes that could not be replayed. */
  gaps: number;
  /** Replays that were asked for because something was missing. */
  heals: number;
  /** Sends that were accepted. */
  accepted: number;
  /** Sends that failed after their payload was found good. */
  failed: number;
  /** Links that came up. */
  links: number;
}

/** A set of counters at zero. */
export function createMetrics(): Metrics {
  return {
    received: 0,
    delivered: 0,
    duplicates: 0,
    invalid: 0,
    garbled: 0,
    unwanted: 0,
    gaps: 0,
    heals: 0,
    accepted: 0,
    failed: 0,
    links: 0,
  };
}
