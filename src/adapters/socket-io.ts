import { type ManagerOptions, type Socket, type SocketOptions, io as socketIoClient } from 'socket.io-client';
import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { warnIfPlain } from '../platform/report.ts';
import { aFunction, anObject, aText, checkOptions, isObject, type OptionRules, overZero } from '../platform/rules.ts';
import type { Dialect, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import type { CauseKind } from '../transport/cause.ts';
import { type PerAttempt, perAttempt } from '../transport/http.ts';
import { type LinkGate, openGate } from '../transport/link.ts';
import { aDialect, isMeaning, somePosts } from '../transport/options.ts';
import type { HttpPosts } from '../transport/posts.ts';
import { isLarger } from '../transport/size.ts';
import type { DownCause, LinkRequest, Transport } from '../transport/transport.ts';
import { type CauseReader, createCauseReader } from './socket-io-causes.ts';
import { createSocketKeeper, type HeldSocket, type SocketKeeper } from './socket-io-keeper.ts';
import { createSender, type SocketSender } from './socket-io-sender.ts';

/** Makes a Socket: the `io` of socket.io-client, or one that behaves like it. */
export type SocketIoFactory = (url: string, options: Partial<ManagerOptions & SocketOptions>) => Socket;

/** What a link can end with when a server says no; see {@link DownCause}. */
export type SocketIoEnd = CauseKind;

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
  /** Sends by REST what the dialect gives a path, for servers that take sends that way: `httpPosts` of `keepwire/posts`. */
  readonly posts?: HttpPosts;
}

const knownTransports: readonly unknown[] = ['websocket', 'polling', 'webtransport'];

const rules: OptionRules<SocketIoOptions> = {
  url: ['an http, https, ws or wss address, or a namespace of this origin', isAddress, true],
  path: aText,
  dialect: aDialect,
  name: aText,
  transports: [
    `a list of some of ${knownTransports.join(', ')}`,
    (list) => Array.isArray(list) && list.length > 0 && list.every((each) => knownTransports.includes(each)),
  ],
  auth: aFunction,
  ackTimeoutMs: overZero,
  maxMessageBytes: overZero,
  disconnects: ['an object with a cause for each reason', (value) => isMeaning(value, /./)],
  options: anObject,
  io: aFunction,
  posts: somePosts,
};

/** The options with everything filled in. */
interface Settings extends Required<Omit<SocketIoOptions, 'url' | 'path' | 'disconnects' | 'posts'>> {
  readonly url: string;
  readonly path: string | undefined;
  readonly causes: CauseReader;
}

