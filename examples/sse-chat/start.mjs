// @ts-check
import { startPage } from '../shared/page.ts';
import { createSseChatServer } from './server.ts';

/**
 * Starts the server and the page in front of it.
 *
 * @param {{ port?: number, server?: import('./server.ts').SseChatServerOptions }} [options] - the port of the page
 */
export async function start({ port = 5173, server: options } = {}) {
  const server = await createSseChatServer(options);
  const page = await startPage({ name: 'sse-chat', server: server.url, port });
  return {
    url: page.url,
    server,
    async close() {
      await server.close();
      await page.close();
    },
  };
}
