import { RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Dialect } from '../protocol/dialect.ts';
import type { ServerFrame } from '../protocol/frame.ts';
import {
  discard,
  type FetchInit,
  type FetchLike,
  fetchFailed,
  fitsHeader,
  type HttpToken,
  headerBytes,
  longestRetryAfterMs,
  type PerAttempt,
  perAttempt,
  requestHeaders,
  statusCause,
  withQuery,
} from '../transport/http.ts';
import { decodeMessage, type LinkGate } from '../transport/link.ts';
import type { DownCause, LinkRequest } from '../transport/transport.ts';
import { createStreamReader } from './sse-parser.ts';

/** The options of `sse`, with their defaults, as far as the stream needs them. */
export interface StreamSettings {
  readonly url: string | ((request: LinkRequest) => string);
  readonly method: string;
  readonly headers: PerAttempt<Record<string, string>> | undefined;
  readonly body: PerAttempt<string | Record<string, unknown>> | undefined;
  readonly token: HttpToken;
  readonly credentials: 'same-origin' | 'include' | 'omit';
  readonly dialect: Dialect;
  readonly name: string;
  readonly firstByteTimeoutMs: number;
  readonly proof: 'headers' | 'first-byte';
  readonly maxEventBytes: number;
  readonly endOfStream: 'lost' | 'dismissed';
  readonly joining: 'dial' | 'frame';
}

const bufferedHint =
  'A proxy may be holding the stream back: send `X-Accel-Buffering: no` with it or set `proxy_buffering off` (nginx), ' +
  'switch off compression and caching for this address, and let the server flush its first bytes at once.';

const unfitId: ServerFrame = {
  kind: 'garbled',
  message: 'an event id is too long or holds control characters: it is no position',
};

/**
 * Asks for one stream and reads it to its end.
 *
 * @throws whatever a function among the options throws
 */
export async function readStream(
  settings: StreamSettings,
  fetch: FetchLike,
  request: LinkRequest,
  gate: LinkGate,
): Promise<void> {
  if (gate.signal.aborted) return;
  const { name, proof, firstByteTimeoutMs } = settings;
  const [address, init] = compose(settings, request, gate);
  const cancelDeadline = request.clock.schedule(
    () =>
      gate.down(
        failure('refused', 'timeout', `${name} had no ${proof} within ${firstByteTimeoutMs} ms`, name, { hint: bufferedHint }),
      ),
    firstByteTimeoutMs,
  );
  onAbort(gate.signal, cancelDeadline);

  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (cause) {
    return gate.down(fetchFailed(`the stream of ${name}`, name, cause, request.credentials?.token));
  }
  const refusal = gate.signal.aborted ? undefined : refusalOf(response, settings, request);
  if (refusal !== undefined) gate.down(refusal);
  // a fetch that does not know signals still holds a body that nobody will read
  if (gate.signal.aborted) return discard(response.body);
  if (!response.body) {
    const hint = 'On React Native, pass a fetch with streams as the option `fetch`, such as expo/fetch.';
    return gate.down(failure('unsupported', 'unsupported', `the fetch of ${name} gives no streams`, name, { hint }));
  }

  const isOpen = (): void => {
    cancelDeadline();
    gate.opened();
  };
  if (proof === 'headers') isOpen();
  await readBody(response.body, settings, gate, isOpen);
}

