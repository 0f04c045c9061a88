import { guarded, type Probe } from './probe.ts';

/**
 * Makes one probe of several. Each is told of everything, in the order of the list, and what one throws the others do not
 * notice. The first that has a trace context for a send gives it; the others are asked no more.
 *
 * @example
 * ```ts
 * const probe = combineProbes(watch, logger({ level: 'info' }), telemetry({ tracer }));
 * const realtime = createRealtime({ transports, probe });
 * ```
 */
export function combineProbes(...probes: readonly Probe[]): Probe {
  return {
    note(event, clock) {
      for (const probe of probes) guarded(() => probe.note(event, clock));
    },
    attach(manager, context) {
      for (const probe of probes) probe.attach?.(manager, context);
    },
    traceparent(send) {
      for (const probe of probes) {
        const found = guarded(() => probe.traceparent?.(send));
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
