import { type ManagerOptions, type Socket, type SocketOptions, io as socketIoClient } from 'socket.io-client';
import { RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Dialect, OutboundMessage, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import { longestRetryAfterMs, type PerAttempt, perAttempt, statusCause } from '../transport/http.ts';
import { type LinkGate, openGate, sentReceipts } from '../transport/link.ts';
import type { Credentials, DownCause, LinkRequest, Transport } from '../transport/transport.ts';

/** Makes a Socket: the `io` of socket.io-client, or one that behaves like it. */
export type SocketIoFactory = (url: string, options: Partial<ManagerOptions & SocketOptions>) => Socket;

/** What a link can end with when a server says no; see {@link DownCause}. */
export type SocketIoEnd = Exclude<DownCause['kind'], 'aborted'>;

/** The options of socket.io-client that pass through as they are. */
export interface SocketIoClientOptions {
  /** Headers of the HTTP requests. A browser sends them when polling and leaves them out of a WebSocket. */
  readonly extraHeaders?: PerAttempt<Record<string, string>>;
  /** Parameters of the address. Logs keep addresses, so no tokens here. */
  readonly query?: PerAttempt<Record<string, string>>;
  /** Sends cookies to another origin. @defaultValue `false` */
  readonly withCredentials?: boolean;
}

/** The options of {@link socketIo}. */
export interface SocketIoOptions {
  /** The server, with the namespace as its path, as socket.io-client takes it: `https://example.com/admin`. */
  readonly url: string | URL;
  /** Where the server listens, without the namespace. @defaultValue `'/socket.io'` */
  readonly path?: string;
  /** The translation of the server's events. @defaultValue keepwire's own protocol */
  readonly dialect?: Dialect;
  /** The name that modes, status and errors use. @defaultValue `'socket-io'` */
  readonly name?: string;
  /**
   * The low-level transports, best first. When one fails at once, the next is tried within the same link, so a blocked
   * WebSocket carries on by polling (socket.io-client 4.8 and later). A WebSocket that is neither let through nor refused
   * ends the link by its deadline; add a second `socketIo` with `['polling']` to the list of transports for such networks.
   *
   * @defaultValue `['websocket', 'polling']`
   */
  readonly transports?: readonly ('websocket' | 'polling' | 'webtransport')[];
  /**
   * What the server reads as `socket.handshake.auth`, computed for each attempt. The greeting of the dialect travels
   * beside it as `hello`.
   *
   * @defaultValue `{ token }`
   */
  readonly auth?: (request: LinkRequest) => Record<string, unknown>;
  /** How long the server may take to acknowledge a send, in milliseconds. @defaultValue `10_000` */
  readonly ackTimeoutMs?: number;
  /**
   * The largest packet to accept, in bytes; a larger one ends the link. An event with binary in it is several packets.
   *
   * @defaultValue `1_048_576` (1 MiB)
   */
  readonly maxMessageBytes?: number;
  /**
   * What Socket.IO's disconnect reasons mean, where it differs from the table: `io server disconnect` is `dismissed` (or
   * `unauthorized`, when the token of the link has expired by then), `parse error` is `protocol`, all others are `lost`.
   * This comes before the dialect's `closing`, and that before the table.
   */
  readonly disconnects?: Readonly<Record<string, SocketIoEnd>>;
  /** Options of socket.io-client that pass through. */
  readonly options?: SocketIoClientOptions;
  /** Makes the Sockets. @defaultValue `io` of socket.io-client */
  readonly io?: SocketIoFactory;
}

/** The options with everything filled in. */
interface Settings extends Required<Omit<SocketIoOptions, 'url' | 'path' | 'disconnects'>> {
  readonly url: string;
  readonly path: string | undefined;
  readonly disconnects: ReadonlyMap<string, SocketIoEnd>;
}

/** What Socket.IO's connection state recovery goes by. */
interface Session {
  /** The private id of the session, from the server's CONNECT packet. */
  readonly pid: string;
  /** The offset of the last packet that arrived. */
  offset: string | undefined;
  /** Whose session it is: the server may restore its rooms without looking at the new token. */
  readonly owner: Credentials | undefined;
  readonly client: string;
  /** True while a link has it, or asks for it. */
  isTaken: boolean;
}

/** Holds the newest session of one transport. */
interface SessionKeeper {
  newest: Session | undefined;
}

/**
 * Socket.IO as a transport, by socket.io-client (an optional peer dependency). Reconnecting, buffering and retrying of
 * socket.io-client are off: each link is one Socket with a Manager of its own, and the connection decides what comes next.
 *
 * Connection state recovery works where the server has it switched on and the dialect does not greet: the session is
 * offered again to the next link of the same client and user. What the server claims is passed on as
 * `LinkInfo.claimsRecovered` and is never believed.
 *
 * An end of the link frees its WebSocket at once. A poll that is under way cannot be aborted with socket.io-client: the
 * server ends it when it hears that the link is over, and against a server that never answers it lives until the network
 * gives up.
 *
 * @throws RealtimeError `invalid-option`
 *
 * @example
 * ```ts
 * const realtime = createRealtime({ transports: [socketIo({ url: 'https://chat.example.com' })] });
 * ```
 */
export function socketIo(options: SocketIoOptions): Transport {
  const settings = readSettings(options);
  const { name, dialect } = settings;
  const { traits } = dialect;
  const sessions: SessionKeeper = { newest: undefined };
  return {
    name,
    capabilities: {
      send: true,
      ack: traits.acks ? 'receipt' : 'none',
      resume: traits.resume,
      liveness: 'self',
      joining: 'frame',
      reauth: traits.reauth,
    },
    connect(request, sink) {
      const gate = openGate(name, dialect, request, sink);
      return gate.link(gate.signal.aborted ? async () => [] : startLink(settings, request, gate, sessions));
    },
  };
}

/** Dials, and answers with the sending half. */
function startLink(
  settings: Settings,
  request: LinkRequest,
  gate: LinkGate,
  sessions: SessionKeeper,
): (frames: readonly ClientFrame[]) => Promise<readonly Receipt[]> {
  const { name, dialect, maxMessageBytes } = settings;
  const offered = sessionToOffer(sessions, dialect, request);
  // a server may give one session twice, so no other link asks for it meanwhile
  if (offered !== undefined) offered.isTaken = true;
  let session: Session | undefined;
  let isOpen = false;
  /** True once a new token went over this link: the expiry in the request says nothing from then on. */
  let hasNewToken = false;
  let socket: Socket;

  try {
    socket = dial();
  } catch (cause) {
    const error = failure('unsupported', `Socket.IO could not be started on ${name}`, { cause });
    gate.down({ kind: 'unsupported', error });
    return async () => [];
  }
  return transmit;

  function dial(): Socket {
    const { extraHeaders, query, withCredentials = false } = settings.options;
    const made = settings.io(settings.url, {
      path: settings.path,
      transports: [...settings.transports],
      tryAllTransports: true,
      extraHeaders: perAttempt(extraHeaders, request),
      query: perAttempt(query, request),
      withCredentials,
      auth: giveAuth,
      autoConnect: false,
      forceNew: true,
      reconnection: false,
    });
    made.on('connect', open);
    made.on('connect_error', (error) => gate.down(refusalCause(error, settings, request)));
    made.on('disconnect', (reason, details) => {
      const hasExpired = !hasNewToken && isExpired(request);
      gate.down(disconnectCause(reason, details, { settings, wasUp: isOpen, hasExpired }));
    });
    made.onAny(hear);
    made.io.on('packet', notePacket);
    onAbort(gate.signal, () => free(made));
    made.connect();
    made.io.engine.on('packet', noteLife);
    return made;
  }

  function free(made: Socket): void {
    made.offAny();
    made.off();
    made.io.off('packet', notePacket);
    // the engine is there only once the dial has begun
    made.io.engine?.off('packet', noteLife);
    made.disconnect();
    made.sendBuffer = [];
    made.receiveBuffer = [];
    const taken = session ?? offered;
    if (taken !== undefined) taken.isTaken = false;
  }

  /** Called by socket.io-client when the engine is open: the positions are those of this moment. */
  function giveAuth(give: (auth: object) => void): void {
    guarded('the auth option', () => {
      const greeting = gate.greeting();
      // the token travels once, beside the greeting
      const hello = dialect.hello?.({ ...greeting, token: undefined });
      const recovery = offered === undefined ? {} : { pid: offered.pid, offset: offered.offset };
      give({ ...recovery, ...(hello === undefined ? {} : { hello }), ...settings.auth(request) });
    });
  }

  /** Application code runs inside an event of the engine, where an error would have no one to catch it. */
  function guarded(what: string, run: () => void): void {
    try {
      run();
    } catch (cause) {
      gate.down({
        kind: 'protocol',
        error: failure('protocol', `a link over ${name} could not be greeted: ${what} threw`, { cause }),
      });
    }
  }

  /** Every packet of Socket.IO; type 0 is CONNECT (Socket.IO protocol, version 5). */
  function notePacket(packet: { readonly type: number; readonly data?: unknown }): void {
    const pid = packet.type === 0 ? (packet.data as { pid?: unknown } | undefined)?.pid : undefined;
    if (typeof pid !== 'string') return;
    const offset = pid === offered?.pid ? offered.offset : undefined;
    session = { pid, offset, owner: request.credentials, client: request.client, isTaken: true };
    sessions.newest = session;
  }

  /** Every packet of Engine.IO, pings and acknowledgements among them. */
  function noteLife({ data }: { readonly data?: unknown }): void {
    if (isLarger(data, maxMessageBytes)) {
      const message = `a packet on ${name} is larger than ${maxMessageBytes} bytes`;
      gate.down({
        kind: 'protocol',
        error: failure('too-large', message, { hint: 'Raise maxMessageBytes, or let the server send less at once.' }),
      });
    } else gate.alive();
  }

  function open(): void {
    if (isOpen) return;
    isOpen = true;
    guarded('the opening of the dialect', () => {
      for (const message of dialect.opening?.(gate.greeting()) ?? []) emit(socket, message);
    });
    gate.opened({ session: socket.id, claimsRecovered: session && session.pid === offered?.pid });
  }

  function hear(event: unknown, ...args: unknown[]): void {
    // what a recovered session has missed arrives before the connect event
    open();
    // the server waits for an acknowledgement that nobody gives
    if (typeof args.at(-1) === 'function') args.pop();
    else noteOffset(args);
    gate.receive(args.length <= 1 ? args[0] : args, String(event));
  }

  /**
   * A server with connection state recovery ends the arguments of an event with its offset, and nothing marks it. A
   * string that is the only argument may be the content of a volatile event, which has no offset, and stays.
   */
  function noteOffset(args: unknown[]): void {
    const last = args.at(-1);
    if (session === undefined || typeof last !== 'string') return;
    session.offset = last;
    if (args.length > 1) args.pop();
  }

  async function transmit(frames: readonly ClientFrame[]): Promise<readonly Receipt[]> {
    if (frames.some((frame) => frame.kind === 'authenticate')) hasNewToken = true;
    const messages = dialect.encode(frames);
    const answers = await Promise.all(messages.map(send));
    const left = messages.flatMap((message) => sentReceipts(message.frames));
    const receipts = new Map([...left, ...answers.flat()].map((receipt) => [receipt.id, receipt]));
    return sentReceipts(frames).map(({ id }) => receipts.get(id) ?? wordless(id));
  }

  async function send(message: OutboundMessage): Promise<readonly Receipt[]> {
    const publishes = message.frames.filter((frame) => frame.kind === 'publish');
    const wantsAnswer = publishes.some((frame) => frame.volatile !== true || frame.reply === true);
    if (!dialect.traits.acks || !wantsAnswer) {
      emit(socket, message);
      return sentReceipts(message.frames);
    }
    const answer = await ask(message);
    try {
      return dialect.receipts?.(answer, message) ?? publishes.map(({ id }) => ({ id, status: 'accepted', data: answer }));
    } catch (cause) {
      throw failure('protocol', `the acknowledgement of a send over ${name} could not be read by the ${dialect.name} dialect`, {
        cause,
      });
    }
  }

  function ask(message: OutboundMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      emit(socket.timeout(settings.ackTimeoutMs), message, (error: Error | null, ...answer: unknown[]) => {
        if (error === null) resolve(answer.length <= 1 ? answer[0] : answer);
        else reject(unanswered(error));
      });
    });
  }

  function emit(
    by: Pick<Socket, 'emit'>,
    { event = 'message', data }: OutboundMessage,
    answered?: (...args: never[]) => void,
  ): void {
    const args = data === undefined ? [] : [data];
    try {
      by.emit(event, ...args, ...(answered === undefined ? [] : [answered]));
    } catch (cause) {
      throw failure('invalid-payload', `a send over ${name} failed: Socket.IO cannot encode the event "${event}"`, { cause });
    }
    if (socket.sendBuffer.length === 0) return;
    // the Socket knows already that the link is dead, and kept the packet for a reconnect that never comes
    socket.sendBuffer = [];
    throw failure('closed', `sending over ${name} failed: the link is not up`);
  }

  function unanswered(cause: Error): RealtimeError {
    if (gate.signal.aborted) return failure('connection-lost', `a send over ${name} was cut off with its link`, { cause });
    const hint = 'It is unknown whether the server applied it. The server must call the acknowledgement of the event.';
    return failure('timeout', `a send over ${name} was not acknowledged within ${settings.ackTimeoutMs} ms`, { cause, hint });
  }

  function failure(code: RealtimeErrorCode, message: string, details: RealtimeErrorDetails = {}): RealtimeError {
    return new RealtimeError(code, message, { ...details, transport: name });
  }
}

