import pg from 'pg';
import { type Database, keepListening } from './database.ts';

/** A real PostgreSQL: a pool for statements, and a connection of its own for each channel that is listened to. */
export function connectPostgres(connectionString: string): Database {
  const pool = new pg.Pool({ connectionString, max: 4 });
  const ended = new AbortController();
  // a connection that breaks while nobody uses it is replaced by the next one
  pool.on('error', () => {});

  return {
    async query(text, values) {
      const result = await pool.query(text, values && [...values]);
      // a script has a result for each of its statements
      return [result].flat().at(-1)?.rows ?? [];
    },
    listen(channel, { heard, listening }) {
      void keepListening(ended.signal, async () => {
        const client = new pg.Client({ connectionString, keepAlive: true });
        const over = new Promise<void>((resolve) => client.once('end', resolve));
        client.on('error', () => {});
        client.on('notification', ({ payload = '' }) => heard(payload));
        const end = (): void => void client.end();
        ended.signal.addEventListener('abort', end);
        try {
          await client.connect();
          await client.query(`listen ${pg.escapeIdentifier(channel)}`);
          listening();
          await over;
        } finally {
          ended.signal.removeEventListener('abort', end);
          await client.end().catch(() => {});
        }
      });
    },
    async close() {
      ended.abort();
      await pool.end();
    },
  };
}
