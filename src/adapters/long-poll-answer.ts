import { RealtimeError, type RealtimeErrorCode } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Dialect } from '../protocol/dialect.ts';
import { readText, statusCause } from '../transport/http.ts';
import type { DownCause } from '../transport/transport.ts';

/** How the answer to a poll is read. */
export interface AnswerRules {
  readonly transport: string;
  readonly clock: Clock;
  /** Fires when nobody wants the answer any more. */
  readonly signal: AbortSignal;
  /** Its word on a status comes first. */
  readonly dialect: Dialect;
  readonly maxBodyBytes: number;
  readonly messages: (body: unknown, response: Response) => readonly unknown[];
  readonly nextCursor?: (body: unknown, response: Response) => string | undefined;
}

/** What one poll was answered with. */
export type PollAnswer =
  /** Messages in their order, perhaps none, and the position after them where the answer names one. */
  | { readonly kind: 'messages'; readonly messages: readonly unknown[]; readonly cursor?: string }
  /** The server ended the poll and wants to be asked again. */
  | { readonly kind: 'again' }
  /** Not an answer that a link can live with. */
  | { readonly kind: 'down'; readonly cause: DownCause };

/**
 * Reads the answer to one poll. It rejects only when the body breaks off.
 *
 * 204 and 304 mean that there is nothing new, and 408 is how some servers end a hold. Anything that is not JSON is never
 * parsed: it comes from a captive portal or a wrong address. A body that cannot be read counts as a whole as not
 * received, so that the next link asks from the same position again.
 */
export async function readAnswer(response: Response, rules: AnswerRules): Promise<PollAnswer> {
  const { status } = response;
  if (status === 204 || status === 304 || status === 408) {
    return status === 408 ? { kind: 'again' } : { kind: 'messages', messages: [] };
  }
  if (!response.ok) return { kind: 'down', cause: statusCause('a poll', rules.transport, response, rules.clock, rules.dialect) };
  const type = response.headers.get('content-type');
  if (type !== null && !isJson(type)) return notJson(type);
  const text = await readText(response, rules.maxBodyBytes, rules.signal);
  if (text === undefined) {
    return down('protocol', 'too-large', 'the answer to a poll is over its size limit', { hint: 'See the option maxBodyBytes.' });
  }
  if (text.trim() === '') return { kind: 'messages', messages: [] };
  if (type === null) return notJson('no content type');
  try {
    const body = JSON.parse(text) as unknown;
    return { kind: 'messages', messages: [...rules.messages(body, response)], cursor: rules.nextCursor?.(body, response) };
  } catch (cause) {
    return down('protocol', 'protocol', 'the answer to a poll could not be read', { cause });
  }

  function notJson(what: string): PollAnswer {
    const hint = 'A login page of the network (captive portal) may have answered instead of the server, or the address is wrong.';
    return down('unsupported', 'unsupported', `a poll was answered with ${what.slice(0, 100)} instead of JSON`, { hint });
  }

  function down(
    kind: 'protocol' | 'unsupported',
    code: RealtimeErrorCode,
    message: string,
    details: { hint?: string; cause?: unknown },
  ): PollAnswer {
    return {
      kind: 'down',
      cause: { kind, error: new RealtimeError(code, message, { transport: rules.transport, native: status, ...details }) },
    };
  }
}

function isJson(type: string): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(type);
}
