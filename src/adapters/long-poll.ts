import { aFunction, aText, checkOptions, invalidOption, notNegative, type OptionRules, overZero } from '../platform/rules.ts';
import {
  afterOrAtEnd,
  ask,
  composeGreeting,
  failure,
  type HttpLink,
  readText,
  refusalOf,
  refusesPosition,
  withDeadline,
} from '../transport/exchange.ts';
import { checkType, fitsHeader, headerBytes, unfitPosition } from '../transport/http.ts';
import { type HttpOptions, httpOptionRules, httpTransport } from '../transport/http-transport.ts';
import { decodeMessage } from '../transport/link.ts';
import { withoutContent } from '../transport/secret.ts';
import type { Transport } from '../transport/transport.ts';

/** What {@link longPoll} needs to know of a server. Only the address has no default. */
export interface LongPollOptions extends HttpOptions {
  /**
   * How long the server may hold a poll, in milliseconds.
   *
   * @defaultValue 25,000; 0 when {@link LongPollOptions.intervalMs} is given
   */
  readonly waitMs?: number;
  /**
   * How long one poll may take with its whole answer, in milliseconds. A poll that takes longer ends the link, so this
   * must be more than the server's hold.
   *
   * @defaultValue `waitMs` + 10,000
   */
  readonly requestTimeoutMs?: number;
  /**
   * For servers that answer at once: how long after an answer the next poll starts, in milliseconds.
   *
   * @defaultValue none: the next poll follows at once, unless the server answers at once with nothing new
   */
  readonly intervalMs?: number;
  /**
   * Where the position of the stream as a whole travels, for servers other than keepwire's: `{ in: 'query', name: 'after' }`
   * gives `?after=…`. It is left out as long as there is no position.
   */
  readonly position?: PositionPlace;
  /**
   * Takes the messages out of the parsed body of an answer; each goes to the dialect as a value.
   *
   * @defaultValue an array holds many messages, anything else is one
   */
  readonly messages?: (body: unknown, response: Response) => readonly unknown[];
  /** Takes the position after this answer out of its parsed body or its headers, for servers that name one. */
  readonly nextCursor?: (body: unknown, response: Response) => string | undefined;
  /** The largest answer, in bytes after decompression. @defaultValue 1,048,576 (1 MiB) */
  readonly maxBodyBytes?: number;
}

/** Where a poll carries its position. */
export interface PositionPlace {
  /** In the address or in a header. */
  readonly in: 'query' | 'header';
  /** The name of the parameter or of the header. */
  readonly name: string;
}

/** The options that are read for each poll, with their defaults. */
type PollSettings = LongPollOptions & Required<Pick<LongPollOptions, 'waitMs' | 'requestTimeoutMs' | 'maxBodyBytes'>>;

const rules: OptionRules<LongPollOptions> = {
  ...httpOptionRules,
  waitMs: notNegative,
  requestTimeoutMs: overZero,
  intervalMs: overZero,
  position: ["{ in: 'query' or 'header', name }", isPlace],
  messages: aFunction,
  nextCursor: aFunction,
  maxBodyBytes: overZero,
};

/** What one poll was answered with. */
interface PollAnswer {
  readonly messages: readonly unknown[];
  /** The position after them, where the answer names one. */
  readonly cursor?: string;
  /** The server ended the poll and wants to be asked again. */
  readonly isCutOff?: boolean;
}

const jsonType = /^[^;]*[/+]json\s*(;|$)/i;

/** An answer within this many milliseconds was not held by the server; one with nothing in it, within ten times as many. */
const promptMs = 100;
const promptForNothingMs = 1_000;
/** The pause after such an answer, doubling up to the longest. */
const firstPauseMs = 100;
/** From which such answer on there is a pause. Messages without a position may be news, as may a position without messages. */
const pacing = { nothing: { patience: 1, longestMs: 5000 }, something: { patience: 5, longestMs: 250 } };

/**
 * Receives by HTTP polls that the server holds until it has something, or by plain polls at an interval, and sends by
 * POST. It needs nothing but `fetch`, so it works where proxies block everything else.
 *
 * Each poll carries the positions of that moment and the server keeps no session. One link is a chain of polls; a poll
 * that fails ends it. For a dialect whose server greets, the first poll asks for an answer at once and its greeting
 * brings the link up; for any other, the first answer does.
 *
 * @throws RealtimeError `invalid-option` for a wrong option
 *
 * @example
 * ```ts
 * const realtime = createRealtime({
 *   transports: [longPoll({ url: '/realtime/poll', sendUrl: '/realtime/send' })],
 * });
 * ```
 *
 * @example A REST endpoint that lists what is new
 * ```ts
 * longPoll({
 *   url: '/api/messages',
 *   dialect: myDialect,
 *   intervalMs: 5_000,
 *   position: { in: 'query', name: 'after' },
 *   messages: (body) => body.items,
 *   nextCursor: (body) => body.next,
 * });
 * ```
 */
export function longPoll(options: LongPollOptions): Transport {
  checkOptions('longPoll', options, rules);
  const { name = 'long-poll', intervalMs, waitMs = intervalMs ? 0 : 25_000 } = options;
  const { requestTimeoutMs = waitMs + 10_000, maxBodyBytes = 1_048_576 } = options;
  if (requestTimeoutMs <= waitMs) throw invalidOption('requestTimeoutMs of longPoll()', 'over waitMs');
  const settings = { ...options, waitMs, requestTimeoutMs, maxBodyBytes };
  return httpTransport(
    { ...options, name },
    {
      liveness: 'self',
      start: (link) => ({ done: pollOn(link, settings) }),
    },
  );
}

