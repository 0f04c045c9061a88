// @ts-check
import { startPage } from '../shared/page.ts';
import { createInboxServer } from './server.ts';

/**
 * Starts the server and the pages in front of it.
 *
 * @param {{ port?: number, server?: import('./server.ts').InboxServerOptions }} [options] - the port of the pages
 */
export async function start({ port = 5173, server: options } = {}) {
  const server = await createInboxServer(options);
  const page = await startPage({ name: 'team-inbox', server: server.url, port });
  return {
    url: page.url,
    server,
    async close() {
      await server.close();
      await page.close();
    },
  };
}
