import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Dialect } from '../protocol/dialect.ts';
import type { GarbledFrame } from '../protocol/frame.ts';
import { type CauseKind, causeKinds, downCause, hintOf } from './cause.ts';
import { isLarger } from './size.ts';
import type { DownCause, LinkRequest } from './transport.ts';

/** Why a link ended, other than that we ended it. */
export type EndCause = Exclude<DownCause, { kind: 'aborted' }>;

/** The part of `fetch` that keepwire uses; bring your own for React Native, tests or proxies. */
export type FetchLike = (url: string, init: FetchInit) => Promise<Response>;

/** What keepwire hands to `fetch`. */
export interface FetchInit {
  /** The HTTP method. */
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  /** JSON, or whatever the application gave. */
  readonly body?: string;
  /** Ends the request. */
  readonly signal: AbortSignal;
  /** Whether cookies travel. */
  readonly credentials: 'same-origin' | 'include' | 'omit';
  /** Redirects are never followed: they could carry the token elsewhere. */
  readonly redirect: 'follow' | 'error' | 'manual';
  /** Nothing here may come from a cache. */
  readonly cache: 'no-store';
}

/** Where the token travels on HTTP. `query` puts it into the address, where logs keep it: only for servers that know nothing else. */
export type HttpToken = 'header' | 'query' | 'none';

/** A header, a query parameter or a body that is computed for each attempt. */
export type PerAttempt<T> = T | ((request: LinkRequest) => T);

/** Resolves a value that may be computed for each attempt. */
export function perAttempt<T extends string | object | undefined>(value: PerAttempt<T>, request: LinkRequest): T {
  return typeof value === 'function' ? (value as (request: LinkRequest) => T)(request) : value;
}

/** The longest that a server can make us wait with one header or field: 1 hour. */
export const longestRetryAfterMs = 3_600_000;

/**
 * Reads `Retry-After`: seconds, or an HTTP date. Garbage and the past mean nothing; the far future is cut to an hour.
 * `Date.parse` alone takes nearly any text with a number in it for a date, so the shape is checked first.
 *
 * Source: RFC 9110, sections 10.2.3 and 5.6.7.
 *
 * @returns milliseconds from now, or `undefined`
 */
export function parseRetryAfter(value: string | null, clock: Clock): number | undefined {
  const text = value?.trim() ?? '';
  let delayMs = Number.NaN;
  if (/^\d+$/.test(text)) delayMs = Number(text) * 1000;
  else if (/^[A-Z][a-z]+, .+ GMT$/.test(text)) delayMs = Date.parse(text) - clock.wallNow();
  return delayMs >= 0 ? Math.min(delayMs, longestRetryAfterMs) : undefined;
}

/** What a status says of a link. What is not here is `refused` from 500 on, and `protocol` below. */
const statusKinds: Record<number, CauseKind> = {
  204: 'dismissed',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'unsupported',
  405: 'unsupported',
  406: 'unsupported',
  407: 'unsupported',
  408: 'lost',
  410: 'dismissed',
  414: 'unsupported',
  425: 'refused',
  429: 'refused',
  431: 'unsupported',
  501: 'unsupported',
};

/** What to do about a status, where that can be said. */
const statusHints: Record<number, string> = {
  401: 'Check that the auth provider gives a fresh token.',
  403: 'The token is not allowed here, or a proxy on the way forbids this: then map it, `statuses: { 403: "unsupported" }`.',
  404: 'Check the path of the address.',
  405: 'Check the path of the address and its method.',
  407: 'A proxy on the way wants a sign-in of its own.',
  413: 'The message is larger than the server takes.',
  431: 'The headers are too long: the token, the cookies and the position together are over the limit of the server.',
  500: 'The server failed: its log tells why.',
  502: 'A proxy got no good answer from the server behind it.',
  504: 'A proxy waited for the server behind it, and gave up.',
};

/** What statuses mean on this server, where it differs from the table. */
export type StatusMeanings = Readonly<Record<number, CauseKind>>;

/**
 * The table from HTTP status to cause, for a response that is not the wanted one.
 *
 * @param dialect - its {@link Dialect.closing} is asked second, for servers with a meaning of their own for a status
 * @param own - meanings that come before
 */
