import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { aText, checkOptions, madeBy, type OptionRules } from '../platform/rules.ts';
import type { Greeting, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, ServerFrame } from '../protocol/frame.ts';
import { keepwireDialect } from '../protocol/keepwire.ts';
import { openGate, sentReceipts } from '../transport/link.ts';
import type { Capabilities, DownCause, Transport } from '../transport/transport.ts';

/** What a {@link MemoryServer} holds of one client: the server's end of the wire. */
export interface MemoryClient {
  /** Fires when the link is over, from whichever side. */
  readonly signal: AbortSignal;
  /**
   * Called with the frames of one send, in order. What it answers becomes the receipts of that send; with no answer the
   * frames count as sent, and `ack` and `reject` frames may tell the rest. Without a handler nothing is answered.
   */
  onframes: ((frames: readonly ClientFrame[]) => readonly Receipt[] | Promise<readonly Receipt[]> | undefined) | undefined;
  /** Sends frames. The first of a link must be a `welcome`. After the end it does nothing. */
  send(frames: readonly ServerFrame[]): void;
  /**
   * Ends the link, after all that was sent before. Before the `welcome` this turns the client away.
   *
   * @param cause - what the client is told; by default that the link is `lost`
   */
  close(cause?: Exclude<DownCause, { kind: 'aborted' }>): void;
}

/** A server in the same process. */
export interface MemoryServer {
  /**
   * What it can do, where that is not the default: sends are answered by the receipts of {@link MemoryClient.onframes},
   * channels are joined by frames and replayed one by one, the end of a link is always noticed, and a new token needs a
   * new link. A server that says `ack: 'frame'`, `liveness: 'ping'` or `reauth: true` sends `ack`, `pong` or `auth` frames.
   */
  readonly capabilities?: Partial<Capabilities>;
  /**
   * Takes a new client. Send a `welcome` to let it in, close it to turn it away, or do nothing to keep it waiting. When
   * it throws, the client is told `refused`.
   *
   * @param greeting - the token, the channels to join and their positions
   */
  accept(client: MemoryClient, greeting: Greeting): void;
}

/** The options of {@link memory}. */
export interface MemoryOptions {
  /** The server at the other end. */
  readonly server: MemoryServer;
  /** The name that modes, status and errors use. @defaultValue `'memory'` */
  readonly name?: string;
}

const defaults: Capabilities = {
  send: true,
  ack: 'receipt',
  resume: 'channel',
  liveness: 'self',
  joining: 'frame',
  reauth: false,
};

const rules: OptionRules<MemoryOptions> = {
  server: ['a server with an accept function', madeBy('', 'accept')[1], true],
  name: aText,
};

/**
 * A transport that ends in the same process: for tests, demos and server-side rendering. Frames cross as the values
 * they are, not copied and not serialised, and always in a later microtask, as they would over a network.
 *
 * @example
 * ```ts
 * const server: MemoryServer = {
 *   accept(client, { joins }) {
 *     client.onframes = (frames) => frames.flatMap((f) => (f.kind === 'publish' ? [{ id: f.id, status: 'accepted' }] : []));
 *     client.send([{ kind: 'welcome', version: 1 }, ...joins.map(({ channel }) => ({ kind: 'joined' as const, channel }))]);
 *   },
 * };
 * const transport = memory({ server });
 * ```
 *
 * @throws RealtimeError `invalid-option` when the server has no `accept`
 */
export function memory(options: MemoryOptions): Transport {
  checkOptions('memory', options, rules);
  const { server, name = 'memory' } = options;
  const capabilities: Capabilities = { ...defaults, ...server.capabilities };

  return {
    name,
    capabilities,
    connect(request, sink) {
      const gate = openGate(name, keepwireDialect, request, sink);
      const client: MemoryClient = {
        signal: gate.signal,
        onframes: undefined,
        send: (frames) => queueMicrotask(() => gate.receive(frames)),
        close: (cause = lost(name)) => queueMicrotask(() => gate.down(cause)),
      };
      queueMicrotask(() => {
        if (gate.signal.aborted) return;
        gate.opened();
        try {
          server.accept(client, gate.greeting());
        } catch (cause) {
          const error = new RealtimeError('refused', `the server of ${name} threw while it took a client`, {
            transport: name,
            cause,
          });
          gate.down({ kind: 'refused', error });
        }
      });

      return gate.link(async (frames) => {
        if (!capabilities.send) throw new RealtimeError('unsupported', `${name} cannot send`, { transport: name });
        await Promise.resolve();
        const receipts = await beforeEnd(gate.signal, name, async () => client.onframes?.(frames));
        return receipts ?? sentReceipts(frames);
      });
    },
  };
}

/** What the server answers to a send, unless the link ends first: then nobody knows what became of it. */
function beforeEnd<T>(signal: AbortSignal, transport: string, answer: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void => {
      const message = `a send over ${transport} was cut off`;
      reject(RealtimeError.from(cause, 'connection-lost', message, { transport }));
    };
    const forget = onAbort(signal, () => fail());
    if (!signal.aborted) void answer().then(resolve, fail).finally(forget);
  });
}

function lost(transport: string): Extract<DownCause, { kind: 'lost' }> {
  return { kind: 'lost', error: new RealtimeError('connection-lost', 'the server ended the link', { transport }) };
}
