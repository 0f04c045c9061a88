import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import type { Dialect } from '../protocol/dialect.ts';
import type { DownCause, DownWithAdvice, LinkRequest } from './transport.ts';

/** The part of `fetch` that keepwire uses; bring your own for React Native, tests or proxies. */
export type FetchLike = (url: string, init: FetchInit) => Promise<Response>;

/** What keepwire hands to `fetch`. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
  readonly credentials: 'same-origin' | 'include' | 'omit';
  readonly redirect: 'follow' | 'error' | 'manual';
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

type CauseKind = Exclude<DownCause['kind'], 'aborted'>;

const tooLongHint = 'The request is longer than the server takes; a method other than GET carries the greeting in the body.';

/** What a status means for a link, and the hint to show. One row per status that differs from its class. */
const statuses: Record<number, { kind: CauseKind; hint?: string }> = {
  401: { kind: 'unauthorized', hint: 'Check that the auth provider returns a fresh token for this server.' },
  403: { kind: 'forbidden', hint: 'The token was read and is not allowed here.' },
  404: { kind: 'unsupported', hint: 'Nothing answers at this address; check the path of the transport.' },
  405: { kind: 'unsupported', hint: 'The server does not take this HTTP method at this address.' },
  406: { kind: 'unsupported', hint: 'The server does not send this content type.' },
  407: { kind: 'unsupported', hint: 'A proxy on the way asks for a login of its own.' },
  408: { kind: 'lost' },
  410: { kind: 'dismissed', hint: 'The server says that this address is gone for good.' },
  414: { kind: 'unsupported', hint: tooLongHint },
  425: { kind: 'refused' },
  429: { kind: 'refused', hint: 'The server limits the rate of requests.' },
  431: { kind: 'unsupported', hint: tooLongHint },
  501: { kind: 'unsupported', hint: 'The server does not implement this.' },
};

/** `fetch` follows a redirect with the custom headers and `Last-Event-ID` still on it, whoever the new host is. */
const redirected: { kind: CauseKind; hint: string } = {
  kind: 'unsupported',
  hint: 'Redirects are not followed, so that no token reaches another host: give the transport the final address.',
};

const codes: Record<CauseKind, RealtimeErrorCode> = {
  lost: 'connection-lost',
  refused: 'refused',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  dismissed: 'dismissed',
  unsupported: 'unsupported',
  protocol: 'protocol',
};

/**
 * The table from HTTP status to cause, for a response that is not the wanted one.
 *
 * @param dialect - its {@link Dialect.closing} is asked first, for servers with a meaning of their own for a status
 */
export function statusCause(
  what: string,
  transport: string,
  response: Response,
  clock: Clock,
  dialect?: Pick<Dialect, 'closing'>,
): Exclude<DownCause, { kind: 'aborted' }> {
  const { status } = response;
  // a browser hides the status of a redirect that it was told not to follow: it says 0
  const isRedirect = response.type === 'opaqueredirect' || (status >= 300 && status < 400 && status !== 304);
  const usual = isRedirect ? redirected : (statuses[status] ?? { kind: status >= 500 ? 'refused' : 'protocol' });
  const meant = dialect?.closing?.(status, response.statusText);
  const kind = (Object.keys(codes) as CauseKind[]).find((known) => codes[known] === meant) ?? usual.kind;
  const error = new RealtimeError(codes[kind], `${what} was answered with ${isRedirect ? 'a redirect' : `status ${status}`}`, {
    transport,
    native: status,
    hint: kind === usual.kind ? usual.hint : undefined,
  });
  if (kind === 'lost' || kind === 'refused') {
    return { kind, error, retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), clock) };
  }
  return { kind, error };
}

/**
 * The cause for a `fetch` that threw: the network is gone, the name unknown, the certificate bad, CORS said no.
 *
 * @param secret - the token of the request: an error underneath that quotes it is left out
 */
