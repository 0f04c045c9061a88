import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { io } from 'socket.io-client';
import type { start } from '../../examples/support-desk/start.mjs';
import { defineSystem, median, type Stage, type System, until } from './support.ts';

type DeskServer = Awaited<ReturnType<typeof start>>['server'];
type DeskStage = Stage<DeskServer>;

/** Users have names of their own in each check, as the server remembers them. */
let serial = 0;
const someone = (name: string): string => `${name} ${++serial}`;
const idOf = (name: string): string => name.toLowerCase().replace(' ', '-');

const ways = { socket: 'Socket.IO', sse: 'Event stream', polling: 'Polling' };
type Way = keyof typeof ways;

const badge = (page: Page, way: Way) => page.locator(`.badge[data-status=connected][data-transport=${way}]`);
const place = (page: Page, where: 'page' | 'pane' | 'widget') => page.locator(`.conversation[data-place=${where}]`);

async function enter(page: Page, name: string, path = 'chat/orders'): Promise<Page> {
  await page.goto(new URL(path, page.url()).href);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.badge[data-status=connected]').waitFor();
  return page;
}

async function write(page: Page, text: string, where: 'page' | 'pane' | 'widget' = 'page'): Promise<void> {
  await place(page, where).locator('textarea').fill(text);
  await place(page, where).locator('textarea').press('Enter');
}

async function sees(page: Page, text: string, where: 'page' | 'pane' | 'widget' = 'page'): Promise<void> {
  await place(page, where).locator('.message[data-state=confirmed]', { hasText: text }).waitFor();
}

/** The connections of a user, as the server counts them. */
async function connectionsOf({ server }: DeskStage, name: string) {
  const { connections } = await server.statistics();
  return connections.filter(({ userId }) => userId === idOf(name));
}

/** The numbers of the messages on a screen, from top to bottom. */
const shown = (page: Page): Promise<(string | null)[]> =>
  place(page, 'page')
    .locator('.message')
    .evaluateAll((lines) => lines.map((line) => line.getAttribute('data-id')));

/** The last of what the server holds of a channel is what the screen ends with, in the server's order. */
async function showsAll({ server }: DeskStage, page: Page, channel: string, last: number): Promise<void> {
  const held = (await server.messages(channel)).map(({ id }) => id).slice(-last);
  await until(`the screen shows the last ${held.length} of ${channel}`, async () => {
    return (await shown(page)).slice(-last).join() === held.join();
  });
}

/** Says something in the page that a reload would take away. */
const mark = (page: Page): Promise<void> => page.evaluate(() => void Object.assign(window, { mark: true }));
const isMarked = (page: Page): Promise<boolean> => page.evaluate(() => 'mark' in window);

/** What handlers get of a channel: the numbers of its messages, in the order of their coming. */
async function record(page: Page, channel: string): Promise<() => Promise<number[]>> {
  await page.evaluate((name) => {
    const { __keepwire } = window as unknown as { __keepwire: { realtime: { manager: { channel(name: string): Listening } } } };
    interface Listening {
      on(event: string, handler: (message: { seq: number }) => void): void;
    }
    const seen: number[] = [];
    Object.assign(window, { seen });
    __keepwire.realtime.manager.channel(name).on('message', ({ seq }) => seen.push(seq));
  }, channel);
  return () => page.evaluate(() => (window as unknown as { seen: number[] }).seen);
}

/** What a connection did, and why. */
const decisions = (page: Page): Promise<string> =>
  page.evaluate(() => {
    interface Exposed {
      readonly __keepwire: {
        realtime: { manager: { history: { get(): readonly { at: number; what: string; transport: string; reason: string }[] } } };
      };
    }
    const { __keepwire } = window as unknown as Exposed;
    return __keepwire.realtime.manager.history
      .get()
      .map(({ at, what, transport, reason }) => `${new Date(at).toISOString().slice(14, 23)} ${what} ${transport}: ${reason}`)
      .join('\n');
  });

/** Asks for the manager on `window`. */
async function debuggable(stage: DeskStage, name: string, path?: string): Promise<Page> {
  const page = await stage.open();
  await page.evaluate(() => localStorage.setItem('keepwire:debug', 'info'));
  return enter(page, name, path);
}

async function reset({ server }: DeskStage): Promise<void> {
  await server.startSocket();
  await server.setSettings({ connectionMode: 'auto' });
  await until('the Socket.IO process is there', async () => (await server.statistics()).isSocketUp);
}

