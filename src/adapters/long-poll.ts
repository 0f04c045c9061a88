import { RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { type FetchLike, fetchFailed, headerBytes, perAttempt, requestHeaders, withQuery } from '../transport/http.ts';
import { decodeMessage, greetingOf, type LinkGate, openGate } from '../transport/link.ts';
import { createPoster } from '../transport/post.ts';
import type { DownWithError, LinkRequest, Transport } from '../transport/transport.ts';
import { type PollAnswer, readAnswer } from './long-poll-answer.ts';
import { type LongPollOptions, type LongPollSettings, settingsOf } from './long-poll-options.ts';
import { createPace } from './long-poll-pace.ts';
import { validatorsOf } from './long-poll-validators.ts';

export type { LongPollOptions };

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
  const settings = settingsOf(options);
  const { name, dialect, sendUrl, joining } = settings;
  // the gate announces the joins that the polls carry, and here that is a matter of the address too
  const carrier = { ...dialect, traits: { ...dialect.traits, joinsInHello: joining === 'dial' } };

  return {
    name,
    capabilities: {
      send: sendUrl !== undefined,
      ack: 'receipt',
      resume: dialect.traits.resume,
      liveness: 'self',
      joining,
      reauth: false,
    },
    connect(request, sink) {
      const gate = openGate(name, carrier, request, sink);
      const ownFetch = settings.fetch ?? (globalThis.fetch as FetchLike | undefined);
      // a browser's own fetch must not be called as the method of another object
      const fetch: FetchLike = (url, init) => (ownFetch as FetchLike)(url, init);
      if (ownFetch === undefined) gate.down(unsupported(name, 'this platform has no fetch', 'Pass one as the option `fetch`.'));
      else pollOn({ ...settings, fetch }, request, gate).catch((cause: unknown) => gate.down(notMade(name, cause)));

      if (sendUrl !== undefined) {
        const sending = { ...settings, fetch, url: String(sendUrl), timeoutMs: settings.sendTimeoutMs };
        return gate.link(createPoster(sending, dialect, request, gate));
      }
      return gate.link(async (frames) => {
        // joins that this server has no word for are done without a request
        if (dialect.encode(frames).length === 0) return [];
        throw unsupported(name, `sending over ${name} failed: it only receives`, 'Set the option `sendUrl`.').error;
      });
    },
  };
}

/**
 * The polls of one link, one after the other, until it is over. Each reads the positions of its moment: core has
 * committed those of the answer before by the time that `gate.deliver` returns.
 *
 * @throws whatever the functions among the options and the dialect's `hello` throw
 */
