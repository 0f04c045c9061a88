import type { Clock } from '../platform/clock.ts';
import { type ClientFrame, joinFrame, type Position } from '../protocol/frame.ts';

/** The part of a link that joining needs. */
export interface JoinLink {
  readonly id: number;
  /** Are channels joined by frames, or only by dialling again? */
  readonly joining: 'frame' | 'dial';
  /** The channels whose joins travelled with the first flight. */
  readonly carried: readonly string[];
  /** Sends frames; rejects when they may not have arrived. */
  tell(frames: readonly ClientFrame[]): Promise<unknown>;
}

/** Brings every link to what is wanted: the channels, and our presence in them. */
export interface Joining {
  /** A link came up: what its first flight did not carry follows now. */
  up(link: JoinLink): void;
  down(id: number): void;
  /** A channel is wanted. */
  added(channel: string): void;
  /** A channel is no longer wanted. */
  dropped(channel: string): void;
  /** Something is missing in a channel, or the server let us out of it: join it again, from its position. */
  heal(channel: string): void;
  /** A link that was to bring something has failed, and the one in use stays: it is tried again after a while. */
  again(): void;
  /** Forgets what is to be tried again, and what was said of us. */
  close(): void;
  /** One part of the application enters a channel, or goes; the last one that entered speaks for all. */
  announce(channel: string, owner: object, presence: { readonly data: unknown } | undefined): void;
}

/** After a join that could not be sent, or a link that failed to bring it: wait this long, doubling up to the longest. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** Where a replay needs a link of its own, one is asked for at most this often: a stream full of holes must not make us dial in a loop. */
const healPauseMs = 1_000;

/**
 * @param positions - gives the wanted channels and where they stand
 * @param redial - dials a link that carries the joins of that moment, unless one is on its way
 */
export function createJoining(
  positions: () => ReadonlyMap<string, Position | undefined>,
  clock: Clock,
  redial: () => void,
): Joining {
  /** For each link that is up: the channels that it was told of. What a link was not told of is still to be brought to it. */
  const links = new Map<number, { readonly link: JoinLink; readonly told: Set<string> }>();
  /** For each channel: what each owner says of us, in the order of entering. */
  const presence = new Map<string, Map<object, unknown>>();
  let isScheduled = false;
  let pauseMs = firstPauseMs;
  let cancelPause = (): void => {};
  let cancelHeal = (): void => {};
  /** When a replay was asked for last. */
  let healedMs = Number.NEGATIVE_INFINITY;

  /** What one tick asks for travels together. */
  function bringUpToDateSoon(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      for (const { link, told } of links.values()) if (link.joining === 'frame') bringUpToDate(link, told);
      // a link that was replaced is not brought up to date any more
      const newest = [...links.values()].at(-1);
      if (newest?.link.joining === 'dial' && differs(newest.told)) redial();
    });
  }

  function differs(told: ReadonlySet<string>): boolean {
    const wanted = positions();
    return [...wanted.keys()].some((channel) => !told.has(channel)) || [...told].some((channel) => !wanted.has(channel));
  }

  function bringUpToDate(link: JoinLink, told: Set<string>): void {
    const frames: ClientFrame[] = [];
    const wanted = positions();
    for (const [channel, position] of wanted) {
      if (told.has(channel)) continue;
      told.add(channel);
      frames.push(joinFrame(channel, position), ...announcement(channel));
    }
    for (const channel of told) {
      if (wanted.has(channel)) continue;
      told.delete(channel);
      frames.push({ kind: 'leave', channel });
    }
    tell(link, frames);
  }

  /** What others are to see of us in a channel. */
  function announcement(channel: string): ClientFrame[] {
    const said = [...(presence.get(channel)?.values() ?? [])];
    return said.length ? [{ kind: 'announce', channel, present: true, data: said.at(-1) }] : [];
  }

  function tell(link: JoinLink, frames: readonly ClientFrame[]): void {
    if (!frames.length) return;
    link.tell(frames).catch(() => {
      // on a link that lives the joins are said again; the next link says everything anyway
      for (const frame of frames)
        if (frame.kind === 'join' || frame.kind === 'announce') links.get(link.id)?.told.delete(frame.channel);
      again();
    });
  }

  function again(): void {
    cancelPause();
    if (!links.size) return;
    cancelPause = clock.schedule(bringUpToDateSoon, pauseMs);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  /** A link that was told of the channel for handles that were left is told again: its answer is for those of now. */
  function added(channel: string): void {
    for (const { told } of links.values()) told.delete(channel);
    bringUpToDateSoon();
  }

  function heal(channel: string): void {
    const waitMs = healedMs + healPauseMs - clock.now();
    if (waitMs <= 0 || [...links.values()].at(-1)?.link.joining !== 'dial') {
      healedMs = clock.now();
      return added(channel);
    }
    // the link that is dialled for one brings the replays of all
    cancelHeal();
    cancelHeal = clock.schedule(() => heal(channel), waitMs);
  }

  return {
    up(link) {
      pauseMs = firstPauseMs;
      links.set(link.id, { link, told: new Set(link.carried) });
      tell(link, link.carried.flatMap(announcement));
      bringUpToDateSoon();
    },
    down(id) {
      links.delete(id);
      if (links.size) return;
      cancelPause();
      cancelHeal();
    },
    added,
    dropped(channel) {
      presence.delete(channel);
      bringUpToDateSoon();
    },
    heal,
    again,
    close() {
      cancelPause();
      cancelHeal();
      presence.clear();
    },
    announce(channel, owner, entered) {
      const owners = presence.get(channel) ?? new Map<object, unknown>();
      if (!owners.delete(owner) && !entered) return;
      if (entered) owners.set(owner, entered.data);
      if (owners.size) presence.set(channel, owners);
      else presence.delete(channel);
      const frames = owners.size ? announcement(channel) : [{ kind: 'announce', channel, present: false } as const];
      // where the join is still to leave, the announcement goes with it
      for (const { link, told } of links.values()) if (told.has(channel)) tell(link, frames);
    },
  };
}
