import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isLarger } from '../transport/size.ts';

/** What a stream reader tells, in the order of the stream. */
export interface StreamCallbacks {
  /** The stream's last event id is this from now on; empty after a reset. Told before the message that brought it. */
  onId(id: string): void;
  /** A message is complete. Its id is the one that came with this very message. */
  onEvent(message: EventSourceMessage): void;
  /** The server asks for this pause before the next connection, in milliseconds. */
  onRetry(delayMs: number): void;
  /** A whole message is over the limit and was left out; its id was told. */
  onSkipped(): void;
  /** A line or a message is over the limit. Throw: nothing may be fed after it. */
  onTooLarge(): never;
}

/** Room for what stands in an unfinished block beside its data: field names, the id, the event name. */
const blockOverhead = 4096;

/**
 * Reads an event stream as section 9.2.6 of the WHATWG HTML standard has it. The line format is eventsource-parser's; on
 * top of it come the bytes, and a limit for whole messages.
 *
 * @param maxEventBytes - the limit for the data of one message, in UTF-8 bytes
 * @returns takes the next chunk
 */
export function createStreamReader(callbacks: StreamCallbacks, maxEventBytes: number): (chunk: Uint8Array) => void {
  // Node's decoder removes two byte order marks when the first one is split over chunks, so it may remove none
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let isAtStart = true;

  const parser = createParser({
    ...callbacks,
    // in characters, of which there are never more than bytes; without `onComment` comments are not kept at all
    maxBufferSize: maxEventBytes + blockOverhead,
    onEvent(message) {
      // a message that came in one chunk was never in the parser's buffer
      if (!isLarger(message.data, maxEventBytes)) callbacks.onEvent(message);
      // without an id of its own, the same message would come again
      else if (message.id) callbacks.onSkipped();
      else callbacks.onTooLarge();
    },
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') callbacks.onTooLarge();
    },
  });

  return (chunk) => {
    let text = decoder.decode(chunk, { stream: true });
    if (isAtStart && text) {
      isAtStart = false;
      // the parser removes one mark, and also the three characters that its bytes are in Latin-1: so it always gets a mark
      text = text.replace(/^\uFEFF?/, '\uFEFF');
    }
    parser.feed(text);
  };
}
