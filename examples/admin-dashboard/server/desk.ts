import { createHash } from 'node:crypto';
import { HttpError } from '../../shared/http.ts';
import type { Database } from '../database/database.ts';
import { changes } from '../database/schema.ts';
import type { Command, Metrics, Overview, Session, SessionUpdate } from '../messages.ts';

/** The sessions: read, changed and followed, whoever changes them. */
export interface Desk {
  overview(): Promise<{ readonly overview: Overview; readonly etag: string }>;
  /** Ends or archives a session; doing so twice is once. @throws HttpError 404, 409 */
  run(command: Command, id: number): Promise<void>;
}

/** Who is told. */
export interface Audience {
  sessionChanged(update: SessionUpdate): void;
  metricsChanged(metrics: Metrics): void;
  /** Changes may have been missed: whoever watches must begin again. */
  missed(): void;
}

/** Numbers that depend on the time are told at least this often, in milliseconds. */
const metricsEveryMs = 15_000;

const columns = 'id, customer, topic, agent, status, messages, started_at as "startedAt", ended_at as "endedAt", revision';
const metricsQuery = `select
    count(*) filter (where status = 'waiting')::integer as "waiting",
    count(*) filter (where status = 'active')::integer as "active",
    count(*) filter (where status in ('ended', 'archived') and ended_at >= date_trunc('day', now()))::integer as "endedToday",
    min(started_at) filter (where status = 'waiting') as "waitingSince"
  from chat_sessions`;

/** Makes the desk, and tells the audience of what happens to the table. */
export function createDesk(database: Database, audience: Audience, signal: AbortSignal): Desk {
  /** What was heard and not read yet, by session: the last word counts. */
  const heard = new Map<number, SessionUpdate['action']>();
  let isReading = false;
  let hasListened = false;

  database.listen(changes, {
    heard(payload) {
      const { action, session_id } = JSON.parse(payload) as Pick<SessionUpdate, 'action' | 'session_id'>;
      heard.set(session_id, action);
      void tell();
    },
    listening() {
      if (hasListened) audience.missed();
      hasListened = true;
    },
  });
  const timer = setInterval(() => void tellMetrics().catch(() => {}), metricsEveryMs);
  signal.addEventListener('abort', () => clearInterval(timer));

  /** One reading at a time, so that nobody is told of a row's past after its present. */
  async function tell(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      while (heard.size > 0 && !signal.aborted) {
        const batch = new Map(heard);
        heard.clear();
        const rows = await database.query<Session>(`select ${columns} from chat_sessions where id = any($1)`, [
          [...batch.keys()],
        ]);
        for (const [session_id, action] of batch) {
          const session = rows.find(({ id }) => id === session_id) ?? null;
          audience.sessionChanged({ action: session ? action : 'delete', session_id, session });
        }
        await tellMetrics();
      }
    } catch {
      heard.clear();
      if (!signal.aborted) audience.missed();
    } finally {
      isReading = false;
    }
  }

  async function tellMetrics(): Promise<void> {
    const [metrics] = await database.query<Metrics>(metricsQuery);
    if (metrics) audience.metricsChanged(metrics);
  }

  return {
    async overview() {
      const [sessions, [metrics]] = await Promise.all([
        database.query<Session>(`select ${columns} from chat_sessions order by id desc limit 500`),
        database.query<Metrics>(metricsQuery),
      ]);
      if (!metrics) throw new HttpError(503, 'unavailable');
      const content = { sessions, metrics };
      const etag = `"${createHash('sha1').update(JSON.stringify(content)).digest('base64url')}"`;
      return { overview: { ...content, timestamp: Date.now() }, etag };
    },
    async run(command, id) {
      if (!Number.isInteger(id)) throw new HttpError(422, 'not_a_session');
      const [session] = await database.query<Session>(`select ${columns} from chat_sessions where id = $1`, [id]);
      if (!session) throw new HttpError(404, 'not_found');
      const isOpen = session.status === 'waiting' || session.status === 'active';
      if (command === 'archive_session' && isOpen) throw new HttpError(409, 'still_open');
      if (command === 'end_session') {
        await database.query(`update chat_sessions set status = 'ended' where id = $1 and status in ('waiting', 'active')`, [id]);
      } else {
        await database.query(`update chat_sessions set status = 'archived' where id = $1 and status = 'ended'`, [id]);
      }
    },
  };
}
