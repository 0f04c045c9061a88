// The process of the servers: the reference server, the replayer, and the slow lines before the reference server.
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { createServer } from '../examples/server/server.ts';
import type { FromServer, LineEnd, ToServer } from './messages.ts';
import { createReplayer } from './replayer.ts';
import { createScriptLog } from './script-log.ts';
import { createSlowLine } from './slow-line.ts';

const log = createScriptLog();
const reference = await createServer({ log, anonymous: true });
const replayer = createReplayer();
// as a proxy that knows no upgrade answers it, and as one that swallows it
const refusing = createHttpServer((_, response) => response.writeHead(403).end());
const silent = createTcpServer((socket) => socket.on('error', () => socket.destroy()).resume());
const ends: Readonly<Record<LineEnd, number>> = {
  reference: reference.port,
  refusing: await listen(refusing),
  silent: await listen(silent),
};
const tell = (message: FromServer): void => void process.send?.(message);

process.on('disconnect', () => process.exit());
process.on('message', (message: ToServer) => {
  switch (message.kind) {
    case 'publish':
      return (message.server === 'reference' ? log : replayer).publish(message.channel, message.messages, message.bytes);
    case 'slow-line':
      void listen(createSlowLine(ends[message.end], message.delayMs)).then((port) => tell({ kind: 'slow-line', port }));
      return;
  }
});

tell({ kind: 'ready', reference: reference.port, replayer: await listen(replayer.http) });

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
