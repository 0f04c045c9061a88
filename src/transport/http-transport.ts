import { RealtimeError } from '../errors.ts';
import { warnIfPlain } from '../platform/report.ts';
import { aFunction, anything, aText, invalidOption, type OptionRules, oneOf, overZero } from '../platform/rules.ts';
import type { Dialect } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import { failure, type HttpLink, type HttpSettings } from './exchange.ts';
import { type FetchLike, type HttpToken, kindOf, type PerAttempt, type StatusMeanings } from './http.ts';
import { openGate, type Transmit } from './link.ts';
import { aDialect, anHttpAddress, headersRule, statusesRule } from './options.ts';
import { createPoster } from './post.ts';
import type { Capabilities, LinkRequest, Transport } from './transport.ts';

/** The options that all transports over HTTP have. Only the address has no default. */
export interface HttpOptions {
  /**
   * Where to receive. A function is called for each request, with the channels and positions of that moment. For a poll
   * it also gets the longest time that the server may hold it, in milliseconds: 0 for the first poll of a link.
   */
  readonly url: string | URL | ((request: LinkRequest, waitMs: number) => string);
  /**
   * Where to send to, by POST. Without it the transport only receives. A dialect may name paths below it, or absolute
   * ones: then the origin of the server, or `/`, is enough here.
   */
  readonly sendUrl?: string | URL;
  /**
   * The HTTP method for receiving. With `GET` the greeting of the dialect travels in the query, as `hello=`; with any
   * other as the JSON body. The token is in neither. A greeting of more than 4,096 characters (some 40 channels) travels by
   * `POST` in any case, since many servers refuse longer addresses.
   *
   * @defaultValue `'GET'`
   */
  readonly method?: string;
  /** Headers of the application, for receiving and for sends, computed for each request if it is a function. */
  readonly headers?: PerAttempt<Record<string, string>>;
  /** A body in place of the dialect's greeting, computed for each request if it is a function. Not with `GET`. */
  readonly body?: PerAttempt<string | Record<string, unknown>>;
  /**
   * Where the token travels. `query` puts it into the address, as `token=`, where logs keep it.
   *
   * @defaultValue `'header'`, as `Authorization: Bearer`
   */
  readonly token?: HttpToken;
  /**
   * The `fetch` to use. On React Native streams need one that has them, such as `expo/fetch`.
   *
   * @defaultValue the platform's own, looked up for each request
   */
  readonly fetch?: FetchLike;
  /** Whether cookies travel. @defaultValue `'same-origin'` */
  readonly credentials?: 'same-origin' | 'include' | 'omit';
  /** The language of the server. @defaultValue keepwire's own protocol */
  readonly dialect?: Dialect;
  /** The name that modes, status and errors use. @defaultValue `'sse'`, `'long-poll'` */
  readonly name?: string;
  /** How long one send may take, in milliseconds. @defaultValue 10,000 */
  readonly sendTimeoutMs?: number;
  /**
   * How channels are joined: with the request (`dial`), so that another set needs another link, or by sends (`frame`).
   *
   * @defaultValue `'dial'` when the dialect has a greeting or `url` is a function, else `'frame'`
   */
  readonly joining?: 'dial' | 'frame';
  /**
   * What a status means on this server, where it differs from the table: 401 is `unauthorized`, 403 `forbidden`, 204 and 410
   * `dismissed`; 404, 405, 406, 407, 414, 431, 501 and redirects are `unsupported`, 408 is `lost`, 425, 429 and all others from
   * 500 on are `refused`, and any other is `protocol`. A 403 that may be the word of a proxy, so that another transport is worth
   * a try: `{ 403: 'unsupported' }`. This comes before the dialect's `closing`, and that before the table.
   */
  readonly statuses?: StatusMeanings;
}

/** What they must be. An address that is a function, or a body, is checked with the others. */
export const httpOptionRules: OptionRules<HttpOptions> = {
  url: [anHttpAddress[0], (url) => typeof url === 'function' || anHttpAddress[1](url), true],
  sendUrl: anHttpAddress,
  method: ['a method other than HEAD', (method) => aText[1](method) && !/^head$/i.test(method as string)],
  headers: headersRule,
  body: anything,
  token: oneOf('header', 'query', 'none'),
  fetch: aFunction,
  credentials: oneOf('same-origin', 'include', 'omit'),
  dialect: aDialect,
  name: aText,
  sendTimeoutMs: overZero,
  joining: oneOf('dial', 'frame'),
  statuses: statusesRule,
};