/** The support desk of the S1 server: Next, streams, and a Socket.IO process beside it. */
export const system: System = defineSystem<DeskServer>('support-desk', [
  {
    line: 'one provider at the root, its default mode read on the server',
    async check(stage) {
      for (const connectionMode of ['polling', 'sse', 'auto'] as const) {
        await stage.server.setSettings({ connectionMode });
        const html = await (await fetch(stage.url)).text();
        assert.match(
          html,
          new RegExp(`<html[^>]* data-connection-mode="${connectionMode}"`),
          'the page says it without a script',
        );
        const asked: string[] = [];
        const page = await stage.open();
        page.on('request', (request) => asked.push(new URL(request.url()).pathname));
        await enter(page, someone('Ada'));
        await badge(page, connectionMode === 'auto' ? 'socket' : connectionMode).waitFor();
        assert.ok(!asked.includes('/api/settings'), 'the browser did not have to ask');
      }
    },
  },
  {
    line: 'page, widget and pane share one connection',
    async check(stage) {
      await reset(stage);
      const name = someone('Ada');
      const page = await enter(await stage.open(), name, 'chat/team');
      await page.getByRole('button', { name: 'Quick chat' }).click();
      for (const where of ['page', 'pane', 'widget'] as const) {
        await place(page, where).waitFor();
        assert.equal(await place(page, where).getAttribute('data-channel'), 'team');
        await sees(page, 'Good morning!', where);
      }
      await until('the server has one socket', async () => {
        const connections = await connectionsOf(stage, name);
        return connections.length === 1 && connections[0]?.via === 'socket' && connections[0].channels.join() === 'team';
      });
      await write(page, `once for all three, says ${name}`, 'widget');
      for (const where of ['page', 'pane', 'widget'] as const) {
        await sees(page, `once for all three, says ${name}`, where);
        assert.equal(await place(page, where).locator('.message', { hasText: 'once for all three' }).count(), 1);
      }
      // this server has a stream for each channel, whoever shows it
      await stage.server.setSettings({ connectionMode: 'sse' });
      await badge(page, 'sse').waitFor();
      const by = async (): Promise<string> =>
        (await connectionsOf(stage, name)).map(({ via, channels }) => `${via}:${channels}`).join(' ');
      await until('one stream for the three', async () => (await by()) === 'sse:team');
      await page.locator('[data-channel=orders]').first().click();
      await page.locator('.conversation[data-place=page][data-channel=orders]').waitFor();
      await until('two streams for two channels', async () => (await by()).split(' ').sort().join() === 'sse:orders,sse:team');
      await stage.server.setSettings({ connectionMode: 'auto' });
      return '1 socket for three views; 1 stream for three views of a channel, 2 for two channels';
    },
  },
  {
    line: 'a hook gives status, mode, messages, send and connected users',
    async check(stage) {
      await reset(stage);
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = await Promise.all([enter(await stage.open(), ada), enter(await stage.open(), bob)]);
      const view = place(one, 'page');
      assert.equal(await view.getAttribute('data-status'), 'connected');
      assert.equal(await view.getAttribute('data-mode'), 'auto');
      await write(one, `hello, says ${ada}`);
      await sees(two, `hello, says ${ada}`);
      await showsAll(stage, one, 'orders', 50);
      for (const user of [ada, bob]) await view.locator(`.people [data-user=${idOf(user)}]`).waitFor();
      await stage.server.setSettings({ connectionMode: 'sse' });
      await one.locator('.conversation[data-place=page][data-mode=sse]').waitFor();
      await stage.server.setSettings({ connectionMode: 'auto' });
    },
  },
  {
    line: 'auto prefers Socket.IO, falls back to SSE when that process is down, and comes back when it is up',
    async check(stage) {
      await reset(stage);
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const one = await debuggable(stage, ada);
      const two = await debuggable(stage, bob);
      for (const page of [one, two]) {
        await badge(page, 'socket').waitFor();
        await mark(page);
      }
      const seen = await record(one, 'orders');
      const first = (await stage.server.messages('orders')).length + 1;
      await stage.server.stopSocket();
      const downMs = performance.now();
      await write(two, `while it is down, says ${bob}`);
      for (const page of [one, two]) await badge(page, 'sse').waitFor();
      const fallbackMs = performance.now() - downMs;
      await sees(one, `while it is down, says ${bob}`);
      // a browser that comes meanwhile finds its way at once
      const late = await enter(await stage.open(), someone('Eve'));
      await badge(late, 'sse').waitFor();

      await stage.server.startSocket();
      const upMs = performance.now();
      for (const page of [one, two]) {
        await badge(page, 'socket')
          .waitFor({ timeout: 50_000 })
          .catch(async () => assert.fail(`never came back:\n${await decisions(page)}`));
      }
      const backMs = performance.now() - upMs;
      await write(two, `up again, says ${bob}`);
      await sees(one, `up again, says ${bob}`);
      const last = (await stage.server.messages('orders')).length;
      assert.deepEqual(await seen(), range(first, last), 'each message once');
      for (const page of [one, two]) assert.ok(await isMarked(page), 'no page was loaded again');
      return `down: on SSE after ${seconds(fallbackMs)}; up: back after ${seconds(backMs)}`;
    },
  },
  {
    line: 'an admin page changes the mode and every open browser switches without a reload, while another tab keeps sending numbered messages: none lost, none twice',
    async check(stage) {
      await reset(stage);
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const sender = await debuggable(stage, ada);
      const reader = await debuggable(stage, bob);
      const admin = await enter(await stage.open(), someone('Root'), 'admin');
      const pages = [sender, reader, admin];
      const seen = [await record(sender, 'orders'), await record(reader, 'orders')];
      for (const page of pages) await mark(page);
      const before = (await stage.server.messages('orders')).length;

      let isOver = false;
      let sent = 0;
      const sending = (async () => {
        while (!isOver) {
          sent += 1;
          await write(sender, `number ${sent} of ${ada}`);
        }
      })();
      const switches = ['sse', 'polling', 'socket', 'sse', 'socket', 'polling', 'auto'] as const;
      try {
        for (const mode of switches) {
          await admin.locator(`label[data-mode=${mode}]`).click();
          for (const page of pages) await badge(page, mode === 'auto' ? 'socket' : mode).waitFor();
          const count = sent;
          await until('more was sent over the new way', () => sent >= count + 10);
        }
      } finally {
        isOver = true;
        await sending;
      }
      await until('the server has all', async () => (await stage.server.messages('orders')).length >= before + sent);
      const stored = (await stage.server.messages('orders')).slice(before);
      assert.deepEqual(
        stored.map(({ text }) => text),
        range(1, sent).map((number) => `number ${number} of ${ada}`),
        'stored once, in the order of sending',
      );
      for (const [index, numbers] of seen.entries()) {
        await until('all was handed over', async () => (await numbers()).length >= sent);
        assert.deepEqual(
          await numbers(),
          range(before + 1, before + sent),
          `${index === 0 ? 'the sender' : 'the reader'} got each once`,
        );
      }
      for (const page of [sender, reader]) await showsAll(stage, page, 'orders', Math.min(sent, 200));
      for (const page of pages) assert.ok(await isMarked(page), 'no page was loaded again');
      return `${sent} messages over ${switches.length} switches in 3 browsers`;
    },
  },
  {
    line: 'a chat-settings-changed window event with { connectionMode } does the same',
    async check(stage) {
      await reset(stage);
      const name = someone('Ada');
      const page = await debuggable(stage, name);
      const other = await enter(await stage.open(), someone('Bob'));
      const seen = await record(page, 'orders');
      const before = (await stage.server.messages('orders')).length;
      await mark(page);
      let count = 0;
      for (const mode of ['sse', 'polling', 'socket', 'auto'] as const) {
        await page.evaluate((connectionMode) => {
          dispatchEvent(new CustomEvent('chat-settings-changed', { detail: { connectionMode } }));
        }, mode);
        for (const round of [1, 2, 3]) await stage.server.say('orders', 'sam', `${mode} ${round}`).then(() => (count += 1));
        await badge(page, mode === 'auto' ? 'socket' : mode).waitFor();
      }
      await until('all was handed over', async () => (await seen()).length >= count);
      assert.deepEqual(await seen(), range(before + 1, before + count));
      assert.ok(await isMarked(page));
      await badge(other, 'socket').waitFor();
    },
  },
  {
    line: 'typing and presence, whichever way each browser is connected',
    async check(stage) {
      await reset(stage);
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = await Promise.all([stage.open(), stage.open()]);
      await Promise.all([enter(one, ada), enter(two, bob)]);
      for (const mode of ['sse', 'polling', 'auto'] as const) {
        // one of them on another way than the other
        await one.evaluate((connectionMode) => {
          dispatchEvent(new CustomEvent('chat-settings-changed', { detail: { connectionMode } }));
        }, mode);
        await badge(one, mode === 'auto' ? 'socket' : mode).waitFor();
        for (const [page, user] of [
          [one, bob],
          [two, ada],
        ] as const) {
          await place(page, 'page')
            .locator(`.people [data-user=${idOf(user)}]`)
            .waitFor();
        }
        await place(two, 'page').locator('textarea').pressSequentially('hm');
        await place(one, 'page').getByText(`${bob} is typing…`).waitFor();
        await place(two, 'page').locator('textarea').fill('');
        await place(one, 'page').getByText(`${bob} is typing…`).waitFor({ state: 'detached' });
        await place(one, 'page').locator('textarea').pressSequentially('hm');
        await place(two, 'page').getByText(`${ada} is typing…`).waitFor();
        await place(one, 'page').locator('textarea').fill('');
        await place(two, 'page').getByText(`${ada} is typing…`).waitFor({ state: 'detached' });
      }
      await two.getByRole('button', { name: 'Sign out' }).click();
      await place(one, 'page')
        .locator(`.people [data-user=${idOf(bob)}]`)
        .waitFor({ state: 'detached' });
    },
  },
  {
    line: 'connection statistics on the admin page',
    async check(stage) {
      await reset(stage);
      const admin = await enter(await stage.open(), someone('Root'), 'admin');
      const ada = someone('Ada');
      const page = await enter(await stage.open(), ada);
      const counts = async (): Promise<string> => (await admin.locator('[data-count] b').allTextContents()).join();
      const truth = async (): Promise<string> => {
        const { connections } = await stage.server.statistics();
        return ['socket', 'sse', 'polling'].map((way) => connections.filter(({ via }) => via === way).length).join();
      };
      for (const mode of ['sse', 'auto'] as const) {
        await stage.server.setSettings({ connectionMode: mode });
        await badge(page, mode === 'auto' ? 'socket' : mode).waitFor();
        await until('the page counts what the server counts', async () => (await counts()) === (await truth()));
        await admin
          .locator('td', { hasText: idOf(ada) })
          .first()
          .waitFor();
      }
      await stage.server.stopSocket();
      await admin.locator('[data-is-up=false]').waitFor();
      await stage.server.startSocket();
      await admin.locator('[data-is-up=true]').waitFor();
      await admin.getByText('What the connection did, and why').click();
      await admin.locator('.decisions li').first().waitFor();
    },
  },
  {
    line: 'a message reaches another browser in well under the 250 ms of the polling that it replaces',
    async check(stage) {
      const measured: string[] = [];
      for (const mode of ['auto', 'sse'] as const) {
        await reset(stage);
        await stage.server.setSettings({ connectionMode: mode });
        const ada = someone('Ada');
        const [one, two] = await Promise.all([stage.open(), stage.open()]);
        await Promise.all([enter(one, ada), enter(two, someone('Bob'))]);
        for (const page of [one, two]) {
          await badge(page, mode === 'auto' ? 'socket' : mode).waitFor();
          await place(page, 'page').locator('.messages').waitFor();
        }
        const durations: number[] = [];
        for (const round of range(1, 25)) {
          const text = `round ${round} by ${ada}`;
          // both pages have the clock of this machine
          const arrived = two.evaluate(
            (wanted) =>
              new Promise<number>((resolve) => {
                const list = document.querySelector('.conversation[data-place=page] .messages');
                const look = new MutationObserver(() => {
                  if (!list?.lastElementChild?.textContent?.includes(wanted)) return;
                  look.disconnect();
                  resolve(performance.timeOrigin + performance.now());
                });
                look.observe(list as Element, { childList: true, subtree: true });
              }),
            text,
          );
          await place(one, 'page').locator('textarea').fill(text);
          const left = await one.evaluate(() => {
            const now = performance.timeOrigin + performance.now();
            document.querySelector<HTMLFormElement>('.conversation[data-place=page] form')?.requestSubmit();
            return now;
          });
          durations.push((await arrived) - left);
        }
        const middle = median(durations);
        assert.ok(middle < 250, `${mode}: ${middle} ms at the median`);
        measured.push(`${mode === 'auto' ? 'Socket.IO' : 'SSE'} ${middle.toFixed(0)} ms`);
      }
      await stage.server.setSettings({ connectionMode: 'auto' });
      return `from Enter to the other screen, at the median: ${measured.join(', ')}`;
    },
  },
  {
    line: 'after 500 navigations no listener, timer or stream is left',
    async check(stage) {
      await reset(stage);
      await stage.server.setSettings({ connectionMode: 'sse' });
      const name = someone('Ada');
      const page = await stage.open();
      await page.addInitScript(countWhatIsHeld);
      await enter(page, name, '');
      await badge(page, 'sse').waitFor();
      const go = (count: number): Promise<void> => page.evaluate(navigate, { count, targets: ['Overview', 'Chat', 'Admin'] });
      const read = async () => ({
        ...(await page.evaluate(() => (window as unknown as { readHeld(): Held }).readHeld())),
        streams: (await connectionsOf(stage, name)).length,
      });
      /** What is held when nothing changes any more: what was left is kept for a while. */
      const calm = async (): Promise<Awaited<ReturnType<typeof read>>> => {
        await page.locator('.bar nav').getByText('Chat', { exact: true }).click();
        await place(page, 'page').locator('textarea').waitFor();
        let last = '';
        let since = 0;
        await until('nothing changes any more', async () => {
          const now = JSON.stringify(await read());
          if (now !== last) since = Date.now();
          last = now;
          return Date.now() - since > 2_500;
        });
        return read();
      };
      const count = stage.isShort ? 60 : 500;
      await go(30);
      const before = await calm();
      await go(count);
      const after = await calm();
      const { connections } = await stage.server.statistics();
      assert.ok(
        connections.every(({ userId }) => userId === idOf(name)),
        'nobody else has a stream',
      );
      for (const kind of ['listeners', 'timers', 'requests', 'streams'] as const) {
        assert.ok(after[kind] <= before[kind], `${kind}: ${before[kind]} before, ${after[kind]} after`);
      }
      await stage.server.setSettings({ connectionMode: 'auto' });
      const { listeners, timers, requests, streams } = after;
      return `${count} navigations: ${streams} streams, ${listeners} listeners, ${timers} timers, ${requests} open requests, as before`;
    },
  },
  {
    line: 'the stream takes its token in the query or in a header, and goes on after Last-Event-ID',
    async check({ url, server }) {
      const token = await server.token('robin');
      const messages = await server.messages('orders');
      const from = Math.max(0, messages.length - 3);
      const path = `${url}api/chat/channels/orders/stream`;
      assert.equal((await fetch(path)).status, 401);
      assert.equal((await fetch(`${path}?token=nonsense`)).status, 401);
      assert.equal((await fetch(`${url}api/chat/channels/nowhere/stream?token=${token}`)).status, 404);
      const headers = { 'last-event-id': String(from) };
      for (const response of [
        await fetch(`${path}?token=${token}`, { headers }),
        await fetch(path, { headers: { ...headers, authorization: `Bearer ${token}` } }),
      ]) {
        assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
        const reader = response.body?.getReader();
        let text = '';
        const wanted = messages.slice(from).map(({ seq }) => `id: ${seq}\nevent: message`);
        for (let reads = 0; reads < 20 && !wanted.every((one) => text.includes(one)); reads += 1) {
          text += new TextDecoder().decode((await reader?.read())?.value);
        }
        await reader?.cancel();
        assert.ok(
          wanted.every((one) => text.includes(one)),
          text,
        );
      }
    },
  },
  {
    line: 'the Socket.IO process goes on whatever a client sends, and begins with the secret of the web server only',
    async check({ server }) {
      const { socketUrl } = server;
      const socket = io(socketUrl, { auth: { token: await server.token('robin') }, transports: ['websocket'], forceNew: true });
      try {
        for (const message of [undefined, null, 'orders', { channelId: 7 }, { channelId: 'nowhere' }]) {
          for (const event of ['join', 'leave']) socket.emit(event, message, 'no answer');
        }
        const join = (channelId: string) => socket.timeout(10_000).emitWithAck('join', { channelId });
        assert.deepEqual(await join('nowhere'), { ok: false, error: 'unknown-channel' });
        assert.equal((await join('orders')).ok, true);
      } finally {
        socket.close();
      }
      const file = fileURLToPath(new URL('../../examples/support-desk/socket.ts', import.meta.url));
      const { DESK_SECRET: _, ...env } = process.env;
      const run = spawnSync(process.execPath, [file], { env, encoding: 'utf8', timeout: 30_000 });
      assert.equal(run.status, 1);
      assert.match(run.stderr, /needs the DESK_SECRET of the web server/);
    },
  },
]);

