import { RealtimeError } from '../errors.ts';
import { abortedError, onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { AckFrame, ClientFrame, PublishFrame, RejectFrame } from '../protocol/frame.ts';

/** The bounds of the outbox. */
export interface OutboxLimits {
  /** How many sends may wait. @defaultValue 1000 */
  readonly maxCount: number;
  /** How many characters of JSON may wait. @defaultValue 1048576 */
  readonly maxBytes: number;
  /** How long a send may wait for its acceptance, in milliseconds. @defaultValue 120000 */
  readonly maxAgeMs: number;
  /** What happens to a send that finds the outbox full: it fails, or the oldest one that has not left fails for it. @defaultValue 'reject-new' */
  readonly overflow: 'reject-new' | 'drop-oldest';
  /** How many sends may be under way without an answer. @defaultValue 256 */
  readonly windowSize: number;
}

/** The numbers that fit most applications. */
export const defaultOutboxLimits: OutboxLimits = {
  maxCount: 1000,
  maxBytes: 1_048_576,
  maxAgeMs: 120_000,
  overflow: 'reject-new',
  windowSize: 256,
};

/** The part of a link that the outbox uses. */
export interface OutboxLink {
  readonly id: number;
  /** How acceptance becomes known on this link. */
  readonly ack: 'receipt' | 'frame' | 'none';
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
}

/** One send's own wishes. */
export interface SendOptions {
  readonly signal?: AbortSignal;
  /** How long it may take until it is accepted, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Keeps every send until the server has accepted or refused it, over any number of links, under the same id. */
export interface Outbox {
  /**
   * Queues a send.
   *
   * @returns the receipt of its acceptance
   * @throws RealtimeError `queue-full`, `expired`, `rejected`, `aborted`, `closed`, `invalid-payload` for data that is no JSON
   */
  send(frame: PublishFrame, options: SendOptions): Promise<Receipt>;
  /** From now on sends go to this link; `undefined` while there is none. What was under way elsewhere waits for its end. */
  use(link: OutboxLink | undefined): void;
  /** A link is gone: what was under way on it is sent again. */
  linkDown(id: number): void;
  /** The server has answered a send by a frame. */
  answered(frame: AckFrame | RejectFrame): void;
  /** Fails everything that waits. */
  close(error: RealtimeError): void;
  /** How many sends wait for acceptance. */
  readonly size: number;
  /** Is something under way on this link? */
  isBusy(link: number): boolean;
}

/** What is known of one send. */
interface Entry {
  readonly frame: PublishFrame;
  readonly bytes: number;
  /** The link on which it is under way; `undefined` while it waits. */
  link: number | undefined;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: RealtimeError) => void;
  /** Takes back the deadline and the abort listener. */
  release: () => void;
}

/** After a failed batch on a link that is still up: wait this long, doubling up to the longest. */
const firstPauseMs = 250;
const longestPauseMs = 10_000;

/**
 * @param onDrained - called when the last send under way on a link is answered
 */
export function createOutbox(limits: OutboxLimits, clock: Clock, onDrained: (link: number) => void): Outbox {
  /** In the order of their sending; the id finds them. */
  const entries = new Map<string, Entry>();
  let bytes = 0;
  let link: OutboxLink | undefined;
  let isFlushScheduled = false;
  let pauseMs = firstPauseMs;
  let cancelPause: (() => void) | undefined;

  function settle(entry: Entry, outcome: (entry: Entry) => void): void {
    if (entries.get(entry.frame.id) !== entry) return;
    entries.delete(entry.frame.id);
    bytes -= entry.bytes;
    entry.release();
    const { link: wasOn } = entry;
    outcome(entry);
    if (wasOn !== undefined && !isBusy(wasOn)) onDrained(wasOn);
    flushSoon();
  }

  function fail(entry: Entry, error: RealtimeError): void {
    settle(entry, ({ reject }) => reject(error));
  }

  function isBusy(id: number): boolean {
    for (const entry of entries.values()) if (entry.link === id) return true;
    return false;
  }

  /** The sends of one tick leave together. */
  function flushSoon(): void {
    if (isFlushScheduled || link === undefined || cancelPause !== undefined) return;
    isFlushScheduled = true;
    queueMicrotask(() => {
      isFlushScheduled = false;
      flush();
    });
  }

  function flush(): void {
    if (link === undefined || cancelPause !== undefined) return;
    const target = link;
    const batch: Entry[] = [];
    let underWay = 0;
    for (const entry of entries.values()) {
      if (entry.link === undefined) batch.push(entry);
      // what is still under way on a link that is being replaced must be answered first, or the order would be lost
      else if (entry.link !== target.id) return;
      else underWay += 1;
    }
    // with receipts, a second batch could be accepted while the first one fails; frames keep their order on the link itself
    if (target.ack === 'receipt' && underWay > 0) return;
    const leaving = batch.slice(0, Math.max(0, limits.windowSize - underWay));
    if (leaving.length === 0) return;
    for (const entry of leaving) entry.link = target.id;
    target.send(leaving.map(({ frame }) => frame)).then(
      (receipts) => received(target, leaving, receipts),
      (error) => failed(target, leaving, RealtimeError.from(error, 'connection-lost', 'a send failed')),
    );
  }

  function received(from: OutboxLink, batch: readonly Entry[], receipts: readonly Receipt[]): void {
    const byId = new Map(receipts.map((receipt) => [receipt.id, receipt]));
    for (const entry of batch) {
      const receipt = byId.get(entry.frame.id);
      const isUnderWay = entry.link === from.id;
      if (receipt?.status === 'accepted' || (from.ack === 'none' && isUnderWay)) accept(entry, receipt);
      else if (receipt?.status === 'rejected') refuse(entry, receipt);
      else if (from.ack === 'receipt' && isUnderWay) fail(entry, unanswered(entry));
    }
  }

  function accept(entry: Entry, receipt: Receipt = { id: entry.frame.id, status: 'sent' }): void {
    pauseMs = firstPauseMs;
    settle(entry, ({ resolve }) => resolve(receipt));
  }

  function refuse(
    entry: Entry,
    { code = 'rejected', message, retryAfterMs }: Pick<Receipt, 'code' | 'message' | 'retryAfterMs'>,
  ): void {
    if (retryAfterMs === undefined) return fail(entry, rejected(entry, code, message));
    entry.link = undefined;
    pause(retryAfterMs);
  }

  /** It is not known whether the server got the batch: it leaves again, under the same ids. */
  function failed(from: OutboxLink, batch: readonly Entry[], error: RealtimeError): void {
    for (const entry of batch) {
      if (entry.link !== from.id) continue;
      if (error.code === 'too-large' || error.code === 'unsupported') fail(entry, error);
      else entry.link = undefined;
    }
    pause(0);
  }

  function pause(floorMs: number): void {
    cancelPause?.();
    cancelPause = clock.schedule(
      () => {
        cancelPause = undefined;
        flushSoon();
      },
      Math.max(floorMs, pauseMs),
    );
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  function endPause(): void {
    cancelPause?.();
    cancelPause = undefined;
  }

  /** Makes room for a send. @throws RealtimeError `queue-full` */
  function makeRoom(needed: number): void {
    while (entries.size >= limits.maxCount || bytes + needed > limits.maxBytes) {
      const oldest =
        limits.overflow === 'drop-oldest' ? [...entries.values()].find((entry) => entry.link === undefined) : undefined;
      if (oldest === undefined) throw full(limits);
      fail(oldest, full(limits));
    }
  }

  return {
    async send(frame, { signal, timeoutMs = limits.maxAgeMs }) {
      if (signal?.aborted) throw abortedError(`publishing ${frame.event}`, signal);
      const size = sizeOf(frame);
      if (entries.has(frame.id)) {
        throw new RealtimeError('invalid-option', 'a send with this id is under way already', {
          hint: 'Give each send an id of its own.',
        });
      }
      makeRoom(size);
      return new Promise((resolve, reject) => {
        const entry: Entry = { frame, bytes: size, link: undefined, resolve, reject, release: () => {} };
        const cancelDeadline = clock.schedule(() => fail(entry, expired(entry, timeoutMs)), timeoutMs);
        const forget = onAbort(signal, () => signal && fail(entry, abortedError(`publishing ${frame.event}`, signal)));
        entry.release = () => {
          cancelDeadline();
          forget();
        };
        entries.set(frame.id, entry);
        bytes += size;
        flushSoon();
      });
    },
    use(next) {
      link = next;
      if (next === undefined) return;
      // a new link is no reason to wait for what the old one asked
      endPause();
      pauseMs = firstPauseMs;
      flushSoon();
    },
    linkDown(id) {
      for (const entry of entries.values()) if (entry.link === id) entry.link = undefined;
      if (link?.id === id) link = undefined;
      flushSoon();
    },
    answered(frame) {
      const entry = entries.get(frame.id);
      if (entry === undefined) return;
      if (frame.kind === 'ack') accept(entry, { ...frame, status: 'accepted' });
      else refuse(entry, frame);
    },
    close(error) {
      endPause();
      link = undefined;
      for (const entry of [...entries.values()]) fail(entry, error);
    },
    get size() {
      return entries.size;
    },
    isBusy,
  };
}

/** The length of a send as JSON; what is no JSON cannot be sent at all. */
function sizeOf(frame: PublishFrame): number {
  try {
    return JSON.stringify(frame).length;
  } catch (cause) {
    throw new RealtimeError('invalid-payload', `the payload of ${frame.event} cannot be written as JSON`, { cause });
  }
}

function full(limits: OutboxLimits): RealtimeError {
  return new RealtimeError('queue-full', `the outbox is full (${limits.maxCount} sends or ${limits.maxBytes} characters)`, {
    hint: 'Send less while disconnected, mark what nobody needs later as volatile, or raise the limits of the outbox.',
  });
}

function expired({ frame, link }: Entry, timeoutMs: number): RealtimeError {
  return new RealtimeError('expired', `publishing ${frame.event} was not accepted within ${timeoutMs} ms`, {
    hint: link === undefined ? 'It has not left, or its link broke.' : 'It has left, so the server may still apply it.',
  });
}

function rejected({ frame }: Entry, code: string, message = 'no reason was given'): RealtimeError {
  return new RealtimeError('rejected', `the server rejected ${frame.event} (${code}): ${message}`, { serverCode: code });
}

function unanswered({ frame }: Entry): RealtimeError {
  return new RealtimeError('protocol', `the server's answer to ${frame.event} has no receipt for it`, {
    hint: 'The dialect must give a receipt for each send.',
  });
}
