import type { Registry } from './channel/registry.ts';
import type { SourceLink } from './channel/subscription.ts';
import type { LiveLink } from './connection/session.ts';
import { RealtimeError } from './errors.ts';
import type { Metrics } from './monitor/metrics.ts';
import type { noteFor } from './monitor/probe.ts';
import type { AckFrame, RejectFrame, ServerFrame } from './protocol/frame.ts';

/** Who gets what a server says. */
export interface InboundParts {
  readonly registry: Pick<Registry, 'get'>;
  /** For each transport by name: the last id of its stream as a whole. */
  readonly cursors: Map<string, string>;
  readonly metrics: Pick<Metrics, 'received' | 'unwanted' | 'garbled'>;
  readonly note: ReturnType<typeof noteFor>;
  /** Has there been no other link at any time since this one was dialled? */
  isAlone(link: number): boolean;
  /** A send was answered. */
  answered(frame: AckFrame | RejectFrame): void;
  fault(error: RealtimeError): void;
}

/** Everything that a server says passes here, in order: to its channel, or to the send that is answered. */
export function createInbound(
  parts: InboundParts,
): (batch: readonly ServerFrame[], link: LiveLink, nextCursor: string | undefined) => void {
  const { registry, cursors, metrics, note, fault } = parts;
  /** What subscriptions are told of the link that spoke last; it changes only with the link. */
  let source: SourceLink | undefined;

  return function receive(batch: readonly ServerFrame[], link: LiveLink, nextCursor: string | undefined): void {
    const { id, transport } = link;
    note?.({ kind: 'received', link: id, transport: transport.name, frames: batch });
    const isAlone = parts.isAlone(id);
    if (source?.id !== id || source.isAlone !== isAlone) {
      const { resume } = transport.capabilities;
      source = { id, resume, isStreamResumed: resume === 'connection' && link.isResumed, isAlone };
    }
    for (const frame of batch) {
      switch (frame.kind) {
        case 'event': {
          metrics.received += 1;
          const subscription = registry.get(frame.channel);
          if (subscription) subscription.receive(frame, source);
          else metrics.unwanted += 1;
          break;
        }
        case 'joined':
          registry.get(frame.channel)?.joined(frame, source);
          break;
        case 'denied':
          registry.get(frame.channel)?.denied(frame);
          break;
        case 'left':
          registry.get(frame.channel)?.left(frame);
          break;
        case 'presence':
          registry.get(frame.channel)?.presence(frame);
          break;
        case 'heartbeat':
          for (const head of frame.positions ?? []) registry.get(head.channel)?.heartbeat(head, source);
          break;
        case 'ack':
        case 'reject':
          parts.answered(frame);
          break;
        case 'garbled':
          metrics.garbled += 1;
          fault(new RealtimeError('protocol', frame.message, { transport: transport.name, cause: frame.cause }));
          break;
        // these are about the link itself, which has dealt with them
        case 'ping':
        case 'pong':
        case 'advice':
        case 'auth':
        case 'welcome':
          break;
      }
    }
    // an id moves only when what it stands for was handed over
    if (nextCursor !== undefined) cursors.set(transport.name, nextCursor);
  };
}
