import { createRealtime, type RealtimeManager } from 'keepwire';
import { type FakeServer, fakeServer, manualClock } from 'keepwire/testing';
import { describe, expect, test } from 'vitest';
import { type SharedTabs, sharedTabs } from '../../src/tabs/tabs.ts';
import { type FakeBrowser, type FakeTab, fakeBrowser } from '../support/fake-browser.ts';

/** One tab with an application in it, and what it got. */
interface AppTab {
  readonly name: string;
  readonly tab: FakeTab;
  readonly transport: SharedTabs;
  readonly realtime: RealtimeManager;
  /** The numbers of the events that its handler got, in order. */
  readonly got: number[];
  /** The same for a channel that is opened later, by some. */
  readonly side: number[];
  readonly gaps: unknown[];
  openSide(): void;
  isFrozen: boolean;
}

const steps = 60;

describe.each(['frame', 'dial'] as const)(
  'tabs that come, go, crash and freeze, over a transport that joins by %s',
  (joining) => {
    // the last one has a tab that is given the lock while it is frozen
    test.each([...Array.from({ length: 20 }, (_, seed) => seed + 1), 196])(
      'lose nothing and get nothing twice (seed %i)',
      async (seed) => {
        const random = seededRandom(seed);
        const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
        const clock = manualClock();
        const server = fakeServer({ user: () => 'ada' });
        const browser = fakeBrowser(clock);
        const tabs: AppTab[] = [];
        const gone: AppTab[] = [];
        /** For each tab: the numbers that it sent, in order, and those that were accepted. */
        const sent = new Map<string, { readonly all: number[]; readonly accepted: number[] }>();
        let count = 0;

        for (let step = 0; step < steps; step++) {
          const dice = random();
          const running = tabs.filter(({ isFrozen }) => !isFrozen);
          const victim = pick(random() < 0.6 ? running.filter(({ transport }) => transport.role === 'leader') : running);
          if (tabs.length < 2 || (dice < 0.12 && tabs.length < 5)) {
            tabs.push(openTab(`tab-${step}`, browser, server, joining, random));
          } else if (dice < 0.2 && victim) {
            victim.realtime.close();
            remove(victim);
          } else if (dice < 0.28 && victim) {
            victim.tab.crash();
            // its sockets and timers end with it; nothing of this reaches another tab
            victim.realtime.close();
            remove(victim);
          } else if (dice < 0.36 && victim) {
            victim.tab.freeze();
            victim.isFrozen = true;
          } else if (dice < 0.46) {
            const frozen = pick(tabs.filter(({ isFrozen }) => isFrozen));
            frozen?.tab.thaw();
            if (frozen) frozen.isFrozen = false;
          } else if (dice < 0.5) {
            server.drop();
          } else if (dice < 0.55) {
            pick(running)?.openSide();
          } else if (dice < 0.75) {
            for (let more = 0; more < 3; more++) server.publish('room', 'number', { from: 'server', number: ++count });
            server.publish('side', 'number');
          } else {
            const sender = pick(running);
            if (sender) send(sender, ++count);
          }
          await clock.advance(random() * (random() < 0.3 ? 5000 : 400));
        }

        for (const each of tabs) if (each.isFrozen) each.tab.thaw();
        await clock.advance(60_000);
        const last = server.publish('room', 'number', { from: 'server', number: ++count });
        const lastOfSide = server.publish('side', 'number');
        await clock.advance(100);
        const live = tabs.filter(({ transport }) => transport.role !== undefined);
        expect(live).toHaveLength(tabs.length);
        expect(live.filter(({ transport }) => transport.role === 'leader')).toHaveLength(1);
        expect(server.links).toBe(1);
        const applied = server.received.map(({ data }) => (data as { number: number }).number);
        expect(new Set(applied).size).toBe(applied.length);
        for (const { name, got, side, gaps } of tabs) {
          expect(gaps, name).toEqual([]);
          expectWhole(got, name);
          expectWhole(side, name);
          expect(got.at(-1), name).toBe(last);
          if (side.length) expect(side.at(-1), name).toBe(lastOfSide);
          const { all, accepted } = sent.get(name) ?? { all: [], accepted: [] };
          expect(accepted, name).toEqual(all);
          // in the order of sending, also when they went by way of several leaders
          expect(
            applied.filter((number) => all.includes(number)),
            name,
          ).toEqual(all);
        }
        for (const { name, got } of gone) expectWhole(got, name);
        for (const { realtime } of tabs) realtime.close();
        await clock.advance(200_000);
        expect(server.links).toBe(0);
        expect(browser.open).toBe(0);
        expect(clock.pending).toBe(0);

        function send({ name, realtime }: AppTab, number: number): void {
          const book = sent.get(name) ?? { all: [], accepted: [] };
          sent.set(name, book);
          book.all.push(number);
          const accept = (): void => void book.accepted.push(number);
          // a tab that is closed fails what it has not sent
          realtime
            .channel('room')
            .publish('number', { from: name, number })
            .then(accept, () => {});
        }

        function remove(tab: AppTab): void {
          tabs.splice(tabs.indexOf(tab), 1);
          gone.push(tab);
        }
      },
    );
  },
);

/** The log is numbered without holes, and so is what a tab gets of it, from its first event on. */
function expectWhole(offsets: readonly number[], name: string): void {
  expect(offsets, name).toEqual(Array.from(offsets, (_, index) => (offsets[0] ?? 1) + index));
}

function openTab(
  name: string,
  browser: FakeBrowser,
  server: FakeServer,
  joining: 'frame' | 'dial',
  random: () => number,
): AppTab {
  const tab = browser.tab();
  const plain = server.transport();
  const carrier = tab.carry({ ...plain, capabilities: { ...plain.capabilities, joining } });
  const transport = sharedTabs(carrier, { key: 'chaos', locks: tab.locks, BroadcastChannel: tab.BroadcastChannel });
  const realtime = createRealtime({ transports: [transport], platform: { clock: tab.clock, random } });
  const [got, side, gaps]: [number[], number[], unknown[]] = [[], [], []];
  let isSideOpen = false;
  realtime.on('gap', (gap) => gaps.push(gap));
  realtime.channel('room').on('number', (_, { offset }) => got.push(offset ?? -1));
  realtime.start();
  return {
    name,
    tab,
    transport,
    realtime,
    got,
    side,
    gaps,
    openSide() {
      if (!isSideOpen) realtime.channel('side').on('number', (_, { offset }) => side.push(offset ?? -1));
      isSideOpen = true;
    },
    isFrozen: false,
  };
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