export function statusCause(
  what: string,
  transport: string,
  response: Response,
  clock: Clock,
  dialect?: Pick<Dialect, 'closing'>,
  own: StatusMeanings = {},
): EndCause {
  const { status } = response;
  // a browser hides the status of a redirect that it was told not to follow: it says 0
  const isRedirect = response.type === 'opaqueredirect' || (status >= 300 && status < 400 && status !== 304);
  const usual = isRedirect ? 'unsupported' : (statusKinds[status] ?? (status >= 500 ? 'refused' : 'protocol'));
  const kind = own[status] ?? kindOf(dialect?.closing?.(status, response.statusText)) ?? usual;
  return downCause(kind, `${what} was answered with ${isRedirect ? 'a redirect' : `status ${status}`}`, {
    transport,
    native: status,
    // `fetch` follows a redirect with the custom headers and `Last-Event-ID` still on it, whoever the new host is
    hint: isRedirect
      ? 'Redirects are not followed, as the token would go along: give the final address.'
      : (kind === usual && statusHints[status]) || hintOf(kind),
    retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), clock),
  });
}

/**
 * Refuses an answer of another type, which is never parsed.
 *
 * @throws RealtimeError `unsupported`
 */
export function checkType(transport: string, { headers, status }: Response, wanted: RegExp): void {
  const type = headers.get('content-type') ?? 'no content type';
  if (wanted.test(type)) return;
  const isPage = isWebPage(type);
  throw new RealtimeError(
    'unsupported',
    isPage
      ? `a web page (text/html) answered a request of ${transport}`
      : `a request of ${transport} was answered with ${type.slice(0, 100)}`,
    {
      transport,
      native: status,
      hint: 'The login page of this network (captive portal) may have answered, or the address or the content type is wrong.',
    },
  );
}

/** Is it a page for people? No endpoint answers with one; what stands before it may. */
export function isWebPage(contentType: string | null): boolean {
  return /^\s*text\/html\b/i.test(contentType ?? '');
}

/** How a link ends with this error, as far as its code tells. */
export function kindOf(code: RealtimeErrorCode | undefined): CauseKind | undefined {
  return code === 'connection-lost' || code === 'timeout' ? 'lost' : code && causeKinds[code];
}

/** Stands for a position that could never be sent back: the one before it stays, from where the server replays more, not less. */
export const unfitPosition: GarbledFrame = {
  kind: 'garbled',
  message: 'a position is too long or holds control characters: it is none',
};

/** Whether {@link headerBytes} takes a value: no control character, and at most 2,048 bytes. */
export function fitsHeader(value: string): boolean {
  return !isLarger(value, 2048) && [...value].every((char) => char >= ' ' && char !== '\x7f');
}

/**
 * Makes a value safe for an HTTP header that `fetch` builds: each UTF-8 byte becomes the character of that number, which
 * is how a browser's own `EventSource` sends `Last-Event-ID`.
 *
 * @throws RealtimeError `protocol` for a value that does not fit, see {@link fitsHeader}
 */
export function headerBytes(value: string): string {
  if (!fitsHeader(value)) {
    throw new RealtimeError('protocol', 'the server gave a position that is too long for a header or holds control characters');
  }
  return Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join('');
}

/** The headers that every request of a link carries: the application's own, then the token where it goes in a header. */
export function requestHeaders(
  request: LinkRequest,
  own: PerAttempt<Record<string, string>> | undefined,
  token: HttpToken,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (token === 'header' && request.credentials) headers['authorization'] = `Bearer ${request.credentials.token}`;
  for (const [name, value] of Object.entries(perAttempt(own ?? {}, request))) headers[name.toLowerCase()] = value;
  return headers;
}

/** Adds parameters to an address that may be relative and may have a query already. A fragment, which no server sees, goes. */
export function withQuery(url: string, parameters: Record<string, string | undefined>): string {
  const [address = ''] = url.split('#');
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map((parameter) => parameter.map((part) => encodeURIComponent(part ?? '')).join('='));
  return [address, ...query].reduce((whole, parameter) => `${whole}${whole.includes('?') ? '&' : '?'}${parameter}`);
}
