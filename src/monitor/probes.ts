import { noteFor, type Probe } from './probe.ts';

/**
 * Makes one probe of several. Each is told of everything, in the order of the list, and what one throws the others do not
 * notice.
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
      for (const probe of probes) noteFor(probe, clock)?.(event);
    },
    attach(manager, context) {
      for (const probe of probes) probe.attach?.(manager, context);
    },
  };
}
