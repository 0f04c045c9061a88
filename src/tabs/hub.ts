import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Receipt } from '../protocol/dialect.ts';
import {
  type AnnounceFrame,
  type ClientFrame,
  type JoinFrame,
  joinFrame,
  type Position,
  type ServerFrame,
} from '../protocol/frame.ts';
import type { LinkGate } from '../transport/link.ts';
import type { LinkInfo, LinkRequest, Transport } from '../transport/transport.ts';
import type { Line } from './line.ts';
import { answerFor, earlier, logOf, note, positionOf } from './positions.ts';
import { createSeat, type Seat } from './seat.ts';
import { readSend, type TabMessage } from './wire.ts';
import { createWires } from './wires.ts';

/** The leader's part: one connection to the server, and everybody who uses it. */
export interface Hub {
  /** This tab's own link. */
  readonly gate: LinkGate;
  /** Sends what this tab's own link sends. */
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /** Something came from another tab. */
  take(message: TabMessage): void;
  /** Another connection of this tab is about to replace this one: the followers look for it. */
  retire(): void;
}

/** A link that uses the connection: this tab's own, or that of another tab. */
interface User {
  readonly seat: Seat;
  /** The cursor of the stream with which a follower came. */
  readonly cursor: string | undefined;
  /** When it was last heard, by the monotonic clock. */
  heardMs: number;
}

/** A join that is still to be answered. */
interface Joiner {
  readonly channel: string;
  /** The link that asked; none, if it has left since. */
  to: string;
  /** Where it asked to go on. */
  readonly position: Position | undefined;
  /**
   * The number of the physical link that brings the join, as every later one does; `undefined` until it is dialled, and
   * {@link turn} while another join of the channel is under way.
   */
  link: number | undefined;
  /** Where the frame joins that goes out for it; a link that is dialled joins where it stands. */
  from?: Position | undefined;
}

/** Later than every link: a join that waits for its turn. */
const turn = Number.POSITIVE_INFINITY;
/** More followers than that have connections of their own. */
const mostGuests = 64;
/** Timers of hidden tabs may run once a minute; a tab that is silent for longer is frozen or gone: 3 minutes. */
const longestSilenceMs = 180_000;
/** For servers that resume the stream as a whole: so many batches are kept for followers that come a little later. */
const mostRecent = 200;

/**
 * Opens the connection of a leader; it ends with the gate of the leader's own link.
 *
 * @param id - names it to the followers
 * @param post - says something to the other tabs
 */
