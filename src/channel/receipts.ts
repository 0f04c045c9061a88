import { type Channel, disposable, type Readable, writable } from 'keepwire';
import { type By, byFromOrKey, fieldOf, type Me, onJoin, whisper } from './companion.ts';

export type { By, Me } from './companion.ts';

/** How far somebody has read: the offset of a message, its time, or an id that sorts. */
export type MarkPosition = number | string;

/** How far one person has read. */
export interface Mark {
  /** The stable key of the person. */
  readonly key: string;
  /** Everything up to here was read. */
  readonly position: MarkPosition;
  /** When we heard of it, by our own clock, in milliseconds since the Unix epoch. */
  readonly at: number;
}

/** The options of {@link receipts}. */
export interface ReceiptsOptions {
  /** Who we are. Without it, marks are only watched. */
  readonly me?: Me;
  /** The name of the event that carries a mark. @defaultValue `'read'` */
  readonly event?: string;
  /** A mark that moves on is told at most this often, in milliseconds; the last one always. @defaultValue 1000 */
  readonly throttleMs?: number;
  /** Which of two positions comes later: positive when the first does. @defaultValue the order of numbers, or of strings */
  readonly compare?: (a: MarkPosition, b: MarkPosition) => number;
  /** The marks that are known already, such as from a REST answer. */
  readonly initial?: Iterable<readonly [key: string, position: MarkPosition]>;
  /** Who is behind an event. @defaultValue the sender by the server's word, else `data.key` */
  readonly by?: By;
  /** Reads the position of an event. @defaultValue `data.position` */
  readonly position?: (data: unknown) => unknown;
  /** Tells the server of our mark, where it keeps them. @defaultValue the event, to those who are here now */
  readonly send?: (position: MarkPosition) => unknown;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** The read marks of a channel. Made by {@link receipts}. */
export interface Receipts extends Disposable {
  /** The mark of each person, ours among them; 1,000 at most. */
  readonly marks: Readable<ReadonlyMap<string, Mark>>;
  /** We have read up to here. A mark only moves forward; going back does nothing. */
  mark(position: MarkPosition): void;
  /** Who has read what is at a position, us left out. */
  readBy(position: MarkPosition): readonly string[];
  /** How many of these positions lie after our mark. */
  unread(positions: Iterable<MarkPosition>): number;
  /** Tells what was not told yet, and lets go of the channel. Calling it twice is harmless. */
  close(): void;
}

const mostMarks = 1_000;
/** Who is asked for the marks answers within this time, each at a moment of its own. */
const answerWithinMs = 1_000;

/**
 * Keeps the read marks of a channel. Who joins asks the others for theirs, and after a reconnect everybody tells again. It
 * ends with the handle of the channel, with the signal, or by `close`.
 *
 * @example
 * ```ts
 * const { marks, mark } = receipts(channel, { me: { key: user.id }, signal });
 * mark(lastVisible.offset);
 * ```
 */
export function receipts(channel: Channel, options: ReceiptsOptions = {}): Receipts {
  const { me, event = 'read', throttleMs = 1000, compare = inOrder, initial = [], by = byFromOrKey, send, signal } = options;
  const { position: positionOf = (data) => fieldOf(data, 'position') } = options;
  const { context } = channel;
  const { clock, random } = context.platform;
  const marks = writable<ReadonlyMap<string, Mark>>(new Map(), context.report);
  /** What is to be told when the pause is over; a pause without it ends in silence. */
  let isUntold = false;
  let cancelPause: (() => void) | undefined;
  let cancelAnswer: (() => void) | undefined;
  let isOpen = true;

  /** @returns whether it moved */
  function move(key: string, position: MarkPosition): boolean {
    const known = marks.get().get(key);
    if (known ? compare(position, known.position) <= 0 : marks.get().size >= mostMarks) return false;
    marks.set(new Map(marks.get()).set(key, { key, position, at: clock.wallNow() }));
    return true;
  }

  function ours(): MarkPosition | undefined {
    return me && marks.get().get(me.key)?.position;
  }

  function tell(more?: object): void {
    isUntold = false;
    const position = ours();
    if (position === undefined && !more) return;
    whisper(channel, event, { ...me, position, ...more });
  }

  function tellMove(): void {
    isUntold = false;
    const position = ours();
    if (!send || position === undefined) return tell();
    try {
      Promise.resolve(send(position)).catch(context.report);
    } catch (error) {
      context.report(error);
    }
  }

  function pause(): void {
    cancelPause = clock.schedule(() => {
      cancelPause = undefined;
      if (!isUntold) return;
      tellMove();
      pause();
    }, throttleMs);
  }

  for (const [key, position] of initial) move(key, position);
  const removers = [
    channel.on(event, (data, message) => {
      const key = by(data, message);
      const position = positionOf(data);
      if (key !== undefined && (typeof position === 'number' || typeof position === 'string')) move(key, position);
      if (fieldOf(data, 'ask') !== true || key === me?.key || ours() === undefined) return;
      cancelAnswer ??= clock.schedule(() => {
        cancelAnswer = undefined;
        tell();
      }, random() * answerWithinMs);
    }),
    onJoin(channel, (isJoined) => {
      // where the server keeps the marks, it is the one to be asked
      if (isJoined && !send) tell({ ask: true });
    }),
  ];
  const close = context.until(() => {
    if (isUntold) tellMove();
    isOpen = false;
    for (const remove of removers) remove();
    cancelPause?.();
    cancelAnswer?.();
  }, signal);

  const handle = {
    marks,
    mark(position: MarkPosition): void {
      if (!isOpen || !me || !move(me.key, position)) return;
      isUntold = true;
      if (cancelPause) return;
      tellMove();
      pause();
    },
    readBy: (position: MarkPosition) =>
      [...marks.get().values()]
        .filter((mark) => mark.key !== me?.key && compare(mark.position, position) >= 0)
        .map(({ key }) => key),
    unread(positions: Iterable<MarkPosition>): number {
      const mark = ours();
      return [...positions].filter((position) => mark === undefined || compare(position, mark) > 0).length;
    },
    close,
  };
  return disposable(handle, close);
}

function inOrder(a: MarkPosition, b: MarkPosition): number {
  return Number(a > b) - Number(a < b);
}
