import type { Receipt } from '../../src/protocol/dialect.ts';
import type { ClientFrame, EventFrame, JoinFrame, Position, ServerFrame } from '../../src/protocol/frame.ts';
import type { Truth } from '../chaos/truth.ts';
import type { ScriptedLink, ScriptedTransport } from '../support/scripted-transport.ts';

/** One link at the server's end, with everything that is on its way on it, both ways. */
export interface ModelLink {
  readonly link: ScriptedLink;
  readonly transport: ScriptedTransport;
  /** The client still holds it. */
  isHeld(): boolean;
  readonly isUp: boolean;
  /** The server lets it in. */
  up(): void;
  down(cause: 'lost' | 'refused' | 'unauthorized'): void;
  /** The server reads the next messages of the client. */
  serve(count: number): void;
  /** The client reads the next frames of the server. */
  deliver(count: number): void;
  /** The last event comes once more. */
  repeat(): void;
  /** The next two events change places. @returns whether there were two */
  swap(): boolean;
  /** The next event gets lost. @returns whether there was one */
  lose(): boolean;
  say(frame: ServerFrame): void;
  heartbeat(): void;
  /** Sends what the log has and the link has not. */
  pump(): void;
}

/** A batch of the client that is on its way. */
interface Upstream {
  readonly frames: readonly ClientFrame[];
  readonly resolve: (receipts: readonly Receipt[]) => void;
  readonly reject: (error: Error) => void;
}

/** What a seat of a channel has got. */
interface Seat {
  epoch: number;
  offset: number;
}

/**
 * The server of the reference protocol, as far as delivery goes, in one tick and with nothing of its own will: the test says
 * when anything is read.
 *
 * @param sawPosition - hears of every position that the client names
 */
export function createModelLink(
  link: ScriptedLink,
  transport: ScriptedTransport,
  truth: Truth,
  sawPosition: (channel: string, position: Position | undefined) => void,
): ModelLink {
  const upstream: Upstream[] = [];
  let downstream: ServerFrame[] = [];
  const seats = new Map<string, Seat>();
  let lastEvent: EventFrame | undefined;
  let isUp = false;
  // the request has left with the positions of this moment
  const asked = [...link.request.channels];

  link.answer = (frames) => {
    for (const frame of frames) if (frame.kind === 'join') sawPosition(frame.channel, positionOf(frame));
    return new Promise((resolve, reject) => upstream.push({ frames, resolve, reject }));
  };

  const model: ModelLink = {
    link,
    transport,
    isHeld: () => link.isHeld,
    get isUp() {
      return isUp;
    },
    up() {
      if (isUp || !link.isHeld) return;
      isUp = true;
      link.up({ joining: asked.map(([channel]) => channel), heartbeatMs: 15_000 });
      for (const [channel, position] of asked) seat(channel, position);
    },
    down(cause) {
      isUp = false;
      seats.clear();
      downstream = [];
      for (const { reject } of upstream.splice(0)) reject(new Error('the link broke'));
      link.down(cause);
    },
    serve(count) {
      for (const { frames, resolve } of upstream.splice(0, count)) {
        const answers = frames.flatMap(take);
        if (transport.capabilities.ack !== 'receipt') {
          downstream.push(...answers);
          // acceptance becomes known by a frame
          resolve(frames.flatMap((frame) => (frame.kind === 'publish' ? [{ id: frame.id, status: 'sent' }] : [])));
        } else resolve(answers.flatMap((frame) => (frame.kind === 'ack' ? [{ ...frame, status: 'accepted' }] : [])));
      }
    },
    deliver(count) {
      for (const frame of downstream.splice(0, count)) {
        if (!link.isHeld || !isUp) return;
        // across a new beginning no network repeats anything
        lastEvent = frame.kind === 'event' ? frame : frame.kind === 'joined' ? undefined : lastEvent;
        link.frames([frame]);
      }
    },
    repeat() {
      if (lastEvent && isUp && link.isHeld) link.frames([lastEvent]);
    },
    swap() {
      const first = downstream.findIndex(({ kind }) => kind === 'event');
      const [one, other] = downstream.slice(first, first + 2);
      if (first < 0 || one === undefined || other?.kind !== 'event') return false;
      downstream.splice(first, 2, other, one);
      return true;
    },
    lose() {
      const first = downstream.findIndex(({ kind }) => kind === 'event');
      if (first >= 0) downstream.splice(first, 1);
      return first >= 0;
    },
    say: (frame) => void (isUp && downstream.push(frame)),
    heartbeat() {
      const positions = [...seats].map(([channel, { epoch, offset }]) => ({ channel, epoch: nameOf(channel, epoch), offset }));
      model.say({ kind: 'heartbeat', positions });
    },
    pump() {
      for (const [channel, place] of seats) pumpSeat(channel, place);
    },
  };
  return model;

  function take(frame: ClientFrame): ServerFrame[] {
    switch (frame.kind) {
      case 'join':
        seat(frame.channel, positionOf(frame));
        return [];
      case 'leave':
        seats.delete(frame.channel);
        return [{ kind: 'left', channel: frame.channel }];
      case 'publish':
        return [applied(frame)];
      case 'ping':
        return [{ kind: 'pong' }];
      case 'authenticate':
        return [{ kind: 'auth', status: 'accepted' }];
      case 'announce':
      case 'pong':
        return [];
    }
  }

  function applied({ id, channel, event, data }: ClientFrame & { kind: 'publish' }): ServerFrame {
    void truth.append(channel, { id, event, data: JSON.stringify(data), at: 0, from: 'me' });
    const epoch = truth.channels.get(channel)?.at(-1);
    const offset = epoch?.entries.find((entry) => entry.id === id && entry.from === 'me')?.offset;
    return { kind: 'ack', id, epoch: epoch?.name, offset };
  }

  function seat(channel: string, position: Position | undefined): void {
    const head = truth.headOf(channel);
    const { trimmedTo = 0 } = truth.channels.get(channel)?.at(-1) ?? {};
    let { offset } = head;
    if (typeof position === 'object') {
      const isSame = position.epoch === nameOf(channel, head.epoch);
      offset = isSame ? Math.min(head.offset, Math.max(position.offset, trimmedTo)) : trimmedTo;
    }
    const place = { epoch: head.epoch, offset };
    seats.set(channel, place);
    downstream.push({ kind: 'joined', channel, epoch: nameOf(channel, place.epoch), offset });
    pumpSeat(channel, place);
  }

  function pumpSeat(channel: string, place: Seat): void {
    const head = truth.headOf(channel);
    if (head.epoch !== place.epoch) return seat(channel, { epoch: nameOf(channel, place.epoch), offset: place.offset });
    for (const { offset, event, data, id, from } of truth.channels.get(channel)?.at(-1)?.entries.slice(place.offset) ?? []) {
      downstream.push({ kind: 'event', channel, event, data: JSON.parse(data ?? 'null') as unknown, offset, id, from });
      place.offset = offset;
    }
  }

  function nameOf(channel: string, epoch: number): string {
    return truth.channels.get(channel)?.[epoch]?.name ?? '';
  }

  function positionOf({ epoch, offset, cursor }: JoinFrame): Position | undefined {
    return epoch === undefined || offset === undefined ? cursor : { epoch, offset };
  }
}
