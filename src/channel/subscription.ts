import type { DedupMemory, DedupPolicy } from '../delivery/dedup.ts';
import type { Backfill, Filler, ReorderLimits } from '../delivery/hole.ts';
import { createOrder, type Gap } from '../delivery/order.ts';
import { createTurns, type Turns } from '../delivery/turns.ts';
import { RealtimeError } from '../errors.ts';
import { type Bus, createBus } from '../events/bus.ts';
import { type Writable, writable } from '../events/readable.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
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
import type { ChannelState } from './channel-state.ts';
import { mergeMembers } from './members.ts';

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
  readonly dedup: DedupPolicy;
  readonly reorder: ReorderLimits;
  readonly backfill: Backfill | undefined;
  readonly clock: Clock;
  readonly random: Random;
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
  /** The server does not take the opaque position. */
  forget(): void;
  /** There is no link any more. */
  disconnected(): void;
  /** Another user: where the channel stood and who was in it is forgotten, and it is joined anew. */
  reset(): void;
  /** Nobody wants it any longer. */
  ended(): void;
  /** It is wanted again although the server had not let us in, or had ended it. @returns whether it has to be joined again */
  reopened(): boolean;
  /** Sends of the channel leave in the order of their calls, also when a schema answers later. */
  readonly outgoing: Turns;
}

/** A replay that was asked for and has not begun after this long is given up, so that what arrives is shown: 30 seconds. */
const longestHealMs = 30_000;

/** An event that came before its turn, and the link it came on. */
interface Early {
  readonly frame: EventFrame & { readonly offset: number };
  readonly link: SourceLink;
}