async function pollOn(
  settings: LongPollSettings & { readonly fetch: FetchLike },
  request: LinkRequest,
  gate: LinkGate,
): Promise<void> {
  const { name, dialect, intervalMs } = settings;
  const { clock } = request;
  const pace = createPace(settings.minIntervalMs);
  /** What to ask the same address with; another address may have the same tag for something else. */
  let known: { readonly identity: string; readonly validators: Record<string, string> } | undefined;
  /** True until the link has had an answer that it can live with. */
  let isFirst = true;

  while (!gate.signal.aborted) {
    const askedAtMs = clock.now();
    const stood = standing();
    const answer = await poll();
    if (answer.kind === 'down') return gate.down(answer.cause);
    const frames = answer.kind === 'again' ? [] : answer.messages.flatMap((message) => decodeMessage(dialect, message));
    if (frames.length > 0 || !isFirst || !dialect.traits.greets) {
      gate.opened();
      gate.deliver(frames, answer.kind === 'again' ? undefined : answer.cursor);
      isFirst = false;
    } else if (answer.kind === 'messages') {
      return gate.down({ kind: 'protocol', error: failure('protocol', 'the first poll was answered without a greeting') });
    }
    const hasMoved = standing() !== stood;
    const isNothing = answer.kind === 'messages' && frames.length === 0 && !hasMoved;
    const brought = isNothing ? 'nothing' : hasMoved && frames.length > 0 ? 'progress' : 'repeat';
    await pause(intervalMs ?? pace(clock.now() - askedAtMs, brought));
  }

  /** Where the link stands: a server that is asked again from the same position may have nothing new. */
  function standing(): string {
    return JSON.stringify([request.cursor, ...request.channels]);
  }

  async function poll(): Promise<PollAnswer> {
    const { address, headers, body, identity } = compose(isFirst ? 0 : settings.waitMs);
    const { method, credentials } = settings;
    const ending = new AbortController();
    const cancelDeadline = clock.schedule(() => {
      const hint = 'requestTimeoutMs must be over the time that the server holds a poll.';
      gate.down({ kind: 'lost', error: failure('timeout', 'a poll had no whole answer in time', { hint }) });
    }, settings.requestTimeoutMs);
    const end = (): void => {
      cancelDeadline();
      ending.abort();
    };
    const forget = onAbort(gate.signal, end);
    let isAnswered = !isFirst;
    try {
      const { signal } = ending;
      const init = { method, headers, body, signal, credentials, redirect: 'manual', cache: 'no-store' } as const;
      const response = await settings.fetch(address, init);
      isAnswered = true;
      if (response.status !== 304) known = { identity, validators: validatorsOf(response) };
      return await readAnswer(response, { ...settings, transport: name, clock, signal });
    } catch (cause) {
      const refused = fetchFailed('a poll', name, cause, request.credentials?.token);
      if (!isAnswered) return { kind: 'down', cause: refused };
      const error = failure('connection-lost', 'a poll broke off', { cause: refused.error.cause });
      return { kind: 'down', cause: { kind: 'lost', error } };
    } finally {
      forget();
      // also frees a body that was not read to its end
      end();
    }
  }

  /** Writes one request; the token is in its header or its query, and never in the greeting. */
  function compose(waitMs: number) {
    const { url, token, position } = settings;
    const isGet = settings.method === 'GET';
    const hello = dialect.hello?.({ ...greetingOf(request, waitMs), token: undefined });
    const payload = isGet || settings.body === undefined ? hello : perAttempt(settings.body, request);
    const content = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const address = withQuery(typeof url === 'function' ? url(request, waitMs) : String(url), {
      hello: isGet ? content : undefined,
      token: token === 'query' ? request.credentials?.token : undefined,
      ...(position?.in === 'query' ? { [position.name]: request.cursor } : {}),
    });
    const cursor = position?.in === 'header' && request.cursor !== undefined ? headerBytes(request.cursor) : undefined;
    const identity = `${address} ${cursor}`;
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...(isGet || content === undefined ? {} : { 'content-type': 'application/json' }),
      ...(position === undefined || cursor === undefined ? {} : { [position.name.toLowerCase()]: cursor }),
      ...(isGet && settings.conditional && known?.identity === identity ? known.validators : {}),
      ...requestHeaders(request, settings.headers, token),
    };
    return { address, headers, body: isGet ? undefined : content, identity };
  }

  function pause(delayMs: number): Promise<void> | undefined {
    if (delayMs <= 0) return undefined;
    return new Promise((resolve) => {
      const cancel = clock.schedule(() => {
        forget();
        resolve();
      }, delayMs);
      const forget = onAbort(gate.signal, () => {
        cancel();
        resolve();
      });
    });
  }

  function failure(code: RealtimeErrorCode, message: string, details: RealtimeErrorDetails = {}): RealtimeError {
    return new RealtimeError(code, message, { transport: name, ...details });
  }
}

function unsupported(transport: string, what: string, hint: string): DownWithError<'unsupported'> {
  return { kind: 'unsupported', error: new RealtimeError('unsupported', what, { transport, hint }) };
}

function notMade(transport: string, cause: unknown): DownWithError<'protocol'> {
  const hint = 'A function among the options, or the dialect, threw.';
  return {
    kind: 'protocol',
    error: RealtimeError.from(cause, 'invalid-option', 'a poll could not be made', { transport, hint }),
  };
}