/** For a publish that this server has no word for, so it never left. */
function wordless(id: string): Receipt {
  return { id, status: 'rejected', code: 'unsupported', message: 'the dialect has no message for this' };
}

/**
 * The session that the next link may recover: one with an offset, of the same client and the same user, and not in use.
 * Not for dialects that greet: the missed packets come first, and the greeting has to.
 */
function sessionToOffer({ newest }: SessionKeeper, dialect: Dialect, { client, credentials }: LinkRequest): Session | undefined {
  if (dialect.traits.greets || newest === undefined || newest.isTaken || newest.offset === undefined) return undefined;
  if (newest.client !== client || newest.owner?.subject !== credentials?.subject) return undefined;
  // without a subject only the same token is surely the same user
  return credentials?.subject !== undefined || newest.owner?.token === credentials?.token ? newest : undefined;
}

/** A token counts as expired a little early, as the server's clock may be ahead of ours. */
const clockSkewMs = 5000;

function isExpired({ credentials, clock }: LinkRequest): boolean {
  return credentials?.expiresAt !== undefined && credentials.expiresAt <= clock.wallNow() + clockSkewMs;
}

/** A UTF-16 unit is one to three bytes of UTF-8, so almost no text has to be encoded to be measured. */
function isLarger(data: unknown, maxBytes: number): boolean {
  if (typeof data === 'string') {
    if (data.length * 3 <= maxBytes) return false;
    return data.length > maxBytes || new TextEncoder().encode(data).byteLength > maxBytes;
  }
  const { byteLength, size } = (data ?? {}) as { readonly byteLength?: number; readonly size?: number };
  return (byteLength ?? size ?? 0) > maxBytes;
}

