import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { manualClock } from '../../src/testing/clock.ts';
import type { DownCause } from '../../src/transport/transport.ts';

test('a WebSocket that is cut before the handshake of the engine ends the link at once', async () => {
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    // RFC 6455, section 4.2.2
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const head = `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
    socket.write(head, () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const transport = socketIo({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, transports: ['websocket'] });
  const cause = await new Promise<DownCause>((down) => {
    const sink = { up: () => {}, frames: () => {}, alive: () => {}, down };
    const request = { client: 'c', credentials: undefined, channels: new Map(), cursor: undefined, clock: manualClock() };
    transport.connect({ ...request, signal: new AbortController().signal }, sink);
  });
  expect(cause.kind).toBe('refused');
});
