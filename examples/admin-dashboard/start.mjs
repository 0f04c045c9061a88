// @ts-check
import { startPage } from '../shared/page.ts';
import { startProcesses } from './processes.ts';

/** Where `sql.ts` looks for the embedded database. */
const databasePort = 4410;

/**
 * Starts the database, a server of each kind, and the page in front of them.
 *
 * @param {{ port?: number, processes?: import('./processes.ts').ProcessesOptions }} [options] - the port of the page; with 0,
 * as in tests, every port is a free one and there are no visitors
 */
export async function start({ port = 5173, processes } = {}) {
  const server = await startProcesses(
    processes ?? { databaseUrl: process.env['DATABASE_URL'], ...(port > 0 && { databasePort, traffic: true }) },
  );
  process.env['EXAMPLE_SOCKET_IO_SERVER'] = server.urls['socket-io'];
  const page = await startPage({ name: 'admin-dashboard', server: server.urls.ws, port });
  return {
    url: page.url,
    server,
    async close() {
      await page.close();
      await server.close();
    },
  };
}
