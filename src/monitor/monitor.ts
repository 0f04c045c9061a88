import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import type { Readable } from '../events/readable.ts';
import type { RealtimeManager } from '../manager.ts';
import { onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import { reportUnheard } from '../platform/report.ts';
import { checkOptions, madeBy, notNegative, type OptionRules } from '../platform/rules.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { ByteMeter } from './bytes.ts';
import { createChannelBook, mostChannels } from './channels.ts';
import { createOffsetEstimator } from './clock-offset.ts';
import { createConflated } from './conflated.ts';
import { createHistogram } from './histogram.ts';
import { createLinkBook } from './links.ts';
import type { Probe, ProbeEvent } from './probe.ts';
import type { MemoryBound, MonitorSnapshot } from './snapshot.ts';
import { createTimeline, type TimelineNote } from './timeline.ts';

export { type ByteCount, type ByteMeter, type ByteMeterOptions, byteMeter } from './bytes.ts';
export type { ClockOffset } from './clock-offset.ts';
export { type DebugHandle, debugLevel, type ExposeOptions, exposeForDebugging, type Watched } from './expose.ts';
export type { Distribution } from './histogram.ts';
export { type LoggerOptions, type LogLevel, type LogLine, logger } from './logger.ts';
export { combineProbes } from './probes.ts';
export { redactor, type Secret } from './redact.ts';
export type {
  ChannelNumbers,
  ConnectionNumbers,
  MemoryBound,
  MonitorSnapshot,
  TransportNumbers,
} from './snapshot.ts';
export { type SummaryName, type SummaryRow, summary } from './summary.ts';
export {
  type InstrumentLike,
  type MeterLike,
  type SpanContextLike,
  type SpanLike,
  type SpanLinkLike,
  type SpanOptionsLike,
  type TelemetryOptions,
  type TracerLike,
  telemetry,
} from './telemetry.ts';
export type { TimelineEntry, TimelineNote, TimelinePlace } from './timeline.ts';

/** The options of {@link monitor}; none is needed. */
export interface MonitorOptions {
  /** Listeners of the snapshot are told at most this often, in milliseconds. @defaultValue 250 */
  readonly everyMs?: number;
  /** So many entries of the timeline are kept; 0 keeps none. @defaultValue 200 */
  readonly timelineSize?: number;
  /** Counts the bytes, see {@link byteMeter}. @defaultValue bytes are not counted, and absent from the snapshot */
  readonly bytes?: Pick<ByteMeter, 'read'>;
}

/** Measures a manager: a {@link Probe} for `createRealtime`, and what it knows as one Readable. */
export interface Monitor extends Probe {
  /** All that is known, as one value. Listeners are told at most once per {@link MonitorOptions.everyMs}, never once per message. */
  readonly snapshot: Readable<MonitorSnapshot>;
}

const rules: OptionRules<MonitorOptions> = {
  everyMs: notNegative,
  timelineSize: notNegative,
  bytes: madeBy('byteMeter', 'read'),
};

/** How many events of a link can lie before it and still count as live: the clocks are not known better, 5 milliseconds. */
const slackMs = 5;

/**
 * Makes a {@link Monitor} for one manager: success rate and time of connecting, delivery latency corrected for the
 * difference of the clocks, processing time, duplicates, gaps, queue lengths, errors by code, decisions. Its memory is
 * bounded, and it keeps no payloads.
 *
 * @throws RealtimeError `invalid-option`; also when it is given to a second manager
 * @example
 * ```ts
 * const watch = monitor();
 * const realtime = createRealtime({ transports: [websocket({ url: '/realtime' })], probe: watch });
 * watch.snapshot.subscribe(({ deliveryMs }) => console.log(deliveryMs.p99));
 * ```
 */
export function monitor(options: MonitorOptions = {}): Monitor {
  checkOptions('monitor', options, rules);
  const { everyMs = 250, timelineSize = 200, bytes } = options;
  const links = createLinkBook();
  const channels = createChannelBook();
  const timeline = createTimeline(timelineSize);
  const offsets = createOffsetEstimator();
  const reconnectMs = createHistogram();
  const roundTripMs = createHistogram();
  const deliveryMs = createHistogram();
  const handlingMs = createHistogram();
  const acceptMs = createHistogram();
  /** One error may be told as the end of a link and as a fault. */
  const counted = new WeakSet<RealtimeError>();
  const errors: { -readonly [Code in RealtimeErrorCode]?: number } = {};
  let manager: RealtimeManager | undefined;
  let clock: Clock | undefined;
  let limits = { maxCount: 0, maxBytes: 0 };
  let sendsWaiting = 0;
  let reconnects = 0;
  const conflated = createConflated(build, everyMs, reportUnheard);

  return { snapshot: conflated.readable, note, attach };

  function attach(attached: RealtimeManager, context: Parameters<NonNullable<Probe['attach']>>[1]): void {
    if (manager) {
      throw new RealtimeError('invalid-option', 'a monitor was given to a second manager', { hint: 'Make one for each.' });
    }
    manager = attached;
    clock = context.clock;
    limits = context.outbox;
    const { ended } = context;
    const now = context.clock;
    let lostMs: number | undefined;
    let lastStatus = attached.status.get().status;
    attached.status.subscribe(({ status }) => {
      conflated.changed();
      if (status === lastStatus) return;
      const before = lastStatus;
      lastStatus = status;
      timeline.add({ kind: 'status', status }, now.wallNow());
      if (status === 'connected' && lostMs !== undefined) {
        reconnectMs.add(now.now() - lostMs);
        reconnects += 1;
      }
      // what was ended on purpose was not lost, also when it goes on later
      lostMs = status === 'reconnecting' && before === 'connected' ? now.now() : undefined;
    });
    attached.on('gap', (gap) => {
      channels.gap(gap);
      timeline.add({ kind: 'gap', channel: gap.channel, missing: gap.missing, reason: gap.reason }, now.wallNow());
      conflated.changed();
    });
    attached.on('switched', ({ from, to }) => timeline.add({ kind: 'switched', from, to }, now.wallNow()));
    attached.history.subscribe(conflated.changed);
    attached.outbox.entries.subscribe(conflated.changed);
    conflated.use(now);
    onAbort(ended, conflated.end);
  }

  function note(event: ProbeEvent, now: Clock): void {
    const add = (entry: TimelineNote): void => timeline.add(entry, now.wallNow());
    conflated.changed();
    switch (event.kind) {
      case 'dialled':
      case 'up':
      case 'down': {
        links.note(event, now);
        const cause = event.kind === 'down' ? event.cause : undefined;
        if (cause && cause.kind !== 'aborted') countError(cause.error);
        add({ kind: 'link', step: event.kind, link: event.link, transport: event.transport, cause: cause?.kind });
        return;
      }
      case 'sent':
        return;
      case 'measured':
        roundTripMs.add(event.roundTripMs);
        offsets.answered(event.roundTripMs, event.at, now.wallNow(), now.now());
        return;
      case 'received':
        return received(event, now);
      case 'duplicate':
        channels.duplicate(event.frame);
        return add({ kind: 'duplicate', ...nameOf(event.frame) });
      case 'handled':
        handlingMs.add(event.durationMs);
        return;
      case 'publishing':
        return;
      case 'published':
        return published(event, now);
      case 'fault':
        countError(event.error);
        return add({ kind: 'fault', code: event.error.code });
    }
  }

  function published({ frame, receipt }: Extract<ProbeEvent, { kind: 'published' }>, now: Clock): void {
    const { channel, event, id } = frame;
    const startMs = now.now();
    sendsWaiting += 1;
    timeline.add({ kind: 'out', channel, event, id }, now.wallNow());
    const settle = (kind: 'accepted' | 'failed', error?: unknown): void => {
      const durationMs = now.now() - startMs;
      sendsWaiting -= 1;
      if (kind === 'accepted') acceptMs.add(durationMs);
      if (RealtimeError.is(error)) countError(error);
      const code = RealtimeError.is(error) ? error.code : undefined;
      timeline.add({ kind, channel, event, id, durationMs, code }, now.wallNow());
      conflated.changed();
    };
    receipt.then(
      () => settle('accepted'),
      (error: unknown) => settle('failed', error),
    );
  }

  function received({ link, frames }: Extract<ProbeEvent, { kind: 'received' }>, now: Clock): void {
    const [wallMs, nowMs] = [now.wallNow(), now.now()];
    for (const frame of frames) {
      channels.frame(frame);
      if ((frame.kind === 'event' || frame.kind === 'heartbeat') && frame.at !== undefined)
        offsets.dated(frame.at, wallMs, nowMs);
    }
    const upMs = links.upSince(link);
    const offsetMs = offsets.read(nowMs)?.offsetMs;
    for (const frame of frames) {
      if (frame.kind !== 'event') continue;
      timeline.add({ kind: 'in', ...nameOf(frame) }, wallMs);
      if (frame.at === undefined || offsetMs === undefined || upMs === undefined) continue;
      const acceptedMs = frame.at - offsetMs;
      // what was accepted before this link was up is a replay: its age says nothing of the way
      if (acceptedMs >= upMs - slackMs) deliveryMs.add(wallMs - acceptedMs);
    }
  }

  function countError(error: RealtimeError): void {
    if (counted.has(error)) return;
    counted.add(error);
    const { code } = error;
    errors[code] = (errors[code] ?? 0) + 1;
  }

  function build(): MonitorSnapshot {
    const memory: MemoryBound[] = [
      { name: 'timeline', used: timeline.size, limit: timelineSize },
      { name: 'channels seen', used: channels.size, limit: mostChannels },
    ];
    if (manager) {
      const entries = manager.outbox.entries.get();
      const used = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      memory.unshift(
        { name: 'sends kept', used: entries.length, limit: limits.maxCount },
        { name: 'characters kept', used, limit: limits.maxBytes },
      );
    }
    return {
      status: manager?.status.get(),
      counts: manager?.metrics(),
      connections: links.read(reconnects),
      connectMs: links.readConnectMs(),
      reconnectMs: reconnectMs.read(),
      roundTripMs: roundTripMs.read(),
      deliveryMs: deliveryMs.read(),
      handlingMs: handlingMs.read(),
      acceptMs: acceptMs.read(),
      clock: clock && offsets.read(clock.now()),
      sendsWaiting,
      errors: { ...errors },
      memory,
      bytes: bytes?.read(),
      decisions: manager?.history.get() ?? [],
      channels: channels.read(),
      timeline: timeline.read(),
    };
  }
}

function nameOf({ channel, event, id, offset }: EventFrame): Pick<EventFrame, 'channel' | 'event'> & {
  readonly id: string | undefined;
  readonly offset: number | undefined;
} {
  return { channel, event, id, offset };
}
