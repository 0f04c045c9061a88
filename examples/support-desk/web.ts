import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import next from 'next';
import { openDesk } from './server/desk.ts';

// The process of the web server: Next, the streams and the database.

const app = next({
  dev: process.argv.includes('--dev'),
  dir: fileURLToPath(new URL('.', import.meta.url)),
  hostname: '127.0.0.1',
});
const [desk] = await Promise.all([openDesk(), app.prepare()]);
const handle = app.getRequestHandler();
const server = createServer((request, response) => void handle(request, response));
const upgrade = app.getUpgradeHandler();
server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
server.on('error', (error) => {
  console.error(`the web server could not begin: ${error.message}`);
  process.exit(1);
});
server.listen(Number(process.env['DESK_PORT'] ?? 3000), '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});

process.on('message', (message: { readonly kind: 'cut' } | { readonly kind: 'socket-url'; readonly url: string }) => {
  if (message.kind === 'cut') server.closeAllConnections();
  // who started the Socket.IO process knows where it is
  else void desk.changeSettings({ socketUrl: message.url });
});
async function end(): Promise<void> {
  server.closeAllConnections();
  await desk.close();
  process.exit(0);
}
process.on('disconnect', () => void end());
process.on('SIGTERM', () => void end());
