import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createRealtime, RealtimeError } from 'keepwire';
import { telemetry } from 'keepwire/monitor';
import { fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test } from 'vitest';

/** What an application sets up of the real packages, with exporters that keep what they get. */
function openTelemetry() {
  const spans = new InMemorySpanExporter();
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  onTestFinished(async () => {
    await Promise.all([tracers.shutdown(), meters.shutdown()]);
  });
  return {
    probe: telemetry({ tracer: tracers.getTracer('chat'), meter: meters.getMeter('chat') }),
    spans: () => spans.getFinishedSpans(),
    /** The sum of each metric, or how many values it has. */
    async sums() {
      await meters.forceFlush();
      const all =
        metrics
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      return Object.fromEntries(
        all.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0),
        ]),
      );
    },
  };
}

test('the real OpenTelemetry takes the spans and metrics as they are, with the context across the wire', async () => {
  const clock = manualClock();
  const server = fakeServer();
  const { probe, spans, sums } = openTelemetry();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  room.on('message', () => {});
  realtime.start();
  await clock.advance(0);
  await room.publish('message', 'hello', { id: 'm-1' });
  await clock.advance(0);

  const [send, process] = [SpanKind.PRODUCER, SpanKind.CONSUMER].map((kind) => spans().find((span) => span.kind === kind));
  expect(send).toMatchObject({
    name: 'send room',
    ended: true,
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'messaging.system': 'keepwire',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'room',
      'messaging.message.id': 'm-1',
    },
  });
  expect(process).toMatchObject({ name: 'process room', ended: true, links: [{ context: { isRemote: true } }] });
  expect(process?.links[0]?.context).toMatchObject({
    traceId: send?.spanContext().traceId,
    spanId: send?.spanContext().spanId,
  });
  expect(await sums()).toMatchObject({
    'messaging.client.sent.messages': 1,
    'messaging.client.consumed.messages': 1,
    'messaging.client.operation.duration': 1,
    'messaging.process.duration': 1,
  });
});

test('a send that fails is a span with an error, and a link that ends is counted by its cause', async () => {
  const clock = manualClock();
  const server = fakeServer();
  const { probe, spans, sums } = openTelemetry();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe });
  const room = realtime.channel('room');
  realtime.start();
  await clock.advance(0);
  server.refuse('refused');
  server.drop();
  const failed = room.publish('message', 'never', { timeoutMs: 10 }).catch((error: unknown) => error);
  await clock.advance(10);
  expect(RealtimeError.is(await failed)).toBe(true);
  realtime.close();
  await clock.advance(0);

  expect(spans()).toMatchObject([{ kind: SpanKind.PRODUCER, status: { code: SpanStatusCode.ERROR } }]);
  expect(spans()[0]?.attributes['error.type']).toBe(((await failed) as RealtimeError).code);
  expect((await sums())['keepwire.links']).toBeGreaterThan(0);
});
