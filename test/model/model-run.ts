import { type Channel, createRealtime, type Position, type RealtimeManager, type Status } from '../../src/index.ts';
import { type ManualClock, manualClock } from '../../src/testing/clock.ts';
import { check, isUpToDate } from '../chaos/checker.ts';
import type { SendRecord, Timeline } from '../chaos/ledger.ts';
import { chanceOf } from '../chaos/random.ts';
import { createTruth } from '../chaos/truth.ts';
import { scripted } from '../support/scripted-transport.ts';
import { type Command, modelChannels } from './commands.ts';
import { createModelLink, type ModelLink } from './model-server.ts';

/** How the status may go on; what is not here must not happen. The status stays the same where only facts about it change. */
const nextStatuses: Readonly<Record<Status, readonly Status[]>> = {
  idle: ['connecting', 'disconnected'],
  connecting: ['connected', 'disconnected', 'failed'],
  connected: ['reconnecting', 'disconnected', 'failed'],
  reconnecting: ['connected', 'disconnected', 'failed'],
  disconnected: ['connecting', 'reconnecting'],
  failed: ['connecting', 'reconnecting', 'disconnected'],
};

/** So often the end of a run goes round until all is well. */
const mostRounds = 120;

/**
 * Carries out commands in virtual time against a server that does nothing by itself, lets everything become well, and
 * judges what came of it.
 *
 * @returns what is wrong, in words
 */