/**
 * The polls of one link, one after the other, until it is over. Each reads the positions of its moment: core has
 * committed those of the answer before by the time that `gate.deliver` returns.
 */
async function pollOn(link: HttpLink, options: PollSettings): Promise<void> {
  const { waitMs, requestTimeoutMs, maxBodyBytes, intervalMs, position, messages = listOf, nextCursor } = options;
  const { gate, request, joining, settings } = link;
  const { dialect } = settings;
  const { clock } = request;
  /** What to ask the same address with; another address may have the same tag for something else. */
  let known: { readonly identity: string; readonly validators: Record<string, string> | undefined } | undefined;
  /** True until the link has had an answer that it can live with. */
  let isFirst = true;
  /** How many answers in a row came at once and did not get us further. */
  let idleCount = 0;

  while (!gate.signal.aborted) {
    const askedAtMs = clock.now();
    const stood = standing();
    const answer = await poll();
    if (!answer) return;
    const isFit = answer.cursor === undefined || fitsHeader(answer.cursor);
    const frames = answer.messages.flatMap((message) => decodeMessage(dialect, message));
    if (!isFit) frames.push(unfitPosition);
    if (frames.length > 0 || !isFirst || !dialect.traits.greets) {
      gate.opened({ joining });
      gate.deliver(frames, isFit ? answer.cursor : undefined);
      isFirst = false;
    } else if (!answer.isCutOff) {
      throw failure(link, 'protocol', 'the first poll was answered without a greeting');
    }
    const hasMoved = standing() !== stood;
    const isSomething = frames.length > 0 || hasMoved;
    const isHeld = clock.now() - askedAtMs >= (isSomething ? promptMs : promptForNothingMs);
    idleCount = (frames.length > 0 && hasMoved) || isHeld ? 0 : idleCount + 1;
    const { patience, longestMs } = isSomething ? pacing.something : pacing.nothing;
    const pauseMs = idleCount < patience ? 0 : Math.min(firstPauseMs * 2 ** (idleCount - patience), longestMs);
    await pause(intervalMs ?? pauseMs);
  }

  /** Where the link stands: a server that is asked again from the same position may have nothing new. */
  function standing(): string {
    return JSON.stringify([request.cursor, ...request.channels]);
  }

  /** @returns nothing when the answer has ended the link */
  function poll(): Promise<PollAnswer | undefined> {
    const { cursor } = request;
    const inQuery = position?.in === 'query' ? { [position.name]: cursor } : {};
    const inHeader =
      position?.in === 'header' && cursor !== undefined ? { [position.name.toLowerCase()]: headerBytes(cursor) } : {};
    const call = composeGreeting(link, { waitMs: isFirst ? 0 : waitMs, query: inQuery });
    const identity = call.address + JSON.stringify(inHeader);
    const validators = call.method === 'GET' && known?.identity === identity ? known.validators : {};
    const headers = { ...inHeader, ...validators, ...call.headers };

    return withDeadline(link, requestTimeoutMs, async (signal) => {
      const answer = await ask(link, { ...call, headers }, signal, isFirst ? 'refused' : 'connection-lost');
      const { response } = answer;
      const { status } = response;
      if (status !== 304) known = { identity, validators: validatorsOf(response) };
      // nothing new, or how some servers end a hold
      if (status === 204 || status === 304 || status === 408) return { messages: [], isCutOff: status === 408 };
      if (!response.ok) {
        const isRefused = position !== undefined && cursor !== undefined;
        gate.down((isRefused && refusesPosition(link, response)) || refusalOf(link, response));
        return undefined;
      }
      if (response.headers.has('content-type')) checkType(gate.transport, response, jsonType);
      const text = await readText(link, answer, maxBodyBytes);
      if (!text.trim()) return { messages: [] };
      checkType(gate.transport, response, jsonType);
      try {
        const body = JSON.parse(text) as unknown;
        return { messages: [...messages(body, response)], cursor: nextCursor?.(body, response) };
      } catch (cause) {
        throw failure(link, 'protocol', 'the answer to a poll could not be read', undefined, withoutContent(cause));
      }
    });
  }

  function pause(delayMs: number): Promise<void> | undefined {
    if (delayMs > 0) return new Promise((resolve) => afterOrAtEnd(clock, delayMs, gate.signal, resolve));
  }
}

function isPlace(value: unknown): unknown {
  const { in: place, name } = (value ?? {}) as Partial<PositionPlace>;
  return (place === 'query' || place === 'header') && aText[1](name);
}

function listOf(body: unknown): readonly unknown[] {
  return Array.isArray(body) ? body : [body];
}

/**
 * The request headers that ask for an answer only if it differs from this one.
 *
 * A date cannot tell apart two changes within its second, so it counts only when the answer is at least a second younger
 * by the server's own clock (RFC 9110, section 8.8.2.2). `fetch` would add `Cache-Control: no-cache`, with which Express
 * and others never answer 304; `max-age=0` says the same to the caches on the way.
 */
function validatorsOf({ headers }: Response): Record<string, string> | undefined {
  const etag = headers.get('etag');
  const modified = headers.get('last-modified') ?? '';
  const ageMs = Date.parse(headers.get('date') ?? '') - Date.parse(modified);
  const cache = { 'cache-control': 'max-age=0' };
  if (etag) return { ...cache, 'if-none-match': etag };
  return ageMs >= 1000 ? { ...cache, 'if-modified-since': modified } : undefined;
}