/** One link's way to receive. */
export interface Receiving {
  /** The life of the link; what it throws ends the link. */
  readonly done: Promise<void>;
  /** Takes the frames that it deals with itself, and gives the others back. */
  take?(frames: readonly ClientFrame[]): { readonly rest: readonly ClientFrame[]; readonly taken: Promise<unknown> };
}

/** What an adapter adds to the HTTP that all have. */
interface HttpAdapter {
  readonly liveness: Capabilities['liveness'];
  /** Each channel has a stream of its own, with a position of its own, that is opened and ended while the link lives. */
  readonly hasChannelStreams?: boolean;
  start(link: HttpLink): Receiving;
}

/**
 * Makes a transport that receives over HTTP in its own way, and sends by POST.
 *
 * @throws RealtimeError `invalid-option`
 */
export function httpTransport(
  options: Omit<HttpOptions, 'url'> & { readonly url: HttpOptions['url'] | undefined; readonly name: string },
  { liveness, hasChannelStreams = false, start }: HttpAdapter,
): Transport {
  const { name, url, sendUrl, body, dialect = keepwireDialect, sendTimeoutMs = 10_000 } = options;
  const method = (options.method ?? 'GET').toUpperCase();
  const dialled = dialect.hello || typeof url === 'function' ? 'dial' : 'frame';
  const joining = hasChannelStreams ? 'frame' : (options.joining ?? dialled);
  const { token = 'header', credentials = 'same-origin', statuses = {} } = options;
  const settings: HttpSettings = { ...options, dialect, sendTimeoutMs, method, joining, token, credentials, statuses };
  const { traits } = dialect;
  /** The address stands for all channels: whoever asks is in them, before the first answer is read. */
  const isJoinedByAddress = traits.joinsInHello && !dialect.hello;
  /** Joins that are no part of a request are answered one by one. */
  const isPosted = joining === 'frame' && sendUrl !== undefined && !isJoinedByAddress;
  const answersJoins = traits.answersJoins || hasChannelStreams || isPosted;
  const joinsToldBy = traits.answersJoins ? 'server' : answersJoins ? 'poster' : 'gate';

  if (body && method === 'GET') throw invalidOption(`body of ${name}`, 'left out with GET');

  let isWarned = false;

  return {
    name,
    capabilities: {
      send: sendUrl !== undefined,
      ack: 'receipt',
      honoursIds: traits.honoursIds,
      resume: hasChannelStreams && traits.resume === 'connection' ? 'channel' : traits.resume,
      liveness,
      joining,
      reauth: false,
    },
    connect(request, sink) {
      if (!isWarned && request.credentials && token !== 'none') {
        isWarned = [url, sendUrl].some((address) => typeof address !== 'function' && warnIfPlain(String(address), name));
      }
      const gate = openGate(name, dialect, request, sink, answersJoins);
      const carriesJoins = joining === 'dial' || hasChannelStreams || isJoinedByAddress;
      const link: HttpLink = { settings, request, gate, joinsToldBy, joining: carriesJoins ? [...request.channels.keys()] : [] };
      const failed = (cause: unknown): void => {
        const message = `a function among the options of ${name}, or its dialect, threw`;
        const error = RealtimeError.from(cause, 'invalid-option', message, { transport: name });
        gate.down({ kind: kindOf(error.code) ?? 'protocol', error, retryAfterMs: link.retryAfterMs });
      };
      const receiving = gate.signal.aborted ? undefined : start(link);
      receiving?.done.catch(failed);
      const post: Transmit = sendUrl === undefined ? receiveOnly : createPoster(link, String(sendUrl));
      if (!receiving?.take) return gate.link(post);
      return gate.link(async (frames) => {
        const { rest, taken } = receiving.take?.(frames) ?? { rest: frames, taken: undefined };
        const receipts = rest.length > 0 ? await post(rest) : [];
        await taken;
        return receipts;
      });

      async function receiveOnly(frames: readonly ClientFrame[]): ReturnType<Transmit> {
        // joins that this server has no word for are done without a request
        if (dialect.encode(frames).length === 0) return [];
        throw failure(link, 'unsupported', `${name} only receives`, 'Pass an address to send to as an option: `sendUrl`.');
      }
    },
  };
}
