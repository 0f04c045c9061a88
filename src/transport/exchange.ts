import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import { systemFetch } from '../platform/fetch.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { downCause } from './cause.ts';
import {
  type EndCause,
  type FetchLike,
  type HttpToken,
  type PerAttempt,
  perAttempt,
  requestHeaders,
  type StatusMeanings,
  statusCause,
  withQuery,
} from './http.ts';
import { greetingOf, type LinkGate } from './link.ts';
import { withoutSecret } from './secret.ts';
import type { LinkRequest } from './transport.ts';

/** The options of a transport over HTTP, with their defaults. */
export interface HttpSettings {
  readonly url: string | URL | ((request: LinkRequest, waitMs: number) => string) | undefined;
  readonly method: string;
  readonly headers?: PerAttempt<Record<string, string>>;
  readonly body?: PerAttempt<string | Record<string, unknown>>;
  readonly token: HttpToken;
  readonly fetch?: FetchLike;
  readonly credentials: 'same-origin' | 'include' | 'omit';
  readonly dialect: Dialect;
  readonly sendTimeoutMs: number;
  readonly joining: 'dial' | 'frame';
  readonly statuses: StatusMeanings;
}

/** One link over HTTP, as far as sending goes. */
export interface HttpCarrier {
  readonly settings: HttpSettings;
  readonly request: LinkRequest;
  readonly gate: Pick<LinkGate, 'transport' | 'signal' | 'deliver' | 'down'>;
  /** The channels whose joins travel with the first request. */
  readonly joining: readonly string[];
  /**
   * Who tells the core that a join was answered: the gate, for all that was sent; the poster, for what was answered with a
   * good status; or the server, by messages of its own.
   */
  readonly joinsToldBy: 'gate' | 'poster' | 'server';
  /** How long the server wants to be left alone when this link has ended, in milliseconds. */
  retryAfterMs?: number;
}

/** One link over HTTP. */
export interface HttpLink extends HttpCarrier {
  readonly gate: LinkGate;
}

/** One request, written. */
export interface HttpCall {
  readonly address: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** What came back. */
export interface HttpAnswer {
  readonly response: Response;
  /** Reads its body, and lets go of it when the signal of the request fires; React Native has none. */
  readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
}

/** What a request that greets has beside the greeting. */
interface GreetingCall {
  /** How long a poll may be held, in milliseconds. */
  readonly waitMs?: number;
  /** Parameters of the address. */
  readonly query?: Record<string, string | undefined>;
  /** The one channel that the request is for, with an address of its own. */
  readonly only?: { readonly channel: string; readonly address: string };
}

/** Writes a request that greets: all that the application computes is computed now. */
export function composeGreeting(link: HttpCarrier, { waitMs, query, only }: GreetingCall = {}): HttpCall {
  const { settings, request } = link;
  const { url, method, dialect, joining } = settings;
  const greeting = greetingOf(request, waitMs);
  const joins = greeting.joins.filter(({ channel }) => (only ? channel === only.channel : joining === 'dial'));
  // the token has its own place
  const hello = dialect.hello?.({ ...greeting, token: undefined, joins });
  const address = only?.address ?? (typeof url === 'function' ? url(request, waitMs ?? 0) : String(url));
  return compose(link, address, method, perAttempt(settings.body, request) ?? hello, query);
}

/** Proxies and servers commonly refuse addresses of more than 8 kB; with positions a greeting grows while it is used. */
const longestQuery = 4096;

/** Writes a request. What would be its body travels in the query with `GET`, as `hello=`, unless it is too long for that. */
export function compose(
  { settings, request }: HttpCarrier,
  url: string,
  method: string,
  content: unknown,
  query: Record<string, string | undefined> = {},
): HttpCall {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const isGet = method === 'GET' && !(text && encodeURIComponent(text).length > longestQuery);
  const token = settings.token === 'query' ? request.credentials?.token : undefined;
  return {
    address: withQuery(url, { ...query, token, hello: isGet ? text : undefined }),
    method: isGet || method !== 'GET' ? method : 'POST',
    headers: {
      accept: 'application/json',
      ...(!isGet && text && { 'content-type': 'application/json' }),
      ...requestHeaders(request, settings.headers, settings.token),
    },
    body: isGet ? undefined : text,
  };
}

/**
 * Sends a request and waits for the head of its answer.
 *
 * @param code - what it means when none comes
 */
export async function ask(
  link: HttpCarrier,
  { address, ...call }: HttpCall,
  signal: AbortSignal,
  code: RealtimeErrorCode = 'refused',
): Promise<HttpAnswer> {
  const { credentials, fetch = systemFetch() } = link.settings;
  if (!fetch) throw failure(link, 'unsupported', 'this platform has no fetch', 'Pass one as an option: `fetch`.');
  const hint = 'The server is unreachable, or its CORS rules do not allow this page or these headers.';
  // called without a receiver, as a browser's own `fetch` refuses any other than its window
  const fetching = async (): Promise<Response> =>
    fetch(address, { ...call, signal, credentials, redirect: 'manual', cache: 'no-store' });
  const response = await network(link, fetching(), code, 'got no answer', hint);
  const reader = response.body?.getReader();
  // a fetch that knows no signals must not hold a body that nobody reads
  onAbort(signal, () => reader?.cancel().catch(() => undefined));
  return { response, reader };
}

/** Reads a body to its end, chunk by chunk. */
export async function readChunks(
  link: HttpCarrier,
  reader: NonNullable<HttpAnswer['reader']>,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  for (;;) {
    const { done, value } = await network(link, reader.read(), 'connection-lost', 'broke off');
    if (done) return;
    onChunk(value);
  }
}

/**
 * Reads a body as text, holding no more of it than the limit.
 *
 * @throws RealtimeError `too-large`, `connection-lost`
 */
export async function readText(link: HttpCarrier, { response, reader }: HttpAnswer, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  const add = (piece: string, size: number): void => {
    text += piece;
    bytes += size;
    if (bytes > maxBytes) throw failure(link, 'too-large', `an answer to ${link.gate.transport} is over ${maxBytes} bytes`);
  };
  if (reader) await readChunks(link, reader, (chunk) => add(decoder.decode(chunk, { stream: true }), chunk.byteLength));
  else {
    // the length in UTF-16 units is never more than that in bytes
    const whole = await network(link, response.text(), 'connection-lost', 'broke off');
    add(whole, whole.length);
  }
  return text + decoder.decode();
}

/** Waits for the network. Its errors may quote the request, so they are shown only without the token. */
async function network<T>(
  link: HttpCarrier,
  work: Promise<T>,
  code: RealtimeErrorCode,
  event: string,
  hint?: string,
): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw failure(
      link,
      code,
      `a request of ${link.gate.transport} ${event}`,
      hint,
      withoutSecret(cause, link.request.credentials?.token),
    );
  }
}

