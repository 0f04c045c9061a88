import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { aCount, aFunction, check, checkOptions, notNegative, type OptionRules } from '../platform/rules.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { Backfill, HoledChannel } from './hole.ts';
import type { Gap } from './order.ts';

export {
  type CurrentSnapshot,
  type Loaded,
  type SnapshotChannel,
  type SnapshotChannelState,
  type SnapshotOptions,
  snapshot,
} from './snapshot.ts';

/** A message as a backfill brings it: an event of the channel, with its number or its id where the server gives them. */
export type BackfillMessage = Omit<EventFrame, 'kind' | 'channel'>;

/** A part of what is missing, oldest first. */
export interface BackfillPage {
  /** The messages, oldest first. */
  readonly messages: readonly BackfillMessage[];
  /** What to ask for next; absent on the last page. */
  readonly next?: string;
}

/** What a {@link BackfillLoad} is told beside the channel and the hole. */
export interface BackfillContext {
  /** Fires when the answer is not wanted any more: too late, too much waits, the channel was left. */
  readonly signal: AbortSignal;
  /** `next` of the page before; absent on the first. */
  readonly cursor: string | undefined;
  /** How many messages are still of use. */
  readonly limit: number;
}

/**
 * Loads what is missing, usually by REST: everything after `gap.after` (or after `gap.lastEvent`, where the server does not
 * number) up to `gap.until` or up to now. A little more does no harm: what was here is left out, by its number, or by its id as
 * long as the dedup policy remembers that. An error that it throws is a reason to try again; with a number
 * `retryAfterMs` in it not before that time.
 *
 * @returns the messages, oldest first, as one list or page by page
 */
export type BackfillLoad = (
  channel: string,
  gap: Gap,
  context: BackfillContext,
) => Promise<BackfillPage | readonly BackfillMessage[]>;

/** The bounds of a {@link backfill}. */
export interface BackfillOptions {
  /** How often each page is tried. @defaultValue 4 */
  readonly maxAttempts?: number;
  /** The ceiling of the pause before the second try, doubling with each, in milliseconds; the pause is a random part of it. @defaultValue 500 */
  readonly baseMs?: number;
  /** How long one try may take, in milliseconds. @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** How long a hole may take in all, in milliseconds. @defaultValue 30000 */
  readonly deadlineMs?: number;
  /** How many pages a hole may have. @defaultValue 20 */
  readonly maxPages?: number;
  /** How many messages a hole may have. @defaultValue 1000 */
  readonly maxMessages?: number;
  /** How many live messages of a channel may wait meanwhile. @defaultValue 1000 */
  readonly maxWaiting?: number;
}

const defaults: { -readonly [Name in keyof BackfillOptions]-?: number } = {
  maxAttempts: 4,
  baseMs: 500,
  timeoutMs: 10_000,
  deadlineMs: 30_000,
  maxPages: 20,
  maxMessages: 1_000,
  maxWaiting: 1_000,
};

const rules: OptionRules<BackfillOptions> = {
  maxAttempts: aCount,
  baseMs: notNegative,
  timeoutMs: notNegative,
  deadlineMs: notNegative,
  maxPages: aCount,
  maxMessages: aCount,
  maxWaiting: aCount,
};

/**
 * Fills the holes that a server cannot replay. While a hole is filled, what comes live on that channel waits; then it goes
 * on in order, and nothing is shown twice. One hole of a channel is filled at a time; holes with nothing between them are
 * filled as one. Afterwards there is one `gap` event, with `isFilled`, and with `error` when it failed: after its tries, its
 * deadline or its limits, or because too much came live meanwhile. What it had brought until then stays, what waits is
 * handed over, nothing of it is dropped. `channel.state` has `backfill: 'running'` meanwhile, and `'failed'` afterwards if so.
 *
 * Numbered messages are held against the range of the hole. Without numbers, ids tell what is here already: give each
 * message the id that it has on the stream.
 *
 * @throws RealtimeError `invalid-option` for a bound that is no number, or under 1 where it counts
 * @example
 * ```ts
 * import { backfill } from 'keepwire/backfill';
 *
 * const realtime = createRealtime({
 *   transports,
 *   backfill: backfill(async (channel, { after, lastEvent }, { signal }) => {
 *     const since = typeof after === 'object' ? after.offset : lastEvent?.id;
 *     const answer = await fetch(`/api/${channel}/messages?since=${since ?? ''}`, { signal });
 *     if (!answer.ok) throw new Error(`status ${answer.status}`);
 *     return (await answer.json()).messages;
 *   }),
 * });
 * ```
 */
