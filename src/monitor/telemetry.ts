import { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
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

const producer = 3;
const consumer = 4;
const failedStatus = 2;
/** Spans of sends that nobody has answered; more are ended without an answer. */
const mostOpenSpans = 1_000;

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
export function telemetry({ tracer, meter, receiving = true }: TelemetryOptions): Probe {
  const spans = new Map<string, SpanLike>();
  const sent = meter?.createCounter('messaging.client.sent.messages', { unit: '{message}' });
  const consumed = meter?.createCounter('messaging.client.consumed.messages', { unit: '{message}' });
  const operation = meter?.createHistogram('messaging.client.operation.duration', { unit: 's' });
  const processing = meter?.createHistogram('messaging.process.duration', { unit: 's' });
  const links = meter?.createCounter('keepwire.links', { description: 'links that ended, by cause' });

  function endSpan(id: string, finish: (span: SpanLike) => void): void {
    const span = spans.get(id);
    if (!span) return;
    spans.delete(id);
    finish(span);
    span.end();
  }

  function settled(event: Extract<ProbeEvent, { kind: 'accepted' | 'failed' }>): void {
    const { frame, durationMs } = event;
    const outcome: Record<string, string> = event.kind === 'failed' ? { 'error.type': codeOf(event.error) } : {};
    const attributes = { ...attributesOf('send', frame), ...outcome };
    sent?.add?.(1, attributes);
    operation?.record?.(durationMs / 1000, attributes);
    endSpan(frame.id, (span) => {
      if (event.kind === 'accepted') return;
      const code = codeOf(event.error);
      span.setAttribute('error.type', code);
      span.setStatus({ code: failedStatus, message: code });
    });
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
      if (event.kind === 'accepted' || event.kind === 'failed') settled(event);
      else if (event.kind === 'handled') handled(event.frame, event.durationMs, clock);
      else if (event.kind === 'down') links?.add?.(1, { transport: event.transport, cause: event.cause.kind });
    },
    traceparent({ id, channel, event }) {
      if (!tracer) return undefined;
      const span = tracer.startSpan(`send ${channel}`, {
        kind: producer,
        attributes: { ...attributesOf('send', { channel, event }), 'messaging.message.id': id },
      });
      for (const [oldest] of spans) {
        if (spans.size < mostOpenSpans) break;
        endSpan(oldest, () => {});
      }
      spans.set(id, span);
      return writeTraceparent(span.spanContext());
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

function codeOf(error: unknown): string {
  return RealtimeError.is(error) ? error.code : '_OTHER';
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
