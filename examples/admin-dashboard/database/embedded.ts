// PGlite in a process of its own: PostgreSQL without an installation. It is in memory, and lives as long as this process;
// the servers come and go. Whoever can reach the port can run SQL: it listens on this machine alone.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { createRoutes, HttpError } from '../../shared/http.ts';

/** An embedded database that others reach by HTTP. */
export interface EmbeddedDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it. @param port - `0`: a free one */
export async function startEmbedded(port = 0): Promise<EmbeddedDatabase> {
  const lite = await PGlite.create();
  const http = createServer(
    createRoutes({
      // a statement with values, or a script without; each request is a transaction
      'POST /query': async ({ request, json }) => {
        // a page of another origin cannot send this type without being asked
        if (request.headers['content-type'] !== 'application/json') throw new HttpError(415, 'this takes JSON');
        const { text, values } = await json();
        if (typeof text !== 'string') throw new HttpError(422, 'text must be a statement');
        try {
          if (Array.isArray(values)) return { body: { rows: (await lite.query(text, values)).rows } };
          return { body: { rows: (await lite.exec(text)).at(-1)?.rows ?? [] } };
        } catch (error) {
          throw new HttpError(422, error instanceof Error ? error.message : String(error));
        }
      },
      // one line of JSON for each NOTIFY
      'GET /listen/:channel': async ({ params, response }) => {
        const stop = await lite.listen(params['channel'] ?? '', (payload) => response.write(`${JSON.stringify(payload)}\n`));
        response.on('close', () => void stop());
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
        return undefined;
      },
    }),
  );
  await new Promise<void>((resolve, reject) => http.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      http.close();
      http.closeAllConnections();
      await lite.close();
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url, close } = await startEmbedded(Number(process.env['PORT'] ?? 4410));
  process.send?.({ kind: 'ready', url });
  if (!process.send) console.log(`the embedded database listens at ${url}`);
  process.on('disconnect', () => void close().finally(() => process.exit()));
}
