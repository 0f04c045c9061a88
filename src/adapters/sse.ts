import { RealtimeError } from '../errors.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import type { FetchLike, HttpToken, PerAttempt } from '../transport/http.ts';
import { openGate } from '../transport/link.ts';
import { createPoster } from '../transport/post.ts';
import type { LinkRequest, Transport } from '../transport/transport.ts';
import { readStream, type StreamSettings } from './sse-stream.ts';

/** What {@link sse} needs to know of a server. Only the address has no default. */
export interface SseOptions {
  /** Where the stream is. A function is called for each attempt, with the channels and positions of that moment. */
  readonly url: string | URL | ((request: LinkRequest) => string);
  /**
   * Where to send to, by POST. Without it the transport only receives. A dialect may name paths below it, or absolute
   * ones: then the origin of the server, or `/`, is enough here.
   */
  readonly sendUrl?: string | URL;
  /**
   * The HTTP method of the stream. With `GET` the greeting of the dialect travels in the query, as `hello=`; with any
   * other as the JSON body. The token is in neither.
   *
   * @defaultValue `'GET'`
   */
  readonly method?: string;
  /** Headers of the application, for the stream and for sends, computed for each request if it is a function. */
  readonly headers?: PerAttempt<Record<string, string>>;
  /** A body in place of the dialect's greeting, computed for each attempt if it is a function. Not with `GET`. */
  readonly body?: PerAttempt<string | Record<string, unknown>>;
  /**
   * Where the token travels. `query` puts it into the address, as `token=`, where logs keep it.
   *
   * @defaultValue `'header'`, as `Authorization: Bearer`
   */
  readonly token?: HttpToken;
  /**
   * The `fetch` to use. On React Native it must be one with streams, such as `expo/fetch`.
   *
   * @defaultValue the platform's own, looked up when a link is dialled
   */
  readonly fetch?: FetchLike;
  /** Whether cookies travel. @defaultValue `'same-origin'` */
  readonly credentials?: 'same-origin' | 'include' | 'omit';
  /** The language of the server. @defaultValue keepwire's own protocol */
  readonly dialect?: Dialect;
  /** The name that modes, status and errors use. @defaultValue `'sse'` */
  readonly name?: string;
  /**
   * How long the server may take until {@link SseOptions.proof}, in milliseconds. A proxy that buffers is known by
   * nothing else than this silence.
   *
   * @defaultValue 10,000
   */
  readonly firstByteTimeoutMs?: number;
  /**
   * What shows that the stream gets through: the headers of the response, or the first byte of its body. `first-byte`
   * needs a server that sends something at once, if only a comment.
   *
   * @defaultValue `'first-byte'` for a dialect whose server greets, else `'headers'`
   */
  readonly proof?: 'headers' | 'first-byte';
  /** The largest message, in bytes of its data. A larger one ends the link. @defaultValue 1,048,576 (1 MiB) */
  readonly maxEventBytes?: number;
  /**
   * What the ordinary end of the stream means: `lost` dials again, `dismissed` is for servers that end a stream when
   * there is nothing more to come.
   *
   * @defaultValue `'lost'`
   */
  readonly endOfStream?: 'lost' | 'dismissed';
  /** How long one send may take, in milliseconds. @defaultValue 10,000 */
  readonly sendTimeoutMs?: number;
  /**
   * How channels are joined: with the request (`dial`), so that another set needs another link, or by sends (`frame`).
   *
   * @defaultValue `'dial'` when the dialect has a greeting or `url` is a function, else `'frame'`
   */
  readonly joining?: 'dial' | 'frame';
}

/**
 * Receives by Server-Sent Events over `fetch`, so that headers, any HTTP method and the status of the answer are within
 * reach, and sends by POST.
 *
 * The stream is read as the WHATWG standard has it, and the last event id travels back as `Last-Event-ID`. Redirects are
 * not followed, as the token and the id would go to whatever host they name. A `retry:` field, at most an hour, is told
 * as the least pause after the end of the link. The first messages that a dialect wants to send
 * ({@link Dialect.opening}) have no place here: the token is in the request.
 *
 * @throws RealtimeError `invalid-option` for a wrong option
 *
 * @example
 * ```ts
 * const realtime = createRealtime({
 *   transports: [sse({ url: '/realtime/sse', sendUrl: '/realtime/send' })],
 * });
 * ```
 *
 * @example A stream per channel, with headers of the application
 * ```ts
 * sse({
 *   url: ({ channels }) => `/api/chat/channels/${[...channels.keys()][0]}/stream`,
 *   headers: () => ({ 'x-tenant': currentTenant() }),
 *   dialect: myDialect,
 * });
 * ```
 */
