import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request, as it came. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The hello of the keepwire protocol, from the query or the body. */
  hello(): { readonly channels: readonly { channel: string; epoch?: string; offset?: number }[] };
}

/** A server that answers with any bytes. */
export interface RawServer {
  readonly url: string;
  /** Every request, in order. */
  readonly requests: readonly RawRequest[];
  /** Connections that are open. */
  readonly open: number;
  /** Resolves when there were so many requests. */
  asked(count: number): Promise<void>;
  /** Resolves when a condition holds; it is looked at whenever a request comes or a connection goes. */
  until(condition: () => boolean): Promise<void>;
}

/**
 * Answers a request with raw bytes: a text is the whole answer, and the connection is closed after it. With nothing as the answer
 * it stays open, and the script may write to the socket itself.
 */
export type RawScript = (request: RawRequest, index: number, socket: Socket) => string | Buffer | undefined;

/** Starts a server on loopback that follows a script; it is closed when the test is over. Each connection serves one request. */
export async function startRawServer(script: RawScript): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let waiting: (() => void)[] = [];
  const changed = (): void => {
    const looks = waiting;
    waiting = [];
    for (const look of looks) look();
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      changed();
    });
    let head = '';
    let isRead = false;
    socket.on('data', (chunk) => {
      if (isRead) return;
      head += chunk.toString('latin1');
      const request = parse(head);
      if (request === undefined) return;
      isRead = true;
      requests.push(request);
      const answer = script(request, requests.length - 1, socket);
      if (answer !== undefined) socket.end(answer);
      changed();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const raw: RawServer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    get open() {
      return sockets.size;
    },
    asked: (count) => raw.until(() => requests.length >= count),
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (condition()) resolve();
          else waiting.push(look);
        };
        look();
      }),
  };
  return raw;
}

/** A whole answer. */
export function rawAnswer(status: string, headers: Record<string, string>, body: string | Buffer = ''): Buffer {
  const fields = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' });
  const head = [`HTTP/1.1 ${status}`, ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

function parse(text: string): RawRequest | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = new Map(
    lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  );
  const body = text.slice(end + 4);
  if (body.length < Number(headers.get('content-length') ?? 0)) return undefined;
  return {
    method,
    path,
    headers,
    body,
    hello() {
      const query = new URL(path, 'http://localhost').searchParams.get('hello');
      return JSON.parse(query ?? body) as ReturnType<RawRequest['hello']>;
    },
  };
}
