import { RealtimeError } from '../errors.ts';
import type { OutboundMessage, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, ServerFrame } from '../protocol/frame.ts';
import { failedReceipt, receiptsFor } from '../protocol/receipts.ts';
import { downCause } from './cause.ts';
import { ask, compose, failure, type HttpCarrier, readText, refusalOf, withDeadline } from './exchange.ts';
import { checkType, type EndCause, isWebPage } from './http.ts';
import { greetingOf } from './link.ts';
import { withoutContent } from './secret.ts';

/** No answer to a send is near this size. */
const maxAnswerBytes = 1_048_576;

/** One call of `send` that waits for its request. */
interface Waiting {
  readonly frames: readonly ClientFrame[];
  resolve(receipts: readonly Receipt[]): void;
  reject(error: unknown): void;
}

/**
 * Makes the sending half of an HTTP link. The sends of one tick travel together, and one request is under way at a time,
 * so that the order is kept: a send that must be tried again takes with it all that wait behind it.
 *
 * @param url - relative addresses are resolved by `fetch`; a message of the dialect may name a path below it
 */
export function createPoster(link: HttpCarrier, url: string): (frames: readonly ClientFrame[]) => Promise<readonly Receipt[]> {
  const { gate, request, settings } = link;
  const { dialect } = settings;
  const waiting: Waiting[] = [];
  let isBusy = false;

  return (frames) =>
    new Promise((resolve, reject) => {
      waiting.push({ frames, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      queueMicrotask(drain);
    });

  async function drain(): Promise<void> {
    while (waiting.length > 0) await sendBatch(waiting.splice(0));
    isBusy = false;
  }

  async function sendBatch(batch: Waiting[]): Promise<void> {
    /** What became of each send, by its id. */
    const receipts = new Map<string, Receipt>();
    /** The frames of which nothing is known, and those that have no id: their refusal can only be thrown. */
    const errors = new Map<ClientFrame, RealtimeError>();

    const messages = encode(framesOf(batch));
    if (link.joinsToldBy === 'poster') confirmWordless();
    for (const [at, message] of messages.entries()) {
      const cause = await post(message, receipts);
      if (!cause) continue;
      if (!isPassing(cause)) {
        if (batch.length === 1 && isTooMuch(message, cause)) errors.set(message.frames[0] as ClientFrame, tooMuch(cause));
        else refuse(message.frames, cause.error, wordOf(cause));
        continue;
      }
      // what waits behind a send that comes again would overtake it
      const behind = waiting.splice(0);
      batch.push(...behind);
      const word = wordOf(cause);
      refuse(framesOf([message, ...behind]), cause.error, isUnknown(cause) ? undefined : word);
      // these have not left
      refuse(framesOf(messages.slice(at + 1)), cause.error, word);
      break;
    }

    for (const { frames, resolve, reject } of batch) {
      const error = errors.get(frames.find((frame) => errors.has(frame)) as ClientFrame);
      const known = frames.flatMap((frame) => (frame.kind === 'publish' && receipts.get(frame.id)) || []);
      if (error && !known.length) reject(error);
      else resolve(error ? receiptsFor(frames, known, failedReceipt(error)) : known);
    }

    /** Joins for which this server has no message are done. */
    function confirmWordless(): void {
      const written = new Set(framesOf(messages));
      tell(
        framesOf(batch).flatMap((frame) =>
          frame.kind === 'join' && !written.has(frame) && !errors.has(frame) ? [frame.channel] : [],
        ),
      );
    }

    function refuse(frames: readonly ClientFrame[], error: RealtimeError, word?: Omit<Receipt, 'id'>): void {
      for (const frame of frames) {
        const isDenied = frame.kind === 'join' && word !== undefined && word.retryAfterMs === undefined;
        if (isDenied && link.joinsToldBy !== 'gate') {
          const { code = 'refused', message } = word;
          gate.deliver([{ kind: 'denied', channel: frame.channel, code, message }]);
        } else if (frame.kind !== 'publish' || !word) errors.set(frame, error);
        else if (!receipts.has(frame.id)) receipts.set(frame.id, { ...word, id: frame.id });
      }
    }

    /** A frame that the dialect cannot write fails alone. */
    function encode(frames: readonly ClientFrame[]): readonly OutboundMessage[] {
      try {
        return dialect.encode(frames);
      } catch (cause) {
        if (frames.length > 1) return frames.flatMap((frame) => encode([frame]));
        const error = failure(
          link,
          'invalid-payload',
          `the ${dialect.name} dialect cannot write this: ${cause}`,
          undefined,
          cause,
        );
        refuse(frames, error, { status: 'rejected', code: error.code, message: error.message });
        return [];
      }
    }
  }

  /** @returns why the message was refused or what became of it is unknown; nothing when it was answered */
  async function post(message: OutboundMessage, receipts: Map<string, Receipt>): Promise<EndCause | undefined> {
    let refusal: EndCause | undefined;
    try {
      const { method = 'POST', path } = message;
      const content = dialect.post?.(message, greetingOf(request)) ?? message.data;
      const address = path === undefined ? url : joinPath(url, path);
      const call = compose(link, address, method, content);
      await withDeadline(link, settings.sendTimeoutMs, async (signal) => {
        const answer = await ask(link, call, signal);
        const { response } = answer;
        // an address may end in a query that nobody else is to see
        if (!response.ok) refusal = refusalOf(link, response, `${method} ${address.replace(/[?#].*/, '')}`);
        if (refusal && isPassing(refusal)) return;
        if (isWebPage(response.headers.get('content-type'))) checkType(`${gate.transport} (sendUrl)`, response, /json/);
        const data = parseAnswer(await readText(link, answer, maxAnswerBytes), response);
        const unknown = { status: dialect.receipts ? 'sent' : 'accepted', data } as const;
        for (const receipt of receiptsFor(message.frames, dialect.receipts?.(data, message) ?? [], unknown)) {
          // a refusal with the server's own word for it
          if (!refusal || receipt.status === 'rejected') receipts.set(receipt.id, receipt);
        }
        if (!refusal) answered(data, message);
      });
    } catch (cause) {
      const known = RealtimeError.is(cause) ? cause : undefined;
      const what = `a send over ${gate.transport} got no answer that could be read`;
      refusal ??= downCause('lost', known ? `${what}: ${known.message}` : what, {
        transport: gate.transport,
        hint: known?.hint,
        cause: withoutContent(cause),
      });
    }
    // not before the result is safe: the end of the link cuts off what is under way
    if (refusal?.kind === 'unauthorized') gate.down(refusal);
    return refusal;
  }

  /** What the answer to a message says beside its receipts: that we are in a channel, or why not. */
  function answered(data: unknown, message: OutboundMessage): void {
    if (dialect.answers) tellAll(dialect.answers(data, message));
    else if (link.joinsToldBy === 'poster') {
      tell(message.frames.flatMap((frame) => (frame.kind === 'join' ? [frame.channel] : [])));
    }
  }

  function tell(joined: readonly string[]): void {
    tellAll(joined.map((channel) => ({ kind: 'joined', channel })));
  }

  function tellAll(frames: readonly ServerFrame[]): void {
    if (frames.length > 0) gate.deliver(frames);
  }
}

function framesOf(parts: readonly { readonly frames: readonly ClientFrame[] }[]): readonly ClientFrame[] {
  return parts.flatMap(({ frames }) => frames);
}

/** Status 413 (RFC 9110 section 15.5.14) is about the body: each of its sends may be small enough by itself. */
function isTooMuch({ frames }: OutboundMessage, { error }: EndCause): boolean {
  return error.native === 413 && frames.length > 1;
}

function tooMuch({ error }: EndCause): RealtimeError {
  return new RealtimeError('too-large', 'sends that left together are more than the server takes at once', { cause: error });
}

/** Is it not known what became of the send? */
function isUnknown({ kind }: EndCause): boolean {
  return kind === 'lost' || kind === 'unauthorized';
}

/** May the same send succeed later? Any other refusal is final for it, and the sends behind it go on. */
function isPassing(cause: EndCause): boolean {
  return cause.kind === 'refused' || isUnknown(cause);
}

/** The server's word for a refusal. */
function wordOf(cause: EndCause): Omit<Receipt, 'id'> {
  const { native, message, hint } = cause.error;
  const retryAfterMs = isPassing(cause) ? (cause.kind === 'refused' && cause.retryAfterMs) || 0 : undefined;
  // the address is wrong, and nobody else would tell
  const told = cause.kind === 'unsupported' && hint ? `${message}. ${hint}` : message;
  return { status: 'rejected', code: String(native || 'redirect'), message: told, retryAfterMs };
}

/** A plain text is an answer as well as JSON is; an html page comes from something else than the server that was meant. */
function parseAnswer(text: string, { headers }: Response): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch (cause) {
    if (/^text\/plain\b/i.test(headers.get('content-type') ?? '')) return text;
    throw cause;
  }
}

/** Puts a path below an address; a path with a leading slash replaces the address's own. */
function joinPath(url: string, path: string): string {
  // two slashes at the start would name another host
  if (/^[/\\]/.test(path)) return `${/^\w+:\/\/[^/?#]*/.exec(url)?.[0] ?? ''}/${path.replace(/^[/\\]+/, '')}`;
  return `${url.replace(/\/?([?#].*)?$/, '')}/${path}`;
}
