import { createOrder, type Gap } from '../delivery/order.ts';
import { createTurns, type Turns } from '../delivery/turns.ts';
import { RealtimeError } from '../errors.ts';
import { type Bus, createBus } from '../events/bus.ts';
import { type Writable, writable } from '../events/readable.ts';
import type {
  ChannelPosition,
  DeniedFrame,
  EventFrame,
  JoinedFrame,
  LeftFrame,
  Position,
  PresenceFrame,
  PresenceMember,
} from '../protocol/frame.ts';
import type { Validated, Validator } from '../protocol/schema.ts';
import { mergeMembers } from './members.ts';

/** How a channel stands with the server. */
export interface ChannelState {
  /**
   * `joining` until the server has let us in (also while there is no connection), `joined`, `denied` when it will not let
   * us in, `left` when it or we ended it.
   */
  readonly status: 'joining' | 'joined' | 'denied' | 'left';
  /**
   * How sure it is that nothing is missing since the first join: `verified` by positions, only the server's claim, or
   * unknown.
   */
  readonly continuity: 'verified' | 'server-claimed' | 'unknown';
  /** Why the channel was denied or left by the server. */
  readonly error: RealtimeError | undefined;
}

/** The part of a link that a subscription needs to know. */
export interface SourceLink {
  /** A later link has a higher number. */
  readonly id: number;
  /** There was no other link meanwhile, so nothing can have moved the position between a join and its answer. */
  readonly isAlone: boolean;
  /** What its server can replay. */
  readonly resume: 'channel' | 'connection' | 'none';
  /** The stream as a whole is resumed from an id of its own. */
  readonly isStreamResumed: boolean;
}

/** What a subscription tells the outside; everything else stays in it. */
export interface SubscriptionHooks {
  readonly validator: Validator;
  /** What is counted here. */
  readonly metrics: { delivered: number; duplicates: number };
  /** Gets what a handler throws. */
  readonly handlerFailed: (error: unknown, channel: string) => void;
  /** A payload was set aside. */
  readonly invalid: (error: RealtimeError, frame: EventFrame) => void;
  readonly gap: (gap: Gap) => void;
  /** Who watches, if anybody does: what was dropped as a repeat, and how long the handlers of an event took. */
  readonly note?: (
    event: { kind: 'duplicate'; frame: EventFrame } | { kind: 'handled'; frame: EventFrame; durationMs: number },
  ) => void;
  /** The server has answered the join, one way or the other. */
  readonly answered: () => void;
  /** The monotonic clock, in milliseconds. */
  readonly now: () => number;
  /** Something is missing that the server can replay: join again from the position. */
  readonly heal: (channel: string) => void;
}

/** One channel that is wanted, with all its handles: its order, its bus, its state. */
export interface Subscription {
  readonly name: string;
  readonly bus: Bus<Record<string, EventFrame>>;
  readonly state: Writable<ChannelState>;
  readonly members: Writable<readonly PresenceMember[]>;
  readonly position: Position | undefined;
  receive(frame: EventFrame, link: SourceLink): void;
  joined(frame: JoinedFrame, link: SourceLink): void;
  denied(frame: DeniedFrame): void;
  left(frame: LeftFrame): void;
  presence(frame: PresenceFrame): void;
  /** The server tells how far the log reaches. */
  heartbeat(head: ChannelPosition, link: SourceLink): void;
  /** There is no link any more. */
  disconnected(): void;
  /** Nobody wants it any longer. */
  ended(): void;
  /** It is wanted again although the server had not let us in, or had ended it. @returns whether it has to be joined again */
  reopened(): boolean;
  /** Sends of the channel leave in the order of their calls, also when a schema answers later. */
  readonly outgoing: Turns;
}

/** A replay that was asked for and has not begun after this long is given up, so that what arrives is shown: 30 seconds. */
const longestHealMs = 30_000;

/**
 * @param idWindow - how many ids are remembered at least, for servers that give only ids
 */
