import { RealtimeError } from '../errors.ts';
import { writable } from '../events/readable.ts';
import { abortedError, onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { PublishFrame } from '../protocol/frame.ts';
import type {
  OutboxControls,
  OutboxEntry,
  OutboxHooks,
  OutboxLink,
  OutboxOptions,
  SendOptions,
  SendStatus,
} from './outbox-options.ts';
import { assertSendable, expiredError, fullError } from './send-errors.ts';
import type { StoredSend } from './storage.ts';

/** What is known of one send that is not accepted yet. */
export interface Entry extends Omit<StoredSend, 'failed'> {
  readonly size: number;
  /** Sends leave in this order. */
  readonly rank: number;
  readonly isStored: boolean;
  /** The storage has it, or there is none: it may leave, and be seen. */
  isSafe: boolean;
  attempts: number;
  /** The link on which it is under way; `undefined` while it waits. */
  link: OutboxLink | undefined;
  /** The link that it left on, when that ended without an answer; its reason may still show that nothing was applied. */
  doubt: OutboxLink | undefined;
  /** May a server have applied it? And would every one of them know it again by its id? */
  wasLost: 'no' | 'known-by-id' | 'unknown';
  /** Why it did not go through the last time, or why it failed. */
  problem: RealtimeError | undefined;
  /** The server asked not to have it before, by the monotonic clock. */
  notBeforeMs: number;
  /** Tells whoever published it. */
  readonly settle: (outcome: Receipt | RealtimeError) => void;
  readonly tell: (status: SendStatus) => void;
  /** Ends its deadline and lets go of its signal. */
  release: () => void;
}

/** The sends that are not accepted yet: their bounds, their deadlines, what has failed, and what of it is stored. */
export interface Ledger extends Omit<OutboxControls, 'hold'> {
  /** In the order of their sending; the id finds them. */
  readonly waiting: ReadonlyMap<string, Entry>;
  /** What has failed and can be tried again, the oldest first. */
  readonly failed: ReadonlyMap<string, Entry>;
  /** Takes a send in; see `Outbox.send`. */
  add(frame: PublishFrame, options: SendOptions): Promise<Receipt>;
  /** Ends a send; once more does nothing. */
  finish(entry: Entry, outcome: Receipt | RealtimeError): void;
  /** A send that had failed was accepted after all. */
  acceptedLate(entry: Entry, receipt: Receipt): void;
  /** An entry looks different. */
  changed(): void;
  /** May anything leave? */
  mayFlush(): boolean;
  restore(sends: readonly StoredSend[]): void;
  taken(ids: readonly string[]): void;
  clear(error: RealtimeError): void;
  close(error: RealtimeError): void;
}

/** Who gave a send up, or closed the manager, does not want it in the list of the failed. */
const unlisted: readonly string[] = ['aborted', 'closed', 'signed-out'];

/**
 * @param ready - called when something may have become able to leave
 * @param ended - called with each send that waits no longer
 */
export function createLedger(
  limits: OutboxOptions,
  clock: Clock,
  { late = () => {}, report = () => {} }: OutboxHooks,
  ready: () => void,
  ended: (entry: Entry) => void,
): Ledger {
  const waiting = new Map<string, Entry>();
  const failed = new Map<string, Entry>();
  const entries = writable<readonly OutboxEntry[]>([], report);
  let { storage } = limits;
  let size = 0;
  let rank = 0;
  /** What is taken over comes before everything that was published here. */
  let restoredRank = -(2 ** 40);
  let isTellScheduled = false;
  /** Why nothing is taken any more. */
  let closed: RealtimeError | undefined;

  function changed(): void {
    if (isTellScheduled) return;
    isTellScheduled = true;
    queueMicrotask(() => {
      isTellScheduled = false;
      entries.set([...failed.values(), ...waiting.values()].filter(({ isSafe }) => isSafe).map(see));
    });
  }

  function see(entry: Entry): OutboxEntry {
    const { frame, delivery, since, attempts, size: bytes, problem: error } = entry;
    const { id, channel, event, data } = frame;
    const status = failed.has(id) ? 'failed' : entry.link ? 'sending' : 'queued';
    return { id, channel, event, data, status, delivery, since, attempts, bytes, error };
  }

  /** Makes room for a send. @throws RealtimeError `queue-full` */
  function makeRoom(needed: number): void {
    const { maxCount, maxBytes } = limits;
    if (needed > maxBytes) throw fullError(maxCount, maxBytes);
    while (waiting.size >= maxCount || size + needed > maxBytes) {
      const oldest = [...waiting.values()].find((entry) => !entry.link);
      if (limits.overflow === 'reject-new' || !oldest) throw fullError(maxCount, maxBytes);
      finish(oldest, fullError(maxCount, maxBytes));
    }
  }

  function queue(entry: Entry, timeoutMs: number, signal?: AbortSignal): void {
    const { id, event } = entry.frame;
    waiting.set(id, entry);
    size += entry.size;
    const expire = (): void => {
      finish(entry, expiredError(event, entry.timeoutMs, entry.attempts > 0, entry.problem));
    };
    const cancelDeadline = clock.schedule(expire, timeoutMs);
    const letGo = onAbort(signal, () => signal && finish(entry, abortedError(`publishing ${event}`, signal)));
    entry.release = () => {
      cancelDeadline();
      letGo();
    };
    entry.tell('queued');
    changed();
    ready();
  }

  /** Puts what came back into its place. */
  function sort(): void {
    const sorted = [...waiting].sort(([, a], [, b]) => a.rank - b.rank);
    waiting.clear();
    for (const [id, entry] of sorted) waiting.set(id, entry);
  }

  function finish(entry: Entry, outcome: Receipt | RealtimeError): void {
    const { id } = entry.frame;
    if (waiting.get(id) !== entry) return;
    waiting.delete(id);
    size -= entry.size;
    entry.release();
    if (!(outcome instanceof Error)) forget(entry);
    else if (outcome.code !== 'closed') fail(entry, outcome);
    entry.settle(outcome);
    changed();
    ended(entry);
  }

  function fail(entry: Entry, error: RealtimeError): void {
    entry.problem = error;
    if (unlisted.includes(error.code) || entry.frame.reply) return forget(entry);
    failed.set(entry.frame.id, entry);
    if (entry.isStored) void storage?.put(stored(entry, error));
    let bytes = 0;
    // the newest are kept
    for (const [index, old] of [...failed.values()].reverse().entries()) {
      bytes += old.size;
      if (index >= limits.maxFailed || bytes > limits.maxBytes) forget(old);
    }
  }

  function forget(entry: Entry): void {
    failed.delete(entry.frame.id);
    if (entry.isStored) storage?.remove(entry.frame.id);
    changed();
  }

  /** Until it is in the storage nobody sees it and it does not leave. */
  function keep(entry: Entry): void {
    if (!entry.isStored) return;
    entry.isSafe = false;
    const safe = (): void => {
      entry.isSafe = true;
      changed();
      ready();
    };
    storage?.put(stored(entry)).then(safe, safe);
  }

  return {
    waiting,
    failed,
    entries,
    async add(frame, { signal, timeoutMs = limits.maxAgeMs, delivery = 'at-least-once', tell = () => {} }) {
      const { id, event } = frame;
      if (closed) throw closed;
      if (signal?.aborted) throw abortedError(`publishing ${event}`, signal);
      const needed = assertSendable(frame, limits.maxSendBytes);
      if (waiting.has(id)) throw new RealtimeError('invalid-option', 'a send with this id is under way already');
      makeRoom(needed);
      failed.delete(id);
      return new Promise((resolve, reject) => {
        const settle: Entry['settle'] = (outcome) => {
          const isError = outcome instanceof Error;
          tell(isError ? 'failed' : 'accepted');
          if (isError) reject(outcome);
          else resolve(outcome);
        };
        // nobody would be there for the answer to a request
        const isStored = Boolean(storage && !frame.reply);
        const entry = entryOf({ frame, delivery, since: clock.wallNow(), timeoutMs }, needed, rank++, isStored, settle, tell);
        keep(entry);
        queue(entry, timeoutMs, signal);
      });
    },
    finish,
    acceptedLate(entry, receipt) {
      forget(entry);
      entry.settle(receipt);
      late(see(entry));
    },
    changed,
    mayFlush: () => storage?.mayFlush?.() !== false,
    cancel(id) {
      const entry = waiting.get(id) ?? failed.get(id);
      if (!entry) return false;
      if (failed.has(id)) forget(entry);
      else finish(entry, new RealtimeError('aborted', `publishing ${entry.frame.event} was cancelled`));
      ready();
      return true;
    },
    retry(id) {
      const entry = failed.get(id);
      if (!entry) return false;
      if (closed) throw closed;
      makeRoom(entry.size);
      failed.delete(id);
      // who retries it knows what may have become of it
      Object.assign(entry, { link: undefined, doubt: undefined, wasLost: 'no', notBeforeMs: 0 });
      keep(entry);
      queue(entry, entry.timeoutMs);
      sort();
      return true;
    },
    restore(sends) {
      for (const send of sends) {
        const { frame, since, timeoutMs, failed: failure } = send;
        if (closed || !storage || waiting.has(frame.id) || failed.has(frame.id)) continue;
        const entry = entryOf(send, JSON.stringify(frame).length, restoredRank++, true);
        // whether it had left is not known
        entry.wasLost = 'known-by-id';
        const leftMs = timeoutMs - Math.max(0, clock.wallNow() - since);
        if (failure) fail(entry, new RealtimeError(failure.code, failure.message));
        else if (leftMs > 0) queue(entry, leftMs);
        else fail(entry, expiredError(frame.event, timeoutMs, true, undefined));
      }
      sort();
      changed();
    },
    taken(ids) {
      for (const id of ids) {
        const entry = waiting.get(id);
        if (entry) finish(entry, new RealtimeError('closed', `another page has taken over the sending of ${entry.frame.event}`));
        failed.delete(id);
      }
      changed();
    },
    clear(error) {
      void storage?.clear();
      storage?.close();
      storage = undefined;
      failed.clear();
      for (const entry of [...waiting.values()]) finish(entry, error);
      changed();
    },
    close(error) {
      closed = error;
      for (const entry of [...waiting.values()]) finish(entry, error);
      storage?.close();
    },
  };
}

function stored({ frame, delivery, since, timeoutMs }: Entry, error?: RealtimeError): StoredSend {
  const kept = { frame, delivery, since, timeoutMs };
  return error ? { ...kept, failed: { code: error.code, message: error.message } } : kept;
}

function entryOf(
  { frame, delivery, since, timeoutMs }: StoredSend,
  size: number,
  rank: number,
  isStored: boolean,
  settle: Entry['settle'] = () => {},
  tell: Entry['tell'] = () => {},
): Entry {
  const start = { attempts: 0, link: undefined, doubt: undefined, wasLost: 'no', problem: undefined, notBeforeMs: 0 } as const;
  return { frame, delivery, since, timeoutMs, size, rank, isStored, settle, tell, release: () => {}, isSafe: true, ...start };
}
