import { systemFetch, systemWebSocket } from '../platform/fetch.ts';

/** What went through a {@link ByteMeter}: the size of messages and bodies, without the headers and the compression of the carrier. */
export interface ByteCount {
  /** Bytes that arrived. */
  readonly received: number;
  /** Bytes that left. */
  readonly sent: number;
}

/** Counts bytes at the door of the platform: give its `fetch` and its `WebSocket` to the adapters. */
export interface ByteMeter {
  /** For `sse` and `longPoll`. */
  readonly fetch: typeof globalThis.fetch;
  /** For `websocket`. */
  readonly WebSocket: typeof globalThis.WebSocket;
  /** What went through until now. */
  read(): ByteCount;
}

/** What a {@link byteMeter} counts, where that is not the platform's own. */
export interface ByteMeterOptions {
  /** @defaultValue the platform's `fetch` */
  readonly fetch?: typeof globalThis.fetch;
  /** @defaultValue the platform's `WebSocket` */
  readonly WebSocket?: typeof globalThis.WebSocket;
}

/**
 * Makes a {@link ByteMeter}. Adapters do not count, as most of them never see bytes; whoever wants to know gives them a
 * counted door. Socket.IO makes its own connections, so it is not counted.
 *
 * @example
 * ```ts
 * const bytes = byteMeter();
 * const watch = monitor({ bytes });
 * const realtime = createRealtime({
 *   transports: [websocket({ url: '/realtime', WebSocket: bytes.WebSocket }), sse({ url: '/realtime/sse', fetch: bytes.fetch })],
 *   probe: watch,
 * });
 * ```
 */
export function byteMeter(options: ByteMeterOptions = {}): ByteMeter {
  let received = 0;
  let sent = 0;

  const fetch: typeof globalThis.fetch = async (input, init) => {
    const inner = options.fetch ?? systemFetch();
    if (inner === undefined) throw new TypeError('there is no fetch on this platform');
    sent += sizeOf(init?.body);
    const response = await inner(input, init);
    if (response.body === null) return response;
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        received += chunk.byteLength;
        controller.enqueue(chunk);
      },
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
  };

  /** Called with `new`: what it answers is the socket itself, so that nobody sees a difference. */
  function CountedWebSocket(url: string | URL, protocols?: string | string[]): WebSocket {
    const Socket = options.WebSocket ?? systemWebSocket();
    if (Socket === undefined) throw new TypeError('there is no WebSocket on this platform');
    const socket = new Socket(url, protocols);
    socket.addEventListener('message', ({ data }) => {
      received += sizeOf(data);
    });
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      sent += sizeOf(data);
      send(data);
    };
    return socket;
  }

  return {
    fetch,
    WebSocket: CountedWebSocket as unknown as typeof globalThis.WebSocket,
    read: () => ({ received, sent }),
  };
}

/** The bytes of a text as UTF-8, or of a buffer; what is neither counts as nothing. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return utf8Length(data);
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data.byteLength;
  return data instanceof Blob ? data.size : 0;
}

/** Counts without encoding: nothing is made for each message. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) bytes += 1;
    // each half of a surrogate pair has 2 of its 4 bytes
    if (unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff)) bytes += 1;
  }
  return bytes;
}