export function backfill(load: BackfillLoad, options: BackfillOptions = {}): Backfill {
  check('the first argument of backfill()', load, aFunction);
  checkOptions('backfill', options, rules);
  const limits = { ...defaults };
  for (const [name, value = defaults[name]] of Object.entries(options) as [keyof BackfillOptions, number][]) limits[name] = value;
  return (channel) => {
    const { name, turns, order } = channel;
    /** The hole that is being filled. */
    let filling: AbortController | undefined;
    /** The last hole, as long as it waits and nothing came after it. */
    let last: { gap: Gap; readonly era: number } | undefined;
    let isClosed = false;
    const dealtWith = createIdSet(2 * limits.maxMessages);

    async function fill({ gap, era }: { readonly gap: Gap; readonly era: number }): Promise<void> {
      if (isClosed) return;
      filling = new AbortController();
      channel.running();
      const hole = { ...gap, lastEvent: order.lastEvent };
      const fits = typeof gap.until === 'object' ? numberedHole(gap, gap.until) : unnumberedHole(channel, era, dealtWith);
      const told = await fillHole(load, limits, channel, hole, { era, fits }, filling);
      filling = undefined;
      if (!isClosed) channel.tell(told);
    }

    return {
      lose(gap) {
        if (last) {
          last.gap = mergeGaps(last.gap, gap);
          return;
        }
        const hole = { gap, era: order.era };
        last = hole;
        turns.pass(Promise.resolve(), () => {
          if (last === hole) last = undefined;
          return fill(hole);
        });
      },
      waits() {
        last = undefined;
        // one of them is the hole itself
        if (turns.size - 1 <= limits.maxWaiting) return;
        filling?.abort(
          new RealtimeError('queue-full', `more than ${limits.maxWaiting} live messages wait for the backfill of ${name}`, {
            hint: 'Raise maxWaiting, or make the backfill faster.',
          }),
        );
      },
      close() {
        isClosed = true;
        filling?.abort(new RealtimeError('closed', `the channel ${name} was left`));
      },
    };
  };
}

/** Two holes with nothing between them are one. */
function mergeGaps(first: Gap, second: Gap): Gap {
  const missing = first.missing === undefined || second.missing === undefined ? undefined : first.missing + second.missing;
  return { ...second, reason: first.reason, after: first.after, missing };
}

/** Fills one hole as far as it can. Never rejects. */
async function fillHole(
  load: BackfillLoad,
  limits: Required<BackfillOptions>,
  channel: HoledChannel,
  gap: Gap,
  { era, fits }: { readonly era: number; readonly fits: (frame: EventFrame) => Place },
  ending: AbortController,
): Promise<Gap> {
  // what was shown of the log that is gone cannot be taken back
  if (gap.reason === 'rewound') return gap;
  const { clock, name } = channel;
  const { signal } = ending;
  let loaded = 0;
  let brought = 0;
  const cancelDeadline = clock.schedule(() => {
    ending.abort(new RealtimeError('timeout', `the backfill of ${name} took longer than ${limits.deadlineMs} ms`));
  }, limits.deadlineMs);

  /** @returns false when the hole is full */
  async function handOver(messages: readonly BackfillMessage[]): Promise<boolean> {
    const frames: EventFrame[] = [];
    let isOpen = true;
    for (const message of messages) {
      const frame: EventFrame = { ...message, kind: 'event', channel: name };
      const place = fits(frame);
      if (place === 'after') {
        isOpen = false;
        break;
      }
      // what stands before something that was shown long ago comes too late
      if (place === 'before') frames.length = 0;
      else if (place === 'inside') frames.push(frame);
    }
    for (const frame of frames) {
      brought += 1;
      const delivered = channel.deliver(frame, era);
      if (delivered !== undefined) await delivered;
      signal.throwIfAborted();
    }
    return isOpen && brought !== gap.missing;
  }

  let error: RealtimeError | undefined;
  try {
    let cursor: string | undefined;
    for (let pages = 0; ; pages++) {
      if (pages === limits.maxPages) throw tooMuch(name, `${limits.maxPages} pages`);
      const page = await loadPage(load, limits, channel, gap, { signal, cursor, limit: limits.maxMessages - loaded });
      const { messages, next } = 'messages' in page ? page : { messages: page, next: undefined };
      const isCut = loaded + messages.length > limits.maxMessages;
      const isOpen = await handOver(sorted(messages.slice(0, limits.maxMessages - loaded)));
      if (!isOpen) break;
      if (isCut) throw tooMuch(name, `${limits.maxMessages} messages`);
      loaded += messages.length;
      if (next === undefined) break;
      cursor = next;
    }
  } catch (cause) {
    error = RealtimeError.from(cause, 'handler-failed', `the backfill of ${name} failed`);
  }
  cancelDeadline();
  const missing = gap.missing === undefined ? undefined : gap.missing - brought;
  return { ...gap, missing, isFilled: !error && !missing, error };
}

