import { RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from '../errors.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { type CauseKind, causeCodes, causeKinds } from '../transport/cause.ts';
import { longestRetryAfterMs, statusCause } from '../transport/http.ts';
import type { DownCause, LinkRequest } from '../transport/transport.ts';

/** Socket.IO's reasons for a disconnect, as <https://socket.io/docs/v4/client-socket-instance/#disconnect> lists them. */
const disconnectKinds: ReadonlyMap<string, DownCause['kind']> = new Map<string, DownCause['kind']>([
  ['io server disconnect', 'dismissed'],
  ['io client disconnect', 'aborted'],
  ['ping timeout', 'lost'],
  ['transport close', 'lost'],
  ['transport error', 'lost'],
  ['parse error', 'protocol'],
]);

/** Words, and what they mean. The first row that fits counts. */
type WordRows = readonly { readonly kind: CauseKind; readonly words: RegExp; readonly hint: string }[];

/** Which words of a server mean what, when it gives no status. */
const refusalWords: WordRows = [
  // the words of keepwire's own protocol
  { kind: 'dismissed', words: /^dismissed$/, hint: 'The server ended this connection for good.' },
  { kind: 'protocol', words: /^protocol$/, hint: 'The server could not read the greeting.' },
  {
    kind: 'unsupported',
    words: /^invalid namespace$/i,
    hint: 'The path of the url is the namespace, and the server has none of this name.',
  },
  {
    kind: 'forbidden',
    words: /forbidden|access denied|permission|not allowed/i,
    hint: 'The token was read and is not allowed here.',
  },
  {
    kind: 'unauthorized',
    words: /unauthori[sz]ed|authenticat|credential|\btoken\b|\bjwt\b/i,
    hint: 'Check that the auth provider returns a fresh token for this server.',
  },
];

/** What socket.io-client says itself, and what it means. Anything else is `refused`: the network said no. */
const clientWords: WordRows = [
  { kind: 'protocol', words: /^server error$/, hint: 'Something else than a Socket.IO server answered; check the address.' },
  { kind: 'unsupported', words: /v2\.x with a v3\.x client/, hint: 'The server is older than Socket.IO 3.' },
];

const stickyHint =
  'The requests of one session reached different servers: switch on sticky sessions in the load balancer, or use transports: ["websocket"].';

const dismissedHint =
  'The server put this client out. Calling start() tries again; a server that means something else by it is told by `disconnects`.';

/** A token counts as expired a little early, as the server's clock may be ahead of ours. */
const clockSkewMs = 5000;

/** What socket.io-client tells of a failed low-level transport. */
interface EngineFailure {
  readonly type?: string;
  /** The HTTP status when polling, the error event of a WebSocket. */
  readonly description?: unknown;
  /** The XMLHttpRequest when polling, the close event of a WebSocket. */
  readonly context?: unknown;
}

/** What is known beside the kind of a cause. */
type CauseDetails = RealtimeErrorDetails & {
  readonly retryAfterMs?: number;
  readonly spreadMs?: number;
  readonly code?: RealtimeErrorCode;
};

/** What a link was like when it ended. */
interface EndedLink {
  readonly wasUp: boolean;
  /** True when a new token went over it: the expiry in the request says nothing then. */
  readonly hasNewToken: boolean;
}

/** Reads the ends of links; see {@link createCauseReader}. */
export interface CauseReader {
  /** A link was not let in: the error is that of `connect_error`, or of the Manager. */
  refused(error: Error, request: LinkRequest): DownCause;
  /** A link ended after it was let in, or while it waited for that: the reason is that of `disconnect`. */
  ended(reason: string, details: unknown, request: LinkRequest, link: EndedLink): DownCause;
}

/**
 * The tables of Socket.IO: disconnect reasons, refusals of a server's middleware, failures of the low-level transports.
 *
 * @param transport - the name that errors use
 * @param disconnects - disconnect reasons that mean something else on this server
 */
export function createCauseReader(
  transport: string,
  dialect: Dialect,
  disconnects: Readonly<Record<string, CauseKind>>,
): CauseReader {
  const own = new Map(Object.entries(disconnects));
  return { refused, ended };

  function refused(error: Error, request: LinkRequest): DownCause {
    const { data } = error as { data?: unknown };
    if ((error as EngineFailure).type === 'TransportError') return engineFailed(error, request);
    const row = clientWords.find(({ words }) => words.test(error.message));
    if (row !== undefined) {
      const details = { hint: row.hint, native: error.message };
      return causeOf(row.kind, `Socket.IO could not connect: ${error.message}`, details);
    }
    if (data === undefined && error.message === 'timeout')
      return causeOf('refused', 'the Socket.IO handshake got no answer in time');
    return turnedAway(error, (data ?? {}) as Record<string, unknown>, request);
  }

  /** A middleware of the server said no: by the status in its data, else by its words. */
  function turnedAway(error: Error, data: Record<string, unknown>, request: LinkRequest): DownCause {
    const said = data['code'] ?? data['status'] ?? data['statusCode'];
    const native = typeof said === 'number' || typeof said === 'string' ? said : error.message;
    const message = `the server refused the connection: ${error.message}`;
    const [retryAfterMs, spreadMs] = [durationOf(data['retryAfterMs']), durationOf(data['spreadMs'])];
    const details = { cause: error, native, retryAfterMs, spreadMs };
    const code = dialect.closing?.(native, error.message);
    if (code !== undefined) return causeOf(causeKinds[code] ?? 'refused', message, { ...details, code });
    const byStatus = statusAnswered(Number(said), undefined, request);
    if (byStatus !== undefined && byStatus.kind !== 'aborted')
      return causeOf(byStatus.kind, message, { ...details, hint: byStatus.error.hint });
    const row = refusalWords.find(({ words }) => words.test(error.message) || words.test(String(said)));
    return causeOf(row?.kind ?? 'refused', message, { ...details, hint: row?.hint });
  }

  /** A low-level transport failed, the last one of the list. */
  function engineFailed(error: Error, request: LinkRequest): DownCause {
    const { description, context } = error as EngineFailure;
    const native = error.message;
    if (isSessionUnknown(context)) {
      const message = 'the server does not know the session: Session ID unknown';
      return causeOf('refused', message, { hint: stickyHint, native });
    }
    // a status over WebSocket is the word of whatever refused the upgrade, and no browser shows it
    const byStatus = typeof description === 'number' ? statusAnswered(description, context, request) : undefined;
    if (byStatus !== undefined) return byStatus;
    const hint = 'The server may be down or unreachable, or its CORS rules do not allow this page.';
    return causeOf('refused', `Socket.IO could not connect: ${native}`, { hint, native, cause: innerError(description) });
  }

  /** The table of HTTP statuses, for a number that is one. */
  function statusAnswered(status: number, context: unknown, { clock }: LinkRequest): DownCause | undefined {
    // a Response takes no status above 599
    if (!Number.isInteger(status) || status < 300 || status > 599) return undefined;
    const xhr = context as { getResponseHeader?(name: string): string | null } | undefined;
    const retryAfter = xhr?.getResponseHeader?.('retry-after');
    const headers = typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : undefined;
    return statusCause('the Socket.IO handshake', transport, new Response(null, { status, headers }), clock);
  }

  function ended(reason: string, details: unknown, request: LinkRequest, link: EndedLink): DownCause {
    const { description, context } = (details ?? {}) as EngineFailure;
    const cause = innerError(description);
    const message =
      reason === 'io server disconnect' ? 'the server ended the Socket.IO connection' : `the Socket.IO link ended: ${reason}`;
    // RFC 6455 section 7.4.1: 1009 is a message that is too big
    if ((context as { code?: unknown } | undefined)?.code === 1009) {
      const hint = 'A message was over the maxHttpBufferSize of the server.';
      return causeOf('protocol', message, { code: 'too-large', hint, native: 1009, cause });
    }
    const { kind, code } = meaningOf(reason, request, link);
    if (kind === 'aborted') return { kind };
    const hint = isSessionUnknown(context) ? stickyHint : kind === 'dismissed' ? dismissedHint : undefined;
    // a link that never came up was not let in
    const seen = kind === 'lost' && !link.wasUp ? 'refused' : kind;
    return causeOf(seen, message, { code, hint, native: reason, cause });
  }

  function meaningOf(
    reason: string,
    request: LinkRequest,
    { hasNewToken }: EndedLink,
  ): { kind: DownCause['kind']; code?: RealtimeErrorCode } {
    const chosen = own.get(reason);
    if (chosen !== undefined) return { kind: chosen };
    const code = dialect.closing?.(reason, '');
    if (code !== undefined) return { kind: causeKinds[code] ?? 'lost', code };
    const kind = disconnectKinds.get(reason) ?? 'lost';
    return { kind: kind === 'dismissed' && !hasNewToken && isExpired(request) ? 'unauthorized' : kind };
  }

  function causeOf(kind: CauseKind, message: string, { retryAfterMs, spreadMs, code, ...details }: CauseDetails = {}): DownCause {
    const error = new RealtimeError(code ?? causeCodes[kind], message, { ...details, transport });
    const isAdvised = retryAfterMs !== undefined || spreadMs !== undefined;
    if (!isAdvised || (kind !== 'lost' && kind !== 'refused')) return { kind, error };
    return { kind, error, retryAfterMs, ...(spreadMs !== undefined && { spreadMs }) };
  }
}

/** A time that a server asks for, in milliseconds: at most an hour. */
function durationOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(value, longestRetryAfterMs) : undefined;
}

function isExpired({ credentials, clock }: LinkRequest): boolean {
  return credentials?.expiresAt !== undefined && credentials.expiresAt <= clock.wallNow() + clockSkewMs;
}

/** Engine.IO answers a request with an unknown session id by status 400 and `{"code":1}`. */
function isSessionUnknown(context: unknown): boolean {
  const { responseText } = (context ?? {}) as { responseText?: unknown };
  return typeof responseText === 'string' && responseText.includes('Session ID unknown');
}

/** The error underneath an error event. The event itself leads to the request, and that to headers and addresses. */
function innerError(description: unknown): Error | undefined {
  const { error } = (description ?? {}) as { error?: unknown };
  return error instanceof Error ? error : undefined;
}
