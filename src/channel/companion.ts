import { type Channel, type Clock, type EventMessage, RealtimeError } from 'keepwire';

/** Who we are, for presence, typing and receipts. */
export interface Me<Data = unknown> {
  /** Our stable key: the user id as the server knows it, the same on every tab and device. */
  readonly key: string;
  /** What the others see beside it, such as a name. JSON. */
  readonly data?: Data;
}

/**
 * Who is behind an event.
 *
 * @returns the key of the person; `undefined` when it is nobody's, and the event is left alone
 */
export type By = (data: unknown, message: EventMessage) => string | undefined;

/** The server's word for who it was, or else what the sender says. */
export const byFromOrKey: By = (data, { from }) => from ?? (fieldOf(data, 'key') as string | undefined);

/** A field of something that came from outside. */
export function fieldOf(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}

/** Says something that nobody needs later. Without a connection it is not said; what else goes wrong is a fault. */
export function whisper(channel: Channel, event: string, data: unknown): void {
  channel.publish(event, data, { volatile: true }).catch((error: unknown) => {
    const isNormal = RealtimeError.is(error) && ['connection-lost', 'closed', 'aborted'].includes(error.code);
    if (!isNormal) channel.context.report(error);
  });
}

/**
 * Calls back when a channel is joined, at once if it is, and when it is cut off.
 *
 * @param listener - `isJoined`, and whether it was joined before
 * @returns the remover
 */
export function onJoin(channel: Channel, listener: (isJoined: boolean, wasJoinedBefore: boolean) => void): () => void {
  let isJoined = false;
  let wasJoinedBefore = false;
  return channel.state.subscribe(({ status }) => {
    const was = isJoined;
    isJoined = status === 'joined';
    if (isJoined !== was) listener(isJoined, wasJoinedBefore);
    wasJoinedBefore ||= isJoined;
  });
}

/** Many deadlines and one timer. */
export interface Deadlines {
  /** Sets or moves the deadline of a key, in milliseconds from now. */
  set(key: string, inMs: number): void;
  delete(key: string): void;
  has(key: string): boolean;
  /** Forgets them all; no timer is left. */
  clear(): void;
}

/** @param expired - gets the keys whose time is over, together, and how late that is noticed, in milliseconds */
export function createDeadlines(clock: Clock, expired: (keys: readonly string[], lateMs: number) => void): Deadlines {
  const dueMs = new Map<string, number>();
  let armedForMs = Number.POSITIVE_INFINITY;
  let cancel = (): void => {};

  function arm(): void {
    cancel();
    armedForMs = Math.min(...dueMs.values());
    if (dueMs.size) cancel = clock.schedule(sweep, armedForMs - clock.now());
  }

  function sweep(): void {
    const now = clock.now();
    const keys = [...dueMs].filter(([, due]) => due <= now).map(([key]) => key);
    for (const key of keys) dueMs.delete(key);
    if (keys.length) expired(keys, now - armedForMs);
    arm();
  }

  return {
    set(key, inMs) {
      const due = clock.now() + inMs;
      dueMs.set(key, due);
      // one that moves back is noticed when its old time comes
      if (due < armedForMs) arm();
    },
    delete: (key) => void dueMs.delete(key),
    has: (key) => dueMs.has(key),
    clear() {
      dueMs.clear();
      arm();
    },
  };
}
