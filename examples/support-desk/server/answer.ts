import { HttpError } from '../../shared/http.ts';
import { bearerOf } from '../../shared/tokens.ts';
import { type Desk, openDesk } from './desk.ts';

/** What a route gets beside its request. */
export interface Call {
  readonly desk: Desk;
  readonly request: Request;
  readonly query: URLSearchParams;
  /** The user of the token, which is in the header or in the query. @throws HttpError 401 */
  user(): Promise<string>;
  /** The channel of the path. @throws HttpError 404 */
  channel(): Promise<string>;
  /** The body. @throws HttpError 400 */
  json(): Promise<Record<string, unknown>>;
}

type Route = (request: Request, context: { readonly params: Promise<object> }) => Promise<Response>;

/** Makes a route: what it answers is the body, or the whole response. */
export function route(run: (call: Call) => Promise<object>): Route {
  return async (request, { params }) => {
    try {
      const desk = await openDesk();
      const query = new URL(request.url).searchParams;
      const answer = await run({
        desk,
        request,
        query,
        async user() {
          const token = bearerOf(request.headers.get('authorization') ?? undefined) ?? query.get('token') ?? undefined;
          const user = await desk.tokens.verify(token);
          if (!user) throw new HttpError(401, 'the token is not good');
          return user;
        },
        async channel() {
          const { id = '' } = (await params) as { id?: string };
          const channels = await desk.database.positions();
          if (!Object.hasOwn(channels, id)) throw new HttpError(404, 'there is no such channel');
          return id;
        },
        async json() {
          const body: unknown = await request.json().catch(() => undefined);
          if (typeof body !== 'object' || body === null) throw new HttpError(400, 'the body is no JSON object');
          return body as Record<string, unknown>;
        },
      });
      return answer instanceof Response ? answer : Response.json(answer, { headers: { 'cache-control': 'no-store' } });
    } catch (error) {
      if (error instanceof HttpError) return Response.json({ error: error.message }, { status: error.status });
      console.error(error);
      return Response.json({ error: 'the server failed' }, { status: 500 });
    }
  };
}

/** A number of the query or of a header; `undefined` without one. */
export function numberOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
