import { type ClientFrame, joinFrame, type Position } from '../protocol/frame.ts';

/** The part of a link that joining needs. */
export interface JoinLink {
  readonly id: number;
  /** Are channels joined by frames, or only by dialling again? */
  readonly joining: 'frame' | 'dial';
  /** The channels whose joins travelled with the first flight. */
  readonly carried: readonly string[];
  /** Sends frames whose loss does no harm: the next link says it all again. */
  tell(frames: readonly ClientFrame[]): void;
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
  /** Something is missing in a channel: ask for a replay. */
  heal(channel: string): void;
  /** One part of the application enters a channel, or goes; the last one that entered speaks for all. */
  announce(channel: string, owner: object, presence: { readonly data: unknown } | undefined): void;
}

/**
 * @param positions - gives the wanted channels and where they stand
 * @param redial - dials a link that carries the joins of that moment
 */
export function createJoining(positions: () => ReadonlyMap<string, Position | undefined>, redial: () => void): Joining {
  /** For each link that is up: the channels that it was told of. */
  const links = new Map<number, { readonly link: JoinLink; readonly told: Set<string> }>();
  /** For each channel: what each owner says of us, in the order of entering. */
  const presence = new Map<string, Map<object, unknown>>();
  let isScheduled = false;
  let needsRedial = false;

  /** What one tick asks for travels together. */
  function bringUpToDateSoon(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      for (const { link, told } of links.values()) bringUpToDate(link, told);
      if (needsRedial) redial();
      needsRedial = false;
    });
  }

  function bringUpToDate(link: JoinLink, told: Set<string>): void {
    const frames: ClientFrame[] = [];
    const wanted = positions();
    for (const [channel, position] of wanted) {
      if (told.has(channel)) continue;
      if (link.joining === 'dial') {
        needsRedial = true;
      } else {
        told.add(channel);
        frames.push(joinFrame(channel, position), ...announcement(channel));
      }
    }
    for (const channel of told) {
      if (wanted.has(channel)) continue;
      if (link.joining === 'dial') needsRedial = true;
      else frames.push({ kind: 'leave', channel });
      told.delete(channel);
    }
    tell(link, frames);
  }

  /** What others are to see of us in a channel. */
  function announcement(channel: string): ClientFrame[] {
    const said = [...(presence.get(channel)?.values() ?? [])];
    return said.length ? [{ kind: 'announce', channel, present: true, data: said.at(-1) }] : [];
  }

  function tell(link: JoinLink, frames: readonly ClientFrame[]): void {
    if (frames.length) link.tell(frames);
  }

  return {
    up(link) {
      links.set(link.id, { link, told: new Set(link.carried) });
      tell(link, link.carried.flatMap(announcement));
      bringUpToDateSoon();
    },
    down(id) {
      links.delete(id);
    },
    added: bringUpToDateSoon,
    dropped(channel) {
      presence.delete(channel);
      bringUpToDateSoon();
    },
    heal(channel) {
      for (const { link, told } of links.values()) {
        if (link.joining === 'dial') needsRedial = true;
        else told.delete(channel);
      }
      bringUpToDateSoon();
    },
    announce(channel, owner, entered) {
      const owners = presence.get(channel) ?? new Map<object, unknown>();
      presence.set(channel, owners);
      if (!owners.delete(owner) && !entered) return;
      if (entered) owners.set(owner, entered.data);
      const frames = owners.size ? announcement(channel) : [{ kind: 'announce', channel, present: false } as const];
      // where the join is still to leave, the announcement goes with it
      for (const { link, told } of links.values()) if (told.has(channel)) tell(link, frames);
    },
  };
}
