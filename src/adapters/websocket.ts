import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Dialect, Greeting, OutboundMessage } from '../protocol/dialect.ts';
import { keepwireDialect, protocolVersion } from '../protocol/keepwire.ts';
import { withQuery } from '../transport/http.ts';
import { openGate, sentReceipts } from '../transport/link.ts';
import { isLarger } from '../transport/size.ts';
import type { DownCause, LinkRequest, Transport } from '../transport/transport.ts';
import { type CloseMeaning, createCloseReader } from './websocket-close.ts';

/** The part of a `WebSocket` that keepwire uses. The browser's, Node's and that of the `ws` package all have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: 'error', listener: (event: object) => void): void;
  removeEventListener(type: 'open', listener: () => void): void;
  removeEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  removeEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  send(data: string): void;
  close(code?: number): void;
}

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
  readonly url: string | URL | ((request: LinkRequest) => string);
  /**
   * The constructor to use, such as the `WebSocket` of the `ws` package on Node 20, or a wrapper that sets headers.
   *
   * @defaultValue `globalThis.WebSocket`, read at each attempt
   */
  readonly WebSocket?: WebSocketConstructor;
  /** What the server speaks. @defaultValue `keepwireDialect` */
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
   * A hello of more than 4,096 characters always travels as the first message.
   *
   * @defaultValue `'subprotocol'` for dialects with a hello, else `'first-frame'`
   */
  readonly token?: WebSocketToken;
  /** The largest message to accept, in bytes; a larger one ends the link. @defaultValue 1,048,576 (1 MiB) */
  readonly maxMessageBytes?: number;
  /** Close codes that mean something else on this server than in the table of {@link websocket}. */
  readonly closeCodes?: Readonly<Record<number, CloseMeaning>>;
}

const defaultMaxMessageBytes = 1024 * 1024;
/** Servers and proxies commonly limit all headers of a request to 8 KiB; half of it leaves room for the cookies. */
const longestHello = 4096;
/** `WebSocket.OPEN`. */
const openState = 1;
const places: readonly WebSocketToken[] = ['subprotocol', 'first-frame', 'query', 'none'];