async function readBody(
  body: ReadableStream<Uint8Array>,
  settings: StreamSettings,
  gate: LinkGate,
  isOpen: () => void,
): Promise<void> {
  const { name, dialect, maxEventBytes, endOfStream } = settings;
  const reader = body.getReader();
  onAbort(gate.signal, () => discard(reader));
  let retryAfterMs: number | undefined;
  let cursor: string | undefined;
  let seenId: string | undefined;
  /** Whether this chunk has told the gate anything: any byte is a sign of life, but one call is enough. */
  let isHeard = false;

  const deliver = (frames: readonly ServerFrame[], lastId: string | undefined): void => {
    isHeard = true;
    const isUnfit = lastId !== undefined && lastId !== seenId && !fitsHeader(lastId);
    // an unfit id could never be sent back: the position before it stays, from where the server replays more, not less
    if (lastId !== seenId && !isUnfit) cursor = lastId;
    seenId = lastId;
    gate.deliver(isUnfit ? [...frames, unfitId] : frames, cursor);
  };
  const feed = createStreamReader(
    {
      onEvent: ({ event, data, id }, lastId) => deliver(decodeMessage(dialect, data, event, id || undefined), lastId),
      onLastId: (lastId) => deliver([], lastId),
      onRetry(delayMs) {
        retryAfterMs = Math.min(delayMs, longestRetryAfterMs);
      },
      onTooLarge() {
        const hint = `Let the server send less at once, or raise maxEventBytes (now ${maxEventBytes}).`;
        gate.down(failure('protocol', 'too-large', `a message on ${name} is over its size limit`, name, { hint }));
      },
    },
    maxEventBytes,
  );

  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (gate.signal.aborted) return;
      if (done) break;
      isOpen();
      isHeard = false;
      feed(value);
      if (!isHeard) gate.alive();
    }
  } catch (cause) {
    return gate.down({ ...failure('lost', 'connection-lost', `the stream of ${name} broke off`, name, { cause }), retryAfterMs });
  }
  if (endOfStream === 'dismissed')
    return gate.down(failure('dismissed', 'dismissed', `the server finished the stream of ${name}`, name));
  gate.down({ ...failure('lost', 'connection-lost', `the server ended the stream of ${name}`, name), retryAfterMs });
}

/** The request of one attempt: all that the application computes is computed now. */
function compose(settings: StreamSettings, request: LinkRequest, gate: LinkGate): Parameters<FetchLike> {
  const { url, method, dialect, joining, credentials } = settings;
  const greeting = gate.greeting();
  // the token has its own place
  const hello = dialect.hello?.({ ...greeting, token: undefined, joins: joining === 'dial' ? greeting.joins : [] });
  const isQuery = method === 'GET' || method === 'HEAD';
  const body = settings.body === undefined ? (isQuery ? undefined : hello) : perAttempt(settings.body, request);
  const headers = requestHeaders(request, settings.headers, settings.token);
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  // exactly this: servers and mocks compare it as a text
  headers['accept'] = 'text/event-stream';
  if (request.cursor) headers['last-event-id'] = headerBytes(request.cursor);
  const address = withQuery(typeof url === 'function' ? url(request) : url, {
    token: settings.token === 'query' ? request.credentials?.token : undefined,
    hello: isQuery && hello !== undefined ? JSON.stringify(hello) : undefined,
  });
  const init: FetchInit = {
    method,
    headers,
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    signal: gate.signal,
    credentials,
    redirect: 'manual',
    cache: 'no-store',
  };
  return [address, init];
}

/** Why a response is not a stream, if it is not. WHATWG HTML, section 9.2.3, with more causes than its one. */
function refusalOf(response: Response, { name, dialect }: StreamSettings, { clock }: LinkRequest): DownCause | undefined {
  const { status } = response;
  if (status === 204) {
    const hint = 'The status 204 tells clients of event streams not to come back.';
    return failure('dismissed', 'dismissed', `the stream of ${name} was ended by the server`, name, { hint, native: status });
  }
  if (status !== 200) return statusCause(`the stream of ${name}`, name, response, clock, dialect);
  const type = response.headers.get('content-type') ?? 'no content type';
  if (/^text\/event-stream *(;|$)/i.test(type)) return undefined;
  const message = `the stream of ${name} was answered with ${type.slice(0, 100)} instead of text/event-stream`;
  if (/^text\/html\b/i.test(type)) {
    const hint = 'A login page of the network (captive portal) may have answered instead of the server, or the address is wrong.';
    return failure('unsupported', 'unsupported', message, name, { hint, native: status });
  }
  return failure('protocol', 'protocol', message, name, {
    hint: 'Check the address and the content type that the server sends.',
    native: status,
  });
}

function failure<Kind extends Exclude<DownCause['kind'], 'aborted'>>(
  kind: Kind,
  code: RealtimeErrorCode,
  message: string,
  transport: string,
  details: RealtimeErrorDetails = {},
): { readonly kind: Kind; readonly error: RealtimeError } {
  return { kind, error: new RealtimeError(code, message, { ...details, transport }) };
}
