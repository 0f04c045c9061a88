import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { warnIfPlain } from '../platform/report.ts';
import { aFunction, aText, check, checkOptions, isObject, type OptionRules, oneOf, overZero } from '../platform/rules.ts';
import type { Dialect, Greeting, OutboundMessage } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import { keepwireFrames, protocolVersion } from '../protocol/keepwire.ts';
import { causeKinds } from '../transport/cause.ts';
import { perAttempt } from '../transport/http.ts';
import { openGate, sentReceipts, type Transmit } from '../transport/link.ts';
import { aDialect, isMeaning, somePosts } from '../transport/options.ts';
import type { HttpPosts } from '../transport/posts.ts';
import { isLarger } from '../transport/size.ts';
import type { LinkRequest, Transport } from '../transport/transport.ts';
import { type CloseMeaning, closeAdvice, closeErrorCode } from './websocket-close.ts';

export type { CloseMeaning };

/** The part of a `WebSocket` that keepwire uses. The browser's, Node's and that of the `ws` package all have it. */
export interface WebSocketLike {
  /** Set to `arraybuffer`. */
  binaryType: string;
  /** 1 while it is open. */
  readonly readyState: number;
  /** The connection is open. */
  onopen: WebSocketListener<object>;
  /** A message arrived: text, or an `ArrayBuffer`. */
  onmessage: WebSocketListener<WebSocketMessage>;
  /** It is over, or could not be opened. */
  onclose: WebSocketListener<WebSocketClose>;
  /** Something failed; the close follows. */
  onerror: WebSocketListener<WebSocketTrouble>;
  /** Sends one text message. */
  send(data: string): void;
  /** Ends it. */
  close(code?: number): void;
}

/** What a WebSocket tells of a message. */
export interface WebSocketMessage {
  /** Its content. */
  readonly data: unknown;
}

/** What a WebSocket tells of a failure. */
export interface WebSocketTrouble {
  /** The name of the event. */
  readonly type: string;
  /** What happened. The `ws` package and Node tell it, a browser does not. */
  readonly error?: unknown;
}

/** What a WebSocket tells of its end. */
export interface WebSocketClose {
  /** The close code; 1006 when there was no close frame. */
  readonly code: number;
  /** The server's own words, or nothing. */
  readonly reason: string;
}

/** The type of a method, so that it may ask for less than the event that the platform's own listeners get. */
export type WebSocketListener<Event> =
  | {
      /** Is called with the platform's own event. */
      listener(event: Event): void;
    }['listener']
  | null;

/** Makes a {@link WebSocketLike}. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

/** Where the token travels; see {@link WebSocketOptions.token}. */
export type WebSocketToken = 'subprotocol' | 'first-frame' | 'query' | 'none';

/** The options of {@link websocket}. */
export interface WebSocketOptions {
  /**
   * Where to connect. `http:` and `https:` become `ws:` and `wss:`; a relative address is resolved against the page at
   * each attempt. A function is called for each attempt, for servers that want something of their own in the address.
   */
  readonly url: string | URL | ((request: LinkRequest) => string | URL);
  /**
   * The constructor to use, such as the `WebSocket` of the `ws` package on Node 20, or a wrapper that sets headers.
   *
   * @defaultValue `globalThis.WebSocket`, read at each attempt
   */
  readonly WebSocket?: WebSocketConstructor;
  /** What the server speaks. @defaultValue keepwire's own protocol */
  readonly dialect?: Dialect;
  /** The name that modes, status and errors use. @defaultValue `'websocket'` */
  readonly name?: string;
  /**
   * The subprotocols to offer. A browser gives up when the server selects none of those it was offered.
   *
   * @defaultValue `['keepwire.v1']` for dialects with a hello, else none
   */
  readonly protocols?: readonly string[] | ((request: LinkRequest) => readonly string[]);
  /**
   * Where the token travels, and with it the hello of dialects that have one:
   *
   * - `subprotocol`: in the list of subprotocols, as `keepwire.hello.<base64url of the JSON>`, or for other dialects the
   *   bare token as the last entry. Costs no round trip, and is not in the address.
   * - `first-frame`: in the first message after the connection is open; for dialects without a hello in what
   *   `dialect.opening` makes.
   * - `query`: in the address, as `hello` or `token`. Logs and proxies keep addresses: only for servers that know nothing else.
   * - `none`: nowhere, for cookies or an address that has it already; a hello goes as in `subprotocol`, without a token.
   *
   * A hello or token of more than 4,096 characters always travels in the first message.
   *
   * @defaultValue `'subprotocol'` for dialects with a hello, else `'first-frame'`
   */
  readonly token?: WebSocketToken;
  /** The largest message to accept, in bytes; a larger one ends the link. @defaultValue 1,048,576 (1 MiB) */
  readonly maxMessageBytes?: number;
  /** Close codes that mean something else on this server than in the table of {@link websocket}. */
  readonly closeCodes?: Readonly<Record<number, CloseMeaning>>;
  /** Sends by REST what the dialect gives a path, for servers that take sends that way: `httpPosts` of `keepwire/posts`. */
  readonly posts?: HttpPosts;
}