/**
 * A transport over WebSocket.
 *
 * A close before the connection is open is always `refused`: neither browsers nor Node show the status of a refused
 * upgrade. A server that wants to say why accepts the upgrade and then closes with a code:
 *
 * | code | cause |
 * |---|---|
 * | 1000, 1005, 1006, 1011, 3008, 4408, and every other | `lost` |
 * | 1001 (going away), 1012 (restart) | `lost`, to come back at a random moment within 2 s |
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
  const { name = 'websocket', dialect = keepwireDialect, maxMessageBytes = defaultMaxMessageBytes } = options;
  const { traits } = dialect;
  const place = options.token ?? (dialect.hello === undefined ? 'first-frame' : 'subprotocol');
  checkOptions(options, name);
  const closing = createCloseReader(name, dialect, options.closeCodes);

  return {
    name,
    capabilities: {
      send: true,
      ack: traits.acks ? 'frame' : 'none',
      resume: traits.resume,
      liveness: traits.pings ? 'ping' : 'silence',
      joining: 'frame',
      reauth: traits.reauth,
    },

    connect(request, sink) {
      const gate = openGate(name, dialect, request, sink);
      let isOpened = false;
      let trouble: Error | undefined;
      /** True when the greeting did not fit into the handshake, or does not belong there. */
      let greetsLate = false;
      const socket = gate.signal.aborted ? undefined : dial();

      return gate.link(async (frames) => {
        // a socket that is closing discards what it is given
        if (socket?.readyState !== openState) {
          throw new RealtimeError('closed', `sending over ${name} failed: the socket is closing`, { transport: name });
        }
        const messages = dialect.encode(frames);
        for (const text of messages.map(toText)) socket.send(text);
        return sentReceipts(messages.flatMap((message) => message.frames));
      });

      function dial(): WebSocketLike | undefined {
        try {
          const Socket = options.WebSocket ?? globalThis.WebSocket;
          if (Socket === undefined) throw noWebSocket(name);
          const { url, protocols } = handshake();
          const opened = construct(Socket, url, protocols);
          listen(opened);
          return opened;
        } catch (cause) {
          gate.down(failed('unsupported', 'the WebSocket could not be prepared', cause));
          return undefined;
        }
      }

      function handshake(): { url: string; protocols: string[] } {
        const { url: given, protocols: offered = dialect.hello === undefined ? [] : [`keepwire.v${protocolVersion}`] } = options;
        const url = webSocketUrl(typeof given === 'function' ? given(request) : String(given), globalThis.location?.href, name);
        const protocols = [...(typeof offered === 'function' ? offered(request) : offered)];
        greetsLate = place === 'first-frame';
        if (greetsLate) return { url, protocols };
        if (dialect.hello === undefined) {
          const token = request.credentials?.token;
          if (place === 'query') return { url: withQuery(url, { token }), protocols };
          if (place === 'subprotocol' && token !== undefined) protocols.push(asSubprotocol(token, name));
          return { url, protocols };
        }
        const hello = JSON.stringify(dialect.hello(visibleGreeting()));
        const encoded = place === 'query' ? withQuery(url, { hello }) : `keepwire.hello.${base64Url(hello)}`;
        greetsLate = encoded.length > longestHello;
        if (greetsLate) return { url, protocols };
        return place === 'query' ? { url: encoded, protocols } : { url, protocols: [...protocols, encoded] };
      }

      /** The greeting of this moment, with the token only if it may be shown. */
      function visibleGreeting(): Greeting {
        const greeting = gate.greeting();
        return place === 'none' ? { ...greeting, token: undefined } : greeting;
      }

      /** The constructor's own error is dropped: browsers quote the address or the subprotocol in it, and so the token. */
      function construct(Socket: WebSocketConstructor, url: string, protocols: string[]): WebSocketLike {
        let native: string;
        try {
          return new Socket(url, protocols);
        } catch (cause) {
          native = cause instanceof Error ? cause.name : typeof cause;
        }
        throw new RealtimeError('unsupported', `the WebSocket could not be made (${native})`, {
          transport: name,
          native,
          hint: 'A page on https can only open wss: addresses; subprotocols may hold no spaces or separators and must differ.',
        });
      }

      function listen(opened: WebSocketLike): void {
        const onOpen = (): void => {
          isOpened = true;
          try {
            greetLate(opened);
          } catch (cause) {
            gate.down(failed('protocol', `the greeting of ${name} could not be sent`, cause));
          }
        };
        const onMessage = ({ data }: { readonly data: unknown }): void => {
          if (isLarger(data, maxMessageBytes)) gate.down(tooLarge(name, maxMessageBytes));
          else gate.receive(data);
        };
        const onClose = ({ code, reason }: { readonly code: number; readonly reason: string }): void => {
          try {
            gate.down(isOpened ? closing(code, reason, trouble, request.credentials?.token) : notOpened(code));
          } catch (cause) {
            gate.down(failed('protocol', `close code ${code} could not be read by the ${dialect.name} dialect`, cause));
          }
        };
        opened.binaryType = 'arraybuffer';
        opened.addEventListener('open', onOpen);
        opened.addEventListener('message', onMessage);
        opened.addEventListener('close', onClose);
        // stays when the link is over: `ws` throws an error that nobody listens to, and closing while it connects is one
        opened.addEventListener('error', (event) => {
          if ('error' in event && event.error instanceof Error) trouble = event.error;
        });
        onAbort(gate.signal, () => {
          opened.removeEventListener('open', onOpen);
          opened.removeEventListener('message', onMessage);
          opened.removeEventListener('close', onClose);
          opened.close(1000);
        });
      }

      /** What goes first over the open socket. The dialect's own opening shows the token only where nothing else did. */
      function greetLate(opened: WebSocketLike): void {
        const greeting = visibleGreeting();
        const joining = traits.joinsInHello ? greeting.joins.map(({ channel }) => channel) : [];
        if (greetsLate && dialect.hello !== undefined) opened.send(JSON.stringify(dialect.hello(greeting)));
        const token = place === 'first-frame' ? greeting.token : undefined;
        for (const message of dialect.opening?.({ ...greeting, token }) ?? []) opened.send(toText(message));
        gate.opened(greetsLate ? { joining } : {});
      }

      /** For what the application's own functions and the dialect throw. */
      function failed(kind: 'unsupported' | 'protocol', message: string, cause: unknown): DownCause {
        return { kind, error: RealtimeError.from(cause, kind, message, { transport: name }) };
      }

      function notOpened(native: number): DownCause {
        const error = new RealtimeError('refused', 'the WebSocket could not be opened', {
          transport: name,
          native,
          hint: 'The server may be down, may have refused the upgrade, or a proxy on the way does not let WebSockets through.',
          cause: trouble,
        });
        return { kind: 'refused', error };
      }
    },
  };
}