/** Socket.IO's reasons for a disconnect, as <https://socket.io/docs/v4/client-socket-instance/#disconnect> lists them. */
const disconnectKinds: ReadonlyMap<string, DownCause['kind']> = new Map<string, DownCause['kind']>([
  ['io server disconnect', 'dismissed'],
  ['io client disconnect', 'aborted'],
  ['ping timeout', 'lost'],
  ['transport close', 'lost'],
  ['transport error', 'lost'],
  ['parse error', 'protocol'],
]);

/** Which words of a server mean what, when it gives no status. The first row that fits counts. */
const refusalWords: readonly { readonly kind: SocketIoEnd; readonly words: RegExp; readonly hint: string }[] = [
  {
    kind: 'unsupported',
    words: /^invalid namespace$/i,
    hint: 'The path of the url is the namespace, and the server has none of this name.',
  },
  {
    kind: 'forbidden',
    words: /forbidden|access denied|permission|not allowed/i,
    hint: 'The token was read and is not allowed here.',
  },
  {
    kind: 'unauthorized',
    words: /unauthori[sz]ed|authenticat|credential|\btoken\b|\bjwt\b/i,
    hint: 'Check that the auth provider returns a fresh token for this server.',
  },
];

/** What socket.io-client says itself, and what it means. Anything else is `refused`: the network said no. */
const clientWords: readonly { readonly kind: SocketIoEnd; readonly words: RegExp; readonly hint: string }[] = [
  { kind: 'protocol', words: /^server error$/, hint: 'Something else than a Socket.IO server answered; check the address.' },
  { kind: 'unsupported', words: /v2\.x with a v3\.x client/, hint: 'The server is older than Socket.IO 3.' },
];

