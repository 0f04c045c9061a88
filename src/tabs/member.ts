import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { systemIds } from '../platform/random.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame } from '../protocol/frame.ts';
import type { LinkGate } from '../transport/link.ts';
import type { LinkRequest } from '../transport/transport.ts';
import type { Line } from './line.ts';
import { createSeat } from './seat.ts';
import { readFrames, type TabMessage } from './wire.ts';

/** The follower's part: one virtual link that looks for a leader and then goes by way of it. */
export interface Member {
  /** Something came from another tab. */
  take(message: TabMessage): void;
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /** It follows a leader; before that it looks for one. */
  readonly isFollowing: boolean;
  /** It is none any more: the link leads, or goes alone. */
  stop(): void;
}

/** What a member needs from around it. */
export interface MemberParts {
  readonly request: LinkRequest;
  readonly post: Line['post'];
  /** The leader says nothing: it is frozen, or it hangs. */
  readonly leaderSilent: () => void;
  /** The leader cannot serve this link. */
  readonly alone: () => void;
  /** A leader has been found: the link is about to come up. */
  readonly following: () => void;
}

/** The leader is asked this often, in milliseconds. It answers from a message event, which no browser delays as it does timers. */
const seekMs = 700;
/** After so long without an answer it counts as frozen: 2.4 seconds. */
const longestSilenceMs = 2_400;
/** More than that never counts between two questions: it is this tab that has slept. Hidden tabs ask once a second. */
const longestTickMs = 1_000;
/** What went wrong with the message itself; anything else is a loss of the connection. */
const sendCodes = ['too-large', 'unsupported', 'invalid-payload'] as const;

/** Starts to look for a leader; everything ends with the gate of the link. */
export function createMember(gate: LinkGate, parts: MemberParts): Member {
  const { request, post } = parts;
  const { clock, cursor } = request;
  const { transport } = gate;
  const id = systemIds();
  const seat = createSeat();
  const waiting = new Map<number, { resolve(receipts: readonly Receipt[]): void; reject(error: RealtimeError): void }>();
  /** The link that is followed. */
  let leader: string | undefined;
  /** How long the leader has said nothing. */
  let silentMs = 0;
  let tickedMs = clock.now();
  let heard: number | undefined;
  let serial = 0;
  let cancelTick = (): void => {};
  onAbort(gate.signal, () => {
    if (leader) post({ kind: 'bye', from: id, to: leader });
    cancelTick();
    for (const { reject } of waiting.values()) reject(failed());
  });
  tick();

  return {
    get isFollowing() {
      return leader !== undefined;
    },
    take(message) {
      const { kind, from, to = id } = message;
      if (to !== id) return;
      if (kind === 'lead' || from === leader) silentMs = 0;
      if (kind === 'lead' && from !== leader) seen(message);
      else if (kind === 'bye' && !leader && message.to) parts.alone();
      else if (from === leader) follow(message);
    },
    send(frames) {
      // a token stays in its tab: the leader has one of its own
      const batch = frames.filter(({ kind }) => kind !== 'authenticate');
      seat.sent(batch);
      return new Promise((resolve, reject) => {
        waiting.set(++serial, { resolve, reject });
        post({ kind: 'send', from: id, to: leader ?? '', serial, text: JSON.stringify(batch) });
      });
    },
    stop: () => cancelTick(),
  };

  function tick(): void {
    silentMs += Math.min(clock.now() - tickedMs, longestTickMs);
    tickedMs = clock.now();
    seek();
    cancelTick = clock.schedule(tick, seekMs);
    if (silentMs < longestSilenceMs) return;
    silentMs = 0;
    parts.leaderSilent();
  }

  function seek(): void {
    post({ kind: 'seek', from: id, to: leader, cursor });
  }

  /** There is a leader that is not followed. */
  function seen({ from, to, info, heard: count }: Extract<TabMessage, { kind: 'lead' }>): void {
    if (leader) {
      if (!info) gate.fail('lost', 'another tab leads now', { handover: true });
    } else if (info && to === undefined) {
      // its connection has come up: it has still to take us in
      seek();
    } else if (info) {
      leader = from;
      heard = count;
      parts.following();
      gate.opened({ ...info, joining: [], greeted: info.greeted || Boolean(heard), isRelayed: true });
    }
  }

  function follow(message: TabMessage): void {
    switch (message.kind) {
      case 'frames': {
        const batch = seat.hear(readFrames(message.batch), message.to !== undefined);
        if (batch.length || message.cursor !== undefined) gate.deliver(batch, message.cursor);
        return;
      }
      case 'lead':
        if (message.heard !== heard) gate.alive();
        heard = message.heard;
        return;
      case 'sent': {
        const { serial: number, receipts, code } = message;
        const send = waiting.get(number);
        waiting.delete(number);
        return receipts ? send?.resolve(receipts) : send?.reject(failed(code));
      }
      case 'bye': {
        const { handover, retryAfterMs, spreadMs } = message;
        const details = { handover, retryAfterMs, spreadMs };
        return gate.fail('lost', 'the tab that leads has lost its connection, or is closed', details);
      }
      default:
    }
  }

  function failed(native?: string): RealtimeError {
    const code = sendCodes.find((known) => known === native) ?? 'connection-lost';
    return new RealtimeError(code, `a send over ${transport} by way of another tab failed`, { transport });
  }
}