/** Where a message of a backfill belongs: before the hole, into it, into it and here already, or after its end. */
type Place = 'before' | 'inside' | 'again' | 'after';

/** A hole between two numbers: each number in it fits once, in rising order. */
function numberedHole({ after }: Gap, until: { readonly epoch: string; readonly offset: number }): (frame: EventFrame) => Place {
  let filled = typeof after === 'object' && after.epoch === until.epoch ? after.offset : 0;
  return ({ offset, epoch = until.epoch }) => {
    if (offset === undefined) {
      throw new RealtimeError('protocol', 'a message of the backfill has no offset, and the channel is numbered');
    }
    if (offset > until.offset && epoch === until.epoch) return 'after';
    if (offset <= filled || epoch !== until.epoch) return 'again';
    filled = offset;
    return 'inside';
  };
}

/**
 * A hole without numbers: what was here before it is left out by its id. With the first message that came live meanwhile
 * the hole ends: what follows on it comes live as well.
 *
 * @param dealtWith - the ids that earlier holes have shown, or found to have been here
 */
function unnumberedHole(
  { order, isNew }: HoledChannel,
  first: number,
  dealtWith: ReturnType<typeof createIdSet>,
): (frame: EventFrame) => Place {
  const mine = new Set<string>();
  return (frame) => {
    const { id, epoch } = frame;
    if (id === undefined) return 'inside';
    if (mine.has(id)) return 'again';
    if (epoch !== undefined) return isNew(frame, epoch, true) ? 'inside' : 'again';
    if (dealtWith.has(id)) return 'before';
    // there may have been other holes since
    for (let era = first; era <= order.era; era++) if (!isNew(frame, `${era}`, true)) return 'after';
    dealtWith.add(id);
    for (let era = first - 1; era >= Math.max(0, first - earlierEras); era--) if (!isNew(frame, `${era}`, true)) return 'before';
    mine.add(id);
    return 'inside';
  };
}

/** So many numberings before the one of the hole are asked whether a message was here. */
const earlierEras = 4;

/** A set that forgets what was added first. */
function createIdSet(most: number): { has(id: string): boolean; add(id: string): void } {
  const ids = new Set<string>();
  return {
    has: (id) => ids.has(id),
    add(id) {
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > most && oldest !== undefined) ids.delete(oldest);
    },
  };
}

/** Numbered messages by their numbers; those without stay in the order of the page. */
function sorted(messages: readonly BackfillMessage[]): readonly BackfillMessage[] {
  return [...messages].sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
}

async function loadPage(
  load: BackfillLoad,
  { maxAttempts, baseMs, timeoutMs }: Required<BackfillOptions>,
  { clock, random, name }: HoledChannel,
  gap: Gap,
  context: BackfillContext,
): Promise<BackfillPage | readonly BackfillMessage[]> {
  const { signal } = context;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const trying = new AbortController();
    const forget = onAbort(signal, () => trying.abort(signal.reason));
    const cancelTimeout = clock.schedule(() => {
      trying.abort(new RealtimeError('timeout', `a page of the backfill of ${name} took longer than ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      return await orAborted((async () => load(name, gap, { ...context, signal: trying.signal }))(), trying.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= maxAttempts) throw error;
      const { retryAfterMs = 0 } = Object(error) as { readonly retryAfterMs?: number };
      const pauseMs = Math.max(random() * baseMs * 2 ** (attempt - 1), retryAfterMs);
      let cancelPause = (): void => {};
      await orAborted(
        new Promise<void>((resolve) => {
          cancelPause = clock.schedule(resolve, pauseMs);
        }),
        signal,
      ).finally(() => cancelPause());
    } finally {
      forget();
      cancelTimeout();
    }
  }
}

/** A promise that does not outlast a signal, whether or not it listens to it. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(forget);
  });
}

function tooMuch(name: string, limit: string): RealtimeError {
  return new RealtimeError('too-large', `the hole in ${name} has more than ${limit}`, {
    hint: 'Raise maxPages or maxMessages of backfill, or show the history anew on the `gap` event.',
  });
}