function checkOptions(options: WebSocketOptions, name: string): void {
  const { url, token = 'none', maxMessageBytes = defaultMaxMessageBytes } = options;
  const wrong = (message: string): RealtimeError => new RealtimeError('invalid-option', message, { transport: name });
  // any base will do: this only asks whether the address can be one at all
  if (typeof url !== 'function') webSocketUrl(String(url ?? ''), 'http://localhost', name);
  if (!places.includes(token)) throw wrong(`token of websocket() is none of ${places.join(', ')}`);
  if (!(maxMessageBytes > 0)) throw wrong('maxMessageBytes of websocket() is not a positive number');
}

/** The address as `ws:` or `wss:`, without a fragment. The error does not quote it: there may be a token in the query. */
function webSocketUrl(given: string, base: string | undefined, transport: string): string {
  const wrong = (message: string, hint: string): RealtimeError =>
    new RealtimeError('invalid-option', message, { transport, hint });
  if (given === '') throw wrong('the url of websocket() is empty', 'Check where it is configured.');
  let resolved: string;
  try {
    resolved = new URL(given, base).href;
  } catch {
    const hint = 'Outside a page there is nothing that a relative address could be relative to.';
    throw wrong('the url of websocket() is not an address', hint);
  }
  // an absolute address goes as it is: React Native's URL puts a slash at its end
  const absolute = /^[a-z][\w+.-]*:/i.test(given) ? given : resolved;
  const url = absolute.replace(/^http/i, 'ws').replace(/#.*$/, '');
  if (/^wss?:/i.test(url)) return url;
  throw wrong('the url of websocket() has a scheme that cannot be used', 'Use ws:, wss:, http:, https: or a relative address.');
}

/** RFC 6455 section 4.1: a subprotocol is a token of RFC 9110 section 5.6.2. */
function asSubprotocol(token: string, transport: string): string {
  if (/^[\w!#$%&'*+\-.^`|~]+$/.test(token)) return token;
  throw new RealtimeError('unsupported', 'the token cannot be sent as a WebSocket subprotocol', {
    transport,
    hint: "It holds a character that subprotocols must not have; use token: 'first-frame' or 'query'.",
  });
}

function base64Url(text: string): string {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function toText({ data }: OutboundMessage): string {
  if (typeof data === 'string') return data;
  try {
    return JSON.stringify(data);
  } catch (cause) {
    throw new RealtimeError('invalid-payload', 'a message could not be written as JSON', { cause });
  }
}

function tooLarge(transport: string, maxBytes: number): DownCause {
  const error = new RealtimeError('too-large', `a message on ${transport} is larger than ${maxBytes} bytes`, {
    transport,
    hint: 'Raise maxMessageBytes if the server is meant to send this much at once.',
  });
  return { kind: 'protocol', error };
}

function noWebSocket(transport: string): RealtimeError {
  return new RealtimeError('unsupported', 'there is no WebSocket on this platform', {
    transport,
    hint: 'Node has one since version 22; on Node 20 install ws and pass its WebSocket: websocket({ url, WebSocket }).',
  });
}
