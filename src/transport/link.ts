import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Dialect, Greeting, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, JoinFrame, ServerFrame } from '../protocol/frame.ts';
import type { DownCause, Link, LinkInfo, LinkRequest, LinkSink } from './transport.ts';

/**
 * The half of a link that is the same for every adapter: the order of the calls, the greeting, the translation. An
 * adapter opens one gate per link, tells it what its carrier does, and frees the carrier when {@link LinkGate.signal}
 * fires.
 */
export interface LinkGate {
  /** The name of the transport. */
  readonly transport: string;
  /** Fires when the link is over, from whichever side: free everything then. */
  readonly signal: AbortSignal;
  /** The token and the joins of this moment. */
  greeting(): Greeting;
  /** The carrier is open. The link comes up, or waits for the server's greeting. */
  opened(info?: Partial<LinkInfo>): void;
  /** One message arrived. */
  receive(data: unknown, event?: string, id?: string): void;
  /** Several frames arrived that are translated already; the cursor is the stream's last id after them. */
  deliver(frames: readonly ServerFrame[], cursor?: string): void;
  /** Something arrived that has no content. */
  alive(): void;
  /** The link is over. The first call counts, later ones do nothing. */
  down(cause: DownCause): void;
  /**
   * The sending half: it refuses before up and after down.
   *
   * @param transmit - sends the frames in order and answers with the receipts of those that have an id
   */
  link(transmit: (frames: readonly ClientFrame[]) => Promise<readonly Receipt[]>): Link;
}

/** What a dialect does with the data of one message; adapters with a batch format of their own call it themselves. */
export function decodeMessage(dialect: Dialect, data: unknown, event?: string, id?: string): readonly ServerFrame[] {
  try {
    return dialect.decode(data, event, id);
  } catch (cause) {
    const message = RealtimeError.is(cause) ? cause.message : `a message could not be read by the ${dialect.name} dialect`;
    return [{ kind: 'garbled', message, cause }];
  }
}

/** Opens the gate for one link; see {@link LinkGate}. */
export function openGate(transport: string, dialect: Dialect, request: LinkRequest, sink: LinkSink): LinkGate {
  const over = new AbortController();
  const carried = dialect.traits.joinsInHello ? [...request.channels.keys()] : [];
  let phase: 'opening' | 'greeting' | 'up' | 'down' = 'opening';
  let openInfo: Partial<LinkInfo> = {};
  /** True while `connect` has not returned: the sink must not be called before it has. */
  let inConnect = true;
  queueMicrotask(() => {
    inConnect = false;
  });
  let forget = (): void => {};
  // it may have fired already, and then calls back at once
  forget = onAbort(request.signal, () => down({ kind: 'aborted' }));

  return {
    transport,
    signal: over.signal,
    greeting: () => greetingOf(request),
    opened(info = {}) {
      if (phase !== 'opening') return;
      openInfo = info;
      phase = 'greeting';
      if (!dialect.traits.greets) up({});
    },
    receive(data, event, id) {
      deliver(decodeMessage(dialect, data, event, id), id);
    },
    deliver,
    alive() {
      if (isUp()) sink.alive();
    },
    down,
    link: (transmit) => ({
      async send(frames) {
        if (!isUp()) {
          throw new RealtimeError('closed', `sending over ${transport} failed: the link is not up`, { transport });
        }
        const receipts = withUnsendable(frames, await transmit(frames));
        if (isUp()) confirmJoins(frames.flatMap((frame) => (frame.kind === 'join' ? [frame.channel] : [])));
        return receipts;
      },
    }),
  };

  function isUp(): boolean {
    return phase === 'up';
  }

  function up(info: Partial<LinkInfo>): void {
    phase = 'up';
    const upInfo: LinkInfo = { joining: carried, greeted: false, ...openInfo, ...info };
    sink.up(upInfo);
    // the sink may have ended the link while it came up
    if (isUp()) confirmJoins(upInfo.joining);
  }

  /** For servers that do not answer joins, a join counts as done when it was sent. */
  function confirmJoins(channels: readonly string[]): void {
    if (dialect.traits.answersJoins || channels.length === 0) return;
    sink.frames(channels.map((channel) => ({ kind: 'joined', channel })));
  }

  function deliver(frames: readonly ServerFrame[], cursor?: string): void {
    const rest = phase === 'up' ? frames : greeted(frames);
    if (!isUp()) return;
    if (rest.length > 0 || cursor !== undefined) sink.frames(rest, cursor);
    else sink.alive();
  }

  /** The first frames of a link whose server greets: the welcome brings it up, anything else ends it. */
  function greeted(frames: readonly ServerFrame[]): readonly ServerFrame[] {
    const first = frames[0];
    if (phase === 'down' || first === undefined) return [];
    if (first.kind === 'welcome') {
      up({ session: first.session, heartbeatMs: first.heartbeatMs, user: first.user, greeted: true });
      return frames.slice(1);
    }
    const refusal = frames.find((frame) => frame.kind === 'auth' && frame.status !== 'accepted');
    down(refusal === undefined ? notGreeted(transport, dialect, first) : unauthorized(transport, refusal));
    return [];
  }

  function down(cause: DownCause): void {
    if (phase === 'down') return;
    phase = 'down';
    forget();
    over.abort();
    if (inConnect) queueMicrotask(() => sink.down(cause));
    else sink.down(cause);
  }
}