export function openHub(transport: Transport, request: LinkRequest, gate: LinkGate, id: string, post: Line['post']): Hub {
  const { clock } = request;
  const { joining, resume } = transport.capabilities;
  const own = createSeat();
  /** All links that use the connection, this tab's own first. */
  const users = new Map<string, User>([[id, { seat: own, cursor: undefined, heardMs: Number.POSITIVE_INFINITY }]]);
  /** In the order in which they left. */
  let joiners: Joiner[] = [];
  /** What the links say of us, in the order of saying. The server sees one client. */
  let said: { readonly from: string; readonly frame: AnnounceFrame }[] = [];
  /** What came of late, for servers that resume the stream as a whole. */
  const recent: { readonly batch: readonly ServerFrame[]; readonly cursor: string | undefined }[] = [
    { batch: [], cursor: request.cursor },
  ];
  let info: LinkInfo | undefined;
  /** How many times the server was heard. */
  let heard = 0;

  // unless the server has ended it, the followers may come back at once
  onAbort(gate.signal, () => post({ kind: 'bye', from: id, handover: true }));
  const wires = createWires(transport, request, gate.signal, {
    up(first) {
      for (const channel of first.joining) {
        own.sent([joinFrame(channel, undefined)]);
        joiners.push({ channel, to: id, position: undefined, link: wires.number });
      }
      info = first;
      gate.opened(first);
      lead();
    },
    dialling(number) {
      for (const joiner of joiners) joiner.link ??= number;
      const placeOf = (channel: string): Position | undefined =>
        joiners
          .filter((joiner) => joiner.channel === channel)
          .reduce((place, { position }) => earlier(place, position), wires.stands.get(channel));
      return new Map(wanted().map((channel) => [channel, placeOf(channel)]));
    },
    replaced() {
      // the server may hold what we say of ourselves by link
      if (said.length) wires.send(said.map(({ frame }) => frame)).catch(forget);
    },
    frames,
    alive() {
      heard += 1;
      gate.alive();
    },
    down(cause) {
      const { retryAfterMs, spreadMs } = cause as { readonly retryAfterMs?: number; readonly spreadMs?: number };
      post({ kind: 'bye', from: id, retryAfterMs, spreadMs });
      gate.down(cause);
    },
  });

  return {
    gate,
    send: (batch) => send(id, batch),
    take(message) {
      const { kind, from, to } = message;
      const user = users.get(from);
      if (user) user.heardMs = clock.now();
      if (kind === 'seek' && (user || to === undefined)) answer(from, message.cursor);
      else if (kind === 'send' && user) void relay(from, message.serial, message.text);
      else if (kind === 'bye') drop(from);
      // a follower that was dropped; what another leader says, as one that was frozen may, is answered by nobody
      else if (kind === 'send' || kind === 'seek') refuse(from);
    },
    retire: () => post({ kind: 'frames', from: id, batch: [{ kind: 'advice', drain: true }] }),
  };

  /** Somebody looks for a leader, or asks it for a sign of life. */
  function answer(from: string, cursor: string | undefined): void {
    if (info && !users.has(from)) {
      const isUnknown = resume === 'connection' && cursor !== undefined && !recent.some((entry) => entry.cursor === cursor);
      if (isUnknown || users.size > mostGuests) return refuse(from);
      users.set(from, { seat: createSeat(), cursor, heardMs: clock.now() });
    }
    lead(from);
    for (const [name, { heardMs }] of users) if (clock.now() - heardMs > longestSilenceMs) drop(name);
  }

  function lead(to?: string): void {
    post({ kind: 'lead', from: id, to, info, heard });
  }

  function refuse(to: string): void {
    post({ kind: 'bye', from: id, to, handover: true });
  }

  function drop(name: string): void {
    const channels = [...(users.get(name)?.seat.channels.keys() ?? [])];
    if (!users.delete(name)) return;
    const batch = channels.map((channel): ClientFrame => ({ kind: 'leave', channel }));
    send(name, batch).catch(forget);
  }

  /** The channels that somebody has asked for or is in. */
  function wanted(): readonly string[] {
    return [...users.values()].flatMap(({ seat }) => [...seat.channels.keys()]);
  }

  function isUnwanted(channel: string): boolean {
    return !wanted().includes(channel);
  }

  /** Everything that the server says passes here, in order. */
  function frames(batch: readonly ServerFrame[], cursor: string | undefined): void {
    heard += 1;
    if (resume === 'connection') recent.push({ batch, cursor });
    if (recent.length > mostRecent) recent.shift();
    const rest: ServerFrame[] = [];
    for (const frame of batch) {
      const stand = 'channel' in frame ? wires.stands.get(frame.channel) : undefined;
      const isNewLog = note(wires.stands, frame);
      // to those who are in already an answer is no news, unless the log is another one
      if (frame.kind !== 'joined' || isNewLog) rest.push(frame);
      if (frame.kind === 'denied') takeJoiners(frame.channel, turn);
      // there may be no other answer to the join of whoever has left since
      if (frame.kind === 'left') takeJoiners(frame.channel, turn, '');
      if (frame.kind !== 'joined') continue;
      for (const { to, from = stand, position } of takeJoiners(frame.channel)) {
        tellAll(rest.splice(0));
        tell(to, [answerFor(frame, from, position)]);
      }
    }
    tellAll(rest, cursor);
    const next = joiners.flatMap(({ channel }) => joinWaiting(channel));
    if (next.length) wires.send(next).catch(forget);
  }

  function takeJoiners(channel: string, upTo = wires.number, of?: string): readonly Joiner[] {
    const taken = joiners.filter(
      ({ channel: name, link = Number.NaN, to }) => name === channel && link <= upTo && (of ?? to) === to,
    );
    joiners = joiners.filter((joiner) => !taken.includes(joiner));
    return taken;
  }

  /** One join of a channel is under way at a time: a server need not answer one that the next has overtaken. */
  function joinWaiting(channel: string): readonly ClientFrame[] {
    const all = joiners.filter((joiner) => joiner.channel === channel);
    const waiting = all.filter(({ link }) => link === turn);
    const first = waiting.find(({ to }) => to);
    if (!first || waiting.length < all.length) return [];
    // places in another log do not compare: those wait for the next join
    const together = waiting.filter(({ position }) => logOf(position) === logOf(first.position));
    // an earlier place than asked for costs repeats, a later one would leave a hole for those who are in
    const from = together.reduce((place, { position }) => earlier(position, place), wires.stands.get(channel));
    for (const joiner of together) {
      joiner.link = wires.number;
      joiner.from = from;
    }
    if (!wires.stands.has(channel)) wires.stands.set(channel, from);
    return [joinFrame(channel, from)];
  }

  function tell(to: string, batch: readonly ServerFrame[]): void {
    if (to === id) gate.deliver(own.hear(batch, true));
    else post({ kind: 'frames', from: id, to, batch });
  }

  function tellAll(batch: readonly ServerFrame[], cursor?: string): void {
    if (!batch.length && cursor === undefined) return;
    const isShared = users.size > 1;
    const ours = own.hear(batch, false);
    // as long as nobody shares, everything passes, as on a connection of its own
    gate.deliver(isShared ? ours : batch, cursor);
    if (!isShared) return;
    // what concerns the token, and our own way of reading, is this tab's alone; and it is the leader that moves
    const shared = batch
      .filter(({ kind }) => kind !== 'auth' && kind !== 'garbled')
      .map((frame) => (frame.kind === 'advice' ? { ...frame, drain: false } : frame));
    post({ kind: 'frames', from: id, batch: shared, cursor });
  }

  /** Sends for one of the links. What can be answered without the server is answered here. */
  async function send(from: string, batch: readonly ClientFrame[]): Promise<readonly Receipt[]> {
    const out: ClientFrame[] = [];
    const asked: Joiner[] = [];
    const left: string[] = [];
    users.get(from)?.seat.sent(batch);
    for (const frame of batch) {
      if (frame.kind === 'join') {
        if (resume !== 'channel' && wires.stands.has(frame.channel)) answerJoin(from, frame.channel);
        else asked.push(ask(from, frame));
        out.push(...joinWaiting(frame.channel));
      } else if (frame.kind === 'leave') {
        for (const joiner of joiners) if (joiner.to === from && joiner.channel === frame.channel) joiner.to = '';
        out.push(...withdraw(from, frame.channel));
        if (!isUnwanted(frame.channel)) continue;
        if (joining === 'dial') left.push(frame.channel);
        else {
          wires.stands.delete(frame.channel);
          out.push(frame);
        }
      } else if (frame.kind === 'announce') {
        const rest = withdraw(from, frame.channel);
        if (frame.present) said.push({ from, frame });
        out.push(...(frame.present ? [frame] : rest));
      } else out.push(frame);
    }
    try {
      // one that was dialled before this was asked for does not bring it
      while (asked.some(({ link }) => !link) || left.some((channel) => wires.stands.has(channel) && isUnwanted(channel))) {
        await wires.redial();
      }
      for (const channel of left) tell(from, [{ kind: 'left', channel }]);
      return out.length ? await wires.send(out) : [];
    } catch (cause) {
      // no answer will come
      joiners = joiners.filter((joiner) => !asked.includes(joiner));
      throw RealtimeError.from(cause, 'connection-lost', 'the shared connection could not join another channel');
    }
  }

  function ask(to: string, frame: JoinFrame): Joiner {
    const { channel } = frame;
    const position = positionOf(frame) ?? wires.stands.get(channel);
    const joiner: Joiner = { channel, to, position, link: joining === 'frame' ? turn : undefined };
    joiners.push(joiner);
    return joiner;
  }

  /** The channel is joined already, and joining it again would replay nothing: the answer is ours. */
  function answerJoin(to: string, channel: string): void {
    const { cursor } = users.get(to) ?? {};
    const start = cursor === undefined ? -1 : recent.findIndex((entry) => entry.cursor === cursor);
    const missed = start < 0 ? [] : recent.slice(start + 1).flatMap(({ batch }) => batch);
    tell(to, [{ kind: 'joined', channel }, ...missed.filter((frame) => frame.kind === 'event' && frame.channel === channel)]);
  }

  /** One of the links says no more of us: what another one says holds, and else we are gone. */
  function withdraw(from: string, channel: string): ClientFrame[] {
    const rest = said.filter((word) => word.from !== from || word.frame.channel !== channel);
    if (rest.length === said.length) return [];
    said = rest;
    const last = rest.findLast(({ frame }) => frame.channel === channel);
    return [last?.frame ?? { kind: 'announce', channel, present: false }];
  }

  async function relay(to: string, serial: number, text: string): Promise<void> {
    const outcome = await send(to, readSend(text)).then(
      (receipts) => ({ receipts }),
      ({ code }: RealtimeError) => ({ code }),
    );
    post({ kind: 'sent', from: id, to, serial, ...outcome });
  }
}

/** What this would have brought, the next link brings. */
function forget(): void {}
