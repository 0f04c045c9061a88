import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Dialect, Greeting, Receipt } from '../protocol/dialect.ts';
import { type ClientFrame, type GarbledFrame, joinFrame, type ServerFrame } from '../protocol/frame.ts';
import { receiptsFor } from '../protocol/receipts.ts';
import { type CauseKind, type DownDetails, downCause } from './cause.ts';
import { cleanError, cleanFrames, cleanReceipt, withoutContent } from './secret.ts';
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
  /** The same for a cause that is still to be made: its error names the transport. */
  fail(kind: CauseKind, message: string, details?: DownDetails): void;
  /**
   * The sending half: it refuses before up and after down.
   *
   * @param transmit - sends the frames in order and answers with the receipts of those that have an id; with `undefined`
   * when the carrier takes no more
   */
  link(transmit: Transmit): Link;
}

/** Sends frames in order; see {@link LinkGate.link}. */
export type Transmit = (frames: readonly ClientFrame[]) => Promise<readonly Receipt[] | undefined>;

/** What a dialect does with the data of one message; adapters with a batch format of their own call it themselves. */
export function decodeMessage(
  dialect: Dialect,
  data: unknown,
  event?: string,
  id?: string,
  channel?: string,
): readonly ServerFrame[] {
  try {
    return dialect.decode(data, event, id, channel);
  } catch (cause) {
    const message = RealtimeError.is(cause) ? cause.message : `a message could not be read by the ${dialect.name} dialect`;
    return [{ kind: 'garbled', message, cause: withoutContent(cause) }];
  }
}

/**
 * Opens the gate for one link; see {@link LinkGate}.
 *
 * @param answersJoins - joins are answered by frames; else one counts as done when it was sent
 */
export function openGate(
  transport: string,
  dialect: Dialect,
  request: LinkRequest,
  sink: LinkSink,
  answersJoins: boolean = dialect.traits.answersJoins,
): LinkGate {
  const over = new AbortController();
  const carried = dialect.traits.joinsInHello ? [...request.channels.keys()] : [];
  let phase: 'opening' | 'up' | 'down' = 'opening';
  let openInfo: Partial<LinkInfo> = {};
  /** The token of now: a server may quote it in its words. */
  let secret = request.credentials?.token;
  /** True while `connect` has not returned: the sink must not be called before it has. */
  let inConnect = true;
  queueMicrotask(() => {
    inConnect = false;
  });
  const forget = onAbort(request.signal, () => down({ kind: 'aborted' }));
  onAbort(over.signal, forget);

  return {
    transport,
    signal: over.signal,
    greeting: () => greetingOf(request),
    opened(info = {}) {
      if (phase !== 'opening') return;
      openInfo = info;
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
    fail,
    link: (transmit) => ({
      async send(frames) {
        for (const frame of frames) if (frame.kind === 'authenticate') secret = frame.token;
        const receipts = isUp() && (await written(transmit, frames));
        if (!receipts) throw new RealtimeError('closed', `${transport} is not up`, { transport });
        if (isUp()) confirmJoins(frames.flatMap((frame) => (frame.kind === 'join' ? [frame.channel] : [])));
        // nobody would ever answer a send for which the dialect has no message
        const clean = receipts.map((receipt) => cleanReceipt(receipt, secret));
        return receiptsFor(frames, clean, unsendable);
      },
    }),
  };

  /** What the dialect cannot write would fail again over any link, so it is no loss of this one. */
  async function written(transmit: Transmit, frames: readonly ClientFrame[]): Promise<readonly Receipt[] | undefined> {
    try {
      return await transmit(frames);
    } catch (cause) {
      throw RealtimeError.from(
        cause,
        'invalid-payload',
        `a send over ${transport} failed: the ${dialect.name} dialect cannot write it`,
      );
    }
  }

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
    if (answersJoins || channels.length === 0) return;
    sink.frames(channels.map((channel) => ({ kind: 'joined', channel })));
  }

  function deliver(heard: readonly ServerFrame[], cursor?: string): void {
    const frames = cleanFrames(heard, secret);
    if (phase === 'up' && frames.length > 0) return sink.frames(frames, cursor);
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
      const { session, heartbeatMs, spreadMs, user } = first;
      up({ session, heartbeatMs, spreadMs, user, greeted: true });
      return frames.slice(1);
    }
    const refusal = frames.find((frame) => frame.kind === 'auth');
    const { message = first.kind, cause } = first as Partial<GarbledFrame>;
    if (refusal && refusal.status !== 'accepted')
      fail('unauthorized', `the server refused the token: ${refusal.message ?? refusal.status}`);
    else fail('protocol', `the server did not begin with a greeting: ${message}`, { cause });
    return [];
  }

  function fail(kind: CauseKind, message: string, details?: DownDetails): void {
    down(downCause(kind, message, { transport, ...details }));
  }

  function down(cause: DownCause): void {
    if (phase === 'down') return;
    phase = 'down';
    over.abort();
    const told = cause.kind === 'aborted' ? cause : { ...cause, error: cleanError(cause.error, secret) };
    if (inConnect) queueMicrotask(() => sink.down(told));
    else sink.down(told);
  }
}

const unsendable = {
  status: 'rejected',
  code: 'unsupported',
  message: 'the dialect has no message for this on this transport',
} as const;

/** `sent` for each frame that has an id: it left, and no more is known. */
export function sentReceipts(frames: readonly ClientFrame[]): readonly Receipt[] {
  return receiptsFor(frames, [], { status: 'sent' });
}

/** The token, the joins and the name of this client, as they are at this moment. */
export function greetingOf(request: LinkRequest, waitMs?: number): Greeting {
  const joins = [...request.channels].map(([channel, position]) => joinFrame(channel, position));
  return { token: request.credentials?.token, client: request.client, joins, waitMs };
}
