import { RealtimeError } from '../errors.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import type { FetchLike, HttpToken, PerAttempt } from '../transport/http.ts';
import type { LinkRequest } from '../transport/transport.ts';

/** What `longPoll` needs to know of a server. Only the address has no default. */
export interface LongPollOptions {
  /**
   * Where to poll. A function is called for each poll, with the channels and positions of that moment and with the
   * longest time that the server may hold the poll, in milliseconds: 0 for the first poll of a link.
   */
  readonly url: string | URL | ((request: LinkRequest, waitMs: number) => string);
  /** Where to send to, by POST. Without it the transport only receives. */
  readonly sendUrl?: string | URL;
  /**
   * The HTTP method of a poll. With `GET` the greeting of the dialect travels in the query, as `hello=`; with any other
   * as the JSON body. Many servers refuse an address of more than 8 kB, which about 80 channels fill: take `'POST'` then.
   *
   * @defaultValue `'GET'`
   */
  readonly method?: string;
  /** Headers of the application, computed for each request if it is a function. They win over keepwire's own. */
  readonly headers?: PerAttempt<Record<string, string>>;
  /** A body in place of the dialect's greeting, computed for each poll if it is a function. Not with `GET`. */
  readonly body?: PerAttempt<string | Record<string, unknown>>;
  /**
   * Where the token travels. `query` puts it into the address, where logs keep it.
   *
   * @defaultValue `'header'`, as `Authorization: Bearer`
   */
  readonly token?: HttpToken;
  /** @defaultValue the platform's own `fetch`, looked up when a link is dialled */
  readonly fetch?: FetchLike;
  /** Whether cookies travel. @defaultValue `'same-origin'` */
  readonly credentials?: 'same-origin' | 'include' | 'omit';
  /** The language of the server. @defaultValue keepwire's own protocol */
  readonly dialect?: Dialect;
  /** The name that modes, status and errors use. @defaultValue `'long-poll'` */
  readonly name?: string;
  /**
   * How long the server may hold a poll, in milliseconds.
   *
   * @defaultValue 25,000; 0 when {@link LongPollOptions.intervalMs} is given
   */
  readonly waitMs?: number;
  /**
   * How long one poll may take with its whole answer, in milliseconds. A poll that takes longer ends the link, so this
   * must be more than the server's hold.
   *
   * @defaultValue `waitMs` + 10,000
   */
  readonly requestTimeoutMs?: number;
  /** How long one send may take, in milliseconds. @defaultValue 10,000 */
  readonly sendTimeoutMs?: number;
  /**
   * For servers that answer at once: how long after an answer the next poll starts, in milliseconds.
   *
   * @defaultValue none: the next poll follows at once
   */
  readonly intervalMs?: number;
  /**
   * The least time from the start of a poll with an empty answer to the start of the next, in milliseconds. Whatever it
   * is, from the fifth answer in a row that came within 100 ms without both events and a new position, polls are spaced
   * by 250 ms, and by up to 5 s while there is neither. Both rest while {@link LongPollOptions.intervalMs} is given.
   *
   * @defaultValue 100
   */
  readonly minIntervalMs?: number;
  /**
   * Where the position of the stream as a whole travels, for servers other than keepwire's: `{ in: 'query', name: 'after' }`
   * gives `?after=…`. It is left out as long as there is no position.
   */
  readonly position?: { readonly in: 'query' | 'header'; readonly name: string };
  /**
   * Asks servers that send an `ETag` or `Last-Modified` only for what has changed since. A date is used only when the
   * answer is at least a second younger, as it cannot tell apart two changes within one second. Across origins the CORS
   * rules of the server must allow the headers `If-None-Match`, `If-Modified-Since` and `Cache-Control`; if they do not,
   * set this to false.
   *
   * @defaultValue true
   */
  readonly conditional?: boolean;
  /**
   * Takes the messages out of the parsed body of an answer; each goes to the dialect as a value.
   *
   * @defaultValue an array holds many messages, anything else is one
   */
  readonly messages?: (body: unknown, response: Response) => readonly unknown[];
  /** Takes the position after this answer out of its parsed body or its headers, for servers that name one. */
  readonly nextCursor?: (body: unknown, response: Response) => string | undefined;
  /**
   * How channels are joined: with the polls (`dial`), so that another set needs another link, or by sends (`frame`).
   *
   * @defaultValue `'dial'` when the dialect has a greeting or `url` is a function, else `'frame'`
   */
  readonly joining?: 'dial' | 'frame';
  /** The largest answer, in bytes after decompression. @defaultValue 1,048,576 (1 MiB) */
  readonly maxBodyBytes?: number;
}

/** The options that have a default, so that they are always there. */
type Defaulted =
  | 'method'
  | 'token'
  | 'credentials'
  | 'dialect'
  | 'name'
  | 'waitMs'
  | 'requestTimeoutMs'
  | 'sendTimeoutMs'
  | 'minIntervalMs'
  | 'conditional'
  | 'messages'
  | 'joining'
  | 'maxBodyBytes';

/** The options, checked and with their defaults. */
export type LongPollSettings = LongPollOptions & Required<Pick<LongPollOptions, Defaulted>>;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws RealtimeError `invalid-option`
 */
export function settingsOf(options: LongPollOptions): LongPollSettings {
  const { url, sendUrl, intervalMs, dialect = keepwireDialect, name = 'long-poll' } = options;
  const { waitMs = intervalMs === undefined ? 25_000 : 0, minIntervalMs = 100 } = options;
  const { requestTimeoutMs = waitMs + 10_000, sendTimeoutMs = 10_000, maxBodyBytes = 1_048_576 } = options;
  const method = (options.method ?? 'GET').toUpperCase();
  const check = (isRight: boolean, what: string): void => {
    if (!isRight)
      throw new RealtimeError('invalid-option', `longPoll() cannot work with these options: ${what}`, { transport: name });
  };
  check(typeof url === 'function' || isHttp(url), 'url must be an http(s) address or a function that gives one');
  check(sendUrl === undefined || isHttp(sendUrl), 'sendUrl must be an http(s) address');
  check(
    method !== 'HEAD' && (method !== 'GET' || options.body === undefined),
    'a poll needs an answer with a body, and with GET has none itself',
  );
  for (const [option, value] of Object.entries({ waitMs, minIntervalMs })) check(value >= 0, `${option} must be 0 or more`);
  for (const [option, value = 1] of Object.entries({ intervalMs, requestTimeoutMs, sendTimeoutMs, maxBodyBytes })) {
    check(value > 0, `${option} must be over 0`);
  }
  check(requestTimeoutMs > waitMs, 'requestTimeoutMs must be over waitMs, or it cuts off each poll that the server holds');
  return {
    ...options,
    method,
    token: options.token ?? 'header',
    credentials: options.credentials ?? 'same-origin',
    dialect,
    name,
    waitMs,
    requestTimeoutMs,
    sendTimeoutMs,
    minIntervalMs,
    conditional: options.conditional ?? true,
    messages: options.messages ?? ((body) => (Array.isArray(body) ? body : [body])),
    joining: options.joining ?? (dialect.hello !== undefined || typeof url === 'function' ? 'dial' : 'frame'),
    maxBodyBytes,
  };
}

/** An absolute http address, or a relative one: anything without another scheme. */
function isHttp(url: string | URL | undefined): boolean {
  return !!url && !/^(?!https?:)[a-z][\w+.-]*:/i.test(String(url));
}
