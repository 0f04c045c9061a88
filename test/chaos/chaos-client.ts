import { createAuth } from '../../examples/server/auth.ts';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import { type Channel, createRealtime, type RealtimeManager, type Transport } from '../../src/index.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { isUpToDate } from './checker.ts';
import { type FastClock, fastClock, fastDelay } from './fast-time.ts';
import type { SendRecord, Timeline } from './ledger.ts';
import { busyEvent, refusedEvent } from './messages.ts';
import { chanceOf } from './random.ts';
import type { ClientPlan, SendForm, TransportName } from './schedule.ts';
import type { Truth } from './truth.ts';

/** What a client is made of. */
export interface ClientParts {
  readonly index: number;
  readonly seed: number;
  readonly plan: ClientPlan;
  readonly proxy: TcpProxy;
  readonly secret: string;
  readonly truth: Truth;
  readonly sends: SendRecord[];
  readonly timelines: Timeline[];
  readonly note: (what: string) => void;
}

/** A manager that writes down everything it is given. */
export interface ChaosClient {
  readonly realtime: RealtimeManager;
  readonly clock: FastClock;
  /** Why the connection failed for good, if it ever did; nothing in a run is a reason for that. */
  readonly failures: readonly string[];
  send(channel: string, count: number, form: SendForm): void;
  /** A new handle on a channel. */
  join(channel: string): void;
  /** Gives the handle back. @returns whether there was one */
  leave(channel: string): boolean;
  setOnline(isOnline: boolean): void;
  wake(): void;
  /** How the auth provider behaves from now on. */
  provide(how: 'well' | 'slowly' | 'not'): void;
  /** Connected, nothing open, every channel up to date. */
  isWell(): boolean;
  /** What is not well, in words. */
  ailment(): string;
}

