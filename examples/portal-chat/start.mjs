// @ts-check
import { startPage } from '../shared/page.ts';
import { createPortalServer } from './server.ts';

/**
 * Starts the server and the page in front of it.
 *
 * @param {{ port?: number, server?: import('./server.ts').PortalServerOptions }} [options] - the port of the page
 */
export async function start({ port = 5173, server: options } = {}) {
  const server = await createPortalServer(options);
  const page = await startPage({ name: 'portal-chat', server: server.url, port });
  return {
    url: page.url,
    server,
    async close() {
      await server.close();
      await page.close();
    },
  };
}
