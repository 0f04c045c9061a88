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
  /**
   * How many characters of JSON one send may have, and about how many leave together: servers refuse larger messages,
   * some by ending the link. @defaultValue 262144
   */
  readonly maxSendBytes: number;
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
  maxSendBytes: 262_144,
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
   * @throws RealtimeError `queue-full`, `too-large`, `expired`, `rejected`, `aborted`, `closed`, `invalid-payload` for data that is no JSON
   */
  send(frame: PublishFrame, options: SendOptions): Promise<Receipt>;
  /** From now on sends go to this link; `undefined` while there is none. What was under way elsewhere waits for its end. */
  use(link: OutboxLink | undefined): void;
  /** What was too early may leave now. */
  flush(): void;
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
  readonly size: number;
  /** The link on which it is under way; `undefined` while it waits. */
  link: number | undefined;
  /** Why it did not go through the last time. */
  problem: RealtimeError | undefined;
  /** The server asked not to have it before, by the monotonic clock. */
  notBeforeMs: number;
  /** Ends it, with a receipt or with an error; once more does nothing. */
  readonly finish: (outcome: Receipt | RealtimeError) => void;
}

/** After a failed batch on a link that is still up: wait this long, doubling up to the longest. */
const firstPauseMs = 250;
const longestPauseMs = 10_000;

/**
 * @param onDrained - called when the last send under way on a link is answered
 * @param isEarly - is it too early for sends of a channel, because its join is still on its way and they would overtake it?
 */
