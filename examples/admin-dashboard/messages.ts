/** What the servers and their dashboards say to each other. Types only: whoever speaks these words is one of them. */

/** How a chat session stands. */
export type SessionStatus = 'waiting' | 'active' | 'ended' | 'archived';

/** One row of `chat_sessions`. */
export interface Session {
  readonly id: number;
  readonly customer: string;
  readonly topic: string;
  readonly agent: string | null;
  readonly status: SessionStatus;
  readonly messages: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Grows with every change of any row. */
  readonly revision: number;
}

/** A row was inserted, updated or deleted; `session` is the row as it is now. */
export interface SessionUpdate {
  readonly action: 'insert' | 'update' | 'delete';
  readonly session_id: number;
  readonly session: Session | null;
}

/** The numbers over all sessions. */
export interface Metrics {
  readonly waiting: number;
  readonly active: number;
  readonly endedToday: number;
  /** Since when the one that waits longest has waited. */
  readonly waitingSince: string | null;
}

/** What `GET /api/overview` answers. */
export interface Overview {
  readonly sessions: readonly Session[];
  readonly metrics: Metrics;
  readonly timestamp: number;
}

/** What can be done to a session. */
export type Command = 'end_session' | 'archive_session';
