import { onAbort } from '../platform/abort.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, JoinedFrame, Position, ServerFrame } from '../protocol/frame.ts';
import type { DownCause, LinkInfo, LinkRequest, Transport } from '../transport/transport.ts';
import { answerFor, earlier } from './positions.ts';

/** A join that is still to be answered. */
export interface Joiner {
  /** The link that asked. */
  readonly to: string;
  /** Where it asked to go on. */
  readonly position: Position | undefined;
  /** Where the shared connection joined for it. */
  readonly from?: Position | undefined;
}

/** The answer to a join, and whom it is for. */
export interface JoinAnswer {
  readonly to: string;
  readonly frame: JoinedFrame;
}

/** What the leader is told of its connection to the server. */
export interface WiresListener {
  up(info: LinkInfo): void;
  /** Another physical link has taken over, with all the channels of the moment. */
  replaced(): void;
  frames(batch: readonly ServerFrame[], cursor: string | undefined): void;
  alive(): void;
  down(cause: DownCause): void;
}

/**
 * The leader's connection to the server: one physical link, and for transports that join only by dialling another one that
 * takes over with more channels.
 */
export interface Wires {
  /** The joined channels, and how far each was received. */
  readonly stands: Map<string, Position | undefined>;
  /** For each channel: the joins that are still to be answered, in the order in which they left. */
  readonly asking: Map<string, Joiner[]>;
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /** Dials another link, for the channels of that moment; settles when it has taken over, or has failed. */
  redial(): Promise<void>;
  /** The redial that is under way. */
  readonly redialling: Promise<void> | undefined;
  /** Links that are dialled from now on use this token. */
  authenticate(token: string): void;
  /** Takes note of how far a channel is. @returns whether the log of the channel is another one now */
  note(frame: ServerFrame): boolean;
  /** Who waits for this answer, and how each must see it. */
  answers(frame: JoinedFrame): readonly JoinAnswer[];
}

/** One physical link. */
interface Wire {
  readonly stands: Map<string, Position | undefined>;
  /** Where it joined each channel. */
  readonly from: ReadonlyMap<string, Position | undefined>;
  /** How far the link before it had come. */
  readonly before: ReadonlyMap<string, Position | undefined>;
  /** The joins that it brings; `undefined` for the first link, which brings all. */
  readonly brings: ReadonlySet<Joiner> | undefined;
  readonly sending: Set<Promise<unknown>>;
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  end(): void;
}

/** What is asked for within this time travels with one link: 25 milliseconds. */
const gatherMs = 25;

/**
 * Dials the first link.
 *
 * @param wanted - the channels that somebody wants
 * @param ended - ends everything
 */
