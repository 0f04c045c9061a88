import { createRealtime } from 'keepwire';
import { combineProbes, monitor, type SpanContextLike, type SpanOptionsLike, type TracerLike, telemetry } from 'keepwire/monitor';
import { fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test } from 'vitest';
import { websocket } from '../../src/adapters/websocket.ts';
import { startReferenceServer } from '../support/reference-server.ts';

interface Recorded extends SpanOptionsLike {
  readonly name: string;
  readonly context: SpanContextLike;
  readonly set: Record<string, unknown>;
  status?: unknown;
  ended?: number | 'now';
}

/** A tracer that keeps its spans. */
function recorder(): TracerLike & { readonly spans: Recorded[] } {
  const spans: Recorded[] = [];
  return {
    spans,
    startSpan(name, options = {}) {
      const number = String(spans.length + 1);
      const span: Recorded = {
        ...options,
        name,
        context: { traceId: number.padStart(32, 'a'), spanId: number.padStart(16, 'b'), traceFlags: 1 },
        set: {},
      };
      spans.push(span);
      return {
        spanContext: () => span.context,
        setAttribute: (key, value) => {
          span.set[key] = value;
        },
        setStatus: (status) => {
          span.status = status;
        },
        end: (at) => {
          span.ended = at ?? 'now';
        },
      };
    },
  };
}

test('a send has a producer span, its event a consumer span that is linked to it', async () => {
  const clock = manualClock();
  const server = fakeServer();
  const tracer = recorder();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe: telemetry({ tracer }) });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  const seen: unknown[] = [];
  room.on('message', (_, { traceparent }) => seen.push(traceparent));
  realtime.start();
  await clock.advance(0);
  await room.publish('message', 'hello', { id: 'm-1' });
  await clock.advance(0);
  const [send, process] = tracer.spans;
  expect(seen).toEqual([`00-${send?.context.traceId}-${send?.context.spanId}-01`]);
  expect(send).toMatchObject({
    name: 'send room',
    kind: 3,
    attributes: {
      'messaging.system': 'keepwire',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'message',
      'messaging.destination.name': 'room',
      'messaging.message.id': 'm-1',
    },
    ended: 'now',
  });
  expect(send?.status).toBeUndefined();
  expect(process).toMatchObject({
    name: 'process room',
    kind: 4,
    links: [{ context: { ...send?.context, isRemote: true } }],
    startTime: clock.wallNow(),
    ended: clock.wallNow(),
  });
  expect(tracer.spans).toHaveLength(2);
});

test('a send that fails has an error, and a send that is refused by a schema has no span', async () => {
  const clock = manualClock();
  const server = fakeServer({
    answer: () => {
      throw new Error('no');
    },
  });
  const tracer = recorder();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe: telemetry({ tracer }) });
  onTestFinished(() => realtime.close());
  realtime.start();
  await clock.advance(0);
  await expect(realtime.channel('room').publish('message', 1)).rejects.toThrow();
  expect(tracer.spans).toMatchObject([
    { set: { 'error.type': 'rejected' }, status: { code: 2, message: 'rejected' }, ended: 'now' },
  ]);
});

test.each([
  ['nothing', undefined],
  ['no context', 'hello'],
  ['zeros', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`],
  ['the forbidden version', `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
  ['capitals', `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`],
  ['more than version 00 has', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01-extra`],
])('an event with %s as its context has a span without a link', (_, traceparent) => {
  const tracer = recorder();
  const frame = { kind: 'event', channel: 'room', event: 'message', data: 1, traceparent } as const;
  telemetry({ tracer }).note({ kind: 'handled', frame, durationMs: 3 }, manualClock());
  expect(tracer.spans).toMatchObject([{ links: [] }]);
});

test('a context of a later version is read as far as it is known', () => {
  const tracer = recorder();
  const traceparent = `01-${'a'.repeat(32)}-${'b'.repeat(16)}-00-extra`;
  const frame = { kind: 'event', channel: 'room', event: 'message', data: 1, traceparent } as const;
  telemetry({ tracer }).note({ kind: 'handled', frame, durationMs: 3 }, manualClock());
  expect(tracer.spans[0]?.links).toEqual([
    { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0, isRemote: true } },
  ]);
});

test('metrics are those of the conventions, in seconds', async () => {
  const recorded: unknown[] = [];
  const instrument = (name: string) => ({
    add: (value: number, attributes?: object) => recorded.push([name, value, attributes]),
    record: (value: number, attributes?: object) => recorded.push([name, value, attributes]),
  });
  const clock = manualClock();
  const server = fakeServer();
  const probe = telemetry({ meter: { createCounter: instrument, createHistogram: instrument } });
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock }, probe });
  const room = realtime.channel('room');
  room.on('message', () => {});
  const published = room.publish('message', 1);
  await clock.advance(1_500);
  realtime.start();
  await clock.advance(0);
  await published;
  await clock.advance(0);
  realtime.close();
  const sent = expect.objectContaining({ 'messaging.operation.type': 'send', 'messaging.destination.name': 'room' });
  const processed = expect.objectContaining({ 'messaging.operation.type': 'process' });
  // the event comes before the answer to its send
  expect(recorded).toEqual([
    ['messaging.client.consumed.messages', 1, processed],
    ['messaging.process.duration', 0, processed],
    ['messaging.client.sent.messages', 1, sent],
    ['messaging.client.operation.duration', 1.5, sent],
    ['keepwire.links', 1, { transport: 'fake', cause: 'aborted' }],
  ]);
});

test('over a real server the context of the send arrives with the event, and the offset of the clocks is known', async () => {
  const server = await startReferenceServer();
  const tracer = recorder();
  const watch = monitor();
  const realtime = createRealtime({
    transports: [websocket({ url: server.urls.websocket })],
    probe: combineProbes(watch, telemetry({ tracer })),
  });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  const message = new Promise<string | undefined>((resolve) => room.on('message', (_, { traceparent }) => resolve(traceparent)));
  realtime.start();
  await room.publish('message', 'hello');
  expect(await message).toBe(`00-${tracer.spans[0]?.context.traceId}-${tracer.spans[0]?.context.spanId}-01`);
  const { clock, deliveryMs } = await new Promise<ReturnType<typeof watch.snapshot.get>>((resolve) => {
    watch.snapshot.subscribe((snapshot) => {
      if (snapshot.clock?.source === 'round-trip' && snapshot.deliveryMs.count) resolve(snapshot);
    });
  });
  // both clocks are this machine's
  expect(Math.abs(clock?.offsetMs ?? Number.NaN)).toBeLessThanOrEqual((clock?.uncertaintyMs ?? 0) + 2);
  expect(deliveryMs.count).toBe(1);
});

test('a real server drops what cannot be a trace context, and accepts the send', async () => {
  const server = await startReferenceServer();
  const contexts = ['x'.repeat(129), 'y'.repeat(128)];
  const realtime = createRealtime({
    transports: [websocket({ url: server.urls.websocket })],
    probe: {
      note(event) {
        if (event.kind === 'publishing') event.frame.traceparent = contexts.shift();
      },
    },
  });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  const seen: unknown[] = [];
  const both = new Promise<void>((resolve) => {
    room.on('message', (_, { traceparent }) => {
      if (seen.push(traceparent) === 2) resolve();
    });
  });
  realtime.start();
  await room.publish('message', 1);
  await room.publish('message', 2);
  await both;
  expect(seen).toEqual([undefined, 'y'.repeat(128)]);
});
