import type { LinkNote, LinkPlace } from '../connection/link-note.ts';
import type { OutboxLimits } from '../delivery/outbox-options.ts';
import type { RealtimeError } from '../errors.ts';
import type { RealtimeManager } from '../manager.ts';
import type { Clock } from '../platform/clock.ts';
import { reportUnheard } from '../platform/report.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { EventFrame, PublishFrame, ServerFrame } from '../protocol/frame.ts';

/** One thing that a {@link Probe} is told. Frames are those of the way itself, payloads included: keep what you need, not them. */
export type ProbeEvent =
  | LinkNote
  | (LinkPlace & {
      /** A batch arrived on a link. */
      readonly kind: 'received';
      /** In the order of their arrival, with their payloads. */
      readonly frames: readonly ServerFrame[];
    })
  | {
      /** An event had been here already, and was dropped. */
      readonly kind: 'duplicate';
      /** The event. */
      readonly frame: EventFrame;
    }
  | {
      /** The handlers of an event have run. */
      readonly kind: 'handled';
      /** The event. */
      readonly frame: EventFrame;
      /** How long all of them took, in milliseconds. */
      readonly durationMs: number;
    }
  | {
      /** A send was found good, and is about to be queued. */
      readonly kind: 'publishing';
      /** The send. */
      readonly frame: PublishFrame & {
        /** A probe may give the send its trace context now: the W3C `traceparent` (https://www.w3.org/TR/trace-context/). */
        traceparent?: string;
      };
    }
  | {
      /** A send was queued, or has left if it is volatile. */
      readonly kind: 'published';
      /** The send. */
      readonly frame: PublishFrame;
      /** The server's acceptance; rejected with what the caller is told. */
      readonly receipt: Promise<Receipt>;
    }
  | {
      /** What the `fault` event of the manager says too. */
      readonly kind: 'fault';
      /** What went wrong. */
      readonly error: RealtimeError;
    };

/** What a {@link Probe} is given of its manager beside the public surface. */
export interface ProbeContext {
  /** The clock of the manager. */
  readonly clock: Clock;
  /** Fires when the manager is closed: let go of everything then. */
  readonly ended: AbortSignal;
  /** How many sends, and how many characters of them, are kept at most. */
  readonly outbox: Pick<OutboxLimits, 'maxCount' | 'maxBytes'>;
}

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
  /** The manager is made. What this throws, `createRealtime` throws. */
  attach?(manager: RealtimeManager, context: ProbeContext): void;
}

/** Tells a probe, so that what it throws stays its own; `undefined` where there is none. */
export function noteFor(probe: Probe | undefined, clock: Clock): ((event: ProbeEvent) => void) | undefined {
  return (
    probe &&
    ((event) => {
      try {
        probe.note(event, clock);
      } catch (error) {
        reportUnheard(error);
      }
    })
  );
}