/** Servers and proxies commonly limit all headers of a request to 8 KiB; half of it leaves room for the cookies. */
const longestGreeting = 4096;
/** `WebSocket.OPEN`. */
const openState = 1;
const rules: OptionRules<WebSocketOptions> = {
  // any base will do: this only asks whether the address can be one at all
  url: [
    'ws:, wss:, http:, https:, or relative to a page',
    (url) => typeof url === 'function' || toWebSocketUrl(url, 'http://localhost'),
    true,
  ],
  WebSocket: aFunction,
  dialect: aDialect,
  name: aText,
  protocols: ['a list, or a function that gives it', (list) => Array.isArray(list) || typeof list === 'function'],
  token: oneOf('subprotocol', 'first-frame', 'query', 'none'),
  maxMessageBytes: overZero,
  closeCodes: ['a cause for codes from 1000 to 4999', (codes) => isMeaning(codes, /^[1-4]\d{3}$/)],
  posts: somePosts,
};

/**
 * A transport over WebSocket.
 *
 * A close before the connection is open is always `refused`: neither browsers nor Node show the status of a refused
 * upgrade. A server that wants to say why accepts the upgrade and then closes with a code:
 *
 * | code | cause |
 * |---|---|
 * | 1000, 1005, 1006, 1011, 3008, 4408, and every other | `lost` |
 * | 1001 (going away), 1012 (restart) | `lost`, to come back at a random moment within 3 s |
 * | 1013 (try again later), 1014, 1015, 4429, 4503 | `refused` |
 * | 1008 (policy), 3000, 4401 | `unauthorized`: a fresh token may help |
 * | 3003, 4403 | `forbidden` |
 * | 4404, 4409 (replaced), 4410 | `dismissed` |
 * | 1002, 1003, 1007, 4400 | `protocol` |
 * | 1009 | `protocol` with the error code `too-large` |
 * | 1010 | `unsupported` |
 *
 * `closeCodes` comes before `dialect.closing`, and that before the table. The reason of the close may be advice as JSON,
 * `{"retryAfterMs":5000,"spreadMs":2000}`, for the causes `lost` and `refused`.
 *
 * @example
 * ```ts
 * const realtime = createRealtime({ transports: [websocket({ url: '/realtime' })] });
 * ```
 *
 * @throws RealtimeError `invalid-option` for an address, a size or a table that cannot be right
 */