/** The codes of a dialect in the words of a link. */
const kindsOfCodes: Partial<Record<RealtimeErrorCode, SocketIoEnd>> = {
  refused: 'refused',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  dismissed: 'dismissed',
  unsupported: 'unsupported',
  protocol: 'protocol',
};

const stickyHint =
  'The requests of one session reached different servers: switch on sticky sessions in the load balancer, or use transports: ["websocket"].';

/** What socket.io-client tells of a failed low-level transport. */
interface EngineFailure {
  readonly type?: string;
  /** The HTTP status when polling, the error event of a WebSocket. */
  readonly description?: unknown;
  /** The XMLHttpRequest when polling, the close event of a WebSocket. */
  readonly context?: unknown;
}

/** The table for a link that was not let in. */
function refusalCause(error: Error, settings: Settings, request: LinkRequest): DownCause {
  const { data } = error as { data?: unknown };
  if ((error as EngineFailure).type === 'TransportError') return engineCause(error, settings, request);
  const row = clientWords.find(({ words }) => words.test(error.message));
  if (row !== undefined)
    return causeOf(row.kind, settings, `Socket.IO could not connect: ${error.message}`, {
      hint: row.hint,
      native: error.message,
    });
  if (data === undefined && error.message === 'timeout')
    return causeOf('refused', settings, 'the Socket.IO handshake got no answer in time', {});
  return serverCause(error, (data ?? {}) as Record<string, unknown>, settings, request);
}

