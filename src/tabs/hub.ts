import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import type { Receipt } from '../protocol/dialect.ts';
import { type AnnounceFrame, type ClientFrame, type JoinFrame, joinFrame, type ServerFrame } from '../protocol/frame.ts';
import type { LinkGate } from '../transport/link.ts';
import type { LinkInfo, LinkRequest, Transport } from '../transport/transport.ts';
import { earlier, positionOf } from './positions.ts';
import { createSeat, type Seat } from './seat.ts';
import { readSend, type TabMessage } from './wire.ts';
import { createWires, type Joiner } from './wires.ts';

/** The leader's part: one connection to the server, and everybody who uses it. */
export interface Hub {
  /** Sends what this tab's own link sends. */
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /** Something came from another tab. */
  take(message: TabMessage): void;
  /** Another connection of this tab is about to replace this one: the followers look for it. */
  retire(): void;
  /** Can it take followers now? */
  readonly isUp: boolean;
}

/** A link of another tab. */
interface Guest {
  readonly seat: Seat;
  /** The cursor of the stream with which it came. */
  readonly cursor: string | undefined;
  /** When it was last heard, by the monotonic clock. */
  heardMs: number;
}

/** More tabs than that have connections of their own. */
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
export function openHub(
  transport: Transport,
  request: LinkRequest,
  gate: LinkGate,
  id: string,
  post: (message: TabMessage) => void,
): Hub {
  const { clock } = request;
  const { joining, resume } = transport.capabilities;
  const own = createSeat();
  const guests = new Map<string, Guest>();
  /** For each channel: what each link says of us, in the order of saying. The server sees one client. */
  const said = new Map<string, Map<string, AnnounceFrame>>();
  /** Who waits for the answer to a ping of the server. */
  const pingers = new Set<string>();
  /** What came of late, for servers that resume the stream as a whole. */
  const recent: { readonly batch: readonly ServerFrame[]; readonly cursor: string | undefined }[] = [
    { batch: [], cursor: request.cursor },
  ];
  let info: LinkInfo | undefined;
  /** How many times the server was heard. */
  let heard = 0;
  /** What the followers are told of the end; unless the server has ended it, they may come back at once. */
  let ending: { readonly handover?: boolean; readonly retryAfterMs?: number; readonly spreadMs?: number } = { handover: true };

  onAbort(gate.signal, () => {
    if (info) post({ kind: 'bye', from: id, ...ending });
    info = undefined;
  });
  const wires = createWires(transport, request, wanted, gate.signal, {
    up(first) {
      for (const channel of first.joining) {
        own.sent([{ kind: 'join', channel }]);
        wires.asking.set(channel, [{ to: id, position: undefined }]);
      }
      info = first;
      gate.opened(first);
      post({ kind: 'open', from: id });
    },
    replaced() {
      // the server may hold what we say of ourselves by link
      const announced = [...said.values()].flatMap((words) => [...words.values()].slice(-1));
      if (announced.length) wires.send(announced).catch(forget);
    },
    frames,
    alive() {
      heard += 1;
      gate.alive();
    },
    down(cause) {
      const isPassing = cause.kind === 'lost' || cause.kind === 'refused';
      ending = isPassing ? { retryAfterMs: cause.retryAfterMs, spreadMs: cause.spreadMs } : {};
      gate.down(cause);
    },
  });

  return {
    get isUp() {
      return info !== undefined;
    },
    send(batch) {
      own.sent(batch);
      return send(id, batch);
    },
    take(message) {
      const { kind, from } = message;
      if (kind === 'hello') return hello(from, message.cursor);
      const guest = guests.get(from);
      if (!guest) return post({ kind: 'bye', from: id, to: from, handover: true });
      guest.heardMs = clock.now();
      if (kind === 'ping') {
        post({ kind: 'pong', from: id, to: from, heard });
        for (const [name, { heardMs }] of guests) if (clock.now() - heardMs > longestSilenceMs) drop(name);
      } else if (kind === 'send') void relay(guest, from, message.serial, message.text);
      else if (kind === 'gone') drop(from);
    },
    retire: () => post({ kind: 'frames', from: id, batch: [{ kind: 'advice', drain: true }] }),
  };

  function* wanted(): Iterable<string> {
    yield* own.channels.keys();
    for (const { seat } of guests.values()) yield* seat.channels.keys();
  }

  /** Everything that the server says passes here, in order. */
  function frames(batch: readonly ServerFrame[], cursor: string | undefined): void {
    heard += 1;
    if (resume === 'connection') {
      recent.push({ batch, cursor });
      if (recent.length > mostRecent) recent.shift();
    }
    const isAlone = guests.size === 0;
    let rest: ServerFrame[] = [];
    for (const frame of batch) {
      const isNewLog = wires.note(frame);
      if (frame.kind === 'joined') {
        const answers = wires.answers(frame);
        // to those who are in already it is no news, unless the log is another one
        if (isNewLog) rest.push(frame);
        if (!isAlone) tellAll(rest);
        rest = [];
        for (const answer of answers) {
          if (isAlone) own.hear([frame], true);
          else tell(answer.to, [answer.frame]);
        }
      } else if (isAlone) {
        if (frame.kind === 'denied' || frame.kind === 'left') own.hear([frame], false);
      } else if (frame.kind === 'pong') {
        for (const to of pingers) tell(to, [frame]);
      } else rest.push(frame);
      if (frame.kind === 'pong') pingers.clear();
    }
    if (isAlone) gate.deliver(batch, cursor);
    else tellAll(rest, cursor);
  }

  function tell(to: string, batch: readonly ServerFrame[]): void {
    if (to !== id) post({ kind: 'frames', from: id, to, batch });
    else gate.deliver(own.hear(batch, true));
  }

  function tellAll(batch: readonly ServerFrame[], cursor?: string): void {
    const { length } = batch;
    if (!length && cursor === undefined) return;
    gate.deliver(own.hear(batch, false), cursor);
    // what concerns the token, and our own way of reading, is this tab's alone; and it is the leader that moves
    const shared = batch
      .filter(({ kind }) => kind !== 'auth' && kind !== 'garbled')
      .map((frame) => (frame.kind === 'advice' ? { ...frame, drain: false } : frame));
    if (shared.length || cursor !== undefined) post({ kind: 'frames', from: id, batch: shared, cursor });
  }

  /** Sends for one of the links. What can be answered without the server is answered here. */
  async function send(from: string, batch: readonly ClientFrame[]): Promise<readonly Receipt[]> {
    const out: ClientFrame[] = [];
    let needsDial = false;
    for (const frame of batch) {
      if (frame.kind === 'join') {
        if (resume !== 'channel' && wires.stands.has(frame.channel)) answerJoin(from, frame.channel);
        else if (joining === 'dial') {
          ask({ to: from, position: positionOf(frame) }, frame);
          needsDial = true;
        } else out.push(joinAtOnce(from, frame));
      } else if (frame.kind === 'leave') {
        out.push(...withdraw(from, frame.channel));
        if ([...wanted()].includes(frame.channel)) continue;
        wires.stands.delete(frame.channel);
        if (joining === 'frame') out.push(frame);
        else wires.redial().then(() => tell(from, [{ kind: 'left', channel: frame.channel }]), forget);
      } else if (frame.kind === 'announce') {
        if (!frame.present) {
          out.push(...withdraw(from, frame.channel));
          continue;
        }
        const words = said.get(frame.channel) ?? new Map<string, AnnounceFrame>();
        words.delete(from);
        said.set(frame.channel, words.set(from, frame));
        out.push(frame);
      } else {
        if (frame.kind === 'ping') pingers.add(from);
        if (frame.kind === 'authenticate') wires.authenticate(frame.token);
        out.push(frame);
      }
    }
    if (needsDial) await redialled();
    // a POST is faster than a link, and its sender would miss its own message
    else if (wires.redialling && out.some(({ kind }) => kind === 'publish')) await wires.redialling.catch(forget);
    if (!out.length) return [];
    try {
      return await wires.send(out);
    } catch (error) {
      forgetJoins(from, out);
      throw error;
    }
  }

  async function redialled(): Promise<void> {
    await wires.redial().catch((cause: unknown) => {
      throw RealtimeError.from(cause, 'connection-lost', 'the shared connection could not join another channel');
    });
  }

  function ask(joiner: Joiner, { channel }: JoinFrame): void {
    const joiners = wires.asking.get(channel) ?? [];
    joiners.push(joiner);
    wires.asking.set(channel, joiners);
  }

  function joinAtOnce(to: string, frame: JoinFrame): JoinFrame {
    const { channel } = frame;
    const position = positionOf(frame);
    // an earlier place than asked for costs repeats, a later one would leave a hole for those who are in
    const from = earlier(position, wires.stands.get(channel));
    ask({ to, position, from }, frame);
    if (!wires.stands.has(channel)) wires.stands.set(channel, from);
    return joinFrame(channel, from);
  }

  /** The channel is joined already, and joining it again would replay nothing: the answer is ours. */
  function answerJoin(to: string, channel: string): void {
    const { cursor } = guests.get(to) ?? {};
    const start = cursor === undefined ? -1 : recent.findIndex((entry) => entry.cursor === cursor);
    const missed = start < 0 ? [] : recent.slice(start + 1).flatMap(({ batch }) => batch);
    tell(to, [{ kind: 'joined', channel }, ...missed.filter((frame) => frame.kind === 'event' && frame.channel === channel)]);
  }

  /** The joins did not leave, so no answer will come. */
  function forgetJoins(from: string, batch: readonly ClientFrame[]): void {
    for (const frame of batch) {
      if (frame.kind !== 'join') continue;
      const joiners = wires.asking.get(frame.channel) ?? [];
      const index = joiners.findLastIndex(({ to }) => to === from);
      if (index >= 0) joiners.splice(index, 1);
    }
  }

  /** One of the links says no more of us: what another one says holds, and else we are gone. */
  function withdraw(from: string, channel: string): ClientFrame[] {
    const words = said.get(channel);
    if (!words?.delete(from)) return [];
    const last = [...words.values()].at(-1);
    if (!last) said.delete(channel);
    return [last ?? { kind: 'announce', channel, present: false }];
  }

  function hello(from: string, cursor: string | undefined): void {
    if (guests.has(from)) return;
    const isUnknown = resume === 'connection' && cursor !== undefined && !recent.some((entry) => entry.cursor === cursor);
    if (!info) post({ kind: 'wait', from: id, to: from });
    else if (isUnknown || guests.size >= mostGuests) post({ kind: 'alone', from: id, to: from });
    else {
      guests.set(from, { seat: createSeat(), cursor, heardMs: clock.now() });
      const { session, heartbeatMs, user, greeted } = info;
      post({ kind: 'welcome', from: id, to: from, info: { session, heartbeatMs, user, greeted: greeted || heard > 0 } });
    }
  }

  async function relay({ seat }: Guest, to: string, serial: number, text: string): Promise<void> {
    const batch = readSend(text);
    seat.sent(batch ?? []);
    const outcome = await send(to, batch ?? []).then(
      (receipts) => ({ receipts }),
      (error: unknown) => ({ code: RealtimeError.is(error) ? error.code : undefined }),
    );
    post({ kind: 'sent', from: id, to, serial, ...(batch ? outcome : {}) });
  }

  function drop(name: string): void {
    const { seat } = guests.get(name) ?? {};
    const batch = [...(seat?.channels.keys() ?? [])].map((channel): ClientFrame => ({ kind: 'leave', channel }));
    guests.delete(name);
    pingers.delete(name);
    if (batch.length) void send(name, batch).catch(forget);
  }
}

/** What this would have brought, the next link brings. */
function forget(): void {}
