import { PGlite } from '@electric-sql/pglite';
import type { Settings, WireChannel, WireMessage } from './notices.ts';

/** Which messages of a channel are wanted, by their numbers. */
export interface MessageRange {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit?: number;
}

/** The tables of the desk. */
export interface Database {
  readSettings(): Promise<Settings>;
  writeSettings(settings: Partial<Settings>): Promise<void>;
  addPerson(id: string, name: string): Promise<void>;
  people(): Promise<ReadonlyMap<string, string>>;
  channels(): Promise<readonly WireChannel[]>;
  /** Stores a message; the same `clientId` of the same author gives the message that is there already. */
  addMessage(message: NewMessage): Promise<{ readonly message: WireMessage; readonly isNew: boolean }>;
  /** Oldest first: the newest of those that fit, or the oldest when `after` is given. */
  messages(channelId: string, range: MessageRange): Promise<readonly WireMessage[]>;
  /** The last number of each channel. */
  positions(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

type NewMessage = Pick<WireMessage, 'channelId' | 'authorId' | 'text' | 'clientId'>;

const schema = `
  CREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text NOT NULL);
  CREATE TABLE IF NOT EXISTS people (id text PRIMARY KEY, name text NOT NULL);
  CREATE TABLE IF NOT EXISTS channels (place int NOT NULL, id text PRIMARY KEY, title text NOT NULL, about text NOT NULL);
  CREATE TABLE IF NOT EXISTS messages (
    channel_id text NOT NULL REFERENCES channels (id),
    seq int NOT NULL,
    author_id text NOT NULL REFERENCES people (id),
    text text NOT NULL,
    client_id text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (channel_id, seq),
    UNIQUE (author_id, client_id)
  );
  INSERT INTO settings VALUES ('chat_connection_mode', 'auto'), ('chat_socket_url', 'http://127.0.0.1:4000')
    ON CONFLICT DO NOTHING;
  INSERT INTO people VALUES ('robin', 'Robin'), ('sam', 'Sam') ON CONFLICT DO NOTHING;
  INSERT INTO channels VALUES
    (1, 'team', 'Team room', 'For everybody at the desk'),
    (2, 'orders', 'Orders', 'Where is my parcel?'),
    (3, 'billing', 'Billing', 'Invoices and refunds'),
    (4, 'returns', 'Returns', 'It does not fit, and now?'),
    (5, 'feedback', 'Feedback', 'What people tell us')
    ON CONFLICT DO NOTHING;
  INSERT INTO messages (channel_id, seq, author_id, text) VALUES
    ('team', 1, 'robin', 'Good morning! I take the orders today.'),
    ('team', 2, 'sam', 'Then I look after billing and returns.'),
    ('orders', 1, 'robin', 'The carrier is a day late in the north. Tell people before they ask.'),
    ('billing', 1, 'sam', 'Invoice 2041 was paid twice. The second one goes back today.'),
    ('returns', 1, 'sam', 'New labels are in the drawer.')
    ON CONFLICT DO NOTHING;
`;

const columns = `
  m.channel_id || '-' || m.seq AS "id", m.channel_id AS "channelId", m.seq, m.author_id AS "authorId", p.name AS "author",
  m.text, (extract(epoch FROM m.created_at) * 1000)::float8 AS "createdAt", m.client_id AS "clientId"
`;
const source = 'FROM messages m JOIN people p ON p.id = m.author_id';

/**
 * Opens the database.
 *
 * @param folder - where it is kept; without it, in memory
 */
export async function openDatabase(folder: string | undefined): Promise<Database> {
  const db = await PGlite.create(folder);
  await db.exec(schema);

  async function find(where: string, values: readonly unknown[]): Promise<readonly WireMessage[]> {
    const { rows } = await db.query<WireMessage & { clientId: string | null }>(`SELECT ${columns} ${source} ${where}`, [
      ...values,
    ]);
    return rows.map((row) => ({ ...row, clientId: row.clientId ?? undefined }));
  }

  return {
    async readSettings() {
      const { rows } = await db.query<{ name: string; value: string }>('SELECT name, value FROM settings');
      const values = new Map(rows.map(({ name, value }) => [name, value]));
      return {
        connectionMode: (values.get('chat_connection_mode') ?? 'auto') as Settings['connectionMode'],
        socketUrl: values.get('chat_socket_url') ?? '',
      };
    },
    async writeSettings({ connectionMode, socketUrl }) {
      const update = (name: string, value: string | undefined): Promise<unknown> | undefined =>
        value === undefined ? undefined : db.query('UPDATE settings SET value = $2 WHERE name = $1', [name, value]);
      await update('chat_connection_mode', connectionMode);
      await update('chat_socket_url', socketUrl);
    },
    async addPerson(id, name) {
      await db.query('INSERT INTO people VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $2', [id, name]);
    },
    async people() {
      const { rows } = await db.query<{ id: string; name: string }>('SELECT id, name FROM people');
      return new Map(rows.map(({ id, name }) => [id, name]));
    },
    async channels() {
      const { rows } = await db.query<WireChannel>('SELECT id, title, about FROM channels ORDER BY place');
      const last = await find(
        'WHERE (m.channel_id, m.seq) IN (SELECT channel_id, max(seq) FROM messages GROUP BY channel_id)',
        [],
      );
      return rows.map((channel) => ({ ...channel, last: last.find(({ channelId }) => channelId === channel.id) }));
    },
    async addMessage({ channelId, authorId, text, clientId }) {
      // one statement is one transaction, and this database runs one after the other
      const { rows } = await db.query<{ seq: number }>(
        `INSERT INTO messages (channel_id, seq, author_id, text, client_id)
         SELECT $1, coalesce(max(seq), 0) + 1, $2, $3, $4 FROM messages WHERE channel_id = $1
         ON CONFLICT (author_id, client_id) DO NOTHING RETURNING seq`,
        [channelId, authorId, text, clientId ?? null],
      );
      const [inserted] = rows;
      const [message] = inserted
        ? await find('WHERE m.channel_id = $1 AND m.seq = $2', [channelId, inserted.seq])
        : await find('WHERE m.author_id = $1 AND m.client_id = $2', [authorId, clientId]);
      if (!message) throw new Error('a message was stored and is not there');
      return { message, isNew: inserted !== undefined };
    },
    async messages(channelId, { before, after, limit = 50 }) {
      const found = await find(
        `WHERE m.channel_id = $1 AND m.seq < $2 AND m.seq > $3 ORDER BY m.seq ${after === undefined ? 'DESC' : 'ASC'} LIMIT $4`,
        [channelId, before ?? 2_147_483_647, after ?? 0, Math.min(limit, 1_000)],
      );
      return after === undefined ? [...found].reverse() : found;
    },
    async positions() {
      const { rows } = await db.query<{ id: string; seq: number }>(
        'SELECT c.id, coalesce(max(m.seq), 0) AS seq FROM channels c LEFT JOIN messages m ON m.channel_id = c.id GROUP BY c.id',
      );
      return Object.fromEntries(rows.map(({ id, seq }) => [id, seq]));
    },
    close: () => db.close(),
  };
}
