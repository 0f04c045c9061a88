import type { Channel } from './channel/channel.ts';
import type { IdentityChange } from './connection/auth.ts';
import type { Decision } from './connection/history.ts';
import type { ConnectionStatus } from './connection/status.ts';
import type { Gap } from './delivery/order.ts';
import type { OutboxControls, OutboxEntry } from './delivery/outbox-options.ts';
import type { RealtimeError } from './errors.ts';
import type { Readable } from './events/readable.ts';
import type { Metrics } from './monitor/metrics.ts';
import type { Remover } from './platform/dispose.ts';
import type { EventSchemas } from './protocol/schema.ts';

/** What happens to a manager, by name, for {@link RealtimeManager.on}. */
export interface LifecycleEvents {
  /** The status has changed. */
  readonly status: ConnectionStatus;
  /** Another transport carries the traffic now. */
  readonly switched: Switched;
  /** Messages are missing and cannot be replayed. */
  readonly gap: Gap;
  /** A payload was set aside: its schema refused it, or its event is not in the event map. */
  readonly invalid: InvalidPayload;
  /** The credentials are another user's: what the old one had is gone, and the channels are joined anew. */
  readonly identity: IdentityChange;
  /** A send that had failed, since its time was over, was accepted after all. It is not in the list of the failed any more. */
  readonly late: OutboxEntry;
  /** Something went wrong that costs nothing accepted: a handler threw, a message was unreadable, a candidate link failed. */
  readonly fault: RealtimeError;
}

/** A change of transport. */
export interface Switched {
  /** The name of the transport that carried the traffic until now. */
  readonly from: string;
  /** The name of the one that carries it from now on. */
  readonly to: string;
}

/** A payload that was set aside. */
export interface InvalidPayload {
  /** The name of the channel. */
  readonly channel: string;
  /** The name of the event. */
  readonly event: string;
  /** The number of the message, where the server numbers. */
  readonly offset: number | undefined;
  /** With the complaints of the schema and their paths in `issues`. */
  readonly error: RealtimeError;
}

/**
 * One logical connection over any of its transports, and everything on it. Made by {@link createRealtime}; nothing happens
 * until `start`.
 */
export interface RealtimeManager<Schemas extends EventSchemas = EventSchemas> {
  /** How the connection is, as one value that can be watched. */
  readonly status: Readable<ConnectionStatus>;
  /** The wish of the user or the admin: `auto`, or a transport by name. */
  readonly mode: Readable<string>;
  /** What the connection did and why, oldest first: the last 100 decisions, for people who ask why. */
  readonly history: Readable<readonly Decision[]>;
  /**
   * Connects, and stays connected from now on. Calling it again does nothing while there is a link or one is on its way;
   * else it tries at once.
   *
   * @throws RealtimeError `closed`
   */
  start(): void;
  /** Disconnects on purpose. Channels, positions and queued sends stay for the next `start`. */
  stop(): void;
  /**
   * Ends what a user had: disconnects, fails their sends with `signed-out` and removes those that are stored, and forgets
   * positions, members and what was said of us. Handles and listeners stay: `start` joins the channels anew, for whoever the
   * auth provider names then. From there on sends are kept in memory, as the storage was the old user's.
   *
   * The same happens by itself when the provider gives credentials of another subject, which the event `identity` tells.
   *
   * @throws RealtimeError `closed`
   */
  signOut(): void;
  /** Ends everything for good: links, timers, listeners; queued sends fail with `closed`, and those that are stored are for the next page. Calling it twice is harmless. */
  close(): void;
  /**
   * Waits until there is a connection.
   *
   * @throws RealtimeError the reason when the connection fails for good; `closed`; `aborted`
   */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Stays disconnected for a reason of the application, until the answer is called.
   *
   * @param name - shown in `status.holds`
   */
  hold(name: string): () => void;
  /** Does not wait for the next attempt any longer; on an open link, makes sure that it lives. */
  retryNow(): void;
  /**
   * Chooses the transport while running: the new link is dialled beside the old one and takes over when it has proved
   * itself; if it fails, the old one stays.
   *
   * @param mode - `auto`, or the name of a transport
   * @throws RealtimeError `invalid-option` for a name that no transport has
   */
  setMode(mode: string): void;
  /**
   * A new handle on a channel. The channel is joined with its first handle and left with its last.
   *
   * @param options - with a signal that leaves the handle when it fires
   * @throws RealtimeError `invalid-option` for an empty name or one over 256 characters, `closed`
   */
  channel(name: string, options?: { readonly signal?: AbortSignal }): Channel<Schemas>;
  /**
   * Listens to what happens to the manager itself. Events of channels never come here.
   *
   * @returns the remover; calling it twice is harmless
   */
  on<Name extends keyof LifecycleEvents>(
    event: Name,
    listener: (value: LifecycleEvents[Name]) => void,
    options?: { readonly signal?: AbortSignal },
  ): Remover;
  /**
   * Waits for the next time that something happens.
   *
   * @throws RealtimeError `aborted`, `closed`
   */
  once<Name extends keyof LifecycleEvents>(
    event: Name,
    options?: { readonly signal?: AbortSignal },
  ): Promise<LifecycleEvents[Name]>;
  /** The sends that are not accepted yet, and those that failed. */
  readonly outbox: OutboxControls;
  /** What was counted until now. */
  metrics(): Readonly<Metrics>;
}
