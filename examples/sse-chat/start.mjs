// @ts-check
import { startWithPage } from '../shared/page.ts';
import { createSseChatServer } from './server.ts';

/**
 * Starts the server and the page in front of it.
 *
 * @param {{ port?: number, server?: import('./server.ts').SseChatServerOptions }} [options] - the port of the page
 */
export async function start({ port = 5173, server: options } = {}) {
  return startWithPage('sse-chat', await createSseChatServer(options), port);
}