/** Makes the subscription of a channel. */
export function createSubscription(name: string, hooks: SubscriptionHooks): Subscription {
  const { validator, metrics, clock, reorder, note } = hooks;
  const report = (error: unknown): void => hooks.handlerFailed(error, name);
  const bus = createBus<Record<string, EventFrame>>(report);
  const state = writable<ChannelState>(
    { status: 'joining', continuity: 'unknown', backfill: 'idle', gap: undefined, error: undefined },
    report,
  );
  const members = writable<readonly PresenceMember[]>([], report);
  const remember = hooks.dedup(name);
  /** A policy that throws costs no message: what may be a repeat is shown. */
  const isNew: DedupMemory = (...asked) => {
    try {
      return remember(...asked);
    } catch (error) {
      report(error);
      return true;
    }
  };
  const order = createOrder(name, isNew);
  /** The link whose join answer was the last: holes on older links are healed already. */
  let joinedLink = 0;
  let wasJoined = false;
  let wasDisconnected = false;
  /** False while something is kept for later, or the next number is to prove that the server went on where we stood. */
  let isCalm = true;
  let isUnproved = false;
  /** By offset: what came before its turn. */
  const early = new Map<number, Early>();
  /** A replay is on its way; what does not fit comes again. */
  let isHealing = false;
  /** A replay is on its way or has begun, and since then nothing came that shows that it leaves something out. */
  let isPatient = false;
  /** The place for which the last replay was asked. */
  let healedInVain: string | undefined;
  let cancelWait = (): void => {};
  /** Order is kept over schemas that answer later, and over holes that are being filled. */
  let turns = createTurns();
  let filler = createFiller();

  function createFiller(): Filler | undefined {
    return hooks.backfill?.({
      ...hooks,
      name,
      turns,
      order,
      isNew,
      deliver(frame, era) {
        const validated = validator.validate(frame.event, frame.data);
        if (!(validated instanceof Promise)) return conclude(frame, validated, era);
        return validated.then((settled) => conclude(frame, settled, era));
      },
      running: () => update({ backfill: 'running' }),
      tell,
    });
  }

  function update(change: Partial<ChannelState>): void {
    state.set({ ...state.get(), ...change });
  }

  function receive(frame: EventFrame, link: SourceLink): void {
    // still from a join before this one, whose handles were left: nobody can say to which numbering it belongs
    if (!wasJoined && link.resume === 'channel' && frame.offset !== undefined && frame.epoch === undefined) return;
    const verdict = order.accept(frame, link.id);
    if (verdict === 'next') {
      check(frame);
      if (!isCalm) catchUp(frame);
    } else if (verdict !== 'duplicate') {
      if (link.id >= joinedLink) outOfTurn({ frame, link } as Early, verdict === 'ahead');
    } else if (isUnproved && wentBack(frame, link)) receive(frame, link);
    else {
      metrics.duplicates += 1;
      note?.({ kind: 'duplicate', frame });
    }
  }

  /**
   * The server has not said where it goes on: the first number does. One that was here already is a repeat where it is no
   * younger than what we have, by the server's own clock; without that, where the server replays.
   */
  function wentBack({ offset, at = Number.NaN }: EventFrame, link: SourceLink): boolean {
    const { position, lastAt = Number.NaN } = order;
    const isYounger = at > lastAt || (link.resume === 'none' && !(at <= lastAt));
    if (offset === undefined || typeof position !== 'object' || !link.isAlone || !isYounger) return false;
    return reach({ kind: 'joined', channel: name, epoch: position.epoch, offset: offset - 1 }, link, true);
  }

  function outOfTurn(event: Early, isAhead: boolean): void {
    const { frame, link } = event;
    if (isHealing && (!isAhead || early.size >= reorder.maxMessages)) return;
    if (isAhead && reorder.maxMessages) {
      early.set(frame.offset, event);
      isCalm = false;
      if (early.size > reorder.maxMessages) giveUp();
      else if (!isHealing && (isPatient || early.size === 1)) {
        isPatient = false;
        wait();
      }
    } else if (!healed(link)) skipTo(frame);
  }

  function wait(): void {
    cancelWait();
    cancelWait = clock.schedule(
      () => {
        isHealing = false;
        giveUp();
      },
      isPatient ? longestHealMs : reorder.waitMs,
    );
  }

  /** Hands over what has its turn now, after an event that had. */
  function catchUp(proof?: EventFrame): void {
    for (let next = early.get(order.expected); next; next = early.get(order.expected)) {
      early.delete(next.frame.offset);
      if (order.accept(next.frame, next.link.id) === 'next') check(next.frame);
    }
    if (isUnproved && proof?.offset !== undefined) {
      isUnproved = false;
      update({ continuity: 'verified' });
    }
    isCalm = !isUnproved && !early.size;
    if (early.size) wait();
    else if (!isHealing) cancelWait();
  }

  function lowest(): Early | undefined {
    return early.get(Math.min(...early.keys()));
  }

  /** What is missing before the events that came too early does not come by itself. */
  function giveUp(): void {
    const first = lowest();
    if (first && !healed(first.link)) skipTo(first.frame);
  }

  /** What is missing before an event is a gap. */
  function skipTo(frame: EventFrame): void {
    early.delete(frame.offset ?? 0);
    lose(order.skipTo(frame));
    check(frame);
    catchUp(frame);
  }

  /** Asks for a replay, once for each place: what is still missing after it cannot be replayed. */
  function healed({ resume }: SourceLink): boolean {
    const place = `${order.era} ${order.expected}`;
    if (resume !== 'channel' || healedInVain === place) return false;
    healedInVain = place;
    isHealing = true;
    isPatient = true;
    wait();
    hooks.heal(name);
    return true;
  }

  /** The server goes on from another place. @returns whether something is missing */
  function reach(frame: JoinedFrame, link: SourceLink, isExact?: boolean): boolean {
    const { epoch, offset = 0 } = frame;
    // what is here of what the server leaves out is no part of the gap
    if (typeof order.position === 'object' && order.position.epoch === epoch) {
      for (let first = lowest(); first && first.frame.offset <= offset; first = lowest()) skipTo(first.frame);
    }
    const gap = order.joined(frame, link.id, isExact);
    if (gap) lose(gap);
    catchUp();
    return Boolean(gap);
  }

  function lose(gap: Gap): void {
    // in another numbering they mean something else
    if (gap.reason === 'epoch-changed' || gap.reason === 'rewound') early.clear();
    if (filler) filler.lose(gap);
    // it comes after what was received before it
    else turns.pass(gap, tell);
  }

  function tell(gap: Gap): void {
    const { isFilled } = gap;
    update({ backfill: filler && !isFilled ? 'failed' : 'idle', ...(isFilled ? {} : { gap }) });
    hooks.gap(gap);
  }

  function check(frame: EventFrame): void {
    const { era } = order;
    if (!turns.size && validator.needsNoCheck(frame.event)) return deliver(frame, era);
    const asked = turns;
    turns.pass(validator.validate(frame.event, frame.data), (validated) => {
      // what was for another user is not shown to this one
      if (asked === turns) conclude(frame, validated, era);
    });
    filler?.waits();
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
    const startMs = note && clock.now();
    bus.emit(frame.event, frame);
    order.commit(frame, era);
    metrics.delivered += 1;
    if (startMs !== undefined) note?.({ kind: 'handled', frame, durationMs: clock.now() - startMs });
  }

  function end(status: 'denied' | 'left', what: string, code: string | undefined, said = 'no reason was given'): void {
    const error = new RealtimeError('rejected', `the server ${what} the channel ${name}: ${said}`, { serverCode: code });
    update({ status, error });
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
      isPatient = link.resume === 'channel';
      const { channel, epoch, offset } = frame;
      const isAnswered = epoch !== undefined && offset !== undefined;
      // the join may have left before our position was known: with it, the server may replay after all
      if (isAnswered && order.isBehind({ channel, epoch, offset }) && healed(link)) return;
      const isMissing = reach(frame, link, isExact);
      const isNumbered = typeof order.position === 'object';
      isUnproved = isNumbered && !isAnswered;
      isCalm = !isUnproved && !early.size;
      const isClaimed = link.isStreamResumed || (isNumbered ? link.resume !== 'none' : order.position);
      const continuity = isAnswered ? 'verified' : isClaimed ? 'server-claimed' : 'unknown';
      // where there are numbers, the next one tells
      if (!isMissing && wasDisconnected && continuity === 'unknown' && !isNumbered) lose(order.lost());
      wasJoined = true;
      wasDisconnected = false;
      update({ status: 'joined', continuity, error: undefined });
      hooks.answered();
    },
    denied: ({ code, message }) => end('denied', 'denied', code, message),
    left({ reason }) {
      end('left', 'ended', undefined, reason);
      members.set([]);
    },
    presence: (frame) => members.set(mergeMembers(members.get(), frame)),
    heartbeat(head, link) {
      if (!order.isBehind(head) || isHealing || link.id < joinedLink || link.resume !== 'channel' || healed(link)) return;
      reach({ kind: 'joined', ...head }, link);
    },
    forget: order.forget,
    outgoing: createTurns(),
    ended() {
      cancelWait();
      filler?.close();
      update({ status: 'left' });
    },
    reopened() {
      const { status } = state.get();
      if (status !== 'denied' && status !== 'left') return false;
      update({ status: 'joining', error: undefined });
      return true;
    },
    reset() {
      order.reset();
      early.clear();
      cancelWait();
      filler?.close();
      turns = createTurns();
      filler = createFiller();
      isHealing = false;
      isCalm = true;
      isUnproved = false;
      healedInVain = undefined;
      joinedLink = 0;
      wasJoined = false;
      wasDisconnected = false;
      members.set([]);
      update({ status: 'joining', continuity: 'unknown', backfill: 'idle', gap: undefined, error: undefined });
    },
    disconnected() {
      wasDisconnected = wasJoined;
      if (state.get().status !== 'joined') return;
      order.mark();
      // the next link brings what is missing
      if (isHealing || lowest()?.link.resume === 'channel') cancelWait();
      isHealing = false;
      update({ status: 'joining' });
    },
  };
}