/**
 * Socket.IO as a transport, by socket.io-client (an optional peer dependency). Reconnecting, buffering and retrying of
 * socket.io-client are off: the connection decides what comes next, and one Socket serves one link after another.
 *
 * That Socket is kept for its connection state recovery, which works where the server has it switched on and the dialect
 * does not greet. A link gets a Socket of its own when the client or the user is another one, when the kept one is in use,
 * or when what it would offer is not the truth. What the server claims is passed on as `LinkInfo.claimsRecovered` and is
 * never believed.
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
  checkOptions('socketIo', options, rules);
  const settings = readSettings(options);
  const { name, dialect } = settings;
  const { traits } = dialect;
  const keeper = createSocketKeeper<Socket>();
  let isWarned = false;
  return {
    name,
    capabilities: {
      send: true,
      // a send by REST has its receipt, and any other has none
      ack: traits.acks && !options.posts ? 'receipt' : 'none',
      honoursIds: traits.honoursIds,
      resume: traits.resume,
      liveness: 'self',
      joining: 'frame',
      reauth: traits.reauth,
    },
    connect(request, sink) {
      if (!isWarned && request.credentials) isWarned = warnIfPlain(settings.url, name);
      const gate = openGate(name, dialect, request, sink);
      if (gate.signal.aborted) return gate.link(async () => []);
      const transmit = startLink(settings, request, gate, keeper);
      return gate.link(options.posts?.beside({ gate, request, dialect, transmit }) ?? transmit);
    },
  };
}

/** Dials, and answers with the sending half. */
function startLink(
  settings: Settings,
  request: LinkRequest,
  gate: LinkGate,
  keeper: SocketKeeper<Socket>,
): SocketSender['transmit'] {
  const { name, dialect, causes, maxMessageBytes } = settings;
  let isOpen = false;
  try {
    const { extraHeaders, query } = settings.options;
    const attempt = { extraHeaders: perAttempt(extraHeaders, request), query: perAttempt(query, request) };
    const held = keeper.take(request, () => makeSocket(settings));
    return dial(held, attempt);
  } catch (cause) {
    const message = `Socket.IO could not be started on ${name}`;
    gate.down({ kind: 'unsupported', error: new RealtimeError('unsupported', message, { cause, transport: name }) });
    return async () => [];
  }

  function dial(held: HeldSocket<Socket>, attempt: Pick<ManagerOptions, 'extraHeaders' | 'query'>): SocketSender['transmit'] {
    const { socket } = held;
    const manager = socket.io;
    const sender = createSender(settings, socket, gate);
    onAbort(gate.signal, free);
    Object.assign(manager.opts, attempt);
    manager.open((error) => {
      if (error === undefined) enter();
      else refuse(error);
    });
    manager.engine.on('packet', noteLife);
    manager.engine.on('close', cutEarly);
    return transmit;

    /** A cut before the handshake of the engine reaches neither outcome of `open`. */
    function cutEarly(): void {
      gate.fail('refused', `the connection of ${name} was cut before it was open`);
    }

    /**
     * Listening begins when the engine is open, which takes a trip to the network. Until then the Manager and the Socket
     * still give out what the engine before had decoded, and finish the calls in which the link before has ended.
     */
    function enter(): void {
      manager.engine.off('close', cutEarly);
      empty(socket);
      manager.on('packet', notePacket);
      socket.on('connect', open);
      socket.on('connect_error', refuse);
      socket.on('disconnect', close);
      socket.onAny(hear);
      socket.auth = giveAuth;
      socket.connect();
    }

    function free(): void {
      manager.off('packet', notePacket);
      // the engine is there only once the dial has begun
      manager.engine?.off('packet', noteLife);
      manager.engine?.off('close', cutEarly);
      socket.off('connect', open);
      socket.off('connect_error', refuse);
      socket.off('disconnect', close);
      socket.offAny(hear);
      socket.auth = {};
      socket.disconnect();
      empty(socket);
      held.isTaken = false;
    }

    /** Called by socket.io-client when the engine is open: the positions are those of this moment. */
    function giveAuth(give: (auth: object) => void): void {
      guarded('the auth option', () => {
        // the token travels once, beside the greeting
        const hello = dialect.hello?.({ ...gate.greeting(), token: undefined });
        give({ ...(hello === undefined ? {} : { hello }), ...settings.auth(request) });
      });
    }

    /** Every packet of Socket.IO, before the Socket reads it; type 0 is CONNECT (Socket.IO protocol, version 5). */
    function notePacket(packet: { readonly type: number; readonly data?: unknown }): void {
      if (packet.type !== 0) return;
      const { pid } = (packet.data ?? {}) as { readonly pid?: unknown };
      // of another session the Socket keeps the offset until a packet brings a new one
      if (held.pid !== undefined && held.pid !== pid) held.isMisleading = true;
      held.pid = typeof pid === 'string' ? pid : undefined;
    }

    /** Every packet of Engine.IO, pings and acknowledgements among them. */
    function noteLife({ data }: { readonly data?: unknown }): void {
      if (!isLarger(data, maxMessageBytes)) return gate.alive();
      const message = `a packet on ${name} is larger than ${maxMessageBytes} bytes`;
      const hint = 'Raise maxMessageBytes, or let the server send less at once.';
      gate.down({ kind: 'protocol', error: new RealtimeError('too-large', message, { hint, transport: name }) });
    }

    function open(): void {
      if (isOpen) return;
      isOpen = true;
      // recovery brings packets before the connect event, where a greeting has to come first
      if (!dialect.traits.greets) keeper.keep(held);
      guarded('the opening of the dialect', () => {
        for (const message of dialect.opening?.(gate.greeting()) ?? []) sender.emit(message);
      });
      gate.opened({ session: socket.id, claimsRecovered: held.pid === undefined ? undefined : socket.recovered });
    }

    function refuse(error: Error): void {
      end(() => causes.refused(error, request));
    }

    function close(reason: string, details?: unknown): void {
      const hasNewToken = held.owner !== request.credentials;
      end(() => causes.ended(reason, details, request, { wasUp: isOpen, hasNewToken }));
    }

    function hear(event: unknown, ...args: unknown[]): void {
      // what a recovered session has missed arrives before the connect event
      if (!isOpen) {
        const { isMisleading } = held;
        // the Socket takes this packet for delivered, also when the link ends as it comes up
        held.isMisleading = true;
        open();
        if (gate.signal.aborted) return;
        held.isMisleading = isMisleading;
      }
      // the server waits for an acknowledgement that nobody gives
      if (typeof args.at(-1) === 'function') args.pop();
      else takeOffset(args);
      gate.receive(args.length <= 1 ? args[0] : args, String(event));
    }

    /**
     * A server with connection state recovery ends the arguments of an event with its offset. Nothing marks it, and
     * socket.io-client leaves it there. A string that is the only argument may be the content of a volatile event, which
     * has no offset, and stays.
     */
    function takeOffset(args: unknown[]): void {
      if (held.pid === undefined || typeof args.at(-1) !== 'string') return;
      held.isMisleading = false;
      if (args.length > 1) args.pop();
    }

    function transmit(frames: readonly ClientFrame[]): Promise<readonly Receipt[]> {
      for (const frame of frames) {
        if (frame.kind === 'authenticate') held.owner = { ...held.owner, token: frame.token };
      }
      return sender.transmit(frames);
    }
  }

  /** Ends the link; the dialect may have a word in the cause, and may fail at it. */
  function end(read: () => DownCause): void {
    let cause: DownCause | undefined;
    guarded('the reading of the end', () => {
      cause = read();
    });
    if (cause !== undefined) gate.down(cause);
  }

  /** Application code runs inside an event of the engine, where an error would have no one to catch it. */
  function guarded(what: string, run: () => void): void {
    try {
      run();
    } catch (cause) {
      const message = `a link over ${name} failed: ${what} threw`;
      gate.down({ kind: 'protocol', error: new RealtimeError('protocol', message, { cause, transport: name }) });
    }
  }
}