export function websocket(options: WebSocketOptions): Transport {
  checkOptions('websocket', options, rules);
  const { name = 'websocket', dialect = keepwireFrames, maxMessageBytes = 1_048_576, closeCodes = {} } = options;
  const { token: place = dialect.hello ? 'subprotocol' : 'first-frame' } = options;
  const { protocols: offered = dialect.hello ? [`keepwire.v${protocolVersion}`] : [] } = options;
  const { traits } = dialect;
  let isWarned = false;

  return {
    name,
    capabilities: {
      send: true,
      ack: traits.acks ? 'frame' : 'none',
      honoursIds: traits.honoursIds,
      resume: traits.resume,
      liveness: traits.pings ? 'ping' : 'silence',
      joining: 'frame',
      reauth: traits.reauth,
    },

    connect(request, sink) {
      const gate = openGate(name, dialect, request, sink);
      let socket: WebSocketLike | undefined;
      let isOpened = false;
      let trouble: unknown;
      /** True when the greeting did not go with the handshake. */
      let greetsLate = false;
      if (!gate.signal.aborted) guarded('unsupported', dial);

      return gate.link(options.posts?.beside({ gate, request, dialect, transmit }) ?? transmit);

      async function transmit(frames: readonly ClientFrame[]): ReturnType<Transmit> {
        // a socket that is closing discards what it is given
        if (socket?.readyState !== openState) return undefined;
        // a message with a path is for a carrier that sends by HTTP: here it would land in the wrong place
        const messages = dialect.encode(frames).filter(({ path }) => path === undefined);
        for (const text of messages.map(toText)) socket.send(text);
        return sentReceipts(messages.flatMap((message) => message.frames));
      }

      /** For what calls functions of the application or the dialect: when one throws, the link is over. */
      function guarded(kind: 'unsupported' | 'protocol', run: () => void): void {
        try {
          run();
        } catch (cause) {
          const message = `a function of ${name} or of the ${dialect.name} dialect threw`;
          gate.down({ kind, error: RealtimeError.from(cause, kind, message, { transport: name }) });
        }
      }

      function dial(): void {
        const Socket = options.WebSocket ?? globalThis.WebSocket;
        if (!Socket) {
          const hint = 'On Node 20, pass the WebSocket of ws.';
          return gate.fail('unsupported', 'there is no WebSocket on this platform', { hint });
        }
        let url = toWebSocketUrl(perAttempt(options.url, request), globalThis.location?.href) ?? '';
        check('url of websocket()', url, rules.url);
        if (!isWarned && request.credentials && place !== 'none') isWarned = warnIfPlain(url, name);
        const protocols = [...perAttempt(offered, request)];
        const greeting = handshakeGreeting();
        greetsLate = place === 'first-frame' || greeting.length > longestGreeting;
        if (greeting && !greetsLate) {
          if (place === 'query') url += (url.includes('?') ? '&' : '?') + greeting;
          else protocols.push(greeting);
        }
        try {
          listen(new Socket(url, protocols));
        } catch (cause) {
          // browsers quote the address or the subprotocol in their error, and so the token: it cannot be kept
          const { name: native } = cause as Error;
          const hint = 'A page on https needs wss:. Subprotocols hold no separators.';
          gate.fail('unsupported', 'the WebSocket could not be made', { native, hint });
        }
      }

      /** The hello, or for dialects without one the token, as a query parameter or as a subprotocol. */
      function handshakeGreeting(): string {
        const greeting = visibleGreeting();
        const hello = dialect.hello && JSON.stringify(dialect.hello(greeting));
        const { token = '' } = greeting;
        if (place === 'query')
          return hello ? `hello=${encodeURIComponent(hello)}` : token && `token=${encodeURIComponent(token)}`;
        return hello ? `keepwire.hello.${base64Url(hello)}` : token;
      }

      /** The greeting of this moment, with the token only if it may be shown. */
      function visibleGreeting(): Greeting {
        const greeting = gate.greeting();
        return place === 'none' ? { ...greeting, token: undefined } : greeting;
      }

      function listen(opened: WebSocketLike): void {
        socket = opened;
        opened.binaryType = 'arraybuffer';
        opened.onopen = () => {
          isOpened = true;
          guarded('protocol', () => greet(opened));
        };
        opened.onmessage = ({ data }) => {
          if (!isLarger(data, maxMessageBytes)) gate.receive(data);
          else gate.fail('protocol', `a message has more than ${maxMessageBytes} bytes`, { code: 'too-large' });
        };
        opened.onclose = (event) => {
          guarded('protocol', () => end(event));
        };
        // stays when the link is over: `ws` throws an error that nobody listens to, and closing while it connects is one
        opened.onerror = ({ error }) => {
          trouble = error;
        };
        onAbort(gate.signal, () => {
          opened.onopen = null;
          opened.onmessage = null;
          opened.onclose = null;
          opened.close(1000);
        });
      }

      /** What goes first over the open socket. The dialect's own opening shows the token only where nothing else did. */
      function greet(opened: WebSocketLike): void {
        const greeting = visibleGreeting();
        if (greetsLate && dialect.hello) opened.send(JSON.stringify(dialect.hello(greeting)));
        const token = greetsLate ? greeting.token : undefined;
        for (const message of dialect.opening?.({ ...greeting, token }) ?? []) opened.send(toText(message));
        gate.opened(greetsLate && traits.joinsInHello ? { joining: [...request.channels.keys()] } : {});
      }

      function end({ code: native, reason }: WebSocketClose): void {
        const details = { native, cause: trouble };
        if (!isOpened) {
          const hint = 'The server may be down or refuse it, or a proxy stops it.';
          return gate.fail('refused', 'the WebSocket could not be opened', { ...details, hint });
        }
        const code = closeErrorCode(native, reason, closeCodes[native], dialect);
        const message = `the server closed the WebSocket with code ${native}${reason && ': '}${reason}`;
        gate.fail(causeKinds[code] ?? 'lost', message, { ...details, code, ...closeAdvice(native, reason) });
      }
    },
  };
}

/** The address as `ws:` or `wss:`, without a fragment; `undefined` for what cannot be one. */
function toWebSocketUrl(given: unknown, base: string | undefined): string | undefined {
  if (!isObject(given) && typeof given !== 'string') return undefined;
  const text = String(given);
  try {
    const { href } = new URL(text, base);
    // an absolute address goes as it is: React Native's URL puts a slash at its end
    const url = (/^\w+:/.test(text) ? text : href).replace(/^http/i, 'ws').replace(/#.*/, '');
    return given && /^wss?:/i.test(url) ? url : undefined;
  } catch {
    return undefined;
  }
}

function base64Url(text: string): string {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function toText({ data }: OutboundMessage): string {
  try {
    return typeof data === 'string' ? data : JSON.stringify(data);
  } catch (cause) {
    throw new RealtimeError('invalid-payload', 'a message is no JSON', { cause });
  }
}
