import type { ServerFrame } from '../protocol/frame.ts';
import { afterOrAtEnd, ask, composeGreeting, failure, type HttpLink, readChunks, refusalOf } from '../transport/exchange.ts';
import { checkType, fitsHeader, headerBytes, longestRetryAfterMs } from '../transport/http.ts';
import { type HttpOptions, httpTransport } from '../transport/http-transport.ts';
import { decodeMessage } from '../transport/link.ts';
import type { Transport } from '../transport/transport.ts';
import { createStreamReader } from './sse-parser.ts';

/** What {@link sse} needs to know of a server. Only the address has no default. */
export interface SseOptions extends HttpOptions {
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
}

const bufferedHint =
  'A proxy may hold the stream back: send `X-Accel-Buffering: no` or set `proxy_buffering off` (nginx), without compression.';

const unfitId: ServerFrame = {
  kind: 'garbled',
  message: 'an event id is too long or holds control characters: it is no position',
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
  const { name = 'sse', firstByteTimeoutMs = 10_000, maxEventBytes = 1_048_576, proof } = options;
  return httpTransport({ ...options, name }, 'silence', { firstByteTimeoutMs, maxEventBytes }, (link) =>
    readStream(
      link,
      firstByteTimeoutMs,
      maxEventBytes,
      proof ?? (link.settings.dialect.traits.greets ? 'first-byte' : 'headers'),
    ),
  );
}

/** Asks for one stream and reads it to its end. */
async function readStream(
  link: HttpLink,
  firstByteTimeoutMs: number,
  maxEventBytes: number,
  proof: NonNullable<SseOptions['proof']>,
): Promise<void> {
  const { gate, request, joining, settings } = link;
  const { dialect } = settings;
  const call = composeGreeting(link);
  // exactly this: servers and mocks compare it as a text
  call.headers['accept'] = 'text/event-stream';
  if (request.cursor) call.headers['last-event-id'] = headerBytes(request.cursor);

  const cancelDeadline = afterOrAtEnd(request.clock, firstByteTimeoutMs, gate.signal, () =>
    gate.fail('refused', `the stream of ${gate.transport} had no ${proof} within ${firstByteTimeoutMs} ms`, {
      code: 'timeout',
      hint: bufferedHint,
    }),
  );
  const opened = (): void => {
    cancelDeadline();
    gate.opened({ joining });
  };

  const { response, reader } = await ask(link, call, gate.signal);
  if (response.status !== 200) return gate.down(refusalOf(link, response));
  checkType(gate.transport, response, /^text\/event-stream *(;|$)/i);
  if (!reader) {
    throw failure(link, 'unsupported', 'this fetch has no streams', 'Pass one as an option: `fetch`, such as expo/fetch.');
  }
  if (proof === 'headers') opened();

  let cursor: string | undefined;
  /** The cursor, while no message has told it. */
  let newCursor: string | undefined;
  /** Whether this chunk has told the gate anything: any byte is a sign of life, but one call is enough. */
  let isHeard = false;
  const feed = createStreamReader(
    {
      onId(id) {
        // an unfit id could never be sent back: the position before it stays, from where the server replays more, not less
        if (fitsHeader(id)) cursor = newCursor = id;
        else gate.deliver([unfitId]);
      },
      onEvent({ event = 'message', data, id }) {
        isHeard = true;
        newCursor = undefined;
        gate.deliver(decodeMessage(dialect, data, event, id || undefined), cursor);
      },
      onRetry(delayMs) {
        link.retryAfterMs = Math.min(delayMs, longestRetryAfterMs);
      },
      onTooLarge() {
        throw failure(link, 'too-large', `a message on ${gate.transport} is over its limit of ${maxEventBytes} bytes`);
      },
    },
    maxEventBytes,
  );
  await readChunks(link, reader, (chunk) => {
    opened();
    isHeard = false;
    feed(chunk);
    // a sign of life, if there is no new cursor
    if (!isHeard || newCursor !== undefined) gate.deliver([], newCursor);
    newCursor = undefined;
  });
  throw failure(link, 'connection-lost', `the server ended the stream of ${gate.transport}`);
}
