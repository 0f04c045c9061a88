// @ts-check
import { startWithPage } from '../shared/page.ts';
import { createPortalServer } from './server.ts';

/**
 * Starts the server and the page in front of it.
 *
 * @param {{ port?: number, server?: import('./server.ts').PortalServerOptions }} [options] - the port of the page
 */
export async function start({ port = 5173, server: options } = {}) {
  return startWithPage('portal-chat', await createPortalServer(options), port);
}
