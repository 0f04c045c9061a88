import { RealtimeError, type RealtimeErrorCode, type RealtimeErrorDetails } from '../errors.ts';
import type { Dialect, OutboundMessage, Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import { receiptsFor, receiptsOfParts } from '../protocol/receipts.ts';
import { type LinkGate, sentReceipts } from '../transport/link.ts';

/** What emits an event, with an acknowledgement as the last argument if one is wanted. */
interface Emitting {
  emit(event: string, ...args: unknown[]): unknown;
}

/** The part of a Socket that sending needs. */
interface SendingSocket extends Emitting {
  timeout(durationMs: number): Emitting;
  readonly sendBuffer: unknown[];
}

/** The sending half of one link. */
export interface SocketSender {
  /** Sends frames in order; see `LinkGate.link`. */
  transmit(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /**
   * Sends one message without asking for an acknowledgement.
   *
   * @throws RealtimeError `invalid-payload` or `closed`
   */
  emit(message: OutboundMessage): void;
}

/** What a sender has to know. */
interface SenderSettings {
  /** The name that errors use. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly ackTimeoutMs: number;
}

/**
 * Sends by events of a connected Socket; acknowledgements become receipts.
 *
 * @param gate - its signal fires when the link is over; it is told what answers say beside their receipts
 */
export function createSender(
  { name, dialect, ackTimeoutMs }: SenderSettings,
  socket: SendingSocket,
  gate: Pick<LinkGate, 'signal' | 'deliver'>,
): SocketSender {
  return { transmit, emit: (message) => emit(socket, message) };

  async function transmit(frames: readonly ClientFrame[]): Promise<readonly Receipt[]> {
    // a message with a path is for a carrier that sends by HTTP: here it would land in the wrong place
    const messages = dialect.encode(frames).filter(({ path }) => path === undefined);
    return receiptsOfParts(messages.map((message) => ({ frames: message.frames, sent: answered(message) })));
  }

  async function answered(message: OutboundMessage): Promise<readonly Receipt[]> {
    return receiptsFor(message.frames, await send(message), { status: 'sent' });
  }

  async function send(message: OutboundMessage): Promise<readonly Receipt[]> {
    const publishes = message.frames.filter((frame) => frame.kind === 'publish');
    const wantsAnswer = publishes.some((frame) => frame.volatile !== true || frame.reply === true);
    const joins = dialect.answers !== undefined && message.frames.some(({ kind }) => kind === 'join');
    if (!joins && !(dialect.traits.acks && wantsAnswer)) {
      emit(socket, message);
      return sentReceipts(message.frames);
    }
    const answer = await ask(message);
    try {
      if (joins) gate.deliver(dialect.answers?.(answer, message) ?? []);
      return dialect.receipts?.(answer, message) ?? publishes.map(({ id }) => ({ id, status: 'accepted', data: answer }));
    } catch (cause) {
      const what = `the acknowledgement of a send over ${name} could not be read by the ${dialect.name} dialect`;
      throw failure('protocol', what, { cause });
    }
  }

  function ask(message: OutboundMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      emit(socket.timeout(ackTimeoutMs), message, (error: Error | null, ...answer: unknown[]) => {
        if (error === null) resolve(answer.length <= 1 ? answer[0] : answer);
        else reject(unanswered(error));
      });
    });
  }

  function emit(by: Emitting, { event = 'message', data }: OutboundMessage, answered?: (...args: never[]) => void): void {
    const args = data === undefined ? [] : [data];
    try {
      by.emit(event, ...args, ...(answered === undefined ? [] : [answered]));
    } catch (cause) {
      throw failure('invalid-payload', `a send over ${name} failed: Socket.IO cannot encode the event "${event}"`, { cause });
    }
    if (socket.sendBuffer.length === 0) return;
    // the Socket knows already that the link is dead, and kept the packet for the next connect
    socket.sendBuffer.length = 0;
    throw failure('closed', `sending over ${name} failed: the link is not up`);
  }

  function unanswered(cause: Error): RealtimeError {
    if (gate.signal.aborted) return failure('connection-lost', `a send over ${name} was cut off with its link`, { cause });
    const hint = 'It is unknown whether the server applied it. The server must call the acknowledgement of the event.';
    return failure('timeout', `a send over ${name} was not acknowledged within ${ackTimeoutMs} ms`, { cause, hint });
  }

  function failure(code: RealtimeErrorCode, message: string, details: RealtimeErrorDetails = {}): RealtimeError {
    return new RealtimeError(code, message, { ...details, transport: name });
  }
}
