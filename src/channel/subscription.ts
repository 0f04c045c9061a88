import { createOrder, type Gap } from '../delivery/order.ts';
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
  /** What its server can replay. */
  readonly resume: 'channel' | 'connection' | 'none';
  /** The stream as a whole is resumed from an id of its own. */
  readonly isStreamResumed: boolean;
}

/** What a subscription tells the outside; everything else stays in it. */
export interface SubscriptionHooks {
  readonly validator: Validator;
  /** Gets what a handler throws. */
  readonly handlerFailed: (error: unknown, channel: string) => void;
  readonly delivered: () => void;
  readonly duplicate: () => void;
  /** A payload was set aside. */
  readonly invalid: (error: RealtimeError, frame: EventFrame) => void;
  readonly gap: (gap: Gap) => void;
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
}

/**
 * @param idWindow - how many ids are remembered at least, for servers that give only ids
 */
export function createSubscription(name: string, idWindow: number, hooks: SubscriptionHooks): Subscription {
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
  /** The position from which the last replay was asked for. */
  let healedInVain: string | undefined;
  /** The end of the checks under way, for schemas that answer later: order is kept over them. */
  let lastCheck: Promise<void> | undefined;

  function receive(frame: EventFrame, link: SourceLink): void {
    const verdict = order.accept(frame, link.id);
    if (verdict === 'next') return check(frame);
    if (verdict === 'duplicate') return hooks.duplicate();
    if (link.id < joinedLink || isHealing) return;
    if (healed(link)) return;
    hooks.gap(order.skipTo(frame));
    check(frame);
  }

  /** Asks for a replay, once for each place: what is still missing after it cannot be replayed. */
  function healed(link: SourceLink): boolean {
    const place = JSON.stringify(order.position);
    if (link.resume !== 'channel' || healedInVain === place) return false;
    isHealing = true;
    healedInVain = place;
    hooks.heal(name);
    return true;
  }

  function check(frame: EventFrame): void {
    if (lastCheck === undefined) {
      if (hooks.validator.needsNoCheck(frame.event)) return deliver(frame);
      const validated = hooks.validator.validate(frame.event, frame.data);
      if (!(validated instanceof Promise)) return conclude(frame, validated);
      queue(frame, validated);
    } else {
      queue(frame, hooks.validator.validate(frame.event, frame.data));
    }
  }

  function queue(frame: EventFrame, validated: Validated | Promise<Validated>): void {
    const turn = Promise.all([validated, lastCheck]).then(([outcome]) => {
      if (lastCheck === turn) lastCheck = undefined;
      conclude(frame, outcome);
    });
    lastCheck = turn;
  }

  function conclude(frame: EventFrame, validated: Validated): void {
    if (validated.kind === 'valid') return deliver(validated.data === frame.data ? frame : { ...frame, data: validated.data });
    hooks.invalid(validated.error, frame);
    // set aside is dealt with: the same message would be refused again
    order.commit(frame);
  }

  function deliver(frame: EventFrame): void {
    bus.emit(frame.event, frame);
    order.commit(frame);
    hooks.delivered();
  }

  function continuityOn(link: SourceLink): ChannelState['continuity'] {
    if (typeof order.position === 'object') return 'verified';
    return link.isStreamResumed || order.position !== undefined ? 'server-claimed' : 'unknown';
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
      joinedLink = Math.max(joinedLink, link.id);
      const { epoch, offset } = frame;
      // the join may have left before our position was known: with it, the server may replay after all
      if (epoch !== undefined && offset !== undefined && order.isBehind({ channel: name, epoch, offset }) && healed(link)) return;
      const gap = order.joined(frame, link.id);
      const continuity = continuityOn(link);
      if (gap !== undefined) hooks.gap(gap);
      else if (wasJoined && wasDisconnected && continuity === 'unknown') {
        hooks.gap({ channel: name, reason: 'no-replay', after: undefined, until: undefined, missing: undefined });
      }
      wasJoined = true;
      wasDisconnected = false;
      state.set({ status: 'joined', continuity, error: undefined });
    },
    denied({ code, message = 'no reason was given' }) {
      const error = new RealtimeError('rejected', `the server denied the channel ${name} (${code}): ${message}`, {
        serverCode: code,
      });
      state.set({ ...state.get(), status: 'denied', error });
    },
    left({ reason }) {
      const error = new RealtimeError('rejected', `the server ended the channel ${name}: ${reason ?? 'no reason was given'}`);
      state.set({ ...state.get(), status: 'left', error });
      members.set([]);
    },
    presence(frame) {
      members.set(mergeMembers(members.get(), frame));
    },
    heartbeat(head, link) {
      if (!order.isBehind(head) || isHealing || link.id < joinedLink || link.resume !== 'channel') return;
      isHealing = true;
      hooks.heal(name);
    },
    disconnected() {
      isHealing = false;
      wasDisconnected = true;
      if (state.get().status === 'joined') state.set({ ...state.get(), status: 'joining' });
    },
  };
}
