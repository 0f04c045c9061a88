// @ts-check
import { startWithPage } from '../shared/page.ts';
import { createInboxServer } from './server.ts';

/**
 * Starts the server and the pages in front of it.
 *
 * @param {{ port?: number, server?: import('./server.ts').InboxServerOptions }} [options] - the port of the pages
 */
export async function start({ port = 5173, server: options } = {}) {
  return startWithPage('team-inbox', await createInboxServer(options), port);
}
