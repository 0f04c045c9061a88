import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, ServerFrame } from '../protocol/frame.ts';
import { keepwireFrames } from '../protocol/keepwire.ts';
import { decodeMessage } from '../transport/link.ts';
import type { LinkInfo } from '../transport/transport.ts';

/** The version of what tabs say to each other. It is part of the name of the lock, so other versions never hear it. */
export const tabsVersion = 2;

/** What tabs say to each other. `from` and `to` name links, so that nothing of an older link is ever taken for a newer one. */
export type TabMessage =
  /** A follower looks for the leader, or asks the one that it follows for a sign of life. With the cursor of its stream, if it has one. */
  | { readonly kind: 'seek'; readonly from: string; readonly to?: string; readonly cursor?: string }
  /**
   * The leader lives: the answer to `seek`, and without `to` a word to all. With `info` its connection is up; without, whoever
   * hears it waits, and has lost the leader that it followed. `heard` counts what came from the server, so that a quiet channel
   * is no sign of a dead link.
   */
  | { readonly kind: 'lead'; readonly from: string; readonly to?: string; readonly info?: LinkInfo; readonly heard?: number }
  /** Frames for the server, as JSON: what a value writes as (`toJSON`) would not survive as a copy of the value. */
  | { readonly kind: 'send'; readonly from: string; readonly to: string; readonly serial: number; readonly text: string }
  /** What became of a `send`; without receipts it failed. */
  | {
      readonly kind: 'sent';
      readonly from: string;
      readonly to: string;
      readonly serial: number;
      readonly receipts?: readonly Receipt[];
      readonly code?: string;
    }
  /** What the server said; for one follower if it is addressed, else for all. */
  | { readonly kind: 'frames'; readonly from: string; readonly to?: string; readonly batch: unknown; readonly cursor?: string }
  /**
   * A link has ended: that of a follower, or the connection, and then not by the server if it is handed over. To somebody who
   * looks for a leader it says that this one cannot serve it: it needs a connection of its own.
   */
  | {
      readonly kind: 'bye';
      readonly from: string;
      readonly to?: string;
      readonly handover?: boolean;
      readonly retryAfterMs?: number;
      readonly spreadMs?: number;
    };

const kinds: readonly unknown[] = ['seek', 'lead', 'send', 'sent', 'frames', 'bye'];
/** A value of each field that may be absent: the type is the same in every kind that has it. */
const samples: Readonly<Record<string, unknown>> = {
  to: '',
  text: '',
  cursor: '',
  code: '',
  serial: 0,
  heard: 0,
  retryAfterMs: 0,
  spreadMs: 0,
  info: {},
  batch: {},
  receipts: {},
};
/** What a follower may send at once, in characters; the outbox sends less by default. */
const longestText = 4 * 2 ** 20;

/** Checks what another tab said; `undefined` for what is nothing of ours. Every script of the origin can write here. */
export function readMessage(value: unknown): TabMessage | undefined {
  const fields = Object(value) as Readonly<Record<string, unknown>>;
  const isRight =
    kinds.includes(fields['kind']) &&
    typeof fields['from'] === 'string' &&
    Object.entries(samples).every(([name, sample]) => fields[name] === undefined || typeof fields[name] === typeof sample) &&
    String(fields['text']).length <= longestText;
  return isRight ? (value as TabMessage) : undefined;
}

/** What the server said, by way of the leader. */
export function readFrames(batch: unknown): readonly ServerFrame[] {
  return decodeMessage(keepwireFrames, Array.isArray(batch) ? batch : []);
}

/** What a follower sends; nothing, for what is no list. */
export function readSend(text: string): readonly ClientFrame[] {
  try {
    const frames: unknown = JSON.parse(text);
    return Array.isArray(frames) ? frames : [];
  } catch {
    return [];
  }
}
