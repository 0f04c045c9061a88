import { type AuthContext, createRealtime, type RealtimeManager } from 'keepwire';
import { type FakeServer, fakeServer, type ManualClock, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type SharedTabs, sharedTabs } from '../../src/tabs/tabs.ts';
import { type FakeBrowser, fakeBrowser } from '../support/fake-browser.ts';

/** How long each token lives, in milliseconds. */
const lifeMs = 600_000;

interface Tab {
  readonly realtime: RealtimeManager;
  readonly transport: SharedTabs;
  /** Why the application was asked for a token, each time. */
  readonly asked: AuthContext['reason'][];
}

function setUp(reauth: boolean) {
  const clock = manualClock();
  const server = fakeServer({ user: () => 'ada' });
  const browser = fakeBrowser(clock);
  const tabs: Tab[] = [];
  return {
    clock,
    async open() {
      const tab = openTab(clock, server, browser, reauth, tabs.length);
      onTestFinished(() => tab.realtime.close());
      tabs.push(tab);
      await untilRoles(clock, tabs);
      return tab;
    },
    untilRoles: (...some: readonly Tab[]) => untilRoles(clock, some),
  };
}

/** The hash of the user is made by the platform, which no manual clock moves. */
async function untilRoles(clock: ManualClock, tabs: readonly Tab[]): Promise<void> {
  await vi.waitFor(async () => {
    await clock.advance(1);
    for (const { transport, realtime } of tabs) {
      expect([transport.role !== undefined, realtime.status.get().status]).toEqual([true, 'connected']);
    }
  });
}

function openTab(clock: ManualClock, server: FakeServer, browser: FakeBrowser, reauth: boolean, number: number): Tab {
  const tab = browser.tab();
  const plain = server.transport();
  const carrier = tab.carry({ ...plain, capabilities: { ...plain.capabilities, reauth } });
  const transport = sharedTabs(carrier, { key: 'token', locks: tab.locks, BroadcastChannel: tab.BroadcastChannel });
  const asked: AuthContext['reason'][] = [];
  const realtime = createRealtime({
    transports: [transport],
    platform: { clock: tab.clock },
    auth({ reason }) {
      asked.push(reason);
      return { token: `token-${number}-${asked.length}`, subject: 'ada', expiresAt: clock.wallNow() + lifeMs };
    },
  });
  realtime.channel('room').on('n', () => {});
  realtime.start();
  return { realtime, transport, asked };
}

test.for([true, false])('a token that ends is renewed by the leading tab alone (in place: %s)', async (reauth) => {
  const { clock, open, untilRoles } = setUp(reauth);
  const [leader, follower, third] = [await open(), await open(), await open()];
  expect([leader, follower, third].map(({ transport }) => transport.role)).toEqual(['leader', 'follower', 'follower']);
  await clock.advance(lifeMs);
  await untilRoles(leader, follower, third);
  expect(leader.asked.slice(1)).toEqual(['expiring']);
  expect([follower.asked, third.asked].flat().filter((reason) => reason === 'expiring')).toEqual([]);
});

test('a tab that comes to lead asks for a token of its own, and renews that one from then on', async () => {
  const { clock, open, untilRoles } = setUp(true);
  const [leader, follower] = [await open(), await open()];
  await clock.advance(lifeMs / 2);
  leader.realtime.close();
  await untilRoles(follower);
  expect([follower.transport.role, follower.asked]).toEqual(['leader', ['connect', 'reconnect']]);
  await clock.advance(lifeMs);
  expect(follower.asked).toEqual(['connect', 'reconnect', 'expiring']);
});
