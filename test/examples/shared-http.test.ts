import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { createRoutes } from '../../examples/shared/http.ts';

/** Starts the routes, and gives back how to speak to them by hand. */
async function start() {
  const server = createServer(
    createRoutes({
      'POST /echo': async ({ json }) => ({ body: await json() }),
      'GET /rooms/:room': async ({ params }) => ({ body: params }),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return async (...pieces: readonly (string | Buffer)[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    const answer = text(socket);
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve));
      // so that the server reads it before the next one
      await fetch(`http://127.0.0.1:${port}/rooms/between`);
    }
    return answer;
  };
}

const headOf = (path: string, more = ''): string => `${path} HTTP/1.1\r\nhost: server\r\nconnection: close\r\n${more}\r\n`;

test('a character that arrives in two pieces is one', async () => {
  const send = await start();
  const body = Buffer.from('{"text":"grün"}');
  const middle = body.indexOf(0xc3) + 1;
  const head = headOf('POST /echo', `content-length: ${body.length}\r\n`);
  expect(await send(head, body.subarray(0, middle), body.subarray(middle))).toContain('{"text":"grün"}');
});

test.each(['GET /rooms/%E0%A4%A', 'GET //[', 'GET http://['])('%s is answered with 400', async (path) => {
  const send = await start();
  expect(await send(headOf(path))).toMatch(/^HTTP\/1\.1 400 /);
});
