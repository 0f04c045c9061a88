import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { type CauseKind, causeCodes, causeKinds } from '../transport/cause.ts';
import { longestRetryAfterMs } from '../transport/http.ts';
import type { DownCause } from '../transport/transport.ts';

/** What a close code can mean: every cause except that we ended the link ourselves. */
export type CloseMeaning = CauseKind;

/** After a restart or a deploy all clients of a server come back: they spread over this time. */
const restartSpreadMs = 2000;

/** What a close code means, and what to say about it. */
interface CloseRow {
  readonly kind: CloseMeaning;
  readonly code?: RealtimeErrorCode;
  readonly hint?: string;
  readonly spreadMs?: number;
}

const tokenHint = 'Check that the auth provider returns a fresh token for this server.';
const unauthorized: CloseRow = { kind: 'unauthorized', hint: tokenHint };
const forbidden: CloseRow = { kind: 'forbidden', hint: 'The token was read and is not allowed here.' };
const violated: CloseRow = { kind: 'protocol', hint: 'Check that the dialect is the one that this server speaks.' };
const lost: CloseRow = { kind: 'lost' };
const refused: CloseRow = { kind: 'refused' };

/** See the table of `websocket`; codes that are not here mean `lost`. RFC 6455 section 7.4 and the IANA registry. */
const closeRows: Readonly<Record<number, CloseRow>> = {
  1001: { kind: 'lost', spreadMs: restartSpreadMs },
  1002: violated,
  1003: violated,
  1007: violated,
  1008: unauthorized,
  1009: { kind: 'protocol', code: 'too-large', hint: 'The server takes no message as large as the last one that was sent.' },
  1010: { kind: 'unsupported', hint: 'The server did not offer an extension that this client insists on.' },
  1012: { kind: 'lost', spreadMs: restartSpreadMs },
  1013: refused,
  1014: refused,
  1015: refused,
  3000: unauthorized,
  3003: forbidden,
  4400: violated,
  4401: unauthorized,
  4403: forbidden,
  4404: { kind: 'dismissed', hint: 'The server knows nothing at this address.' },
  4409: { kind: 'dismissed', hint: 'The server let another connection take the place of this one.' },
  4410: { kind: 'dismissed', hint: 'The server says that this address is gone for good.' },
  4429: refused,
  4503: refused,
};

/** Reads the end of an open WebSocket; `trouble` is what the socket reported before, the token is only there to be left out. */
export type CloseReader = (native: number, reason: string, trouble: Error | undefined, token: string | undefined) => DownCause;

/**
 * @param own - codes that mean something else on this server
 * @throws RealtimeError `invalid-option` for a code that no server can send, or a meaning that does not exist
 */
export function createCloseReader(
  transport: string,
  dialect: Dialect,
  own: Readonly<Record<number, CloseMeaning>> = {},
): CloseReader {
  for (const [code, kind] of Object.entries(own)) {
    const wrong = (why: string): RealtimeError =>
      new RealtimeError('invalid-option', `closeCodes of websocket() ${why}`, { transport });
    if (!/^[1-4]\d{3}$/.test(code)) throw wrong(`has a code that no server can send: ${code}`);
    if (!Object.hasOwn(causeCodes, kind)) throw wrong(`gives ${code} an unknown meaning: ${kind}`);
  }

  function meaningOf(native: number, reason: string): CloseRow {
    const kind = own[native];
    if (kind !== undefined) return { kind };
    const code = dialect.closing?.(native, reason);
    return code === undefined ? (closeRows[native] ?? lost) : { kind: causeKinds[code] ?? 'lost', code };
  }

  return (native, reason, trouble, token) => {
    const { kind, code = causeCodes[kind], hint, spreadMs } = meaningOf(native, reason);
    const advice = readAdvice(reason);
    const isQuotable = advice === undefined && reason !== '' && (token === undefined || !reason.includes(token));
    const message = `the server closed the WebSocket with code ${native}${isQuotable ? `: ${reason}` : ''}`;
    const error = new RealtimeError(code, message, { transport, native, hint, cause: trouble });
    if (kind === 'lost' || kind === 'refused') return { kind, error, spreadMs, ...advice };
    return { kind, error };
  };
}

/** The advice in a close reason; `undefined` when the reason is not JSON. What is no sensible number is left out. */
function readAdvice(reason: string): { retryAfterMs?: number; spreadMs?: number } | undefined {
  if (!reason.startsWith('{')) return undefined;
  try {
    const { retryAfterMs, spreadMs } = JSON.parse(reason) as Record<string, unknown>;
    return {
      ...(isDuration(retryAfterMs) && { retryAfterMs: cut(retryAfterMs) }),
      ...(isDuration(spreadMs) && { spreadMs: cut(spreadMs) }),
    };
  } catch {
    return undefined;
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function cut(durationMs: number): number {
  return Math.min(durationMs, longestRetryAfterMs);
}
