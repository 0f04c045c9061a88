import type { IncomingMessage, ServerResponse } from 'node:http';
import { type End, endStatus } from './outlet.ts';
import { type Hello, readHello, readJson } from './read.ts';

/** What the HTTP carriers share. */
export interface HttpGate {
  /** Sets the CORS headers; answers a preflight itself and then gives `false`. */
  allow(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether a page of this request's origin may use the server; also for upgrades, which CORS does not cover. */
  isAllowed(request: IncomingMessage): boolean;
  /** The body as JSON. When that is not possible, it answers itself and gives `undefined`. */
  readBody(request: IncomingMessage, response: ServerResponse): Promise<{ readonly value: unknown } | undefined>;
  /** The hello of a request, from the query or the body. When there is none, it answers itself and gives `undefined`. */
  readHello(request: IncomingMessage, response: ServerResponse): Promise<Hello | undefined>;
}

/** Makes the gate for a list of origins; `'*'` lets all in. No cookies are used, so all is not dangerous. */
export function createHttpGate(origins: readonly string[] | '*', maxBodyBytes: number): HttpGate {
  const gate: HttpGate = {
    allow(request, response) {
      const { origin } = request.headers;
      if (origin !== undefined && gate.isAllowed(request)) {
        response.setHeader('access-control-allow-origin', origins === '*' ? '*' : origin);
        response.setHeader('access-control-expose-headers', 'Retry-After');
        if (origins !== '*') response.setHeader('vary', 'Origin');
      }
      if (request.method !== 'OPTIONS') return true;
      response.writeHead(204, {
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
        'access-control-max-age': '600',
      });
      response.end();
      return false;
    },
    isAllowed({ headers }) {
      const { origin, host } = headers;
      if (origin === undefined || origins === '*' || origins.includes(origin)) return true;
      return URL.canParse(origin) && new URL(origin).host === host;
    },
    async readBody(request, response) {
      const text = await readText(request, maxBodyBytes);
      if (text === undefined) {
        refuse(response, 413, 'too-large', `a body may have ${maxBodyBytes} bytes`);
        return undefined;
      }
      const body = readJson(text);
      if ('value' in body) return body;
      refuse(response, 400, 'bad-request', body.message);
      return undefined;
    },
    async readHello(request, response) {
      const inQuery = addressOf(request).searchParams.get('hello');
      const body =
        inQuery === null && request.method !== 'GET' ? await gate.readBody(request, response) : readJson(inQuery ?? '');
      if (body === undefined) return undefined;
      const hello = 'value' in body ? readHello(body.value) : body;
      if (!('kind' in hello)) return hello;
      refuse(response, 400, 'bad-request', hello.message);
      return undefined;
    },
  };
  return gate;
}

/** The address of a request; only path and query are of use. */
export function addressOf(request: IncomingMessage): URL {
  const path = request.url ?? '/';
  return URL.canParse(path, 'http://server.invalid') ? new URL(path, 'http://server.invalid') : new URL('http://server.invalid/');
}

/** The token of a request: the header wins, then what the hello said, then the query. */
export function tokenOf(request: IncomingMessage, inHello?: string): string | undefined {
  const [, bearer] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return bearer ?? inHello ?? addressOf(request).searchParams.get('token') ?? undefined;
}

/** Answers with JSON. */
export function answer(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(text);
}

/** Answers with an error. A body that was not read to its end takes the connection with it. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const closing: Record<string, string> = response.req.complete ? {} : { connection: 'close' };
  answer(response, status, JSON.stringify({ error: { code, message } }), { ...closing, ...headers });
}

/** Answers with the reason for not letting a link in. */
export function refuseLink(response: ServerResponse, end: End): void {
  const headers: Record<string, string> = {};
  if (end.kind === 'unauthorized') headers['www-authenticate'] = 'Bearer';
  // the header counts in seconds
  if (end.retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(end.retryAfterMs / 1000));
  refuse(response, endStatus[end.kind], end.kind, end.message, headers);
}

async function readText(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // leaving the loop early would destroy the socket before the answer is out
    if (length <= maxBytes) chunks.push(chunk);
    else if (length > maxBytes * 4) return undefined;
  }
  return length > maxBytes ? undefined : Buffer.concat(chunks).toString();
}
