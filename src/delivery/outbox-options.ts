import type { RealtimeError } from '../errors.ts';
import type { Readable } from '../events/readable.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import type { OutboxStorage } from './storage.ts';

/**
 * What is promised of the sends of an event.
 *
 * - `volatile`: sent at once or not at all; not queued, not tried again. For what nobody needs later, such as typing.
 * - `at-least-once`: queued, and sent again under the same id until the server has answered. A server that honours ids applies
 *   it once; any other may apply it twice when an answer was lost.
 * - `once`: the same, but where an answer was lost and the server does not honour ids, it is not sent again: it fails with
 *   `unconfirmed`, and the application decides. For orders and payments.
 */
export type Delivery = 'volatile' | 'at-least-once' | 'once';

/** How far a send is. */
export type SendStatus =
  /** It waits for a connection, for its turn, or for the next try. */
  | 'queued'
  /** It has left, and the server has not answered yet. */
  | 'sending'
  /** The server has accepted it. */
  | 'accepted'
  /** It was refused, given up, or its time was over. */
  | 'failed';

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
  /** How many failed sends are kept to be seen and retried, the newest; together they have at most `maxBytes`. @defaultValue 100 */
  readonly maxFailed: number;
}

/** The outbox: its bounds, and where it is kept. */
export interface OutboxOptions extends OutboxLimits {
  /**
   * Channels on which a send that failed holds back those behind it, until it is retried or cancelled; for operations that
   * build on each other. @defaultValue none: the others go on
   */
  readonly blocks?: (channel: string) => boolean;
  /** Keeps sends over a reload, such as `indexedDbStorage` of `keepwire/indexeddb`. @defaultValue memory alone */
  readonly storage?: OutboxStorage;
}

/** The numbers that fit most applications. */
export const defaultOutboxLimits: OutboxLimits = {
  maxCount: 1000,
  maxBytes: 1_048_576,
  maxSendBytes: 262_144,
  maxAgeMs: 120_000,
  overflow: 'reject-new',
  windowSize: 256,
  maxFailed: 100,
};

/** One send that is not accepted yet, as the application sees it. */
export interface OutboxEntry {
  /** The id under which it is sent, over every retry. */
  readonly id: string;
  /** The name of the channel. */
  readonly channel: string;
  /** The name of the event. */
  readonly event: string;
  /** The payload. */
  readonly data: unknown;
  /** How far it is. */
  readonly status: 'queued' | 'sending' | 'failed';
  /** What is promised of it. */
  readonly delivery: 'at-least-once' | 'once';
  /** When it was published, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** How often it has left. */
  readonly attempts: number;
  /** Its length as JSON. */
  readonly bytes: number;
  /** Why it failed; while it waits, why it did not go through the last time. */
  readonly error: RealtimeError | undefined;
}

/** What the application can see and do of the sends that are not accepted yet. */
export interface OutboxControls {
  /**
   * The sends that have failed, and then those that wait or are under way, each oldest first. It is up to date at the end of the tick. Volatile sends
   * are never here; neither are failed requests, since nobody is left to hear the answer.
   */
  readonly entries: Readable<readonly OutboxEntry[]>;
  /**
   * Gives a send up, or forgets a failed one. One that has left already may still be applied by the server.
   *
   * @returns whether there was such a send
   */
  cancel(id: string): boolean;
  /**
   * Sends a failed one again, under its id and before what was published after it. Its first promise has failed and stays so:
   * `entries` and `Sending.status` tell how it goes on.
   *
   * @returns whether there was such a failed send
   * @throws RealtimeError `queue-full`, `closed`
   */
  retry(id: string): boolean;
  /**
   * Keeps everything back until the answer is called; for terms that are not accepted yet, or a login that is not complete.
   * Sends are queued meanwhile; volatile ones are not affected.
   */
  hold(): () => void;
}

/** The part of a link that the outbox uses. */
export interface OutboxLink {
  readonly id: number;
  /** How acceptance becomes known on this link. */
  readonly ack: 'receipt' | 'frame' | 'none';
  /** The server applies the sends of one id at most once. */
  readonly honoursIds?: boolean;
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
}

/** One send's own wishes. */
export interface SendOptions {
  readonly signal?: AbortSignal;
  /** How long it may take until it is accepted, in milliseconds. */
  readonly timeoutMs?: number;
  readonly delivery?: 'at-least-once' | 'once';
  /** Hears how far it is. */
  readonly tell?: (status: SendStatus) => void;
}

/** What the outbox asks and tells. */
export interface OutboxHooks {
  /** Is it too early for sends of a channel, because its join is still on its way and they would overtake it? */
  readonly isEarly?: (channel: string) => boolean;
  /** A send that was given up as failed was accepted after all. */
  readonly late?: (entry: OutboxEntry) => void;
  /** Gets what a listener of the entries throws. */
  readonly report?: (error: unknown) => void;
}
