import { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { AckFrame, PublishFrame, RejectFrame } from '../protocol/frame.ts';
import { createLedger, type Entry } from './ledger.ts';
import type { OutboxControls, OutboxHooks, OutboxLink, OutboxOptions, SendOptions } from './outbox-options.ts';
import { rejectedError, unansweredError, unconfirmedError } from './send-errors.ts';
import type { StoredSend } from './storage.ts';

/** Keeps every send until the server has accepted or refused it, over any number of links, under the same id. */
export interface Outbox extends OutboxControls {
  /**
   * Queues a send.
   *
   * @returns the receipt of its acceptance
   * @throws RealtimeError `queue-full`, `too-large`, `expired`, `rejected`, `unconfirmed`, `aborted`, `signed-out`, `closed`,
   * `invalid-payload` for data that is no JSON
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
  /** Takes over sends that were published in another page; they come before all others. */
  restore(sends: readonly StoredSend[]): void;
  /** Another page has taken these. */
  taken(ids: readonly string[]): void;
  /** Fails everything that waits and forgets what has failed, also in the storage, which is not used any more. */
  clear(error: RealtimeError): void;
  /** Fails everything that waits; what is stored stays there. */
  close(error: RealtimeError): void;
  /** How many sends wait for acceptance. */
  readonly size: number;
  /** Is something under way on this link? */
  isBusy(link: number): boolean;
}

/** After a failed batch on a link that is still up, or what the server put off: wait this long, doubling up to the longest. */
const firstPauseMs = 250;
const longestPauseMs = 10_000;

/** With these the send fails wherever it goes. */
const impossible: readonly string[] = ['too-large', 'unsupported', 'invalid-payload'];
/** With these it is known that the server has not applied the batch. */
const harmless: readonly string[] = [...impossible, 'unauthorized', 'closed'];
/** @param onDrained - called when the last send under way on a link is answered */
export function createOutbox(
  limits: OutboxOptions,
  clock: Clock,
  onDrained: (link: number) => void,
  hooks: OutboxHooks = {},
): Outbox {
  const { isEarly = () => false } = hooks;
  const ledger = createLedger(limits, clock, hooks, flushSoon, ended);
  const { waiting, failed, finish } = ledger;
  const holds = new Set<object>();
  let link: OutboxLink | undefined;
  let isFlushScheduled = false;
  /** True while one of a batch was impossible to send and it is not known which: they leave one by one. */
  let isOneByOne = false;
  /** The last pause; 0 when nothing failed since. */
  let pauseMs = 0;
  /** The pause has grown since a batch left: once is enough, however many of it failed. */
  let hasGrown = false;
  let cancelPause: (() => void) | undefined;
  let cancelHeld = (): void => {};

  function isBusy(id: number): boolean {
    for (const entry of waiting.values()) if (entry.link?.id === id) return true;
    return false;
  }

  function ended(entry: Entry): void {
    const { link: wasOn } = entry;
    entry.link = undefined;
    if (!waiting.size) isOneByOne = false;
    free(wasOn);
  }

  /** A send is no longer under way on this link. */
  function free(wasOn: OutboxLink | undefined): void {
    if (wasOn && !isBusy(wasOn.id)) onDrained(wasOn.id);
    flushSoon();
  }

  /** The sends of one tick leave together. */
  function flushSoon(): void {
    if (isFlushScheduled) return;
    isFlushScheduled = true;
    queueMicrotask(() => {
      isFlushScheduled = false;
      if (link && !cancelPause && !holds.size && ledger.mayFlush()) flush(link);
    });
  }

  function flush(target: OutboxLink): void {
    const all = [...waiting.values()];
    const underWay = all.filter((entry) => entry.link);
    // what is still under way on a link that is being replaced must be answered first, or the order would be lost
    if (underWay.some((entry) => entry.link?.id !== target.id)) return;
    // with receipts, a second batch could be accepted while the first one fails; frames keep their order on the link itself
    if (target.ack === 'receipt' && underWay.length) return;
    const batch: Entry[] = [];
    let length = 0;
    let nextMs = Number.POSITIVE_INFINITY;
    /** What has to wait holds back the sends behind it on the same channel, and no others. */
    const held = new Set<string>();
    for (const { frame } of failed.values()) if (limits.blocks?.(frame.channel)) held.add(frame.channel);
    for (const entry of all) {
      const { channel, event } = entry.frame;
      if (entry.link || held.has(channel) || isEarly(channel)) continue;
      if (!entry.isSafe || entry.notBeforeMs > clock.now()) {
        held.add(channel);
        if (entry.isSafe) nextMs = Math.min(nextMs, entry.notBeforeMs - clock.now());
        continue;
      }
      if (entry.doubt) {
        entry.wasLost = entry.wasLost !== 'unknown' && entry.doubt.honoursIds ? 'known-by-id' : 'unknown';
        entry.doubt = undefined;
      }
      const couldRepeat = entry.wasLost === 'unknown' || (entry.wasLost === 'known-by-id' && !target.honoursIds);
      if (couldRepeat && entry.delivery === 'once') {
        finish(entry, unconfirmedError(event, entry.problem));
        if (limits.blocks?.(channel)) held.add(channel);
        continue;
      }
      length += entry.size;
      if (batch.length + underWay.length >= limits.windowSize) break;
      if (batch.length && (isOneByOne || length > limits.maxSendBytes)) break;
      batch.push(entry);
    }
    cancelHeld();
    if (nextMs < Number.POSITIVE_INFINITY) cancelHeld = clock.schedule(flushSoon, nextMs);
    if (!batch.length) return;
    hasGrown = false;
    for (const entry of batch) {
      entry.link = target;
      entry.attempts += 1;
      entry.tell('sending');
    }
    ledger.changed();
    target.send(batch.map(({ frame }) => frame)).then(
      (receipts) => {
        received(target, batch, receipts);
        flushSoon();
      },
      (error: unknown) => batchFailed(target, batch, RealtimeError.from(error, 'connection-lost', 'a send failed')),
    );
  }

  function received({ id, ack }: OutboxLink, batch: readonly Entry[], receipts: readonly Receipt[]): void {
    const byId = new Map(receipts.map((receipt) => [receipt.id, receipt]));
    for (const entry of batch) {
      const receipt = byId.get(entry.frame.id) ?? { id: entry.frame.id, status: 'sent' };
      if (receipt.status !== 'sent') answer(entry, receipt);
      else if (ack !== 'frame' && entry.link?.id === id)
        finish(entry, ack === 'none' ? receipt : unansweredError(entry.frame.event));
    }
  }

  function answer(entry: Entry, receipt: Receipt): void {
    const { status, code = 'rejected', message, retryAfterMs } = receipt;
    const { id, event } = entry.frame;
    if (waiting.get(id) !== entry) {
      if (failed.get(id) === entry && status === 'accepted') ledger.acceptedLate(entry, receipt);
    } else if (status === 'accepted') {
      pauseMs = 0;
      finish(entry, receipt);
    } else if (retryAfterMs === undefined) {
      finish(entry, rejectedError(event, code, message));
    } else {
      const { link: wasOn = entry.doubt } = entry;
      entry.notBeforeMs = clock.now() + Math.max(nextPauseMs(), retryAfterMs);
      wait(entry, status === 'rejected' ? undefined : wasOn);
      free(wasOn);
    }
  }

  /** It is not known whether the server got the batch: it leaves again, under the same ids. */
  function batchFailed(target: OutboxLink, batch: readonly Entry[], error: RealtimeError): void {
    const isImpossible = impossible.includes(error.code);
    const doubt = harmless.includes(error.code) ? undefined : target;
    isOneByOne = isImpossible && waiting.size > 1;
    for (const entry of batch) {
      // the end of the link may have been told before its reason
      if (entry.doubt === target) entry.doubt = doubt;
      if (entry.link?.id !== target.id) continue;
      entry.problem = error;
      if (isImpossible && batch.length === 1) finish(entry, error);
      else wait(entry, doubt);
    }
    if (isImpossible) flushSoon();
    else pause();
  }

  /** Back to those that wait; with a link that gave no answer to it. */
  function wait(entry: Entry, doubt?: OutboxLink): void {
    entry.link = undefined;
    entry.doubt = doubt;
    entry.tell('queued');
    ledger.changed();
  }

  function pause(): void {
    endPause();
    cancelPause = clock.schedule(() => {
      cancelPause = undefined;
      flushSoon();
    }, nextPauseMs());
  }

  function nextPauseMs(): number {
    if (!hasGrown || !pauseMs) pauseMs = Math.min(pauseMs * 2 || firstPauseMs, longestPauseMs);
    hasGrown = true;
    return pauseMs;
  }

  function endPause(): void {
    cancelPause?.();
    cancelPause = undefined;
  }

  return {
    ...ledger,
    send: ledger.add,
    hold() {
      const name = {};
      holds.add(name);
      return () => {
        if (holds.delete(name)) flushSoon();
      };
    },
    use(next) {
      link = next;
      if (!next) return;
      // a new link is no reason to wait for what the old one asked
      endPause();
      pauseMs = 0;
      for (const entry of waiting.values()) entry.notBeforeMs = 0;
      flushSoon();
    },
    flush: flushSoon,
    linkDown(id) {
      for (const entry of waiting.values()) if (entry.link?.id === id) wait(entry, entry.link);
      if (link?.id === id) link = undefined;
      flushSoon();
    },
    answered(frame) {
      const entry = waiting.get(frame.id) ?? failed.get(frame.id);
      if (entry) answer(entry, { ...frame, status: frame.kind === 'ack' ? 'accepted' : 'rejected' });
    },
    close(error) {
      endPause();
      link = undefined;
      ledger.close(error);
      cancelHeld();
    },
    get size() {
      return waiting.size;
    },
    isBusy,
  };
}
