import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.ts';

interface Rig {
  readonly proxy: TcpProxy;
  /** A connection of a client, with all that came on it. */
  dial(): Promise<Heard>;
  /** The server's ends, in the order of their coming. */
  readonly served: Heard[];
  /** Resolves when the server has so many connections. */
  serves(count: number): Promise<void>;
}

interface Heard {
  readonly socket: Socket;
  text(): string;
  /** Resolves when so many bytes have come. */
  has(bytes: number): Promise<void>;
  /** How it ended: `fin`, or the code of the error. */
  readonly ended: Promise<string>;
}

function hear(socket: Socket): Heard {
  let heard = '';
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  socket.on('data', (chunk) => {
    heard += chunk.toString();
  });
  return {
    socket,
    text: () => heard,
    ended,
    async has(bytes) {
      while (heard.length < bytes) await once(socket, 'data');
    },
  };
}

async function rig(options: TcpProxyOptions = {}): Promise<Rig> {
  const served: Heard[] = [];
  const server = createServer((socket) => served.push(hear(socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const proxy = await createTcpProxy({ targetPort: port, ...options });
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  return {
    proxy,
    served,
    async serves(count) {
      while (served.length < count) await once(server, 'connection');
    },
    async dial() {
      const socket = connect({ port: proxy.port, host: '127.0.0.1' });
      const heard = hear(socket);
      // a reset may be there before the connect is told
      await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), heard.ended]);
      return heard;
    },
  };
}

async function pair({ dial, serves, served }: Rig): Promise<{ client: Heard; server: Heard }> {
  const client = await dial();
  await serves(served.length + 1);
  return { client, server: served.at(-1) as Heard };
}

test('carries bytes both ways, and the end', async () => {
  const set = await rig();
  const { client, server } = await pair(set);
  client.socket.write('hello');
  await server.has(5);
  server.socket.end('welcome');
  await client.has(7);
  expect([server.text(), client.text(), await client.ended]).toEqual(['hello', 'welcome', 'fin']);
  await once(client.socket, 'close');
  while (set.proxy.open > 0) await new Promise(setImmediate);
  expect(set.proxy.accepted).toBe(1);
});

test.each([
  ['fin', 'fin'],
  ['rst', 'ECONNRESET'],
] as const)('a cut by %s is seen as that on both sides', async (how, seen) => {
  const set = await rig();
  const { client, server } = await pair(set);
  expect(set.proxy.open).toBe(1);
  expect(set.proxy.cut(how)).toBe(1);
  expect([await client.ended, await server.ended]).toEqual([seen, seen]);
  expect(set.proxy.open).toBe(0);
});

test('a cut after n bytes lets exactly n through, on connections that are open and on new ones', async () => {
  const set = await rig();
  const { client, server } = await pair(set);
  set.proxy.cutAfter(4, 'down', 'fin');
  server.socket.write('123456789');
  expect([await client.ended, client.text()]).toEqual(['fin', '1234']);
  const next = await pair(set);
  next.server.socket.write('123');
  await next.client.has(3);
  next.server.socket.write('456');
  expect([await next.client.ended, next.client.text()]).toEqual(['fin', '1234']);
});

test('a cut that was taken back does not happen', async () => {
  const set = await rig();
  const { client, server } = await pair(set);
  set.proxy.cutAfter(4, 'down', 'fin')();
  server.socket.write('123456789');
  await client.has(9);
  expect(set.proxy.open).toBe(1);
});

test('a stall holds back one way and not the other, and loses nothing', async () => {
  const set = await rig();
  const { client, server } = await pair(set);
  const release = set.proxy.stall('down');
  server.socket.end('late');
  client.socket.write('up');
  await server.has(2);
  expect(client.text()).toBe('');
  release();
  expect([await client.ended, client.text()]).toEqual(['fin', 'late']);
});

test('a connection that was stranded carries nothing any more, a new one does, and healing resets it', async () => {
  const set = await rig();
  const old = await pair(set);
  expect(set.proxy.strand('both')).toBe(1);
  old.server.socket.write('never');
  const next = await pair(set);
  next.server.socket.write('now');
  await next.client.has(3);
  expect(old.client.text()).toBe('');
  set.proxy.heal();
  expect([await old.client.ended, old.client.text()]).toEqual(['ECONNRESET', '']);
  next.client.socket.write('still');
  await next.server.has(5);
});

test('new connections are refused until that is over, and open ones live', async () => {
  const set = await rig();
  const { client, server } = await pair(set);
  const end = set.proxy.refuse();
  expect(await (await set.dial()).ended).toBe('ECONNRESET');
  client.socket.write('here');
  await server.has(4);
  end();
  end();
  await pair(set);
  expect(set.served).toHaveLength(2);
});

test('a black hole takes a connection and says nothing, also after it is over', async () => {
  const set = await rig();
  const end = set.proxy.blackhole();
  const swallowed = await set.dial();
  swallowed.socket.write('anybody?');
  end();
  const { client, server } = await pair(set);
  client.socket.write('me');
  await server.has(2);
  expect([swallowed.text(), set.served.length]).toEqual(['', 1]);
  set.proxy.heal();
  expect(await swallowed.ended).toBe('ECONNRESET');
});

test('torn and throttled bytes arrive in order, in more pieces', async () => {
  const set = await rig({ random: () => 0.1 });
  const { client, server } = await pair(set);
  set.proxy.tear('down');
  set.proxy.throttle(20_000, 'down');
  let pieces = 0;
  client.socket.on('data', () => {
    pieces += 1;
  });
  const text = Array.from({ length: 200 }, (_, index) => String(index).padStart(4, '0')).join('');
  server.socket.end(text);
  await client.ended;
  expect(client.text()).toBe(text);
  expect(pieces).toBeGreaterThan(2);
});

test('without a server behind it connections are reset, and it can be pointed to another', async () => {
  const set = await rig();
  const { proxy } = set;
  const other = await rig();
  proxy.pointTo(undefined);
  expect(await (await set.dial()).ended).toBe('ECONNRESET');
  proxy.pointTo(other.proxy.port);
  const client = await set.dial();
  await other.serves(1);
  client.socket.write('moved');
  await other.served[0]?.has(5);
  expect(other.served[0]?.text()).toBe('moved');
});