/** What a page holds: listeners that were added and not removed, timers that wait, requests without an end. */
interface Held {
  readonly listeners: number;
  readonly timers: number;
  readonly requests: number;
}

/** Runs in the page, before everything else. */
function countWhatIsHeld(): void {
  // a listener that is added twice is one
  const listeners = new Map<EventTarget, Set<string>>();
  const ids = new WeakMap<object, number>();
  let lastId = 0;
  const keyOf = (type: string, listener: unknown, options: unknown): string => {
    const capture = typeof options === 'object' ? (options as { capture?: boolean } | null)?.capture === true : options === true;
    if (typeof listener !== 'object' && typeof listener !== 'function') return '';
    if (listener === null) return '';
    if (!ids.has(listener)) ids.set(listener, ++lastId);
    return `${type} ${ids.get(listener)} ${capture}`;
  };
  // only what outlives a page: what is on an element goes with it
  const isLasting = (target: unknown): target is EventTarget =>
    target === window || target === document || target instanceof MediaQueryList || target === document.documentElement;
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (this: EventTarget, type, listener, options) {
    const target = this ?? window;
    if (listener && isLasting(target)) {
      const set = listeners.get(target) ?? new Set();
      const key = keyOf(type, listener, options);
      listeners.set(target, set.add(key));
      const { once, signal } = typeof options === 'object' ? options : {};
      if (once) addEventListener.call(target, type, () => set.delete(key), { once: true });
      if (signal) addEventListener.call(signal, 'abort', () => set.delete(key), { once: true });
    }
    return addEventListener.call(target, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (this: EventTarget, type, listener, options) {
    const target = this ?? window;
    listeners.get(target)?.delete(keyOf(type, listener, options));
    return removeEventListener.call(target, type, listener, options);
  };

  const timers = new Set<unknown>();
  const { setTimeout, setInterval, clearTimeout, clearInterval, fetch } = window;
  const patched = {
    setTimeout(handler: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        handler(...args);
      }, delayMs);
      timers.add(timer);
      return timer;
    },
    setInterval(handler: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) {
      const timer = setInterval(() => handler(...args), delayMs);
      timers.add(timer);
      return timer;
    },
    clearTimeout(timer?: number) {
      timers.delete(timer);
      clearTimeout(timer);
    },
    clearInterval(timer?: number) {
      timers.delete(timer);
      clearInterval(timer);
    },
  };
  let requests = 0;
  const open = (signal: AbortSignal | null | undefined): (() => void) => {
    let isOpen = true;
    requests += 1;
    const close = (): void => {
      if (isOpen) requests -= 1;
      isOpen = false;
    };
    if (signal) addEventListener.call(signal, 'abort', close);
    return close;
  };
  Object.assign(window, patched, {
    async fetch(input: RequestInfo, init?: RequestInit): Promise<Response> {
      const close = open(init?.signal);
      try {
        const response = await fetch(input, init);
        // a stream goes on after its head
        if (!response.headers.get('content-type')?.startsWith('text/event-stream')) close();
        return response;
      } catch (error) {
        close();
        throw error;
      }
    },
    readHeld: () => ({
      listeners: [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
      timers: timers.size,
      requests,
    }),
  });
}

/** Runs in the page: one link after the other, as soon as the page before is there; the chats in turn. */
async function navigate({ count, targets }: { count: number; targets: readonly string[] }): Promise<void> {
  const find = (query: string, text?: string): HTMLElement | undefined =>
    [...document.querySelectorAll<HTMLElement>(query)].find((one) => text === undefined || one.textContent === text);
  const appeared = (what: () => unknown): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!what()) return;
        observer.disconnect();
        resolve();
      };
      const observer = new MutationObserver(look);
      observer.observe(document.documentElement, { childList: true, subtree: true, attributes: true });
      look();
    });
  for (let index = 0; index < count; index += 1) {
    const target = targets[index % targets.length] ?? '';
    if (target === 'Chat') {
      // from the overview, each time into another channel
      const channels = document.querySelectorAll<HTMLElement>('main .channels a');
      const channel = channels[index % channels.length];
      channel?.click();
      await appeared(() => find(`.conversation[data-place=page][data-channel=${channel?.dataset['channel']}]`));
    } else find('.bar nav a', target)?.click();
    await appeared(() => find('.bar nav a[aria-current=page]', target));
    if (target === 'Overview') await appeared(() => find('main .channels a'));
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