export function sse(options: SseOptions): Transport {
  const settings = withDefaults(options);
  const { name, dialect, sendUrl, joining } = settings;
  // the gate announces the joins that the request carries, and here that is a matter of the address too
  const carrier = { ...dialect, traits: { ...dialect.traits, joinsInHello: joining === 'dial' } };

  return {
    name,
    capabilities: {
      send: sendUrl !== undefined,
      ack: 'receipt',
      resume: dialect.traits.resume,
      liveness: 'silence',
      joining,
      reauth: false,
    },
    connect(request, sink) {
      const gate = openGate(name, carrier, request, sink);
      const ownFetch = settings.fetch ?? (globalThis.fetch as FetchLike | undefined);
      if (ownFetch === undefined) {
        const error = unsupported(name, 'this platform has no fetch', 'Pass one as the option `fetch`.');
        gate.down({ kind: 'unsupported', error });
        return gate.link(() => Promise.reject(error));
      }
      // a browser's own fetch must not be called as the method of another object
      const fetch: FetchLike = (url, init) => ownFetch(url, init);
      readStream(settings, fetch, request, gate).catch((cause: unknown) => {
        const error = RealtimeError.from(cause, 'invalid-option', `the stream of ${name} could not be asked for`, {
          transport: name,
          hint: 'A function among the options, or the dialect, threw.',
        });
        gate.down({ kind: 'protocol', error });
      });

      if (sendUrl !== undefined) return gate.link(createPoster({ ...settings, fetch, url: sendUrl }, dialect, request, gate));
      return gate.link(async (frames) => {
        // joins that this server has no word for are done without a request
        if (dialect.encode(frames).length === 0) return [];
        throw unsupported(name, `sending over ${name} failed: it only receives`, 'Set the option `sendUrl`.');
      });
    },
  };
}

function unsupported(transport: string, message: string, hint: string): RealtimeError {
  return new RealtimeError('unsupported', message, { transport, hint });
}

interface Settings extends StreamSettings {
  readonly sendUrl: string | undefined;
  readonly fetch: FetchLike | undefined;
  /** The deadline of one send. */
  readonly timeoutMs: number;
}

function withDefaults(options: SseOptions): Settings {
  const { url, sendUrl, headers, body, method = 'GET', name = 'sse', dialect = keepwireDialect } = options;
  const { firstByteTimeoutMs = 10_000, sendTimeoutMs = 10_000, maxEventBytes = 1_048_576 } = options;
  const check = (isRight: boolean, what: string): void => {
    if (!isRight) throw new RealtimeError('invalid-option', `sse() cannot work with these options: ${what}`, { transport: name });
  };
  check(typeof url === 'function' || isHttp(url), 'url must be an http(s) address or a function that gives one');
  check(sendUrl === undefined || isHttp(sendUrl), 'sendUrl must be an http(s) address');
  check(body === undefined || !/^(get|head)$/i.test(method), 'a request with GET has no body');
  for (const [option, value] of Object.entries({ firstByteTimeoutMs, sendTimeoutMs, maxEventBytes })) {
    check(value > 0, `${option} must be over 0`);
  }
  return {
    url: typeof url === 'function' ? url : String(url),
    sendUrl: sendUrl === undefined ? undefined : String(sendUrl),
    method: method.toUpperCase(),
    headers,
    body,
    token: options.token ?? 'header',
    fetch: options.fetch,
    credentials: options.credentials ?? 'same-origin',
    dialect,
    name,
    firstByteTimeoutMs,
    proof: options.proof ?? (dialect.traits.greets ? 'first-byte' : 'headers'),
    maxEventBytes,
    endOfStream: options.endOfStream ?? 'lost',
    timeoutMs: sendTimeoutMs,
    joining: options.joining ?? (dialect.hello !== undefined || typeof url === 'function' ? 'dial' : 'frame'),
  };
}

/** An absolute http address, or a relative one: anything without another scheme. */
function isHttp(url: unknown): boolean {
  return (typeof url === 'string' || url instanceof URL) && /^(https?:|(?![a-z][\w+.-]*:).)/i.test(String(url));
}
