import { RealtimeError } from '../errors.ts';
import { checkOptions, type OptionRules } from '../platform/rules.ts';
import type { Dialect, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import { receiptsFor, receiptsOfParts } from '../protocol/receipts.ts';
import type { HttpCarrier, HttpSettings } from './exchange.ts';
import type { FetchLike, HttpToken, PerAttempt, StatusMeanings } from './http.ts';
import { httpOptionRules } from './http-transport.ts';
import type { LinkGate, Transmit } from './link.ts';
import { anHttpAddress } from './options.ts';
import { createPoster } from './post.ts';
import { cleanReceipt } from './secret.ts';
import type { Credentials, LinkRequest } from './transport.ts';

/** The options of {@link httpPosts}. */
export interface HttpPostsOptions {
  /** Where to send to. The paths that the dialect names are below it, or absolute ones: then the origin, or `/`, is enough. */
  readonly url: string | URL;
  /** Headers of the application, computed for each request if it is a function. */
  readonly headers?: PerAttempt<Record<string, string>>;
  /** Where the token travels. @defaultValue `'header'`, as `Authorization: Bearer` */
  readonly token?: HttpToken;
  /** The `fetch` to use. @defaultValue the platform's own, looked up for each request */
  readonly fetch?: FetchLike;
  /** Whether cookies travel. @defaultValue `'same-origin'` */
  readonly credentials?: 'same-origin' | 'include' | 'omit';
  /**
   * What the server speaks, for the `posts` of `createRealtime`; beside a link it is the dialect of the link.
   *
   * @defaultValue keepwire's own protocol
   */
  readonly dialect?: Dialect;
  /** How long one send may take, in milliseconds. @defaultValue 10,000 */
  readonly sendTimeoutMs?: number;
  /** What a status means on this server, where it differs from the table of `sse` and `longPoll`. */
  readonly statuses?: StatusMeanings;
}

/** What one link gives to {@link httpPosts}. */
interface PostingLink {
  readonly gate: LinkGate;
  readonly request: LinkRequest;
  readonly dialect: Dialect;
  /** Sends what has no path. */
  readonly transmit: Transmit;
}

/** Sends by HTTP: beside a link that receives in another way, or while there is none; made by {@link httpPosts}. */
export interface HttpPosts {
  /** @internal */
  beside(link: PostingLink): Transmit;
  /** @internal */
  alone(sender: LonelySender): (frames: readonly ClientFrame[]) => Promise<readonly Receipt[]>;
}

/** What a manager gives to {@link httpPosts} for the time without a link. */
interface LonelySender extends Pick<LinkRequest, 'client' | 'clock' | 'signal'> {
  credentials(): Promise<Credentials | undefined> | undefined;
  /** The server refused the token. */
  refuse(credentials: Credentials | undefined): void;
}

/** A send that needs a link is offered again after this long, in milliseconds, or with the next link. */
const waitForLinkMs = 1_000;

const { headers, token, fetch, credentials, dialect, sendTimeoutMs, statuses } = httpOptionRules;
const rules: OptionRules<HttpPostsOptions> = {
  url: [...anHttpAddress, true],
  ...{ headers, token, fetch, credentials, dialect, sendTimeoutMs, statuses },
};

/**
 * Sends by REST for a transport that receives in another way. Each message of the dialect that has a path (see `post` of
 * `keepwire`) goes by an HTTP request of its own, with the token of the link, and its answer is the receipt; all others go over
 * the link. One request is under way at a time, so that the order of the sends is kept.
 *
 * Given to `createRealtime` as `posts`, sends by REST go on while there is no link at all.
 *
 * A 401 ends the link, so that the next one has a fresh token, with which the send is tried again under the same id.
 *
 * @throws RealtimeError `invalid-option`
 *
 * @example A Socket.IO server that takes messages by REST
 * ```ts
 * const chat = jsonDialect({
 *   join: (chatId) => emit('join_chat', { chatId }),
 *   publish: ({ channel, data }) => post(`/chat/${encodeURIComponent(channel)}/messages`, data),
 * });
 * socketIo({ url: 'https://chat.example.com', dialect: chat, posts: httpPosts({ url: 'https://chat.example.com' }) });
 * ```
 */
export function httpPosts(options: HttpPostsOptions): HttpPosts {
  checkOptions('httpPosts', options, rules);
  const { url, token = 'header', credentials = 'same-origin', sendTimeoutMs = 10_000, statuses = {} } = options;
  const common = { ...options, url: undefined, method: 'POST', token, credentials, sendTimeoutMs, statuses };

  return { beside, alone };

  function alone(sender: LonelySender): ReturnType<HttpPosts['alone']> {
    const { clock, signal, credentials, refuse } = sender;
    const { dialect = keepwireDialect } = options;
    const settings: HttpSettings = { ...common, dialect, joining: 'frame' };
    return async (frames) => {
      const found = await Promise.resolve(credentials()).catch((cause: unknown) => {
        // nothing has left: not knowing what became of it would be another matter
        throw new RealtimeError('closed', 'httpPosts has no token to send with', { transport: 'httpPosts', cause });
      });
      const request: LinkRequest = {
        // another user has another name
        client: sender.client,
        clock,
        signal,
        credentials: found,
        channels: new Map(),
        cursor: undefined,
      };
      const gate: HttpCarrier['gate'] = {
        transport: 'httpPosts',
        signal,
        deliver: () => {},
        down({ kind }) {
          if (kind === 'unauthorized') refuse(request.credentials);
        },
      };
      const post = createPoster({ settings, request, gate, joining: [], joinsToldBy: 'server' }, String(url));
      // a send that this server takes over its link alone waits for that
      const posted = frames.filter((frame) => hasPath(dialect, frame));
      const waiting = frames.filter((frame) => !posted.includes(frame));
      const later = receiptsFor(waiting, [], { status: 'rejected', code: 'not-connected', retryAfterMs: waitForLinkMs });
      const parts = waiting.length > 0 ? [{ frames: waiting, sent: Promise.resolve(later) }] : [];
      if (posted.length > 0) parts.push({ frames: posted, sent: post(posted) });
      return (await receiptsOfParts(parts)).map((receipt) => cleanReceipt(receipt, found?.token));
    };
  }

  function beside({ gate, request, dialect, transmit }: PostingLink): Transmit {
    /** What was brought onto the live link is newer than what it was dialled with. */
    let renewed: Credentials | undefined;
    const current: LinkRequest = {
      signal: request.signal,
      client: request.client,
      clock: request.clock,
      get credentials() {
        return renewed ?? request.credentials;
      },
      get channels() {
        return request.channels;
      },
      get cursor() {
        return request.cursor;
      },
    };
    const settings: HttpSettings = { ...common, dialect, joining: 'frame' };
    const joinsToldBy = dialect.traits.answersJoins ? 'server' : 'gate';
    const link: HttpCarrier = { settings, request: current, gate, joining: [], joinsToldBy };
    const send = createPoster(link, String(url));

    return async (frames) => {
      for (const frame of frames) if (frame.kind === 'authenticate') renewed = { token: frame.token };
      const posted = frames.filter((frame) => hasPath(dialect, frame));
      if (posted.length === 0) return transmit(frames);
      const rest = frames.filter((frame) => !posted.includes(frame));
      if (rest.length === 0) return send(posted);
      const own = async (): Promise<readonly Receipt[]> => {
        const receipts = await transmit(rest);
        if (!receipts) throw new RealtimeError('closed', `${gate.transport} is not up`, { transport: gate.transport });
        return receipts;
      };
      return receiptsOfParts([
        { frames: rest, sent: own() },
        { frames: posted, sent: send(posted) },
      ]);
    };
  }
}

/** What the dialect cannot write is refused by whoever writes it. */
function hasPath(dialect: Dialect, frame: ClientFrame): boolean {
  try {
    return dialect.encode([frame]).some(({ path }) => path !== undefined);
  } catch {
    return false;
  }
}