export function createOutbox(
  limits: OutboxLimits,
  clock: Clock,
  onDrained: (link: number) => void,
  isEarly: (channel: string) => boolean = () => false,
): Outbox {
  /** In the order of their sending; the id finds them. */
  const entries = new Map<string, Entry>();
  let size = 0;
  let link: OutboxLink | undefined;
  let isFlushScheduled = false;
  /** True while one of a batch was impossible to send and it is not known which: they leave one by one. */
  let isOneByOne = false;
  let pauseMs = firstPauseMs;
  let cancelPause: (() => void) | undefined;
  let cancelHeld = (): void => {};
  /** Why nothing is taken any more. */
  let closed: RealtimeError | undefined;

  function isBusy(id: number): boolean {
    for (const entry of entries.values()) if (entry.link === id) return true;
    return false;
  }

  /** The sends of one tick leave together. */
  function flushSoon(): void {
    if (isFlushScheduled) return;
    isFlushScheduled = true;
    queueMicrotask(() => {
      isFlushScheduled = false;
      if (link && !cancelPause) flush(link);
    });
  }

  function flush(target: OutboxLink): void {
    const all = [...entries.values()];
    const underWay = all.filter((entry) => entry.link !== undefined);
    // what is still under way on a link that is being replaced must be answered first, or the order would be lost
    if (underWay.some((entry) => entry.link !== target.id)) return;
    // with receipts, a second batch could be accepted while the first one fails; frames keep their order on the link itself
    if (target.ack === 'receipt' && underWay.length) return;
    const batch: Entry[] = [];
    let length = 0;
    /** What the server asked to have later holds back the sends behind it on the same channel, and no others. */
    const held = new Map<string, number>();
    for (const entry of all) {
      const { channel } = entry.frame;
      if (entry.link !== undefined || held.has(channel) || isEarly(channel)) continue;
      if (entry.notBeforeMs > clock.now()) {
        held.set(channel, entry.notBeforeMs);
        continue;
      }
      length += entry.size;
      if (batch.length + underWay.length >= limits.windowSize) break;
      if (batch.length && (isOneByOne || length > limits.maxSendBytes)) break;
      batch.push(entry);
    }
    cancelHeld();
    if (held.size) cancelHeld = clock.schedule(flushSoon, Math.min(...held.values()) - clock.now());
    if (!batch.length) return;
    for (const entry of batch) entry.link = target.id;
    target.send(batch.map(({ frame }) => frame)).then(
      (receipts) => {
        received(target, batch, receipts);
        flushSoon();
      },
      (error: unknown) => failed(target, batch, RealtimeError.from(error, 'connection-lost', 'a send failed')),
    );
  }

  function received({ id, ack }: OutboxLink, batch: readonly Entry[], receipts: readonly Receipt[]): void {
    const byId = new Map(receipts.map((receipt) => [receipt.id, receipt]));
    for (const entry of batch) {
      const receipt = byId.get(entry.frame.id) ?? { id: entry.frame.id, status: 'sent' };
      if (receipt.status !== 'sent') answer(entry, receipt);
      else if (ack !== 'frame' && entry.link === id) entry.finish(ack === 'none' ? receipt : unanswered(entry));
    }
  }

  function answer(entry: Entry, receipt: Receipt): void {
    const { status, code = 'rejected', message, retryAfterMs } = receipt;
    if (status === 'accepted') {
      pauseMs = firstPauseMs;
      entry.finish(receipt);
    } else if (retryAfterMs === undefined) {
      entry.finish(rejectedError(entry.frame.event, code, message));
    } else {
      const { link: wasOn } = entry;
      entry.link = undefined;
      entry.notBeforeMs = clock.now() + Math.max(pauseMs, retryAfterMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      if (wasOn !== undefined && !isBusy(wasOn)) onDrained(wasOn);
      flushSoon();
    }
  }

  /** It is not known whether the server got the batch: it leaves again, under the same ids. */
  function failed({ id }: OutboxLink, batch: readonly Entry[], error: RealtimeError): void {
    const isImpossible = error.code === 'too-large' || error.code === 'unsupported' || error.code === 'invalid-payload';
    isOneByOne = isImpossible && entries.size > 1;
    for (const entry of batch) {
      if (entry.link !== id) continue;
      entry.problem = error;
      if (isImpossible && batch.length === 1) entry.finish(error);
      else entry.link = undefined;
    }
    if (isImpossible) flushSoon();
    else pause();
  }

  function pause(): void {
    endPause();
    cancelPause = clock.schedule(() => {
      cancelPause = undefined;
      flushSoon();
    }, pauseMs);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  function endPause(): void {
    cancelPause?.();
    cancelPause = undefined;
  }

  /** Makes room for a send. @throws RealtimeError `queue-full` */
  function makeRoom(needed: number): void {
    if (needed > limits.maxBytes) throw fullError(limits);
    while (entries.size >= limits.maxCount || size + needed > limits.maxBytes) {
      const oldest = [...entries.values()].find((entry) => entry.link === undefined);
      if (limits.overflow === 'reject-new' || !oldest) throw fullError(limits);
      oldest.finish(fullError(limits));
    }
  }

  return {
    async send(frame, { signal, timeoutMs = limits.maxAgeMs }) {
      const { id, event } = frame;
      const what = `publishing ${event}`;
      if (closed) throw closed;
      if (signal?.aborted) throw abortedError(what, signal);
      const needed = assertSendable(frame, limits);
      if (entries.has(id)) throw new RealtimeError('invalid-option', 'a send with this id is under way already');
      makeRoom(needed);
      return new Promise((resolve, reject) => {
        const finish: Entry['finish'] = (outcome) => {
          if (entries.get(id) !== entry) return;
          entries.delete(id);
          if (!entries.size) isOneByOne = false;
          size -= needed;
          cancelDeadline();
          forget();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
          if (entry.link !== undefined && !isBusy(entry.link)) onDrained(entry.link);
          flushSoon();
        };
        const entry: Entry = { frame, size: needed, link: undefined, problem: undefined, notBeforeMs: 0, finish };
        const cancelDeadline = clock.schedule(() => finish(expiredError(what, entry, timeoutMs)), timeoutMs);
        const forget = onAbort(signal, () => signal && finish(abortedError(what, signal)));
        entries.set(id, entry);
        size += needed;
        flushSoon();
      });
    },
    use(next) {
      link = next;
      if (!next) return;
      // a new link is no reason to wait for what the old one asked
      endPause();
      pauseMs = firstPauseMs;
      for (const entry of entries.values()) entry.notBeforeMs = 0;
      flushSoon();
    },
    flush: flushSoon,
    linkDown(id) {
      for (const entry of entries.values()) if (entry.link === id) entry.link = undefined;
      if (link?.id === id) link = undefined;
      flushSoon();
    },
    answered(frame) {
      const entry = entries.get(frame.id);
      if (entry) answer(entry, { ...frame, status: frame.kind === 'ack' ? 'accepted' : 'rejected' });
    },
    close(error) {
      closed = error;
      endPause();
      cancelHeld();
      link = undefined;
      for (const entry of [...entries.values()]) entry.finish(error);
    },
    get size() {
      return entries.size;
    },
    isBusy,
  };
}

/** The length of a value as JSON. @throws RealtimeError `invalid-payload` for what cannot be written as JSON */
export function assertJson(value: unknown, what: string): number {
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch (cause) {
    throw new RealtimeError('invalid-payload', `${what} cannot be written as JSON`, { cause });
  }
}

/** The length of a send as JSON. @throws RealtimeError `invalid-payload`, `too-large` */
export function assertSendable(frame: PublishFrame, limits: OutboxLimits): number {
  const length = assertJson(frame, `the payload of ${frame.event}`);
  if (length > limits.maxSendBytes) throw tooLargeError(`publishing ${frame.event}`, limits);
  return length;
}

/** A send was refused: by the server, or because it cannot be written for it. */
export function rejectedError(event: string, code: string | undefined, message = 'no reason was given'): RealtimeError {
  if (code === 'unsupported' || code === 'invalid-payload') return new RealtimeError(code, `${event} cannot be sent: ${message}`);
  return new RealtimeError('rejected', `the server rejected ${event} (${code}): ${message}`, { serverCode: code });
}

function tooLargeError(what: string, { maxSendBytes }: OutboxLimits): RealtimeError {
  return new RealtimeError('too-large', `${what} failed: it has more than ${maxSendBytes} characters of JSON`, {
    hint: 'Send less at once, or raise maxSendBytes of the outbox if the server takes more.',
  });
}

function fullError({ maxCount, maxBytes }: OutboxLimits): RealtimeError {
  return new RealtimeError('queue-full', `the outbox is full (${maxCount} sends or ${maxBytes} characters)`, {
    hint: 'Mark what nobody needs later as volatile, or raise the limits of the outbox.',
  });
}

function expiredError(what: string, { link, problem }: Entry, timeoutMs: number): RealtimeError {
  return new RealtimeError('expired', `${what} was not accepted within ${timeoutMs} ms`, {
    cause: problem,
    hint:
      link !== undefined || problem !== undefined
        ? 'It has left, so the server may still apply it.'
        : 'It has not left: there was no connection that could send it.',
  });
}

function unanswered({ frame }: Entry): RealtimeError {
  return new RealtimeError('protocol', `the server's answer to ${frame.event} has no receipt for it`, {
    hint: 'The dialect must give a receipt for each send.',
  });
}