/** `sent` for each frame that has an id: it left, and no more is known. */
export function sentReceipts(frames: readonly ClientFrame[]): Receipt[] {
  return frames.flatMap((frame) => (frame.kind === 'publish' ? [{ id: frame.id, status: 'sent' }] : []));
}

/** A send for which the dialect has no message is refused: nobody would ever answer it. */
function withUnsendable(frames: readonly ClientFrame[], receipts: readonly Receipt[]): readonly Receipt[] {
  const sent = sentReceipts(frames);
  if (sent.length === receipts.length) return receipts;
  const known = new Map(receipts.map((receipt) => [receipt.id, receipt]));
  const message = 'the dialect has no message for this';
  return sent.map(({ id }) => known.get(id) ?? { id, status: 'rejected', code: 'unsupported', message });
}

/** The token, the joins and the name of this client, as they are at this moment. */
export function greetingOf(request: LinkRequest, waitMs?: number): Greeting {
  return { token: request.credentials?.token, client: request.client, joins: joinFrames(request), waitMs };
}

/** The channels of a request as join frames, with the positions of this moment. */
function joinFrames(request: Pick<LinkRequest, 'channels'>): JoinFrame[] {
  const joins: JoinFrame[] = [];
  for (const [channel, position] of request.channels) {
    if (position === undefined) joins.push({ kind: 'join', channel });
    else if (typeof position === 'string') joins.push({ kind: 'join', channel, cursor: position });
    else joins.push({ kind: 'join', channel, epoch: position.epoch, offset: position.offset });
  }
  return joins;
}

function unauthorized(transport: string, frame: ServerFrame): DownCause {
  const said = frame.kind === 'auth' && frame.message !== undefined ? `: ${frame.message}` : '';
  const error = new RealtimeError('unauthorized', `the server refused the token${said}`, {
    transport,
    hint: 'Check that the auth provider returns a fresh token for this server.',
  });
  return { kind: 'unauthorized', error };
}

function notGreeted(transport: string, dialect: Dialect, first: ServerFrame): DownCause {
  const error = new RealtimeError(
    'protocol',
    `the server's first message on ${transport} was not a greeting of the ${dialect.name} dialect`,
    {
      transport,
      hint: 'Check the address, and that the dialect is the one that this server speaks.',
      cause: first.kind === 'garbled' ? first.cause : undefined,
    },
  );
  return { kind: 'protocol', error };
}
