import { createRealtime } from 'keepwire';
import { websocket } from 'keepwire/websocket';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { commands } from 'vitest/browser';
import type { OutboxPageSettings } from './outbox-page.ts';

const { url, token } = inject('server');
let serial = 0;

/** Pages of one user, and somebody who hears everything that they say. */
async function setup(more: Partial<OutboxPageSettings> = {}) {
  const channel = `outbox:${Date.now()}:${++serial}`;
  const settings: OutboxPageSettings = { url, token, user: channel, channel, isHeld: false, ...more };
  const watcher = createRealtime({ transports: [websocket({ url: `${url}/realtime` })], auth: token });
  onTestFinished(() => watcher.close());
  const heard: string[] = [];
  const room = watcher.channel(channel);
  const listeners = new Set<() => void>();
  room.on('say', (data) => {
    heard.push(String(data));
    for (const look of listeners) look();
  });
  watcher.start();
  await new Promise<void>((resolve) => room.state.subscribe(({ status }) => status === 'joined' && resolve()));
  return {
    heard,
    open: (own: Partial<OutboxPageSettings> = {}) => commands.openPage('outbox-page.ts', { ...settings, ...own }),
    until: (count: number) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (heard.length < count) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    /** When a send that comes after everything else has been heard, nothing else is on its way. */
    async last(page: number) {
      await commands.callPage(page, 'publish', 'last');
      await commands.callPage(page, 'has', 0);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (heard.includes('last')) resolve();
        };
        listeners.add(look);
        look();
      });
    },
  };
}

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `s${from + index}`);

describe.each([{ locks: undefined }, { locks: 'none' as const }])('with locks: $locks', ({ locks }) => {
  test('a reload before anything has left: all is sent after it, in order, once', async () => {
    const { heard, open, until, last } = await setup({ isHeld: true, locks });
    const page = await open();
    await commands.callPage(page, 'publish', ...numbered(20));
    await commands.reloadPage(page);
    await commands.callPage(page, 'has', 20);
    expect(heard).toEqual([]);
    await commands.callPage(page, 'release');
    await until(20);
    await last(page);
    expect(heard).toEqual([...numbered(20), 'last']);
    expect(await commands.callPage(page, 'faults')).toEqual([]);
    await commands.closePage(page);
  });

  test('two pages share it: each sends its own, and the one that crashes is taken over', async () => {
    const { heard, open, until, last } = await setup({ locks });
    const held = await open({ isHeld: true });
    const living = await open();
    await commands.callPage(held, 'publish', ...numbered(5));
    await commands.callPage(living, 'publish', 'of the living');
    await commands.callPage(living, 'has', 0);
    await until(1);
    expect(heard).toEqual(['of the living']);
    await commands.crashPage(held);
    await until(6);
    await last(living);
    expect(heard).toEqual(['of the living', ...numbered(5), 'last']);
    expect(await commands.callPage(living, 'faults')).toEqual([]);
    await commands.closePage(living);
  });
});

test('reloads in the middle of the traffic: every send that was safe has its effect once', async () => {
  const { heard, open, last } = await setup();
  const page = await open();
  for (let round = 0; round < 5; round++) {
    await commands.callPage(page, 'publish', ...numbered(30, round * 100));
    await commands.callPage(page, 'publishNow', ...numbered(30, round * 100 + 30));
    await commands.reloadPage(page);
  }
  await commands.callPage(page, 'has', 0);
  await last(page);
  expect(heard.length).toBe(new Set(heard).size);
  for (let round = 0; round < 5; round++) expect(heard).toEqual(expect.arrayContaining(numbered(30, round * 100)));
  const numbers = heard.slice(0, -1).map((id) => Number(id.slice(1)));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  await commands.closePage(page);
});

test('the token is in no storage, and nothing of a user is left after their sends', async () => {
  const { open } = await setup({ isHeld: true });
  const page = await open();
  await commands.callPage(page, 'publish', 'kept');
  const stored = String(await commands.callPage(page, 'stored'));
  expect(stored).toContain('kept');
  expect(stored).not.toContain(token);
  for (const part of token.split('.')) expect(stored).not.toContain(part);
  await commands.callPage(page, 'release');
  await commands.callPage(page, 'has', 0);
  await commands.closePage(page);
});
