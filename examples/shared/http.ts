import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer other than a good one. */
export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A request, as a route gets it. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The parameters of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The body, as JSON. */
  json(): Promise<Record<string, unknown>>;
}

/** What a route answers: the body, with status 200 unless it says another; `undefined` when it has answered itself. */
export type Answer = { readonly status?: number; readonly body: unknown } | undefined;

/** Routes by method and path, such as `'POST /chat/:chatId/messages'`. */
export type Routes = Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>;

const longestBody = 65_536;

/** Makes the listener of a `node:http` server. */
export function createRoutes(routes: Routes): (request: IncomingMessage, response: ServerResponse) => void {
  const table = Object.entries(routes).map(([route, run]) => {
    const [method, path = ''] = route.split(' ');
    return { method, parts: path.split('/'), run };
  });

  return (request, response) => {
    void answer(request, response).catch((error: unknown) => {
      const status = error instanceof HttpError ? error.status : 500;
      // a request whose sender is gone is nobody's fault
      if (!(error instanceof HttpError || request.destroyed)) console.error(error);
      if (!response.headersSent)
        reply(response, status, { error: error instanceof HttpError ? error.message : 'the server failed' });
      else response.destroy();
    });
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = addressOf(request);
    const parts = pathname.split('/');
    for (const { method, parts: wanted, run } of table) {
      const params = method === request.method ? match(wanted, parts) : undefined;
      if (!params) continue;
      const result = await run({ request, response, params, query: searchParams, json: () => readJson(request) });
      if (result) reply(response, result.status ?? 200, result.body);
      return;
    }
    throw new HttpError(404, `there is nothing at ${request.method} ${pathname}`);
  }
}

function match(wanted: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (wanted.length !== parts.length) return undefined;
  const params: [string, string][] = [];
  for (const [index, part] of wanted.entries()) {
    const given = parts[index] ?? '';
    if (part.startsWith(':')) params.push([part.slice(1), decode(given)]);
    else if (part !== given) return undefined;
  }
  return Object.fromEntries(params);
}

function addressOf({ url = '/' }: IncomingMessage): URL {
  const address = URL.parse(url, 'http://server');
  if (!address) throw new HttpError(400, 'this is no address');
  return address;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, 'this is no address');
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  // a character may arrive in two pieces
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += chunk;
    if (text.length > longestBody) throw new HttpError(413, 'this is too long');
  }
  try {
    const value = JSON.parse(text || '{}') as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new HttpError(400, 'the body is no JSON object');
}

/** A filled text out of a body. @throws HttpError 422 */
export function textOf(body: Record<string, unknown>, name: string, longest = 4000): string {
  const value = body[name];
  if (typeof value !== 'string' || value.trim() === '' || value.length > longest) {
    throw new HttpError(422, `${name} must have 1 to ${longest} characters`);
  }
  return value.trim();
}
