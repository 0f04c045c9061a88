import { composeGreeting, type HttpLink, refusalOf } from '../transport/exchange.ts';
import { checkOption, type HttpOptions, httpOptionNames, httpTransport } from '../transport/http-transport.ts';
import { checkNames, type OptionNames } from '../transport/options.ts';
import type { LinkRequest, Transport } from '../transport/transport.ts';
import { type ChannelStreams, createChannelStreams } from './sse-channels.ts';
import { readStream, type StreamSettings } from './sse-stream.ts';

/** What {@link sse} needs to know of a server. Only the address has no default. */
export interface SseOptions extends Omit<HttpOptions, 'url'> {
  /**
   * Where the stream is. A function is called for each request, with the channels and positions of that moment. It may be
   * left out where each channel has a stream of its own.
   */
  readonly url?: string | URL | ((request: LinkRequest) => string);
  /**
   * Where the stream of one channel is, for servers that have one for each: it is asked for when the channel is joined, and
   * ended when it is left. All of them are one link: when one ends, all are dialled anew, each from its own last id. A
   * channel that is answered with 403, 404, 410 or the like is denied, and the others stay. What a stream says belongs to its
   * channel, unless the message names another one.
   *
   * With `url` as well, that stream is open beside them.
   *
   * A browser has six connections to an origin over HTTP/1.1, for all tabs together: with more than three or four channels
   * such a server needs HTTP/2.
   */
  readonly channelUrl?: (channel: string, request: LinkRequest) => string;
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

const names: OptionNames<SseOptions> = {
  ...httpOptionNames,
  url: true,
  channelUrl: true,
  firstByteTimeoutMs: true,
  proof: true,
  maxEventBytes: true,
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
 *   channelUrl: (channel) => `/api/chat/channels/${encodeURIComponent(channel)}/stream`,
 *   headers: () => ({ 'x-tenant': currentTenant() }),
 *   dialect: myDialect,
 * });
 * ```
 */
export function sse(options: SseOptions): Transport {
  checkNames('sse', options, names);
  const { name = 'sse', url, channelUrl, firstByteTimeoutMs = 10_000, maxEventBytes = 1_048_576 } = options;
  checkOption(name, channelUrl === undefined || typeof channelUrl === 'function', 'channelUrl must be a function');
  return httpTransport(
    { ...options, url, name },
    {
      liveness: 'silence',
      numbers: { firstByteTimeoutMs, maxEventBytes },
      hasChannelStreams: channelUrl !== undefined,
      start(link) {
        const { proof = link.settings.dialect.traits.greets ? 'first-byte' : 'headers' } = options;
        const settings = { firstByteTimeoutMs, maxEventBytes, proof };
        if (!channelUrl) return { done: readWhole(link, settings) };
        const streams = createChannelStreams(link, channelUrl, settings, () => link.gate.opened({ joining: link.joining }));
        return { done: Promise.race([dial(link, streams, settings), streams.failed]), take: streams.take };
      },
    },
  );
}

/** Opens what the link begins with; it is up when the first stream is. */
async function dial(link: HttpLink, streams: ChannelStreams, settings: StreamSettings): Promise<void> {
  const { gate, request, joining } = link;
  for (const channel of joining) void streams.open(channel, request.channels.get(channel));
  if (link.settings.url !== undefined) return readWhole(link, settings);
  // without a channel there is nothing to ask for yet
  if (joining.length === 0) gate.opened({ joining });
  return new Promise(() => {});
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