export function createChaosClient(parts: ClientParts): ChaosClient {
  const { index, plan, proxy, truth, sends, timelines, note } = parts;
  const user = `user-${index}`;
  const clock = fastClock();
  const chance = chanceOf(parts.seed * 31 + index);
  const auth = createAuth(new TextEncoder().encode(parts.secret), false, clock);
  const handles = new Map<string, { readonly channel: Channel; readonly timeline: Timeline }>();
  const failures: string[] = [];
  const listeners = { online: new Set<() => void>(), wake: new Set<() => void>() };
  let isOnline = true;
  let provider: 'well' | 'slowly' | 'not' = 'well';
  let ids = 0;

  const listen = (set: Set<() => void>) => (listener: () => void) => {
    set.add(listener);
    return () => set.delete(listener);
  };
  const realtime = createRealtime({
    transports: plan.transports.map((name) => transportTo(proxy.url, name)),
    mode: plan.mode,
    ...(plan.isCheckedLater ? { events: Object.fromEntries(eventNames.map((name) => [name, laterSchema])) } : {}),
    async auth() {
      if (provider === 'not') throw new Error('there is no token now');
      if (provider === 'slowly') await fastDelay(1_500);
      return auth.signToken(user, { expiresInS: plan.tokenS });
    },
    platform: {
      clock,
      random: chance.next,
      newId: () => `${String.fromCharCode(97 + chance.int(0, 25))}${index}-${++ids}`,
      signals: { isOnline: () => isOnline, onOnlineChange: listen(listeners.online), onWake: listen(listeners.wake) },
    },
  });
  realtime.on('status', ({ status, transport, reason }) => {
    note(`client ${index}: ${status} over ${transport}${reason ? `, ${reason.code}: ${reason.message}` : ''}`);
    if (status === 'failed') failures.push(`client ${index}: ${reason?.code} ${reason?.message}`);
  });
  realtime.on('fault', (error) => note(`client ${index}: fault ${error.code}: ${error.message}`));
  realtime.on('gap', (gap) => {
    note(`client ${index}: gap ${JSON.stringify(gap)}`);
    handles.get(gap.channel)?.timeline.entries.push({ kind: 'gap', gap });
  });

  const client: ChaosClient = {
    realtime,
    clock,
    failures,
    send(channel, count, form) {
      for (let left = count; left > 0; left--) sendOne(channel, form);
    },
    join(name) {
      const timeline: Timeline = { client: index, channel: name, entries: [], confirmed: undefined, isLeft: false, late: 0 };
      const channel = realtime.channel(name);
      timelines.push(timeline);
      handles.set(name, { channel, timeline });
      for (const event of eventNames) {
        channel.on(event, (data, { id, offset, from }) => {
          if (timeline.isLeft) timeline.late += 1;
          else timeline.entries.push({ kind: 'event', id, offset, from, data });
        });
      }
      channel.state.subscribe(({ status }) => {
        if (status === 'joined') timeline.confirmed ??= truth.headOf(name);
      });
    },
    leave(name) {
      const handle = handles.get(name);
      if (handle === undefined) return false;
      handles.delete(name);
      handle.channel.leave();
      handle.timeline.isLeft = true;
      return true;
    },
    setOnline(next) {
      isOnline = next;
      for (const listener of [...listeners.online]) listener();
    },
    wake() {
      for (const listener of [...listeners.wake]) listener();
    },
    provide(how) {
      provider = how;
    },
    isWell: () => client.ailment() === '',
    ailment() {
      const { status } = realtime.status.get();
      if (status !== 'connected') return `client ${index} is ${status}`;
      const open = sends.filter((send) => send.client === index && send.outcome.kind === 'open').length;
      if (open > 0) return `${open} sends of client ${index} are open`;
      const behind = [...handles.values()].filter(({ timeline }) => !isUpToDate(timeline, truth));
      return behind.map(({ timeline }) => `client ${index} is behind on ${timeline.channel}`).join(', ');
    },
  };
  return client;

  function sendOne(name: string, form: SendForm): void {
    const handle = handles.get(name);
    // it is about to join again
    if (handle === undefined) return;
    const id = `${String.fromCharCode(97 + chance.int(0, 25))}${index}-${++ids}`;
    const n = sends.length;
    const isVolatile = form === 'volatile';
    const outcome = { kind: 'open' } as const;
    const record: SendRecord = { id, client: index, user, channel: name, n, isVolatile, mayBePutOff: form === 'busy', outcome };
    sends.push(record);
    const abort = new AbortController();
    if (form === 'aborted') clock.schedule(() => abort.abort(), chance.int(0, 300));
    handle.channel
      .publish(
        eventOf(form),
        { n, by: index },
        {
          id,
          volatile: isVolatile,
          signal: abort.signal,
          ...(form === 'hasty' ? { timeoutMs: chance.int(50, 600) } : {}),
        },
      )
      .then(
        ({ epoch, offset }) => {
          record.outcome = { kind: 'accepted', epoch, offset };
        },
        (error: { code?: string }) => {
          record.outcome = { kind: 'failed', code: error.code ?? 'unknown' };
        },
      );
  }
}

const plainEvent = 'said';
const eventNames: readonly string[] = [plainEvent, refusedEvent, busyEvent];

function eventOf(form: SendForm): string {
  return form === 'refused' ? refusedEvent : form === 'busy' ? busyEvent : plainEvent;
}

/** A schema that takes everything, a little later. */
const laterSchema = {
  '~standard': {
    version: 1 as const,
    vendor: 'chaos',
    validate: (value: unknown) =>
      new Promise<{ value: unknown }>((resolve) => setTimeout(() => resolve({ value }), laterMs(value))),
  },
};

function transportTo(url: string, name: TransportName): Transport {
  const base = `${url}/realtime`;
  switch (name) {
    case 'websocket':
      return websocket({ url: base });
    case 'sse':
      return sse({ url: `${base}/sse`, sendUrl: `${base}/send` });
    case 'long-poll':
      return longPoll({ url: `${base}/poll`, sendUrl: `${base}/send` });
    case 'socket-io':
      return socketIo({ url });
  }
}

/** A later message may well be done before an earlier one. */
function laterMs(value: unknown): number {
  return ((value as { n?: number } | null)?.n ?? 0) % 3;
}