/** A middleware of the server said no: by the status in its data, else by its words. */
function serverCause(error: Error, data: Record<string, unknown>, settings: Settings, request: LinkRequest): DownCause {
  const code = data['code'] ?? data['status'] ?? data['statusCode'];
  const native = typeof code === 'number' || typeof code === 'string' ? code : error.message;
  const message = `the server refused the connection: ${error.message}`;
  const retryAfterMs = typeof data['retryAfterMs'] === 'number' && data['retryAfterMs'] >= 0 ? data['retryAfterMs'] : undefined;
  const details = { cause: error, native, retryAfterMs };
  const own = settings.dialect.closing?.(native, error.message);
  if (own !== undefined) return causeOf(kindsOfCodes[own] ?? 'refused', settings, message, { ...details, code: own });
  const byStatus = answered(Number(code), undefined, settings, request);
  if (byStatus !== undefined && byStatus.kind !== 'aborted')
    return causeOf(byStatus.kind, settings, message, { ...details, hint: byStatus.error.hint });
  const row = refusalWords.find(({ words }) => words.test(error.message) || words.test(String(code)));
  return causeOf(row?.kind ?? 'refused', settings, message, { ...details, hint: row?.hint });
}

/** A low-level transport failed, the last one of the list. */
function engineCause(error: Error, settings: Settings, request: LinkRequest): DownCause {
  const { description, context } = error as EngineFailure;
  if (isSessionUnknown(context)) {
    return causeOf('refused', settings, 'the server does not know the session: Session ID unknown', {
      hint: stickyHint,
      native: error.message,
    });
  }
  // a status over WebSocket is the word of whatever refused the upgrade, and no browser shows it
  const byStatus = typeof description === 'number' ? answered(description, context, settings, request) : undefined;
  const hint = 'The server may be down or unreachable, or its CORS rules do not allow this page.';
  return (
    byStatus ??
    causeOf('refused', settings, `Socket.IO could not connect: ${error.message}`, {
      hint,
      native: error.message,
      cause: innerError(description),
    })
  );
}

/** The table of HTTP statuses, for a number that is one. */
function answered(status: number, context: unknown, { name }: Settings, { clock }: LinkRequest): DownCause | undefined {
  // a Response takes no status above 599
  if (!Number.isInteger(status) || status < 300 || status > 599) return undefined;
  const xhr = context as { getResponseHeader?(name: string): string | null } | undefined;
  const retryAfter = xhr?.getResponseHeader?.('retry-after');
  const response = new Response(null, { status, headers: typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {} });
  return statusCause('the Socket.IO handshake', name, response, clock);
}

