import { check, checkOptions, madeBy, type OptionRules, oneOf, overZero } from '../platform/rules.ts';
import { composeGreeting, type HttpLink, refusalOf } from '../transport/exchange.ts';
import { type HttpOptions, httpOptionRules, httpTransport } from '../transport/http-transport.ts';
import type { LinkRequest, Transport } from '../transport/transport.ts';
import type { PerChannel } from './sse-channels.ts';
import { readStream, type StreamSettings } from './sse-stream.ts';

export { type PerChannel, perChannel } from './sse-channels.ts';

/** What {@link sse} needs to know of a server. Only the address has no default. */
export interface SseOptions extends Omit<HttpOptions, 'url'> {
  /**
   * Where the stream is. A function is called for each request, with the channels and positions of that moment. It may be
   * left out where each channel has a stream of its own.
   */
  readonly url?: string | URL | ((request: LinkRequest) => string);
  /**
   * For servers that have a stream for each channel: {@link perChannel}. With `url` as well, that stream is open beside them.
   */
  readonly streams?: PerChannel;
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
  /**
   * The largest message, in bytes of its data. A larger one is left out and told as a `fault` where its id was read, so that
   * the stream goes on after it; else it ends the link. @defaultValue 1,048,576 (1 MiB)
   */
  readonly maxEventBytes?: number;
}

const rules: OptionRules<SseOptions> = {
  ...httpOptionRules,
  // not needed where each channel has a stream of its own
  url: [httpOptionRules.url[0], httpOptionRules.url[1]],
  streams: madeBy('perChannel', 'open'),
  firstByteTimeoutMs: overZero,
  proof: oneOf('headers', 'first-byte'),
  maxEventBytes: overZero,
};

/**
 * Receives by Server-Sent Events over `fetch`, so that headers, any HTTP method and the status of the answer are within
 * reach, and sends by POST.
 *
 * The stream is read as the WHATWG standard has it, and the last event id travels back as `Last-Event-ID`. Redirects are
 * not followed, as the token and the id would go to whatever host they name. A `retry:` field, at most an hour, is told
 * as the least pause after the end of the link. The first messages that a dialect wants to send
 * (`opening`) have no place here: the token is in the request.
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
 * @example A stream for each channel, with headers of the application
 * ```ts
 * sse({
 *   streams: perChannel((channel) => `/api/chat/channels/${encodeURIComponent(channel)}/stream`),
 *   headers: () => ({ 'x-tenant': currentTenant() }),
 *   dialect: myDialect,
 * });
 * ```
 */
export function sse(options: SseOptions): Transport {
  checkOptions('sse', options, rules);
  if (!options.streams) check('url of sse()', options.url, rules.url);
  const { name = 'sse', url, streams, firstByteTimeoutMs = 10_000, maxEventBytes = 1_048_576 } = options;
  return httpTransport(
    { ...options, url, name },
    {
      liveness: 'silence',
      hasChannelStreams: streams !== undefined,
      start(link) {
        const { proof = link.settings.dialect.traits.greets ? 'first-byte' : 'headers' } = options;
        const settings = { firstByteTimeoutMs, maxEventBytes, proof };
        const whole = streams && url === undefined ? undefined : readWhole(link, settings);
        return streams?.open(link, settings, whole) ?? { done: whole ?? Promise.resolve() };
      },
    },
  );
}

/** The stream of all channels together. */
async function readWhole(link: HttpLink, settings: StreamSettings): Promise<void> {
  const { gate, request, joining } = link;
  return readStream(
    link,
    {
      call: composeGreeting(link),
      cursor: request.cursor,
      signal: gate.signal,
      opened: () => gate.opened({ joining }),
      refused: (response) => gate.down(refusalOf(link, response)),
      deliver: gate.deliver,
    },
    settings,
  );
}
