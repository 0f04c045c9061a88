import { RealtimeError } from '../errors.ts';
import type { PublishFrame } from '../protocol/frame.ts';

/** The length of a value as JSON. @throws RealtimeError `invalid-payload` for what cannot be written as JSON */
export function assertJson(value: unknown, what: string): number {
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch (cause) {
    throw new RealtimeError('invalid-payload', `${what} cannot be written as JSON`, { cause });
  }
}

/** The length of a send as JSON. @throws RealtimeError `invalid-payload`, `too-large` */
export function assertSendable(frame: PublishFrame, maxSendBytes: number): number {
  const length = assertJson(frame, `the payload of ${frame.event}`);
  if (length > maxSendBytes) {
    throw new RealtimeError(
      'too-large',
      `publishing ${frame.event} failed: it has more than ${maxSendBytes} characters of JSON`,
      {
        hint: 'Send less at once, or raise outbox.maxSendBytes if the server takes more.',
      },
    );
  }
  return length;
}

/** A send was refused: by the server, or because it cannot be written for it. */
export function rejectedError(event: string, code: string | undefined, message = 'no reason was given'): RealtimeError {
  if (code === 'unsupported' || code === 'invalid-payload') return new RealtimeError(code, `${event} cannot be sent: ${message}`);
  return new RealtimeError('rejected', `the server rejected ${event} (${code}): ${message}`, { serverCode: code });
}

/** There is no place for a send. */
export function fullError(maxCount: number, maxBytes: number): RealtimeError {
  return new RealtimeError('queue-full', `the outbox is full (${maxCount} sends or ${maxBytes} characters)`, {
    hint: 'Mark what nobody needs later as volatile, or raise its limits.',
  });
}

/** A send was not accepted in time; `problem` is why it did not go through before. */
export function expiredError(
  event: string,
  timeoutMs: number,
  hasLeft: boolean,
  problem: RealtimeError | undefined,
): RealtimeError {
  return new RealtimeError('expired', `publishing ${event} was not accepted within ${timeoutMs} ms`, {
    cause: problem,
    hint: hasLeft
      ? 'It has left, so the server may still apply it.'
      : 'It has not left: there was no connection to send it, or others before it were not answered.',
  });
}

/** The answer to a batch lacks one of its sends. */
export function unansweredError(event: string): RealtimeError {
  return new RealtimeError('protocol', `the server's answer to ${event} has no receipt for it`, {
    hint: 'The dialect must give a receipt for each send.',
  });
}

/** A send that must not be applied twice has left, and nobody knows what became of it. */
export function unconfirmedError(event: string, cause?: unknown): RealtimeError {
  return new RealtimeError('unconfirmed', `it is not known whether the server applied ${event}`, {
    cause,
    hint: 'It was not sent again, as the server could apply it twice. Look before you retry it.',
  });
}