/**
 * What an answer with an unwanted status means.
 *
 * @param what - what was answered, for the message of the error
 */
export function refusalOf(
  { gate, request, settings }: HttpCarrier,
  response: Response,
  what: string = `a request of ${gate.transport}`,
): EndCause {
  return statusCause(what, gate.transport, response, request.clock, settings.dialect, settings.statuses);
}

/** What servers answer to a position that is trimmed, or that they cannot read. */
const positionStatuses: readonly number[] = [400, 409, 410, 416];

/**
 * Is it the position that the server refuses? Then it is forgotten, so that the next link asks without it; what is missing
 * is a gap.
 *
 * @param channel - whose position it was, where each channel has a stream of its own
 */
export function refusesPosition(
  { gate, request, settings }: HttpCarrier,
  { status }: Response,
  channel?: string,
): EndCause | undefined {
  if (!positionStatuses.includes(status) || settings.statuses[status] || !request.positionRefused) return undefined;
  request.positionRefused(channel);
  return downCause('refused', `the server of ${gate.transport} refused the position with status ${status}`, {
    transport: gate.transport,
    native: status,
    hint: 'It no longer holds it: what is missing is told as a gap.',
  });
}

/** The error of a link. */
export function failure(
  { gate }: HttpCarrier,
  code: RealtimeErrorCode,
  message: string,
  hint?: string,
  cause?: unknown,
): RealtimeError {
  return new RealtimeError(code, message, { transport: gate.transport, hint, cause });
}

/**
 * Gives one exchange so much time, and no more than its link has.
 *
 * @param exchange - gets a signal that fires at the end, whichever it is: free everything then
 * @throws RealtimeError `timeout` when there is no result in time; whatever the exchange throws
 */
export function withDeadline<T>(link: HttpCarrier, timeoutMs: number, exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { gate, request } = link;
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const cancel = afterOrAtEnd(request.clock, timeoutMs, gate.signal, () => {
      reject(
        failure(
          link,
          'timeout',
          `a request of ${gate.transport} had no whole answer within ${timeoutMs} ms or the time of its link`,
        ),
      );
      over.abort();
    });
    exchange(over.signal)
      .then(resolve, reject)
      .finally(() => {
        cancel();
        over.abort();
      });
  });
}

/** Calls back once, after a delay or when the signal fires. The answer cancels it. */
export function afterOrAtEnd(clock: Clock, delayMs: number, signal: AbortSignal, callback: () => void): () => void {
  const cancel = clock.schedule(() => {
    forget();
    callback();
  }, delayMs);
  const forget = onAbort(signal, () => {
    cancel();
    callback();
  });
  return () => {
    cancel();
    forget();
  };
}
