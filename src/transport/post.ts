import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Dialect, OutboundMessage, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import {
  discard,
  type FetchLike,
  fetchFailed,
  type HttpToken,
  type PerAttempt,
  readText,
  requestHeaders,
  statusCause,
  unlessAborted,
  withQuery,
} from './http.ts';
import { greetingOf, type LinkGate, sentReceipts } from './link.ts';
import type { DownCause, LinkRequest } from './transport.ts';

/** How a transport that only receives sends: by HTTP requests of their own. */
export interface PostOptions {
  /** Where to send to; relative addresses are resolved by `fetch`. A message of the dialect may name a path below it. */
  readonly url: string;
  /** @defaultValue the application's headers of the transport */
  readonly headers?: PerAttempt<Record<string, string>>;
  /** @defaultValue `'header'` */
  readonly token: HttpToken;
  readonly credentials: 'same-origin' | 'include' | 'omit';
  readonly fetch: FetchLike;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** No answer to a send is near this size. */
const maxAnswerBytes = 1_048_576;

/** One call of `send` that waits for its request. */
interface Waiting {
  readonly frames: readonly ClientFrame[];
  resolve(receipts: readonly Receipt[]): void;
  reject(error: unknown): void;
}

type PostResult =
  | { readonly kind: 'answered'; readonly receipts: readonly Receipt[] }
  | {
      readonly kind: 'failed';
      readonly error: RealtimeError;
      /** The server's word; without it nobody knows what became of the send. */
      readonly rejection?: Omit<Receipt, 'id'>;
      /** The sends behind this one may go on. */
      readonly isFinal: boolean;
      /** What it means for the link. */
      readonly down?: DownCause;
    };

/**
 * Makes the sending half of an HTTP link. The sends of one tick travel together, and one request is under way at a time,
 * so that the order is kept: a send that must be tried again takes with it all that wait behind it.
 */
export function createPoster(
  options: PostOptions,
  dialect: Dialect,
  request: LinkRequest,
  gate: LinkGate,
): (frames: readonly ClientFrame[]) => Promise<readonly Receipt[]> {
  // called without a receiver, as a browser's own `fetch` refuses any other than its window
  const { fetch } = options;
  const what = `a send over ${gate.transport}`;
  let waiting: Waiting[] = [];
  let isBusy = false;

  return (frames) =>
    new Promise((resolve, reject) => {
      waiting.push({ frames, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      queueMicrotask(drain);
    });

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await sendBatch(batch);
    }
    isBusy = false;
  }

  async function sendBatch(batch: Waiting[]): Promise<void> {
    const receipts = new Map<string, Receipt>();
    const failures = new Map<string | ClientFrame, unknown>();
    const keyOf = (frame: ClientFrame): string | ClientFrame => (frame.kind === 'publish' ? frame.id : frame);

    const carry = (frames: readonly ClientFrame[], result: PostResult): void => {
      if (result.kind === 'answered') {
        for (const receipt of [...sentReceipts(frames), ...result.receipts]) receipts.set(receipt.id, receipt);
        return;
      }
      for (const frame of frames) {
        // a frame without an id has no receipt: its refusal can only be thrown
        if (frame.kind === 'publish' && result.rejection !== undefined) {
          receipts.set(frame.id, { ...result.rejection, id: frame.id });
        } else failures.set(keyOf(frame), result.error);
      }
    };

    try {
      const messages = dialect.encode(batch.flatMap(({ frames }) => frames));
      for (const [at, message] of messages.entries()) {
        const result = await post(message);
        if (result.kind === 'answered' || result.isFinal) {
          carry(message.frames, result);
          continue;
        }
        const behind = waiting;
        waiting = [];
        batch.push(...behind);
        carry([...messages.slice(at).flatMap(({ frames }) => frames), ...behind.flatMap(({ frames }) => frames)], result);
        break;
      }
    } catch (cause) {
      // the dialect threw: that is a fault of the application, and no send of this batch is known to be accepted
      const error = RealtimeError.from(cause, 'protocol', `${what} could not be written or read by the ${dialect.name} dialect`);
      carry(
        batch.flatMap(({ frames }) => frames),
        { kind: 'failed', error, isFinal: true },
      );
    }

    for (const { frames, resolve, reject } of batch) {
      const failed = frames.find((frame) => failures.has(keyOf(frame)));
      if (failed === undefined) resolve(sentReceipts(frames).flatMap(({ id }) => receipts.get(id) ?? []));
      else reject(failures.get(keyOf(failed)));
    }
  }

  async function post(message: OutboundMessage): Promise<PostResult> {
    const over = new AbortController();
    const cancelDeadline = request.clock.schedule(() => over.abort(), options.timeoutMs);
    const forget = onAbort(gate.signal, () => over.abort());
    const exchange = async (): Promise<PostResult> => read(await fetch(...call(message, over.signal)), message, over.signal);
    try {
      const result = await unlessAborted(exchange(), over.signal);
      // not before the result is safe: the end of the link cuts off what is under way
      if (result.kind === 'failed' && result.down !== undefined) gate.down(result.down);
      return result;
    } catch (cause) {
      return { kind: 'failed', error: lost(cause, over.signal.aborted), isFinal: false };
    } finally {
      cancelDeadline();
      forget();
    }
  }

  function call(message: OutboundMessage, signal: AbortSignal): Parameters<FetchLike> {
    const body = dialect.post?.(message, greetingOf(request)) ?? message.data;
    const token = options.token === 'query' ? request.credentials?.token : undefined;
    const url = withQuery(message.path === undefined ? options.url : joinPath(options.url, message.path), { token });
    return [
      url,
      {
        method: message.method ?? 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          ...requestHeaders(request, options.headers, options.token),
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        signal,
        credentials: options.credentials,
        redirect: 'manual',
        cache: 'no-store',
      },
    ];
  }

  async function read(response: Response, message: OutboundMessage, signal: AbortSignal): Promise<PostResult> {
    if (response.ok) {
      const text = await readText(response, maxAnswerBytes, signal);
      if (text === undefined) throw new RealtimeError('too-large', `the answer to ${what} is over ${maxAnswerBytes} bytes`);
      const answer = parseAnswer(text, response.headers.get('content-type') ?? '');
      const receipts = dialect.receipts?.(answer, message);
      return {
        kind: 'answered',
        receipts: receipts ?? sentReceipts(message.frames).map(({ id }) => ({ id, status: 'accepted', data: answer })),
      };
    }
    discard(response.body);
    const cause = statusCause(what, gate.transport, response, request.clock, dialect);
    const { error } = cause;
    if (cause.kind === 'unauthorized') return { kind: 'failed', error, isFinal: false, down: cause };
    if (cause.kind === 'lost') return { kind: 'failed', error, isFinal: false };
    // an overloaded server gets the same send again, later; any other refusal is final for this send
    const isFinal = cause.kind !== 'refused';
    const retryAfterMs = cause.kind === 'refused' ? (cause.retryAfterMs ?? 0) : undefined;
    const rejection = {
      status: 'rejected',
      code: String(response.status || 'redirect'),
      message: error.message,
      retryAfterMs,
    } as const;
    return { kind: 'failed', error, rejection, isFinal };
  }

  function lost(cause: unknown, isOver: boolean): RealtimeError {
    const { hint, cause: shown } = fetchFailed(what, gate.transport, cause, request.credentials?.token).error;
    const { transport } = gate;
    if (gate.signal.aborted) return new RealtimeError('connection-lost', `${what} was cut off with its link`, { transport });
    if (isOver) {
      return new RealtimeError('connection-lost', `${what} was not answered within ${options.timeoutMs} ms`, { transport, hint });
    }
    return new RealtimeError('connection-lost', `${what} got no answer that could be read`, { transport, hint, cause: shown });
  }
}

/** A plain text is an answer as well as JSON is; an html page comes from something else than the server that was meant. */
function parseAnswer(text: string, contentType: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    if (/^text\/plain\b/i.test(contentType)) return text;
    throw cause;
  }
}

/** Puts a path below an address; a path with a leading slash replaces the address's own. */
function joinPath(url: string, path: string): string {
  // two slashes at the start would name another host
  if (/^[/\\]/.test(path)) return `${/^\w+:\/\/[^/?#]*/.exec(url)?.[0] ?? ''}/${path.replace(/^[/\\]+/, '')}`;
  return `${url.replace(/\/?([?#].*)?$/, '')}/${path}`;
}
