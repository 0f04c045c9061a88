import { connectEmbedded } from './embedded-client.ts';
import { connectPostgres } from './postgres.ts';

/** What the dashboards' servers need of a database. */
export interface Database {
  /** Runs one statement with values, or a script of several without. @returns the rows of the last statement */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Listens to a channel of NOTIFY until the database is closed; a connection that is lost is made again. */
  listen(channel: string, ear: Ear): void;
  close(): Promise<void>;
}

/** Who listens. */
export interface Ear {
  heard(payload: string): void;
  /** From now on everything is heard. What was said before, since the listening was lost, is not known. */
  listening(): void;
}

/** Opens a database by its address: a real PostgreSQL by `postgres://…`, an embedded one by the `http://…` of its process. */
export function openDatabase(url: string): Database {
  return url.startsWith('http:') ? connectEmbedded(url) : connectPostgres(url);
}

/** After this long a lost connection is made again, in milliseconds. */
const againMs = 500;

/** Listens again and again, until the signal fires. @param once - listens until that is over, in whichever way */
export async function keepListening(signal: AbortSignal, once: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await once().catch(() => {});
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}