export function createSubscription(name: string, idWindow: number, hooks: SubscriptionHooks): Subscription {
  const { validator, metrics, note } = hooks;
  const report = (error: unknown): void => hooks.handlerFailed(error, name);
  const bus = createBus<Record<string, EventFrame>>(report);
  const state = writable<ChannelState>({ status: 'joining', continuity: 'unknown', error: undefined }, report);
  const members = writable<readonly PresenceMember[]>([], report);
  const order = createOrder(name, idWindow);
  /** The link whose join answer was the last: holes on older links are healed already. */
  let joinedLink = 0;
  let wasJoined = false;
  let wasDisconnected = false;
  /** A replay is on its way; what does not fit is dropped, since it comes again. */
  let isHealing = false;
  let healingSinceMs = 0;
  /** The position from which the last replay was asked for. */
  let healedInVain: string | undefined;
  /** Order is kept over schemas that answer later. */
  const turns = createTurns();

  function receive(frame: EventFrame, link: SourceLink): void {
    const verdict = order.accept(frame, link.id);
    if (verdict === 'next') check(frame);
    else if (verdict === 'duplicate') {
      metrics.duplicates += 1;
      note?.({ kind: 'duplicate', frame });
    } else if (link.id >= joinedLink && !isReplayAwaited() && !healed(link)) {
      isHealing = false;
      hooks.gap(order.skipTo(frame));
      check(frame);
    }
  }

  function isReplayAwaited(): boolean {
    return isHealing && hooks.now() - healingSinceMs < longestHealMs;
  }

  /** Asks for a replay, once for each place: what is still missing after it cannot be replayed. */
  function healed({ resume }: SourceLink): boolean {
    const place = JSON.stringify(order.position);
    if (resume !== 'channel' || healedInVain === place) return false;
    healedInVain = place;
    heal();
    return true;
  }

  function heal(): void {
    isHealing = true;
    healingSinceMs = hooks.now();
    hooks.heal(name);
  }

  function check(frame: EventFrame): void {
    const { era } = order;
    if (turns.isIdle && validator.needsNoCheck(frame.event)) return deliver(frame, era);
    turns.pass(validator.validate(frame.event, frame.data), (validated) => conclude(frame, validated, era));
  }

  function conclude(frame: EventFrame, validated: Validated, era: number): void {
    if (validated.kind === 'valid') {
      return deliver(validated.data === frame.data ? frame : { ...frame, data: validated.data }, era);
    }
    hooks.invalid(validated.error, frame);
    // set aside is dealt with: the same message would be refused again
    order.commit(frame, era);
  }

  function deliver(frame: EventFrame, era: number): void {
    const startMs = note && hooks.now();
    bus.emit(frame.event, frame);
    order.commit(frame, era);
    metrics.delivered += 1;
    if (startMs !== undefined) note?.({ kind: 'handled', frame, durationMs: hooks.now() - startMs });
  }

  function end(status: 'denied' | 'left', what: string, code: string | undefined, said = 'no reason was given'): void {
    const error = new RealtimeError('rejected', `the server ${what} the channel ${name}: ${said}`, { serverCode: code });
    state.set({ ...state.get(), status, error });
    hooks.answered();
  }

  return {
    name,
    bus,
    state,
    members,
    get position() {
      return order.position;
    },
    receive,
    joined(frame, link) {
      isHealing = false;
      // a later answer on the same link is to a join that was sent while events came in
      const isExact = link.isAlone && link.id > joinedLink;
      joinedLink = Math.max(joinedLink, link.id);
      const { channel, epoch, offset } = frame;
      // the join may have left before our position was known: with it, the server may replay after all
      if (epoch !== undefined && offset !== undefined && order.isBehind({ channel, epoch, offset }) && healed(link)) return;
      const gap = order.joined(frame, link.id, isExact);
      const { position } = order;
      const continuity =
        typeof position === 'object' ? 'verified' : link.isStreamResumed || position ? 'server-claimed' : 'unknown';
      if (gap) hooks.gap(gap);
      else if (wasDisconnected && continuity === 'unknown') {
        hooks.gap({ channel, reason: 'no-replay', after: undefined, until: undefined, missing: undefined });
      }
      wasJoined = true;
      wasDisconnected = false;
      state.set({ status: 'joined', continuity, error: undefined });
      hooks.answered();
    },
    denied: ({ code, message }) => end('denied', 'denied', code, message),
    left({ reason }) {
      end('left', 'ended', undefined, reason);
      members.set([]);
    },
    presence: (frame) => members.set(mergeMembers(members.get(), frame)),
    heartbeat(head, link) {
      if (!order.isBehind(head) || isReplayAwaited() || link.id < joinedLink || link.resume !== 'channel' || healed(link)) return;
      const gap = order.joined({ kind: 'joined', ...head }, link.id);
      if (gap) hooks.gap(gap);
    },
    outgoing: createTurns(),
    ended: () => state.set({ ...state.get(), status: 'left' }),
    reopened() {
      const { status } = state.get();
      if (status !== 'denied' && status !== 'left') return false;
      state.set({ ...state.get(), status: 'joining', error: undefined });
      return true;
    },
    disconnected() {
      isHealing = false;
      wasDisconnected = wasJoined;
      if (state.get().status === 'joined') state.set({ ...state.get(), status: 'joining' });
    },
  };
}
