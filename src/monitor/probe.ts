import type { LinkNote } from '../connection/link-note.ts';
import type { RealtimeError } from '../errors.ts';
import type { RealtimeManager } from '../manager.ts';
import type { Clock } from '../platform/clock.ts';
import { reportUnheard } from '../platform/report.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { EventFrame, PublishFrame, ServerFrame } from '../protocol/frame.ts';

/** One thing that a {@link Probe} is told. Frames are those of the way itself, payloads included: keep what you need, not them. */
export type ProbeEvent =
  | LinkNote
  /** A batch arrived on a link. */
  | {
      readonly kind: 'received';
      readonly link: number;
      readonly transport: string;
      readonly frames: readonly ServerFrame[];
    }
  /** An event had been here already, and was dropped. */
  | { readonly kind: 'duplicate'; readonly frame: EventFrame }
  /** The handlers of an event have run. */
  | { readonly kind: 'handled'; readonly frame: EventFrame; readonly durationMs: number }
  /** A send was found good and waits to leave. */
  | { readonly kind: 'publishing'; readonly frame: PublishFrame }
  /** A send was accepted, `durationMs` after it was found good. */
  | { readonly kind: 'accepted'; readonly frame: PublishFrame; readonly receipt: Receipt; readonly durationMs: number }
  /** A send has failed. */
  | { readonly kind: 'failed'; readonly frame: PublishFrame; readonly error: unknown; readonly durationMs: number }
  /** What the `fault` event of the manager says too. */
  | { readonly kind: 'fault'; readonly error: RealtimeError };

/**
 * Watches a manager from the inside: the monitor, the logger and the tracing of `keepwire/monitor` are probes, and so may be
 * your own. Given as the option `probe`; without one nothing of it costs anything. What a probe throws goes to the
 * console and disturbs nothing.
 *
 * @example
 * ```ts
 * const probe: Probe = { note: (event) => event.kind === 'down' && console.log(event.transport, event.cause.kind) };
 * const realtime = createRealtime({ transports, probe });
 * ```
 */
export interface Probe {
  /**
   * Something has happened. Called at once and often: once for each batch and each handled event.
   *
   * @param clock - the clock of the manager
   */
  note(event: ProbeEvent, clock: Clock): void;
  /**
   * The manager is made.
   *
   * @param ended - fires when it is closed
   */
  attach?(manager: RealtimeManager, ended: AbortSignal): void;
  /**
   * The W3C `traceparent` that travels with a send (https://www.w3.org/TR/trace-context/). A probe that gives none leaves
   * the send as it is.
   */
  traceparent?(send: Pick<PublishFrame, 'id' | 'channel' | 'event'>): string | undefined;
}

/** Tells a probe, so that what it throws stays its own; `undefined` where there is none. */
export function noteFor(probe: Probe | undefined, clock: Clock): ((event: ProbeEvent) => void) | undefined {
  return probe && ((event) => guarded(() => probe.note(event, clock)));
}

/** What a probe throws must not reach the way of a message. */
export function guarded<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    reportUnheard(error);
    return undefined;
  }
}
