// The only thing that the server takes from keepwire is types: a frame on the wire is the frame in memory.
import type { ServerFrame } from 'keepwire';
import type { LogEntry } from './log.ts';

export type {
  AckFrame,
  AdviceFrame,
  AuthFrame,
  ClientFrame,
  JoinFrame,
  PresenceFrame,
  PresenceMember,
  PublishFrame,
  RejectFrame,
  ServerFrame,
} from 'keepwire';

/** The version of the protocol that this server speaks. */
export const protocolVersion = 1;

/** A frame that never leaves this server with a field missing that its kind needs. */
export function encode(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** Writes an event once for all links of its channel. The data is JSON already and goes in as it is. */
export function encodeEvent(channel: string, entry: LogEntry, offset: number | undefined): string {
  const head = `{"kind":"event","channel":${JSON.stringify(channel)},"event":${JSON.stringify(entry.event)}`;
  const data = entry.data === undefined ? '' : `,"data":${entry.data}`;
  const number = offset === undefined ? '' : `,"offset":${offset}`;
  const trace = entry.traceparent === undefined ? '' : `,"traceparent":${JSON.stringify(entry.traceparent)}`;
  return `${head}${data}${number},"id":${JSON.stringify(entry.id)},"at":${entry.at},"from":${JSON.stringify(entry.from)}${trace}}`;
}
