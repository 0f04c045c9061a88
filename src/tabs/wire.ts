import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, ServerFrame } from '../protocol/frame.ts';
import { keepwireFrames } from '../protocol/keepwire.ts';
import { decodeMessage } from '../transport/link.ts';
import type { LinkInfo } from '../transport/transport.ts';

/** The version of what tabs say to each other. It is part of the name of the lock, so other versions never hear it. */
export const tabsVersion = 1;

/** What tabs say to each other. `from` and `to` name links, so that nothing of an older link is ever taken for a newer one. */
export type TabMessage =
  /** A follower looks for the leader. With the cursor of its stream, if it has one. */
  | { readonly kind: 'hello'; readonly from: string; readonly cursor?: string }
  /** A follower asks whether its leader lives. */
  | { readonly kind: 'ping'; readonly from: string; readonly to: string }
  /** Frames for the server, as JSON: what a value writes as (`toJSON`) would not survive as a copy of the value. */
  | { readonly kind: 'send'; readonly from: string; readonly to: string; readonly serial: number; readonly text: string }
  /** A follower goes. */
  | { readonly kind: 'gone'; readonly from: string; readonly to: string }
  /** There is a new leader, so whoever follows another one has lost it. */
  | { readonly kind: 'lead'; readonly from: string }
  /** The leader's connection is up: say hello. */
  | { readonly kind: 'open'; readonly from: string }
  /** The leader lives, and its connection is not up yet. */
  | { readonly kind: 'wait'; readonly from: string; readonly to: string }
  /** The leader cannot serve this follower: it needs a connection of its own. */
  | { readonly kind: 'alone'; readonly from: string; readonly to: string }
  | { readonly kind: 'welcome'; readonly from: string; readonly to: string; readonly info: unknown }
  /** What the server said; for one follower if it is addressed, else for all. */
  | { readonly kind: 'frames'; readonly from: string; readonly to?: string; readonly batch: unknown; readonly cursor?: string }
  /** The leader lives; `heard` counts what came from the server, so that a quiet channel is no sign of a dead link. */
  | { readonly kind: 'pong'; readonly from: string; readonly to: string; readonly heard: number }
  /** What became of a `send`; without receipts it failed. */
  | {
      readonly kind: 'sent';
      readonly from: string;
      readonly to: string;
      readonly serial: number;
      readonly receipts?: unknown;
      readonly code?: string;
    }
  /** The connection has ended, and not by the server if it is handed over; for one follower if it is addressed, else for all. */
  | {
      readonly kind: 'bye';
      readonly from: string;
      readonly to?: string;
      readonly handover?: boolean;
      readonly retryAfterMs?: number;
      readonly spreadMs?: number;
    };

type Fields = Readonly<Record<string, unknown>>;

/** What must be there, by kind. */
const needed: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['hello', []],
  ['ping', ['to']],
  ['send', ['to', 'serial', 'text']],
  ['gone', ['to']],
  ['lead', []],
  ['open', []],
  ['wait', ['to']],
  ['alone', ['to']],
  ['welcome', ['to', 'info']],
  ['frames', ['batch']],
  ['pong', ['to', 'heard']],
  ['sent', ['to', 'serial']],
  ['bye', []],
]);
const texts: readonly string[] = ['from', 'to', 'text', 'cursor', 'code'];
const numbers: readonly string[] = ['serial', 'heard', 'retryAfterMs', 'spreadMs'];
/** What a follower may send at once, in characters; the outbox sends less by default. */
const longestText = 4 * 2 ** 20;

/** Checks what another tab said; `undefined` for what is nothing of ours. Every script of the origin can write here. */
export function readMessage(value: unknown): TabMessage | undefined {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const isRight =
    typeof fields['from'] === 'string' &&
    needed.get(fields['kind'])?.every((name) => fields[name] !== undefined) &&
    texts.every((name) => fields[name] === undefined || typeof fields[name] === 'string') &&
    numbers.every((name) => fields[name] === undefined || Number.isFinite(fields[name])) &&
    (fields['handover'] === undefined || typeof fields['handover'] === 'boolean') &&
    String(fields['text'] ?? '').length <= longestText;
  return isRight ? (value as TabMessage) : undefined;
}

/** What the server said, by way of the leader. */
export function readFrames(batch: unknown): readonly ServerFrame[] {
  return decodeMessage(keepwireFrames, Array.isArray(batch) ? batch : []);
}

/** What a follower sends, or `undefined` if it is none of the frames that may come from a follower. */
export function readSend(text: string): readonly ClientFrame[] | undefined {
  try {
    const frames: unknown = JSON.parse(text);
    return Array.isArray(frames) && frames.every(isClientFrame) ? (frames as ClientFrame[]) : undefined;
  } catch {
    return undefined; // not JSON, so nothing of ours
  }
}

/** Tokens never cross between tabs, so `authenticate` is not among them. */
const clientFields: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['join', ['channel']],
  ['leave', ['channel']],
  ['announce', ['channel']],
  ['publish', ['channel', 'event', 'id']],
  ['ping', []],
]);

function isClientFrame(value: unknown): boolean {
  const fields = (value ?? {}) as Fields;
  return clientFields.get(fields['kind'])?.every((name) => typeof fields[name] === 'string') === true;
}

/** What is known of the server's answers to a `send`; those that cannot be read are left out. */
export function readReceipts(value: unknown): readonly Receipt[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((item) => {
    const { id, status } = (item ?? {}) as Fields;
    return typeof id === 'string' && (status === 'accepted' || status === 'rejected' || status === 'sent');
  });
}

/** What the leader says of its connection; a follower's channels are joined by frames, each on its own. */
export function readInfo(value: unknown): Partial<LinkInfo> {
  const { session, heartbeatMs, user, greeted } = (value ?? {}) as Fields;
  return {
    joining: [],
    greeted: greeted === true,
    ...(typeof session === 'string' && { session }),
    ...(typeof heartbeatMs === 'number' && { heartbeatMs }),
    ...(typeof user === 'string' && { user }),
  };
}