export function fetchFailed(what: string, transport: string, cause: unknown, secret?: string): DownWithAdvice<'refused'> {
  const error = new RealtimeError('refused', `${what} got no answer`, {
    transport,
    hint: 'The server may be down or unreachable, or its CORS rules do not allow this page and these headers.',
    cause: withoutSecret(cause, secret),
  });
  return { kind: 'refused', error };
}

/** `fetch` quotes an address or a header that it cannot use in its error, with the token in it. */
function withoutSecret(cause: unknown, secret: string | undefined): unknown {
  if (!secret) return cause;
  const spellings = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  let inner: unknown = cause;
  // an error that names itself as its cause must not hold us
  for (let depth = 0; depth < 8 && inner instanceof Error; depth += 1) {
    const text = [inner.message, inner.stack, ...Object.values(inner)].join('\n');
    if (spellings.some((spelling) => text.includes(spelling))) return new Error('withheld, because it quotes the token');
    inner = inner.cause;
  }
  return cause;
}

/** Waits for work, but not after the signal has fired: a `fetch` of the application's own may never settle. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(forget);
  });
}

/** Lets go of a body that nobody will read; whether that succeeds is of no interest. */
export function discard(body: Pick<ReadableStream, 'cancel'> | null): void {
  body?.cancel().catch(() => undefined);
}

/**
 * Reads a body as text, holding no more of it than the limit.
 *
 * @param signal - ends the reading, also where the `fetch` does not know signals
 * @returns `undefined` when the body is over the limit
 */
export async function readText(response: Response, maxBytes: number, signal: AbortSignal): Promise<string | undefined> {
  const { body } = response;
  if (!body) {
    // React Native has no streams; the length in UTF-16 units is never more than that in bytes
    const text = await response.text();
    return text.length > maxBytes ? undefined : text;
  }
  const reader = body.getReader();
  const forget = onAbort(signal, () => discard(reader));
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let bytes = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > maxBytes) {
        discard(reader);
        return undefined;
      }
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    forget();
  }
}

/** Whether {@link headerBytes} takes a value. */
export function fitsHeader(value: string): boolean {
  return unfitness(value) === undefined;
}

/**
 * Makes a value safe for an HTTP header that `fetch` builds: each UTF-8 byte becomes the character of that number, which
 * is how a browser's own `EventSource` sends `Last-Event-ID`. Control characters cannot travel.
 *
 * @throws RealtimeError `protocol` for a value with a control character or of more than 2,048 bytes
 */
export function headerBytes(value: string): string {
  const why = unfitness(value);
  if (why !== undefined) {
    throw new RealtimeError('protocol', `a position cannot be sent in a header: ${why}`, {
      hint: 'The server gave this id or cursor; it should be a short printable text.',
    });
  }
  return Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join('');
}

function unfitness(value: string): string | undefined {
  for (const char of value) if (char < ' ' || char === '\x7f') return 'it holds a control character';
  // a UTF-16 unit is at least one byte: a giant is refused before it is encoded
  const isLong = value.length > 2048 || new TextEncoder().encode(value).length > 2048;
  return isLong ? 'it is longer than 2,048 bytes' : undefined;
}

/** The headers that every request of a link carries: the application's own, then the token where it goes in a header. */
export function requestHeaders(
  request: LinkRequest,
  own: PerAttempt<Record<string, string>> | undefined,
  token: HttpToken,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (token === 'header' && request.credentials !== undefined) {
    headers['authorization'] = `Bearer ${request.credentials.token}`;
  }
  for (const [name, value] of Object.entries(own === undefined ? {} : perAttempt(own, request)))
    headers[name.toLowerCase()] = value;
  return headers;
}

/** Adds parameters to an address that may be relative and may have a query already. */
export function withQuery(url: string, parameters: Record<string, string | undefined>): string {
  const [address = '', fragment] = url.split('#', 2);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.append(name, value);
  // `+` for a space is form encoding, which not every server undoes in an address; a real plus is %2B by now
  const text = query.toString().replaceAll('+', '%20');
  if (text === '') return url;
  return `${address}${address.includes('?') ? '&' : '?'}${text}${fragment === undefined ? '' : `#${fragment}`}`;
}
