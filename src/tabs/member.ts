import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import type { LinkGate } from '../transport/link.ts';
import type { LostLink } from '../transport/transport.ts';
import { createSeat } from './seat.ts';
import { readFrames, readInfo, readReceipts, type TabMessage } from './wire.ts';

/** The follower's part: one virtual link that looks for a leader and then goes by way of it. */
export interface Member {
  /** Something came from another tab. */
  take(message: TabMessage): void;
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /** It follows a leader; before that it looks for one. */
  readonly isFollowing: boolean;
  /** The leader is no longer there. */
  lost(message: string, details?: LostDetails): void;
  /** It is none any more: the link leads, or goes alone. */
  stop(): void;
}

/** When to come back; by default at once. */
type LostDetails = Pick<LostLink, 'handover' | 'retryAfterMs' | 'spreadMs'>;

/** What a member needs from around it. */
export interface MemberParts {
  readonly id: string;
  readonly clock: Clock;
  /** The id of the stream as a whole from which to go on. */
  readonly cursor: string | undefined;
  readonly post: (message: TabMessage) => void;
  /** The leader says nothing: it is frozen, or it hangs. */
  readonly leaderSilent: () => void;
  /** The leader cannot serve this link. */
  readonly alone: () => void;
  /** A leader has been found: the link is about to come up. */
  readonly following: () => void;
}

/** The leader is asked this often, in milliseconds. It answers from a message event, which no browser delays as it does timers. */
const pingMs = 700;
/** After so long without an answer it counts as frozen: 2.4 seconds. */
const longestSilenceMs = 2_400;
/** More than that never counts between two questions: it is this tab that has slept. Hidden tabs ask once a second. */
const longestTickMs = 1_000;
/** What went wrong with the message itself; anything else is a loss of the connection. */
const sendCodes = ['too-large', 'unsupported', 'invalid-payload'] as const;

/** Starts to look for a leader; everything ends with the gate of the link. */
export function createMember(gate: LinkGate, parts: MemberParts): Member {
  const { id, clock, post } = parts;
  const seat = createSeat();
  const waiting = new Map<number, { resolve(receipts: readonly Receipt[]): void; reject(error: RealtimeError): void }>();
  let leader: string | undefined;
  let isStopped = false;
  /** How long the leader has said nothing. */
  let silentMs = 0;
  let tickedMs = clock.now();
  let heard = 0;
  let serial = 0;
  let cancelTick = (): void => {};
  onAbort(gate.signal, () => {
    if (leader !== undefined) post({ kind: 'gone', from: id, to: leader });
    stop();
    for (const { reject } of waiting.values()) reject(cutOff());
  });
  tick();

  return {
    get isFollowing() {
      return leader !== undefined;
    },
    take(message) {
      if (isStopped || ('to' in message && message.to !== undefined && message.to !== id)) return;
      if (leader === undefined) seek(message);
      else if (message.kind === 'lead') lost('another tab leads now');
      else if (message.from === leader) follow(message);
    },
    send(frames) {
      // a token stays in its tab: the leader has one of its own
      const batch = frames.filter(({ kind }) => kind !== 'authenticate');
      if (leader === undefined || !batch.length) return Promise.resolve([]);
      const to = leader;
      seat.sent(batch);
      return new Promise((resolve, reject) => {
        waiting.set(++serial, { resolve, reject });
        post({ kind: 'send', from: id, to, serial, text: JSON.stringify(batch) });
      });
    },
    lost,
    stop,
  };

  function tick(): void {
    silentMs += Math.min(clock.now() - tickedMs, longestTickMs);
    tickedMs = clock.now();
    if (silentMs >= longestSilenceMs) {
      silentMs = 0;
      parts.leaderSilent();
    }
    if (isStopped) return;
    post(leader === undefined ? { kind: 'hello', from: id, cursor: parts.cursor } : { kind: 'ping', from: id, to: leader });
    cancelTick = clock.schedule(tick, pingMs);
  }

  function stop(): void {
    isStopped = true;
    cancelTick();
  }

  function seek(message: TabMessage): void {
    const { kind, from } = message;
    if (kind === 'open') post({ kind: 'hello', from: id, cursor: parts.cursor });
    else if (kind === 'alone') parts.alone();
    else if (kind === 'welcome') {
      leader = from;
      parts.following();
      gate.opened(readInfo(message.info));
    } else if (kind !== 'wait' && kind !== 'lead') return;
    silentMs = 0;
  }

  function follow(message: TabMessage): void {
    silentMs = 0;
    switch (message.kind) {
      case 'frames': {
        const batch = seat.hear(readFrames(message.batch), message.to !== undefined);
        if (batch.length || message.cursor !== undefined) gate.deliver(batch, message.cursor);
        return;
      }
      case 'pong':
        if (message.heard !== heard) gate.alive();
        heard = message.heard;
        return;
      case 'sent':
        return sent(message.serial, readReceipts(message.receipts), message.code);
      case 'bye':
        return lost('the tab that leads has lost its connection, or is closed', message);
      default:
    }
  }

  function sent(number: number, receipts: readonly Receipt[] | undefined, native: string | undefined): void {
    const send = waiting.get(number);
    waiting.delete(number);
    const code = sendCodes.find((known) => known === native);
    if (receipts) send?.resolve(receipts);
    else
      send?.reject(code ? new RealtimeError(code, 'the leading tab could not send it', { transport: gate.transport }) : cutOff());
  }

  function lost(message: string, { handover, retryAfterMs, spreadMs }: LostDetails = { handover: true }): void {
    const { transport } = gate;
    const error = new RealtimeError('connection-lost', message, { transport });
    gate.down({ kind: 'lost', error, handover, retryAfterMs, spreadMs });
  }

  function cutOff(): RealtimeError {
    const { transport } = gate;
    return new RealtimeError('connection-lost', `a send over ${transport} by way of another tab was cut off`, { transport });
  }
}