/** The table for a link that ended after it was let in, or while it waited for that. */
function disconnectCause(
  reason: string,
  details: unknown,
  { settings, wasUp, hasExpired }: { settings: Settings; wasUp: boolean; hasExpired: boolean },
): DownCause {
  const { description, context } = (details ?? {}) as EngineFailure;
  const cause = innerError(description);
  const message = `the Socket.IO link ended: ${reason}`;
  // RFC 6455 section 7.4.1: 1009 is a message that is too big
  if ((context as { code?: unknown } | undefined)?.code === 1009) {
    const hint = 'A message was over the maxHttpBufferSize of the server.';
    return causeOf('protocol', settings, message, { code: 'too-large', hint, native: 1009, cause });
  }
  const chosen = settings.disconnects.get(reason);
  const code = chosen === undefined ? settings.dialect.closing?.(reason, '') : undefined;
  let kind = chosen ?? (code === undefined ? (disconnectKinds.get(reason) ?? 'lost') : (kindsOfCodes[code] ?? 'lost'));
  if (kind === 'aborted') return { kind };
  const isByTable = chosen === undefined && code === undefined;
  if (isByTable && kind === 'dismissed' && hasExpired) kind = 'unauthorized';
  // a link that never came up was not let in
  if (kind === 'lost' && !wasUp) kind = 'refused';
  return causeOf(kind, settings, message, {
    code,
    hint: isSessionUnknown(context) ? stickyHint : undefined,
    native: reason,
    cause,
  });
}

function causeOf(
  kind: SocketIoEnd,
  { name }: Settings,
  message: string,
  { retryAfterMs, code, ...details }: RealtimeErrorDetails & { retryAfterMs?: number; code?: RealtimeErrorCode },
): DownCause {
  const error = new RealtimeError(code ?? (kind === 'lost' ? 'connection-lost' : kind), message, { ...details, transport: name });
  if (kind !== 'lost' && kind !== 'refused') return { kind, error };
  return retryAfterMs === undefined
    ? { kind, error }
    : { kind, error, retryAfterMs: Math.min(retryAfterMs, longestRetryAfterMs) };
}

/** Engine.IO answers a request with an unknown session id by status 400 and `{"code":1}`. */
function isSessionUnknown(context: unknown): boolean {
  const { responseText } = (context ?? {}) as { responseText?: unknown };
  return typeof responseText === 'string' && responseText.includes('Session ID unknown');
}

/** The error underneath an error event. The event itself leads to the request, and that to headers and addresses. */
function innerError(description: unknown): Error | undefined {
  const { error } = (description ?? {}) as { error?: unknown };
  return error instanceof Error ? error : undefined;
}

const knownTransports: ReadonlySet<string> = new Set(['websocket', 'polling', 'webtransport']);

function readSettings(options: SocketIoOptions): Settings {
  const {
    name = 'socket-io',
    path,
    transports = ['websocket', 'polling'],
    ackTimeoutMs = 10_000,
    maxMessageBytes = 1_048_576,
  } = options;
  const url = String(options.url ?? '');
  const [scheme] = /^[a-z][a-z0-9+.-]*(?=:\/\/)/i.exec(url) ?? ['https'];
  if (url === '' || !/^(https?|wss?)$/i.test(scheme))
    throw invalid('url must be an http, https, ws or wss address, or a namespace of this origin');
  if (name === '') throw invalid('name must not be empty');
  if (transports.length === 0 || transports.some((transport) => !knownTransports.has(transport))) {
    throw invalid(`transports must list some of ${[...knownTransports].join(', ')}`);
  }
  if (!(ackTimeoutMs > 0)) throw invalid('ackTimeoutMs must be a number of milliseconds above 0');
  if (!(maxMessageBytes > 0)) throw invalid('maxMessageBytes must be a number of bytes above 0');
  return {
    url,
    path,
    name,
    transports,
    ackTimeoutMs,
    maxMessageBytes,
    dialect: options.dialect ?? keepwireDialect,
    auth: options.auth ?? ((request) => ({ token: request.credentials?.token })),
    disconnects: new Map(Object.entries(options.disconnects ?? {})),
    options: options.options ?? {},
    io: options.io ?? socketIoClient,
  };
}

function invalid(why: string): RealtimeError {
  return new RealtimeError('invalid-option', `the options of socketIo are wrong: ${why}`);
}
