import { type Channel, disposable, type Readable, writable } from 'keepwire';
import { type By, byFromOrKey, createDeadlines, fieldOf, type Me, whisper } from './companion.ts';

export type { By, Me } from './companion.ts';

/** The options of {@link typing}. */
export interface TypingOptions {
  /** Who we are: we are not shown to ourselves, on no tab. Without it, typing is only watched. */
  readonly me?: Me;
  /** The name of the event that says it. @defaultValue `'typing'` */
  readonly event?: string;
  /** While keys are pressed it is said at most this often, in milliseconds. @defaultValue 3000 */
  readonly throttleMs?: number;
  /** Who was not heard of for this long has stopped, in milliseconds. More than twice `throttleMs` survives a lost one. @defaultValue 6000 */
  readonly expireMs?: number;
  /** Events that end the typing of their sender. @defaultValue `'message'` */
  readonly clearOn?: string | readonly string[];
  /** Who is behind an event of either kind. @defaultValue the sender by the server's word, else `data.key` */
  readonly by?: By;
  /** What is sent. @defaultValue `{ key, isTyping, data }` */
  readonly says?: (isTyping: boolean) => unknown;
  /** What was received. @defaultValue `data.isTyping`, or the data itself, is not false */
  readonly isTyping?: (data: unknown) => boolean;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Somebody who types. */
export interface Typer {
  /** The stable key of the person. */
  readonly key: string;
  /** When it began, by our own clock, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** What the person said about itself, see {@link Me.data}. */
  readonly data: unknown;
}

/** Who types in a channel. Made by {@link typing}. */
export interface Typing extends Disposable {
  /** Those who type, in the order of their beginning; never us, and 100 at most. */
  readonly typers: Readable<readonly Typer[]>;
  /** A key was pressed: call it for each one, what is sent is throttled. */
  keystroke(): void;
  /** The same as {@link Typing.keystroke}. */
  start(): void;
  /** We have stopped: the field was emptied, left or blurred. Without it we expire at the others. */
  stop(): void;
  /** Stops, and lets go of the channel. Calling it twice is harmless. */
  close(): void;
}

/** More are not shown; nobody reads so many names. */
const mostTypers = 100;

/**
 * Shows who types, and tells when we do. It ends with the handle of the channel, with the signal, or by `close`.
 *
 * @example
 * ```ts
 * const { typers, keystroke, stop } = typing(channel, { me: { key: user.id, data: user.name }, signal });
 * input.addEventListener('input', keystroke, { signal });
 * input.addEventListener('blur', stop, { signal });
 * ```
 */
export function typing(channel: Channel, options: TypingOptions = {}): Typing {
  const { me, event = 'typing', throttleMs = 3000, expireMs = 6000, clearOn = 'message', by = byFromOrKey, signal } = options;
  const { says = (isTyping) => ({ ...me, isTyping }), isTyping = (data) => (fieldOf(data, 'isTyping') ?? data) !== false } =
    options;
  const { context } = channel;
  const { clock } = context.platform;
  const typers = writable<readonly Typer[]>([], context.report);
  const known = new Map<string, Typer>();
  const expiry = createDeadlines(clock, (keys) => keys.forEach(stopped));
  /** When we said last that we type; `undefined` when we do not. */
  let saidAtMs: number | undefined;
  let isOpen = true;

  function show(): void {
    typers.set([...known.values()]);
  }

  function stopped(key: string): void {
    expiry.delete(key);
    if (known.delete(key)) show();
  }

  function types(key: string, said: unknown): void {
    const isKnown = known.has(key);
    if (!isKnown && known.size >= mostTypers) return;
    expiry.set(key, expireMs);
    if (isKnown) return;
    known.set(key, { key, since: clock.wallNow(), data: fieldOf(said, 'data') });
    show();
  }

  const removers = [
    channel.on(event, (data, message) => {
      const key = by(data, message);
      if (key === undefined || key === me?.key) return;
      if (isTyping(data)) types(key, data);
      else stopped(key);
    }),
    ...[clearOn].flat().map((name) =>
      channel.on(name, (data, message) => {
        const key = by(data, message);
        // after our own message the next key is the first one again
        if (key === me?.key) saidAtMs = undefined;
        else if (key !== undefined) stopped(key);
      }),
    ),
  ];

  function keystroke(): void {
    const now = clock.now();
    if (!isOpen || !me || (saidAtMs !== undefined && now - saidAtMs < throttleMs)) return;
    saidAtMs = now;
    whisper(channel, event, says(true));
  }

  function stop(): void {
    const isShown = saidAtMs !== undefined && clock.now() - saidAtMs < expireMs;
    saidAtMs = undefined;
    if (isShown) whisper(channel, event, says(false));
  }

  const close = context.until(() => {
    stop();
    isOpen = false;
    for (const remove of removers) remove();
    expiry.clear();
    typers.set([]);
  }, signal);
  return disposable({ typers, keystroke, start: keystroke, stop, close }, close);
}
