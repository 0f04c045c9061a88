import type { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { IdSource } from '../platform/random.ts';
import type { PublishFrame } from '../protocol/frame.ts';

/** A send as it is kept over a reload. It never has a token in it. */
export interface StoredSend {
  /** What is sent, under its id. */
  readonly frame: PublishFrame;
  /** What is promised of it. */
  readonly delivery: 'at-least-once' | 'once';
  /** When it was published, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** How long it may take until it is accepted, counted from {@link StoredSend.since}, in milliseconds. */
  readonly timeoutMs: number;
  /** Present when it has failed. */
  readonly failed?: StoredFailure;
}

/** Why a stored send has failed. */
export interface StoredFailure {
  /** The code of the error. */
  readonly code: RealtimeError['code'];
  /** Its message. */
  readonly message: string;
}

/** What a storage is given by the outbox that uses it. */
export interface OutboxStorageHost {
  /** For deadlines and leases. */
  readonly clock: Clock;
  /** For names that no other page has. */
  readonly newId: IdSource;
  /** Hands over sends that an earlier page, or one that is gone, has left: oldest first. They are this page's from now on. */
  restore(sends: readonly StoredSend[]): void;
  /** Another page has taken these sends, since this one was not heard of: they are dropped here. */
  taken(ids: readonly string[]): void;
  /** Sends may leave again, see {@link OutboxStorage.mayFlush}. */
  flush(): void;
  /** Something cannot be kept; sending goes on from memory. Told as a `fault` of the manager. */
  degraded(error: RealtimeError): void;
}

/**
 * Where the outbox keeps its sends over a reload; `indexedDbStorage` of `keepwire/indexeddb` is one. A send belongs to one
 * page at a time, and only that page sends it.
 *
 * No method may throw or reject: what goes wrong is told by {@link OutboxStorageHost.degraded}. Calls take effect in the
 * order in which they were made.
 */
export interface OutboxStorage {
  /** Called once, before anything else. What was left is handed over before the first {@link OutboxStorage.put} resolves. */
  open(host: OutboxStorageHost): void;
  /** Keeps a send, or what has become of it. Resolves when it is safe, or when it is clear that it cannot be kept. */
  put(send: StoredSend): Promise<void>;
  /** A send is done. */
  remove(id: string): void;
  /** False while another page may have taken this page's sends: nothing leaves until `host.flush` is called. */
  mayFlush?(): boolean;
  /** Forgets every send of the user, in every page. */
  clear(): Promise<void>;
  /** The manager is closed: what is still kept is for the next page. */
  close(): void;
}