/** A Socket with a Manager of its own that does nothing by itself. */
function makeSocket({ url, path, transports, options, io }: Settings): Socket {
  return io(url, {
    path,
    transports: [...transports],
    tryAllTransports: true,
    withCredentials: options.withCredentials ?? false,
    autoConnect: false,
    forceNew: true,
    reconnection: false,
  });
}

/** Empties the buffers in place, as the Socket may be going through them. */
function empty({ receiveBuffer, sendBuffer }: Socket): void {
  receiveBuffer.length = 0;
  sendBuffer.length = 0;
}

function readSettings(options: SocketIoOptions): Settings {
  const {
    name = 'socket-io',
    path,
    dialect = keepwireDialect,
    transports = ['websocket', 'polling'],
    ackTimeoutMs = 10_000,
    maxMessageBytes = 1_048_576,
  } = options;
  return {
    url: String(options.url),
    path,
    name,
    transports,
    ackTimeoutMs,
    maxMessageBytes,
    dialect,
    auth: options.auth ?? ((request) => ({ token: request.credentials?.token })),
    causes: createCauseReader(name, dialect, options.disconnects ?? {}),
    options: options.options ?? {},
    io: options.io ?? socketIoClient,
  };
}

function isAddress(url: unknown): boolean {
  if (!isObject(url) && typeof url !== 'string') return false;
  const [scheme] = /^[a-z][a-z0-9+.-]*(?=:\/\/)/i.exec(String(url)) ?? ['https'];
  return url !== '' && /^(https?|wss?)$/i.test(scheme);
}