export function createWires(
  transport: Transport,
  request: LinkRequest,
  wanted: () => Iterable<string>,
  ended: AbortSignal,
  listener: WiresListener,
): Wires {
  const { client, clock } = request;
  const isDialled = transport.capabilities.joining === 'dial';
  const asking = new Map<string, Joiner[]>();
  let { credentials } = request;
  let redialled: Deferred | undefined;
  let candidate: Wire | undefined;
  let cancelRedial: (() => void) | undefined;
  let current = dial(new Map(request.channels), new Map());
  onAbort(ended, () => {
    cancelRedial?.();
    redialled?.reject();
  });

  return {
    asking,
    get stands() {
      return current.stands;
    },
    get redialling() {
      return redialled?.promise;
    },
    send(frames) {
      const { sending } = current;
      const sent = current.send(frames);
      sending.add(sent);
      const forget = (): void => {
        sending.delete(sent);
      };
      sent.then(forget, forget);
      return sent;
    },
    redial() {
      redialled ??= deferred();
      cancelRedial ??= clock.schedule(() => {
        cancelRedial = undefined;
        const overtaken = candidate;
        candidate = undefined;
        overtaken?.end();
        candidate = dial(channelsToJoin(), new Map(current.stands), new Set([...asking.values()].flat()));
      }, gatherMs);
      return redialled.promise;
    },
    authenticate(token) {
      credentials = { ...credentials, token };
    },
    note(frame) {
      if (frame.kind === 'denied') answered(frame.channel);
      return noteIn(current.stands, frame);
    },
    answers(frame) {
      const { channel } = frame;
      return answered(channel).map(({ to, position, from }) => {
        const [joinedAt, wantedAt] = isDialled
          ? [current.from.get(channel), position ?? current.before.get(channel)]
          : [from, position];
        return { to, frame: answerFor(frame, joinedAt, wantedAt) };
      });
    },
  };

  /** A link that is dialled answers all joins that it brings; a frame is the answer to the oldest one. */
  function answered(channel: string): readonly Joiner[] {
    const joiners = asking.get(channel) ?? [];
    const { brings } = current;
    const found = isDialled ? joiners.filter((joiner) => !brings || brings.has(joiner)) : joiners.slice(0, 1);
    const others = joiners.filter((joiner) => !found.includes(joiner));
    if (others.length) asking.set(channel, others);
    else asking.delete(channel);
    return found;
  }

  function channelsToJoin(): Map<string, Position | undefined> {
    const channels = new Map<string, Position | undefined>();
    for (const channel of wanted()) {
      let position = current.stands.get(channel);
      for (const joiner of asking.get(channel) ?? []) position = earlier(position, joiner.position);
      channels.set(channel, position);
    }
    return channels;
  }

  function dial(stands: Wire['stands'], before: Wire['before'], brings?: Wire['brings']): Wire {
    const controller = new AbortController();
    const end = (): void => controller.abort();
    const forget = onAbort(ended, end);
    const wire: Wire = {
      stands,
      from: new Map(stands),
      before,
      brings,
      sending: new Set(),
      send: (frames) => link.send(frames),
      end() {
        forget();
        end();
      },
    };
    const link = transport.connect(
      {
        signal: controller.signal,
        client,
        credentials,
        channels: stands,
        get cursor() {
          return request.cursor;
        },
        positionRefused: request.positionRefused,
        clock,
      },
      {
        up(info) {
          if (wire === current) listener.up(info);
          else if (wire === candidate) takeOver(wire);
        },
        frames(batch, cursor) {
          if (wire === current) listener.frames(batch, cursor);
        },
        alive() {
          if (wire === current) listener.alive();
        },
        down(cause) {
          if (wire === current) listener.down(cause);
          else if (wire === candidate) giveUp();
        },
      },
    );
    return wire;
  }

  function takeOver(wire: Wire): void {
    const { end, sending } = current;
    candidate = undefined;
    current = wire;
    // the answers to what was sent on the old link are still to come
    void Promise.allSettled(sending).then(end);
    settleRedial('resolve');
    listener.replaced();
  }

  /** Who waits for the new link is told, and asks again after a while. */
  function giveUp(): void {
    candidate = undefined;
    if (!cancelRedial) asking.clear();
    settleRedial('reject');
  }

  /** What was asked for after the last dial waits for the next one, which is due. */
  function settleRedial(how: 'resolve' | 'reject'): void {
    if (cancelRedial) return;
    redialled?.[how]();
    redialled = undefined;
  }
}

function noteIn(stands: Map<string, Position | undefined>, frame: ServerFrame): boolean {
  if (frame.kind === 'denied' || frame.kind === 'left') stands.delete(frame.channel);
  if (frame.kind !== 'event' && frame.kind !== 'joined') return false;
  const { channel, offset, cursor } = frame;
  const stand = stands.get(channel);
  const known = typeof stand === 'object' ? stand : undefined;
  const epoch = frame.epoch ?? known?.epoch;
  if (epoch !== undefined && offset !== undefined) stands.set(channel, { epoch, offset });
  else if (cursor !== undefined) stands.set(channel, cursor);
  else if (frame.kind === 'joined') stands.set(channel, stand);
  return known !== undefined && epoch !== known.epoch;
}

/** A promise that is settled from outside. */
interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(): void;
}

function deferred(): Deferred {
  let settle: Pick<Deferred, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // nobody may be waiting
  promise.catch(() => {});
  return { promise, resolve: () => settle?.resolve(), reject: () => settle?.reject() };
}