export async function runModel(commands: readonly Command[], seed: number): Promise<string[]> {
  const wrong: string[] = [];
  const clock: ManualClock = manualClock();
  const truth = createTruth();
  const sends: SendRecord[] = [];
  const timelines: Timeline[] = [];
  const open = new Map<string, { readonly timeline: Timeline; readonly leave: () => void }>();
  const channels = new Map<string, Channel>();
  const links: ModelLink[] = [];
  const transports = [
    scripted('frames', { joining: 'frame', ack: 'frame', reauth: true, liveness: 'ping' }),
    scripted('dials', { joining: 'dial', ack: 'receipt' }),
  ];
  const listeners = { online: new Set<() => void>(), wake: new Set<() => void>() };
  const holds: (() => void)[] = [];
  let isOnline = true;
  let hasToken = true;
  let tokens = 0;
  let ids = 0;
  let wasDisturbed = false;
  let isClosed = false;

  const listen = (set: Set<() => void>) => (listener: () => void) => {
    set.add(listener);
    return () => set.delete(listener);
  };
  const realtime: RealtimeManager = createRealtime({
    transports,
    auth() {
      if (!hasToken) throw new Error('no token now');
      tokens += 1;
      return { token: `token ${tokens}`, expiresAt: clock.wallNow() + 300_000 };
    },
    platform: {
      clock,
      random: chanceOf(seed).next,
      newId: () => `id ${++ids}`,
      signals: { isOnline: () => isOnline, onOnlineChange: listen(listeners.online), onWake: listen(listeners.wake) },
    },
  });
  let status: Status = realtime.status.get().status;
  realtime.on('fault', () => called('fault'));
  realtime.on('status', ({ status: next, reason }) => {
    called('status');
    if (next !== status && !nextStatuses[status].includes(next)) wrong.push(`the status went from ${status} to ${next}`);
    if (next === 'failed' && reason === undefined) wrong.push('it failed without a reason');
    status = next;
  });
  realtime.on('gap', (gap) => {
    called('gap');
    open.get(gap.channel)?.timeline.entries.push({ kind: 'gap', gap });
  });

  join('red');
  for (const command of commands) {
    if (command.kind === 'time') await clock.advance(command.forMs);
    else perform(command);
    await settle();
  }
  // the other runs are closed in whatever state they are
  if (seed % 3 > 0) {
    await becomeWell();
    wrong.push(...check({ sends, timelines }, truth, { mayGiveUp: wasDisturbed }).map(({ kind, what }) => `${kind}: ${what}`));
  }
  realtime.close();
  isClosed = true;
  await clock.advance(0);
  if (clock.pending > 0) wrong.push(`${clock.pending} timers are left after close`);
  const held = transports.reduce((sum, { heldCount }) => sum + heldCount, 0);
  if (held > 0) wrong.push(`${held} links are left after close`);
  const listening = listeners.online.size + listeners.wake.size;
  if (listening > 0) wrong.push(`${listening} listeners are left after close`);
  const undecided = sends.filter(({ outcome }) => outcome.kind === 'open').length;
  if (undecided > 0) wrong.push(`${undecided} sends are open after close`);
  await clock.advance(600_000);
  return wrong;

  /** After close nobody is called. */
  function called(what: string): void {
    if (isClosed) wrong.push(`${what} was called after close`);
  }

  async function settle(): Promise<void> {
    await clock.advance(0);
    for (const transport of transports) {
      const known = new Set(links.map(({ link }) => link));
      for (const link of transport.dials) {
        if (!known.has(link)) links.push(createModelLink(link, transport, truth, sawPosition));
      }
    }
    for (const link of links) link.pump();
  }

  /** A position that leaves us stands right after what was handed over, never before it and never after. */
  function sawPosition(channel: string, position: Position | undefined): void {
    const timeline = open.get(channel)?.timeline;
    const last = timeline?.entries.findLast((entry) => entry.kind === 'gap' || entry.offset !== undefined);
    if (last === undefined) return;
    const offset = last.kind === 'gap' ? (last.gap.until as { offset?: number } | undefined)?.offset : last.offset;
    const named = (position as { offset?: number } | undefined)?.offset;
    if (named !== offset) wrong.push(`${channel} is joined from ${named}, and ${offset} was handed over last`);
  }

  function heldLinks(): ModelLink[] {
    return links.filter((link) => link.isHeld());
  }

  function withLink(which: number, act: (link: ModelLink) => void): void {
    const held = heldLinks();
    const link = held[which % Math.max(1, held.length)];
    if (link !== undefined) act(link);
  }

  function perform(command: Exclude<Command, { kind: 'time' }>): void {
    switch (command.kind) {
      case 'start':
        return realtime.start();
      case 'stop':
        return realtime.stop();
      case 'offline':
      case 'online':
        isOnline = command.kind === 'online';
        for (const listener of [...listeners.online]) listener();
        return;
      case 'hold':
        holds.push(realtime.hold('model'));
        return;
      case 'release':
        return holds.pop()?.();
      case 'wake':
        for (const listener of [...listeners.wake]) listener();
        return;
      case 'lose-log':
        return truth.lose();
      case 'token':
      case 'no-token':
        hasToken = command.kind === 'token';
        return;
      case 'mode':
        return realtime.setMode(command.mode);
      case 'join':
        return join(command.channel);
      case 'leave':
        return open.get(command.channel)?.leave();
      case 'publish':
        return publish(command.channel);
      case 'other':
        return other(command.channel);
      case 'trim':
        return truth.trim(command.channel);
      case 'up':
        return withLink(command.which, (link) => link.up());
      case 'down':
        return withLink(command.which, (link) => link.down(command.cause));
      case 'serve':
        return withLink(command.which, (link) => link.serve(command.count));
      case 'deliver':
        return withLink(command.which, (link) => link.deliver(command.count));
      case 'repeat':
        return withLink(command.which, (link) => link.repeat());
      case 'swap':
        return withLink(command.which, (link) => (wasDisturbed = link.swap() || wasDisturbed));
      case 'lose':
        return withLink(command.which, (link) => (wasDisturbed = link.lose() || wasDisturbed));
      case 'heartbeat':
        return withLink(command.which, (link) => link.heartbeat());
      case 'drain':
        return withLink(command.which, (link) => link.say({ kind: 'advice', drain: true }));
      case 'expire':
        return withLink(command.which, (link) => link.say({ kind: 'auth', status: 'expired' }));
      case 'late-ack':
        return withLink(command.which, (link) => link.say({ kind: 'ack', ...ackOf(command.send) }));
    }
  }

  /** The answer to a send that was applied, once more; for any other, to one that never was. */
  function ackOf(index: number): { readonly id: string; readonly epoch?: string; readonly offset?: number } {
    const { id, channel } = sends[index] ?? { id: 'nobody knows', channel: 'red' };
    for (const { name, entries } of truth.channels.get(channel) ?? []) {
      const offset = entries.find((entry) => entry.id === id)?.offset;
      if (offset !== undefined) return { id, epoch: name, offset };
    }
    return { id: 'nobody knows' };
  }

  function join(name: string): void {
    if (open.has(name)) return;
    const timeline: Timeline = { client: 0, channel: name, entries: [], confirmed: undefined, isLeft: false, late: 0 };
    const channel = realtime.channel(name);
    timelines.push(timeline);
    for (const event of ['said', 'heard']) {
      channel.on(event, (data, { id, offset, from }) => {
        called('a handler');
        if (timeline.isLeft) timeline.late += 1;
        else timeline.entries.push({ kind: 'event', id, offset, from, data });
      });
    }
    channel.state.subscribe((state) => {
      if (state.status === 'joined') timeline.confirmed ??= truth.headOf(name);
    });
    open.set(name, {
      timeline,
      leave() {
        open.delete(name);
        channel.leave();
        timeline.isLeft = true;
      },
    });
    channels.set(name, channel);
  }

  function publish(name: string): void {
    const channel = channels.get(name);
    if (channel === undefined || !open.has(name)) return;
    const n = sends.length;
    const id = `send ${n}`;
    const common = { client: 0, user: 'me', isVolatile: false, mayBePutOff: false };
    const record: SendRecord = { ...common, id, channel: name, n, outcome: { kind: 'open' } };
    sends.push(record);
    channel.publish('said', { n }, { id }).then(
      ({ epoch, offset }) => {
        if (record.outcome.kind !== 'open') wrong.push(`${id} ended twice`);
        record.outcome = { kind: 'accepted', epoch, offset };
      },
      (error: { code?: string }) => {
        record.outcome = { kind: 'failed', code: error.code ?? 'unknown' };
      },
    );
  }

  /** Somebody else says something. */
  function other(name: string): void {
    const n = sends.length;
    const id = `other ${n}`;
    const common = { client: 1, user: 'other', isVolatile: false, mayBePutOff: false };
    const place = truth.headOf(name);
    void truth.append(name, { id, event: 'heard', data: JSON.stringify({ n }), at: 0, from: 'other' });
    const epoch = truth.channels.get(name)?.[place.epoch]?.name;
    sends.push({ ...common, id, channel: name, n, outcome: { kind: 'accepted', epoch, offset: place.offset + 1 } });
  }

  /** All faults stop, and everything that is on its way arrives. */
  async function becomeWell(): Promise<void> {
    hasToken = true;
    isOnline = true;
    for (const listener of [...listeners.online]) listener();
    for (const release of holds.splice(0)) release();
    // in the other half of the runs nothing comes after what was lost last
    if (seed % 2 === 0) for (const channel of modelChannels) if (open.has(channel)) other(channel);
    for (let round = 0; round < mostRounds; round++) {
      realtime.start();
      await settle();
      for (const link of heldLinks()) {
        link.up();
        link.serve(1_000);
        link.heartbeat();
        link.deliver(1_000);
      }
      await clock.advance(round < 10 ? 10 : 1_000);
      if (isWell()) return;
    }
    const { status: word, reason } = realtime.status.get();
    wrong.push(`it did not become well: ${word}, ${reason?.message}`);
  }

  function isWell(): boolean {
    const isConnected = realtime.status.get().status === 'connected';
    const isIdle = sends.every(({ outcome }) => outcome.kind !== 'open');
    return isConnected && isIdle && [...open.values()].every(({ timeline }) => isUpToDate(timeline, truth));
  }
}
