import type { RealtimeErrorCode } from '../errors.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { type CauseKind, causeCodes, type DownDetails } from '../transport/cause.ts';
import { longestRetryAfterMs } from '../transport/http.ts';

/** What a close code can mean: every cause except that we ended the link ourselves. */
export type CloseMeaning = CauseKind;

/** See the table of `websocket`; codes that are not here mean `connection-lost`. RFC 6455 section 7.4, IANA registry. */
const closeCodes: Partial<Readonly<Record<RealtimeErrorCode, readonly number[]>>> = {
  refused: [1013, 1014, 1015, 4429, 4503],
  unauthorized: [1008, 3000, 4401],
  forbidden: [3003, 4403],
  dismissed: [4404, 4409, 4410],
  protocol: [1002, 1003, 1007, 4400],
  'too-large': [1009],
  unsupported: [1010],
};

/** The server goes away, or restarts: all of its clients come back, and spread over 3 s, as after any end that hits them all. */
const restarts = [1001, 1012];
const restartSpreadMs = 3000;

/** The error code that a close code means. The server's own meanings come first, then the dialect, then the table. */
export function closeErrorCode(
  native: number,
  reason: string,
  own: CloseMeaning | undefined,
  dialect: Dialect,
): RealtimeErrorCode {
  if (own) return causeCodes[own];
  const codes = Object.keys(closeCodes) as RealtimeErrorCode[];
  const usual = codes.find((code) => closeCodes[code]?.includes(native)) ?? 'connection-lost';
  return dialect.closing?.(native, reason) ?? usual;
}

/** When to come back: what a close reason says that is JSON, or what is usual. What is no sensible number is left out. */
export function closeAdvice(native: number, reason: string): Pick<DownDetails, 'retryAfterMs' | 'spreadMs'> {
  const usual = { spreadMs: restarts.includes(native) ? restartSpreadMs : undefined };
  try {
    const { retryAfterMs, spreadMs } = JSON.parse(reason) as Record<string, unknown>;
    return { retryAfterMs: asDuration(retryAfterMs), spreadMs: asDuration(spreadMs) ?? usual.spreadMs };
  } catch {
    return usual;
  }
}

function asDuration(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(value, longestRetryAfterMs) : undefined;
}
