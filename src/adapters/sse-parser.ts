import { createParser } from 'eventsource-parser';

/** One message of an event stream. */
export interface StreamEvent {
  /** The event name; `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The id that came with this very message. The last id of the stream is another thing: it outlives messages without one. */
  readonly id: string | undefined;
}

/** What a stream reader tells. */
export interface StreamCallbacks {
  /**
   * A message is complete.
   *
   * @param lastId - the stream's last event id; empty after a reset, `undefined` before the first id of this stream
   */
  onEvent(event: StreamEvent, lastId: string | undefined): void;
  /** The stream's last event id changed by a block without data. Told after the chunk, and only if no message told it. */
  onLastId(lastId: string): void;
  /** The server asks for this pause before the next connection, in milliseconds. */
  onRetry(delayMs: number): void;
  /** A line or a message is over the limit. Feed no more. */
  onTooLarge(): void;
}

const byteOrderMark = '\uFEFF';

/** Room for what stands in an unfinished block beside its data: field names, the id, the event name. */
const blockOverhead = 4096;

/**
 * Reads an event stream as section 9.2.6 of the WHATWG HTML standard has it. The line format is eventsource-parser's; on
 * top of it come the bytes, the last event id, and a limit for whole messages.
 *
 * @param maxEventBytes - the limit for the data of one message, in UTF-8 bytes
 * @returns takes the next chunk
 */
export function createStreamReader(callbacks: StreamCallbacks, maxEventBytes: number): (chunk: Uint8Array) => void {
  // Node's decoder removes two byte order marks when the first one is split over chunks, so it may remove none
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let isAtStart = true;
  let lastId: string | undefined;
  let toldId: string | undefined;

  const parser = createParser({
    // in characters, of which there are never more than bytes; without `onComment` comments are not kept at all
    maxBufferSize: maxEventBytes + blockOverhead,
    onId(id) {
      lastId = id;
    },
    onEvent({ event = 'message', data, id }) {
      // a message that came in one chunk was never in the parser's buffer
      if (byteLength(data, maxEventBytes) > maxEventBytes) return callbacks.onTooLarge();
      toldId = lastId;
      callbacks.onEvent({ event, data, id }, lastId);
    },
    onRetry: callbacks.onRetry,
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') callbacks.onTooLarge();
    },
  });

  return (chunk) => {
    const text = decoder.decode(chunk, { stream: true });
    // the parser removes one mark, and also the three characters that its bytes are in Latin-1: so it always gets a mark
    parser.feed(isAtStart && text !== '' && !text.startsWith(byteOrderMark) ? byteOrderMark + text : text);
    isAtStart &&= text === '';
    if (lastId === undefined || lastId === toldId) return;
    toldId = lastId;
    callbacks.onLastId(lastId);
  };
}

/** The length in UTF-8; not counted where it is plain that it is under or over the limit. */
function byteLength(text: string, limit: number): number {
  // one UTF-16 unit is one to three bytes
  return text.length * 3 <= limit || text.length > limit ? text.length : new TextEncoder().encode(text).length;
}
