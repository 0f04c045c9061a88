import { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { aFlag, checkOptions, madeBy, type OptionRules } from '../platform/rules.ts';
import type { EventFrame, PublishFrame } from '../protocol/frame.ts';
import type { Probe, ProbeEvent } from './probe.ts';

/** The ids of a span, as OpenTelemetry names them. */
export interface SpanContextLike {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** 1 when the trace is recorded. */
  readonly traceFlags: number;
  /** The context came from another process. */
  readonly isRemote?: boolean;
}

/** The part of an OpenTelemetry span that is used. */
export interface SpanLike {
  /** Its ids. */
  spanContext(): SpanContextLike;
  /** Adds what is known later. */
  setAttribute(name: string, value: string | number): unknown;
  /** Says how it went: 1 is good, 2 is an error. */
  setStatus(status: { code: number; message?: string }): unknown;
  /** Ends it, at a time in milliseconds since the Unix epoch. */
  end(endTime?: number): void;
}

/** A tie to a span that is not above. */
export interface SpanLinkLike {
  /** The ids of that span. */
  readonly context: SpanContextLike;
}

/** How a span begins. */
export interface SpanOptionsLike {
  /** 3 is a producer, 4 a consumer. */
  readonly kind?: number;
  /** In milliseconds since the Unix epoch. */
  readonly startTime?: number;
  /** What it is about. */
  readonly attributes?: Record<string, string | number>;
  /** Spans that belong to it and are not above it. */
  readonly links?: SpanLinkLike[];
}

/** The part of an OpenTelemetry tracer that is used; `trace.getTracer('…')` fits. */
export interface TracerLike {
  /** Begins a span, below the one that is active. */
  startSpan(name: string, options?: SpanOptionsLike): SpanLike;
}

/** A counter or a histogram of OpenTelemetry. */
export interface InstrumentLike {
  /** Of a counter. */
  add?(value: number, attributes?: Record<string, string | number>): void;
  /** Of a histogram. */
  record?(value: number, attributes?: Record<string, string | number>): void;
}

/** The part of an OpenTelemetry meter that is used; `metrics.getMeter('…')` fits. */
export interface MeterLike {
  /** Makes a counter. */
  createCounter(name: string, options?: { description?: string; unit?: string }): InstrumentLike;
  /** Makes a histogram. */
  createHistogram(name: string, options?: { description?: string; unit?: string }): InstrumentLike;
}

/** The options of {@link telemetry}. */
export interface TelemetryOptions {
  /** Makes the spans. Without it there are none, and no trace context travels. */
  readonly tracer?: TracerLike;
  /** Makes the metrics. Without it there are none. */
  readonly meter?: MeterLike;
  /** A span for each event that was handled, linked to that of its sender. @defaultValue `true` */
  readonly receiving?: boolean;
}

const rules: OptionRules<TelemetryOptions> = {
  tracer: ['a tracer of OpenTelemetry', madeBy('', 'startSpan')[1]],
  meter: ['a meter of OpenTelemetry', madeBy('', 'createHistogram')[1]],
  receiving: aFlag,
};

const producer = 3;
const consumer = 4;
const failedStatus = 2;

/**
 * A {@link Probe} that speaks to OpenTelemetry, without depending on it: a producer span for each send, whose trace context
 * travels with it as `traceparent`; a consumer span for each handled event, linked to the sender's; and the metrics of the
 * semantic conventions for messaging (https://opentelemetry.io/docs/specs/semconv/messaging/). Attributes are names and ids,
 * no payloads.
 *
 * @example
 * ```ts
 * const probe = telemetry({ tracer: trace.getTracer('chat'), meter: metrics.getMeter('chat') });
 * const realtime = createRealtime({ transports, probe });
 * ```
 */
export function telemetry(options: TelemetryOptions): Probe {
  checkOptions('telemetry', options, rules);
  const { tracer, meter, receiving = true } = options;
  /** Goes with the send: there is nothing to clean up. */
  const spans = new WeakMap<PublishFrame, SpanLike>();
  const sent = meter?.createCounter('messaging.client.sent.messages', { unit: '{message}' });
  const consumed = meter?.createCounter('messaging.client.consumed.messages', { unit: '{message}' });
  const operation = meter?.createHistogram('messaging.client.operation.duration', { unit: 's' });
  const processing = meter?.createHistogram('messaging.process.duration', { unit: 's' });
  const links = meter?.createCounter('keepwire.links', { description: 'links that ended, by cause' });

  /** Begins the span of a send, and gives the send its context. */
  function publishing(tracer: TracerLike, frame: PublishFrame & { traceparent?: string }): void {
    const { id } = frame;
    const attributes = { ...attributesOf('send', frame), 'messaging.message.id': id };
    const span = tracer.startSpan(`send ${frame.channel}`, { kind: producer, attributes });
    frame.traceparent = writeTraceparent(span.spanContext());
    spans.set(frame, span);
  }

  function published({ frame, receipt }: Extract<ProbeEvent, { kind: 'published' }>, clock: Clock): void {
    const startMs = clock.now();
    const settle = (error?: unknown): void => {
      const type = error && (RealtimeError.is(error) ? error.code : '_OTHER');
      const attributes = { ...attributesOf('send', frame), ...(typeof type === 'string' && { 'error.type': type }) };
      sent?.add?.(1, attributes);
      operation?.record?.((clock.now() - startMs) / 1000, attributes);
      const span = spans.get(frame);
      if (typeof type === 'string') {
        span?.setAttribute('error.type', type);
        span?.setStatus({ code: failedStatus, message: type });
      }
      span?.end();
    };
    receipt.then(() => settle(), settle);
  }

  function handled(frame: EventFrame, durationMs: number, clock: Clock): void {
    const attributes = attributesOf('process', frame);
    consumed?.add?.(1, attributes);
    processing?.record?.(durationMs / 1000, attributes);
    if (!tracer || !receiving) return;
    const endTime = clock.wallNow();
    const context = parseTraceparent(frame.traceparent);
    const span = tracer.startSpan(`process ${frame.channel}`, {
      kind: consumer,
      startTime: endTime - durationMs,
      attributes: { ...attributes, ...(frame.id !== undefined && { 'messaging.message.id': frame.id }) },
      links: context ? [{ context }] : [],
    });
    span.end(endTime);
  }

  return {
    note(event, clock) {
      switch (event.kind) {
        case 'publishing':
          return tracer && publishing(tracer, event.frame);
        case 'published':
          return published(event, clock);
        case 'handled':
          return handled(event.frame, event.durationMs, clock);
        case 'down':
          return links?.add?.(1, { transport: event.transport, cause: event.cause.kind });
        default:
      }
    },
  };
}

function attributesOf(
  operation: 'send' | 'process',
  { channel, event }: Pick<PublishFrame, 'channel' | 'event'>,
): Record<string, string> {
  return {
    'messaging.system': 'keepwire',
    'messaging.operation.type': operation,
    'messaging.operation.name': event,
    'messaging.destination.name': channel,
  };
}

/** Version 00 of https://www.w3.org/TR/trace-context/#traceparent-header */
function writeTraceparent({ traceId, spanId, traceFlags }: SpanContextLike): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** What another client wrote is not to be trusted: anything but a whole and valid context is none. */
function parseTraceparent(text: string | undefined): SpanContextLike | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?=$|-)/.exec(text ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && text?.length !== 55)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
