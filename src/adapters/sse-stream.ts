import type { ServerFrame } from '../protocol/frame.ts';
import { afterOrAtEnd, ask, failure, type HttpCall, type HttpLink, readChunks, refusesPosition } from '../transport/exchange.ts';
import { checkType, fitsHeader, headerBytes, longestRetryAfterMs, unfitPosition } from '../transport/http.ts';
import { decodeMessage } from '../transport/link.ts';
import { createStreamReader } from './sse-parser.ts';

/** One stream of a link. */
export interface Stream {
  /** The request that asks for it. */
  readonly call: HttpCall;
  /** The last id, sent as `Last-Event-ID`. */
  readonly cursor: string | undefined;
  /** The channel that it is for, if it is for one. */
  readonly channel?: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** It gets through. May be called again. */
  opened(): void;
  /** It was answered with another status than 200. */
  refused(response: Response): void;
  /** Messages, and the last id after them; without either a sign of life. */
  deliver(frames: readonly ServerFrame[], cursor?: string): void;
}

/** How streams are read. */
export interface StreamSettings {
  readonly firstByteTimeoutMs: number;
  readonly maxEventBytes: number;
  readonly proof: 'headers' | 'first-byte';
}

const bufferedHint =
  'A proxy may hold the stream back: send `X-Accel-Buffering: no` or set `proxy_buffering off` (nginx), without compression.';

/**
 * Asks for one stream and reads it to its end.
 *
 * @throws RealtimeError when the stream ended, unless it was refused
 */
export async function readStream(
  link: HttpLink,
  { call, cursor: lastId, channel, signal, opened, refused, deliver }: Stream,
  { firstByteTimeoutMs, maxEventBytes, proof }: StreamSettings,
): Promise<void> {
  const { gate, request, settings } = link;
  const { dialect } = settings;
  // exactly this: servers and mocks compare it as a text
  call.headers['accept'] = 'text/event-stream';
  if (lastId) call.headers['last-event-id'] = headerBytes(lastId);

  const cancelDeadline = afterOrAtEnd(request.clock, firstByteTimeoutMs, signal, () => {
    if (signal.aborted) return;
    gate.fail('refused', `the stream of ${gate.transport} had no ${proof} within ${firstByteTimeoutMs} ms`, {
      code: 'timeout',
      hint: bufferedHint,
    });
  });
  const proved = (): void => {
    cancelDeadline();
    opened();
  };

  const { response, reader } = await ask(link, call, signal);
  if (response.status !== 200) {
    cancelDeadline();
    const cause = lastId ? refusesPosition(link, response, channel) : undefined;
    return cause ? gate.down(cause) : refused(response);
  }
  checkType(gate.transport, response, /^text\/event-stream *(;|$)/i);
  if (!reader) {
    throw failure(link, 'unsupported', 'this fetch has no streams', 'Pass one as an option: `fetch`, such as expo/fetch.');
  }
  if (proof === 'headers') proved();

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
        else deliver([unfitPosition]);
      },
      onEvent({ event = 'message', data, id }) {
        isHeard = true;
        newCursor = undefined;
        deliver(decodeMessage(dialect, data, event, id || undefined, channel), cursor);
      },
      onSkipped() {
        isHeard = true;
        newCursor = undefined;
        deliver([{ kind: 'garbled', message: tooLarge() }], cursor);
      },
      onRetry(delayMs) {
        link.retryAfterMs = Math.min(delayMs, longestRetryAfterMs);
      },
      onTooLarge() {
        throw failure(link, 'too-large', tooLarge());
      },
    },
    maxEventBytes,
  );
  await readChunks(link, reader, (chunk) => {
    proved();
    isHeard = false;
    feed(chunk);
    // a sign of life, if there is no new cursor
    if (!isHeard || newCursor !== undefined) deliver([], newCursor);
    newCursor = undefined;
  });
  throw failure(link, 'connection-lost', `the server ended the stream of ${gate.transport}`);

  function tooLarge(): string {
    return `a message on ${gate.transport} is over its limit of ${maxEventBytes} bytes`;
  }
}
