import { strict as assert } from 'node:assert';
import type { BrowserContextOptions, Page } from 'playwright';
import type { SseChatServer } from '../../examples/sse-chat/server.ts';
import { perChannel, sse } from '../../src/adapters/sse.ts';
import { createRealtime, jsonDialect } from '../../src/index.ts';
import { defineSystem, median, type Stage, type System, until } from './support.ts';

type ChatStage = Stage<SseChatServer>;

/** What the page shows of itself when it was asked to. */
interface PageStatus {
  readonly status: {
    readonly status: string;
    readonly attempt: number;
    readonly nextRetryAt?: number;
    readonly transport?: string;
  };
  readonly gaps: number;
  readonly renders: { readonly frames: number; readonly changes: number };
}

const message = (page: Page, text: string) => page.locator('.message', { hasText: text });
const badge = (page: Page, status: string) => page.locator(`.side .badge[data-status=${status}]`);
const notice = (page: Page, kind: string) => page.locator(`[data-notice=${kind}]`);

/** Users have names of their own in each check, as the server remembers them. */
let serial = 0;
const someone = (name: string): string => `${name} ${++serial}`;
const idOf = (name: string): string => name.toLowerCase().replace(' ', '-');

async function enter(stage: ChatStage, name: string, channel?: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await stage.open(options);
  // before the page is there, so that it asks for its status
  await page.evaluate(() => localStorage.setItem('sse-chat.debug', '1'));
  await page.reload();
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await badge(page, 'connected').waitFor();
  if (channel) await show(page, channel);
  return page;
}

async function show(page: Page, channel: string): Promise<void> {
  await page.locator(`[data-channel=${channel}]`).click();
  await page.locator(`[data-channel=${channel}][aria-current=page]`).waitFor();
  await page.getByText(/^[\d,]+ messages/).waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.locator('.composer textarea').fill(text);
  await page.keyboard.press('Enter');
}

async function sees(page: Page, text: string): Promise<void> {
  await page.locator('.message[data-state=sent]', { hasText: text }).first().waitFor();
}

const statusOf = (page: Page): Promise<PageStatus> =>
  page.evaluate(() => JSON.parse(JSON.stringify((window as unknown as { sseChat: unknown }).sseChat)));

/** What a screen shows of a channel is what the server holds of it, in the server's order. */
async function showsAll({ server }: ChatStage, page: Page, channel: string): Promise<void> {
  const held = server.messages(channel).map(({ id, text }) => `${id} ${text}`);
  const shown = (): Promise<string[]> =>
    page
      .locator('.message')
      .evaluateAll((lines) =>
        lines.map((line) => `${line.getAttribute('data-id')} ${line.querySelector('.bubble')?.firstChild?.textContent}`),
      );
  // a virtual list has the end of it in the page
  await until(`the screen shows the end of ${channel}`, async () => {
    const lines = await shown();
    return lines.length > 0 && lines.join('\n') === held.slice(-lines.length).join('\n');
  });
}

/** A chat on the S4 server: one stream with a JWT, REST for everything that is sent. */
export const system: System = defineSystem<SseChatServer>('sse-chat', [
  {
    line: 'header auth on the stream: no token in any address',
    async check(stage) {
      const page = await stage.open();
      const addresses: string[] = [];
      page.on('request', (request) => addresses.push(request.url()));
      const before = stage.server.facts.asked.length;
      await page.getByLabel('Your name').fill(someone('Ada'));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await badge(page, 'connected').waitFor();
      const asked = stage.server.facts.asked.slice(before);
      assert.ok(asked.length > 0 && asked.every(({ by }) => by === 'header'));
      const token = await page.evaluate(() => JSON.parse(sessionStorage['sse-chat.session']).accessToken as string);
      assert.ok(addresses.length > 0 && !addresses.some((address) => address.includes(token) || address.includes('token=')));
    },
  },
  {
    line: 'the token is renewed before it ends: no 401, no gap, streams and sends go on',
    async check(stage) {
      await stage.server.restart({ tokenLifeS: 14 });
      const name = someone('Ada');
      const page = await enter(stage, name, 'general');
      const { refused, renewals } = { refused: stage.server.facts.refused.length, renewals: stage.server.facts.renewals };
      let count = 0;
      await until(
        'two renewals',
        async () => {
          await write(page, `still here, ${name}, ${++count}`);
          await sees(page, `still here, ${name}, ${count}`);
          await page.waitForTimeout(1_000);
          return stage.server.facts.renewals >= renewals + 2;
        },
        40_000,
      );
      stage.server.say('general', 'sam', `and the stream lives, ${name}`);
      await sees(page, `and the stream lives, ${name}`);
      assert.equal(stage.server.facts.refused.length, refused, 'nothing was refused');
      assert.equal((await statusOf(page)).gaps, 0);
      await stage.server.restart({ tokenLifeS: 60 });
      return `2 renewals, ${count} sends`;
    },
  },
  {
    line: 'a refused token is renewed once, on the stream and on sends alike',
    async check(stage) {
      const name = someone('Ada');
      const page = await enter(stage, name, 'general');
      const counts = (): [number, number] => [stage.server.facts.renewals, stage.server.facts.refused.length];
      const [renewals, refused] = counts();
      stage.server.spoilTokens();
      stage.server.cut();
      stage.server.say('general', 'sam', `after the stream's 401, ${name}`);
      await sees(page, `after the stream's 401, ${name}`);
      assert.deepEqual(counts(), [renewals + 1, refused + 1], 'the stream: one refusal, one renewal');
      await page.waitForTimeout(500);
      const [before, refusedBefore] = counts();
      stage.server.spoilTokens();
      await write(page, `after the send's 401, ${name}`);
      await sees(page, `after the send's 401, ${name}`);
      await badge(page, 'connected').waitFor();
      const [after, refusedAfter] = counts();
      assert.equal(after, before + 1, 'the send: one renewal');
      assert.ok(refusedAfter - refusedBefore <= 2, `refused ${refusedAfter - refusedBefore} times`);
      assert.equal(stage.server.messages('general').filter(({ text }) => text === `after the send's 401, ${name}`).length, 1);
    },
  },
  {
    line: 'the message list: new, edited and deleted messages arrive in every window',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = [await enter(stage, ada, 'general'), await enter(stage, bob, 'general')];
      await write(one, `first words of ${ada}`);
      await sees(two, `first words of ${ada}`);
      await message(one, `first words of ${ada}`).hover();
      await message(one, `first words of ${ada}`).getByRole('button', { name: 'Edit' }).click();
      await one.getByLabel('Change the message').fill(`better words of ${ada}`);
      await one.keyboard.press('Enter');
      for (const page of [one, two]) {
        await message(page, `better words of ${ada}`).getByText('(edited)').waitFor();
        assert.equal(await message(page, `first words of ${ada}`).count(), 0);
      }
      await message(one, `better words of ${ada}`).hover();
      await message(one, `better words of ${ada}`).getByRole('button', { name: 'Delete' }).click();
      for (const page of [one, two]) await message(page, `better words of ${ada}`).waitFor({ state: 'detached' });
      for (const page of [one, two]) await showsAll(stage, page, 'general');
    },
  },
  {
    line: 'optimistic send, failure and retry; no duplicate between REST answer and stream',
    async check(stage) {
      const name = someone('Ada');
      const page = await enter(stage, name, 'quiet');
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await page.route('**/api/channels/quiet/messages', async (route) => {
        if (route.request().method() === 'POST') await held;
        await route.continue();
      });
      await write(page, `at once, ${name}`);
      await page.locator('.message[data-state=pending]', { hasText: `at once, ${name}` }).waitFor();
      assert.ok(!stage.server.messages('quiet').some(({ text }) => text === `at once, ${name}`), 'the server has not seen it');
      release();
      await sees(page, `at once, ${name}`);

      stage.server.failSends(1, 422);
      await write(page, `refused first, ${name}`);
      const failed = page.locator('.message[data-state=failed]', { hasText: 'refused first' });
      await failed.getByText('the server refused it (422)').waitFor();
      await failed.getByRole('button', { name: 'Try again' }).click();
      await sees(page, `refused first, ${name}`);

      // what passes is tried again by itself, under the same id
      stage.server.failSends(2, 503);
      await write(page, `by itself, ${name}`);
      await sees(page, `by itself, ${name}`);
      for (const text of ['at once', 'refused first', 'by itself']) {
        assert.equal(await message(page, `${text}, ${name}`).count(), 1);
        assert.equal(stage.server.messages('quiet').filter((one) => one.text === `${text}, ${name}`).length, 1);
      }
      await showsAll(stage, page, 'quiet');
    },
  },
  {
    line: 'presence, online count, typing',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const one = await enter(stage, ada, 'general');
      const count = async (): Promise<number> => Number.parseInt(await one.locator('.online-count').innerText(), 10);
      await one.locator(`[data-user=${idOf(ada)}][data-status=online]`).waitFor();
      // those of the check before are gone after a while
      await until('one is alone', async () => (await count()) === 1);
      const two = await enter(stage, bob, 'releases');
      await one.locator(`[data-user=${idOf(bob)}][data-status=online]`).waitFor();
      await one
        .locator(`[data-user=${idOf(bob)}]`)
        .getByText('in #Releases')
        .waitFor();
      assert.equal(await count(), 2);
      await show(two, 'general');
      await two.locator('.composer textarea').pressSequentially('well');
      await one.getByText(`${bob} is typing…`).waitFor();
      // a message ends it
      await two.keyboard.press('Enter');
      await sees(one, 'well');
      await until('nobody types', async () => (await one.locator('.typing').innerText()) === '');
      await two.context().close();
      await one.locator(`[data-user=${idOf(bob)}][data-status=offline]`).waitFor();
      assert.equal(await count(), 1);
    },
  },
  {
    line: 'who goes away without a word has stopped typing, and is offline also after polls',
    async check(stage) {
      const [ada, bob, eve] = [someone('Ada'), someone('Bob'), someone('Eve')];
      const [one, two] = [await enter(stage, ada, 'general'), await enter(stage, bob, 'general')];
      await two.locator('.composer textarea').pressSequentially('well');
      await one.getByText(`${bob} is typing…`).waitFor();
      await two.context().close();
      const post = (path: string, body: object, token = '') =>
        fetch(`${stage.server.url}${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
          body: JSON.stringify(body),
        });
      const { accessToken } = await (await post('/api/auth/login', { name: eve })).json();
      const headers = { authorization: `Bearer ${accessToken}` };
      for (const way of ['poll', 'long-poll']) await fetch(`${stage.server.url}/api/realtime/${way}`, { headers });
      await one.locator(`[data-user=${idOf(eve)}][data-status=online]`).waitFor();
      await post('/api/presence', { status: 'away' }, accessToken);
      await one.locator(`[data-user=${idOf(eve)}][data-status=away]`).waitFor();
      await fetch(`${stage.server.url}/api/realtime/poll`, { headers });
      assert.equal(await one.locator(`[data-user=${idOf(eve)}]`).getAttribute('data-status'), 'away', 'a poll is not a look');
      // in no channel, and to nobody else
      await post(`/api/users/${idOf(ada)}/messages`, { text: 'look up' }, accessToken);
      await notice(one, 'announcement').getByText(`${eve} to you alone: look up`).waitFor();
      assert.equal((await post('/api/users/nobody-at-all/messages', { text: 'look up' }, accessToken)).status, 404);
      await one.locator(`[data-user=${idOf(eve)}][data-status=offline]`).waitFor();
      await until('nobody types', async () => (await one.locator('.typing').innerText()) === '');
    },
  },
  {
    line: 'the channel list follows channel events, and leaves a deleted channel',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = [await enter(stage, ada), await enter(stage, bob)];
      const topic = `topic of ${ada}`;
      await one.getByLabel('Name of a new channel').fill(topic);
      await one.keyboard.press('Enter');
      const link = (page: Page) => page.locator('.channel', { hasText: topic });
      for (const page of [one, two]) await link(page).waitFor();
      for (const page of [one, two]) await link(page).click();
      const channel = (await link(one).getAttribute('data-channel')) ?? '';
      await write(two, `here, ${bob}`);
      await sees(one, `here, ${bob}`);
      one.on('dialog', (dialog) => void dialog.accept());
      await one.getByRole('button', { name: 'Delete channel' }).click();
      for (const page of [one, two]) {
        await link(page).waitFor({ state: 'detached' });
        await page.getByText('Choose a channel').waitFor();
      }
      assert.ok(!stage.server.channels().includes(channel));
      // what is said elsewhere is counted
      await show(one, 'general');
      stage.server.say('releases', 'sam', `news for ${ada}`);
      await one.locator('[data-channel=releases] .count').waitFor();
    },
  },
  {
    line: 'back-off from 1 s to 30 s',
    async check(stage) {
      const { backoff } = await import('../../examples/sse-chat/src/backoff.ts');
      const cause = { kind: 'aborted' } as const;
      const waits = (draw: number): (number | false)[] =>
        Array.from({ length: 12 }, (_, at) =>
          backoff({ attempt: at + 1, cause, uptimeMs: 0, awayMs: 0, isLocal: false, random: () => draw }),
        );
      for (const draw of [0, 0.5, 0.999]) {
        const all = waits(draw).map(Number);
        assert.ok(Math.min(...all) >= 1_000 && Math.max(...all) === 30_000, all.join());
        assert.deepEqual(
          [...all].sort((one, other) => one - other),
          all,
          'it grows',
        );
      }
      assert.notDeepEqual(waits(0), waits(0.5), 'not all clients come at once');
      const page = await enter(stage, someone('Ada'));
      const at = Date.now();
      stage.server.cut();
      await until('a time for the next attempt', async () => (await statusOf(page)).status.nextRetryAt !== undefined);
      const { nextRetryAt = 0 } = (await statusOf(page)).status;
      assert.ok(nextRetryAt - at >= 950 && nextRetryAt - at <= 2_500, `in ${nextRetryAt - at} ms`);
      await badge(page, 'connected').waitFor();
      return `${waits(0).slice(0, 7).join(', ')} ms and up to twice that`;
    },
  },
  {
    line: 'with replay nothing is asked for again; without it, and without ids, a reported gap and a backfill by REST',
    async check(stage) {
      const told: string[] = [];
      for (const [ids, replay] of [
        [true, true],
        [true, false],
        [false, false],
      ] as const) {
        await stage.server.restart({ ids, replay });
        const name = someone('Ada');
        const page = await enter(stage, name, 'general');
        const { reads } = stage.server.facts;
        for (const round of [1, 2]) {
          stage.server.cut();
          for (const part of ['a', 'b', 'c']) stage.server.say('general', 'sam', `missed ${round} ${part} by ${name}`);
          await until('the page has noticed', async () => (await statusOf(page)).status.status !== 'connected');
          stage.server.say('general', 'sam', `missed ${round} d by ${name}`);
          await sees(page, `missed ${round} d by ${name}`);
          await showsAll(stage, page, 'general');
        }
        const { gaps } = await statusOf(page);
        const asked = stage.server.facts.reads - reads;
        if (replay) assert.deepEqual([gaps, asked], [0, 0]);
        else assert.ok(gaps >= 2 && asked >= 2, `${gaps} gaps, ${asked} reads`);
        told.push(`ids ${ids ? 'yes' : 'no'}, replay ${replay ? 'yes' : 'no'}: ${gaps} gaps, ${asked} reads`);
        await page.context().close();
      }
      await stage.server.restart({ ids: true, replay: true });
      return told.join('; ');
    },
  },
  {
    line: 'fallback: polling, then long-poll, then a degraded notice; cached data stays, manual refresh works, sends go by REST',
    async check(stage) {
      const name = someone('Ada');
      const page = await enter(stage, name, 'general');
      stage.server.say('general', 'sam', `before all, ${name}`);
      await sees(page, `before all, ${name}`);
      try {
        stage.server.block(['stream']);
        await page.locator('.side').getByText('Live, by polling').waitFor({ timeout: 90_000 });
        stage.server.say('general', 'sam', `by polling, ${name}`);
        await sees(page, `by polling, ${name}`);
        stage.server.block(['stream', 'poll']);
        await page.locator('.side').getByText('Live, by long-poll').waitFor({ timeout: 90_000 });
        stage.server.say('general', 'sam', `by long-poll, ${name}`);
        await sees(page, `by long-poll, ${name}`);
        stage.server.block(['stream', 'poll', 'long-poll']);
        await notice(page, 'degraded').waitFor({ timeout: 90_000 });
        // what was there stays on the screen
        for (const text of ['before all', 'by polling', 'by long-poll']) await sees(page, `${text}, ${name}`);
        stage.server.say('general', 'sam', `meanwhile, ${name}`);
        await write(page, `by REST, ${name}`);
        await sees(page, `by REST, ${name}`);
        assert.ok(stage.server.messages('general').some(({ text }) => text === `by REST, ${name}`));
        assert.equal(await message(page, `meanwhile, ${name}`).count(), 0, 'nothing comes by itself');
        await notice(page, 'degraded').getByRole('button', { name: 'Refresh' }).click();
        await sees(page, `meanwhile, ${name}`);
        assert.equal(await badge(page, 'connected').count(), 0, 'still without a connection');
      } finally {
        stage.server.block([]);
      }
      const isBack = badge(page, 'connected').waitFor({ timeout: 90_000 });
      // who does not wait for the next try asks for one, unless it has just come by itself
      await Promise.any([notice(page, 'degraded').getByRole('button', { name: 'Refresh' }).click(), isBack]);
      await isBack;
      await notice(page, 'degraded').waitFor({ state: 'detached' });
      stage.server.say('general', 'sam', `live again, ${name}`);
      await sees(page, `live again, ${name}`);
      await showsAll(stage, page, 'general');
    },
  },
  {
    line: 'a banner above the list does not cover the newest message',
    async check(stage) {
      const page = await enter(stage, someone('Ada'), 'general', { viewport: { width: 1000, height: 500 } });
      for (let at = 1; at <= 30; at++) stage.server.say('general', 'sam', `line ${at}`);
      const last = page.locator('.message').last();
      const isInSight = async (): Promise<boolean> => {
        const [line, list] = [await last.boundingBox(), await page.locator('.messages').boundingBox()];
        return line !== null && list !== null && line.y + line.height <= list.y + list.height + 1;
      };
      await sees(page, 'line 30');
      await until('the last line is in sight', isInSight);
      try {
        stage.server.block(['stream', 'poll', 'long-poll']);
        await notice(page, 'degraded').waitFor({ timeout: 90_000 });
        await until('the last line is still in sight', isInSight);
      } finally {
        stage.server.block([]);
      }
    },
  },
  {
    line: 'updates of the screen are batched for each animation frame',
    async check(stage) {
      const page = await enter(stage, someone('Ada'), 'quiet');
      const before = (await statusOf(page)).renders;
      const burst = 500;
      for (let at = 1; at <= burst; at++) stage.server.say('quiet', 'sam', `burst ${serial} ${at}`);
      await sees(page, `burst ${serial} ${burst}`);
      const after = (await statusOf(page)).renders;
      const [frames, changes] = [after.frames - before.frames, after.changes - before.changes];
      assert.ok(changes >= burst, `${changes} changes`);
      assert.ok(frames * 10 < changes, `${frames} frames for ${changes} changes`);
      await showsAll(stage, page, 'quiet');
      return `${changes} changes in ${frames} frames`;
    },
  },
  {
    line: 'bounded history; a virtual list of 10,000 messages scrolls',
    async check(stage) {
      const page = await enter(stage, someone('Ada'), 'archive');
      const list = page.locator('.messages');
      await page.locator('.messages[data-count="10000"]').waitFor({ timeout: 90_000 });
      const all = stage.server.messages('archive');
      await sees(page, all.at(-1)?.text ?? '');
      const rows = await page.locator('.message').count();
      assert.ok(rows < 60, `${rows} rows in the page`);
      const took: number[] = [];
      for (const [part, entry] of [
        [0.5, undefined],
        [0, all.at(-10_000)?.text],
        [1, all.at(-1)?.text],
      ] as const) {
        took.push(
          await list.evaluate(async (element, share) => {
            const startMs = performance.now();
            element.scrollTop = share * element.scrollHeight;
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            return performance.now() - startMs;
          }, part),
        );
        if (entry && part === 0) await sees(page, entry);
        assert.ok((await page.locator('.message').count()) < 60);
      }
      await list.press('End');
      stage.server.say('archive', 'sam', `one more ${serial}`);
      await sees(page, `one more ${serial}`);
      assert.equal(await list.getAttribute('data-count'), '10000', 'the oldest goes');
      return `${rows} rows, ${Math.round(median(took))} ms for a jump`;
    },
  },
  {
    line: 'debug flag in localStorage, and a status object on window, only when asked for',
    async check(stage) {
      const said: string[] = [];
      const quiet = await stage.open();
      quiet.on('console', (line) => line.text().includes('[sse-chat]') && said.push(line.text()));
      await quiet.getByLabel('Your name').fill(someone('Ada'));
      await quiet.getByRole('button', { name: 'Sign in' }).click();
      await badge(quiet, 'connected').waitFor();
      assert.equal(await quiet.evaluate(() => 'sseChat' in window), false);
      assert.equal(said.length, 0);
      await quiet.evaluate(() => localStorage.setItem('sse-chat.debug', '1'));
      await quiet.reload();
      await badge(quiet, 'connected').waitFor();
      assert.equal((await statusOf(quiet)).status.status, 'connected');
      assert.ok(
        said.some((line) => line.includes('status connected')),
        said.join(),
      );
      const token = await quiet.evaluate(() => JSON.parse(sessionStorage['sse-chat.session']).accessToken as string);
      assert.ok(!said.join().includes(token) && !JSON.stringify(await statusOf(quiet)).includes(token));
    },
  },
  {
    line: 'metrics: success rate, reconnection time, delivery latency, processing time, memory, active connections, errors by kind',
    async check(stage) {
      const name = someone('Ada');
      const page = await enter(stage, name, 'general');
      for (let at = 0; at < 20; at++) stage.server.say('general', 'sam', `measured ${at} by ${name}`);
      await sees(page, `measured 19 by ${name}`);
      stage.server.cut();
      await badge(page, 'reconnecting').waitFor();
      await badge(page, 'connected').waitFor();
      await page.getByRole('button', { name: 'Diagnostics' }).click();
      const row = (metric: string): Promise<string> => page.locator(`[data-metric=${metric}] dd`).innerText();
      await until('everything is measured', async () => /ms$/.test(await row('reconnection')));
      assert.match(await row('success-rate'), /^2 of 2 \(100 %\)$/);
      const lostMs = Number.parseInt((await row('reconnection')).replace(',', ''), 10);
      assert.ok(lostMs >= 900 && lostMs < 10_000, `${lostMs} ms`);
      assert.match(await row('delivery'), /^[\d.]+ ms$/);
      assert.match(await row('processing'), /^[\d.]+ ms$/);
      assert.match(await row('memory'), /^[\d.]+ MB$/);
      assert.equal(await row('connections'), '1');
      assert.equal(stage.server.streams(idOf(name)), 1, 'the server counts the same');
      assert.match(await row('errors'), /connection-lost 1/);
      const values = await Promise.all(['delivery', 'processing', 'reconnection', 'memory'].map(row));
      await page.keyboard.press('Escape');
      return `delivery ${values[0]}, processing ${values[1]}, reconnection ${values[2]}, memory ${values[3]}`;
    },
  },
  {
    line: 'feature flags switch realtime, typing and presence off',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = [await enter(stage, ada, 'quiet'), await enter(stage, bob, 'quiet')];
      const flip = async (name: string): Promise<void> => {
        await one.getByRole('button', { name: 'Diagnostics' }).click();
        await one.getByLabel(name, { exact: true }).click();
        await one.getByRole('button', { name: 'Close' }).click();
      };
      await flip('typing');
      const typed: string[] = [];
      one.on('request', (request) => typed.push(request.url()));
      await one.locator('.composer textarea').pressSequentially('hm');
      await two.locator('.composer textarea').pressSequentially('hm');
      await write(two, `typing is off for ${ada}`);
      await sees(one, `typing is off for ${ada}`);
      assert.ok(!typed.some((url) => url.endsWith('/typing')), 'nothing is told');
      assert.equal(await one.locator('.typing').innerText(), '');
      await flip('presence');
      await one.locator('.people').waitFor({ state: 'detached' });
      await flip('realtime');
      await until('the stream is ended', () => stage.server.streams(idOf(ada)) === 0);
      await notice(one, 'degraded').waitFor();
      await write(two, `realtime is off for ${ada}`);
      await sees(two, `realtime is off for ${ada}`);
      await write(one, `by REST alone, ${ada}`);
      await sees(two, `by REST alone, ${ada}`);
      // a send shows what there is, and nothing comes by itself
      await sees(one, `realtime is off for ${ada}`);
      await flip('realtime');
      await badge(one, 'connected').waitFor();
      await write(two, `realtime is on again for ${ada}`);
      await sees(one, `realtime is on again for ${ada}`);
      await showsAll(stage, one, 'quiet');
    },
  },
  {
    line: 'a stream for each channel is one connection, resumed channel by channel',
    async check(stage) {
      const { server } = stage;
      const answer = await fetch(`${server.url}/api/auth/login`, {
        method: 'POST',
        body: JSON.stringify({ name: someone('Eve') }),
      });
      const { accessToken, user } = (await answer.json()) as { accessToken: string; user: { userId: string } };
      const realtime = createRealtime({
        transports: [
          sse({
            streams: perChannel((channel) => `${server.url}/api/realtime/stream/channel/${channel}`),
            dialect: jsonDialect({ ignore: ['channel_init', 'ping'], channel: 'data.channelId', resume: 'connection' }),
          }),
        ],
        auth: accessToken,
        retry: () => 50,
      });
      try {
        const heard: string[] = [];
        const hear = (channel: string): void => {
          realtime.channel(channel).on('channel_message', (data) => {
            heard.push(`${channel}: ${(data as { message: { text: string } }).message.text}`);
          });
        };
        hear('general');
        hear('releases');
        realtime.start();
        await until('two streams are open', () => server.streams(user.userId) === 2);
        hear('quiet');
        await until('three streams are open', () => server.streams(user.userId) === 3);
        const denied = realtime.channel('nowhere');
        await until('a channel that is not there is denied', () => denied.state.get().status === 'denied');
        const expected: string[] = [];
        for (const round of [1, 2, 3]) {
          for (const channel of ['general', 'releases', 'quiet']) {
            server.say(channel, 'sam', `${round} in ${channel}`);
            expected.push(`${channel}: ${round} in ${channel}`);
          }
          if (round < 3) server.cut();
        }
        await until('all was heard', () => heard.length === expected.length);
        assert.deepEqual([...heard].sort(), expected.sort());
        assert.equal(realtime.metrics().gaps, 0);
      } finally {
        realtime.close();
      }
      await until('no stream is left', () => server.streams(user.userId) === 0);
    },
  },
  {
    line: 'after cuts and restarts under load, every screen shows what the server holds',
    async check(stage) {
      const names = [someone('Ada'), someone('Bob')];
      const pages = [await enter(stage, names[0] ?? '', 'releases'), await enter(stage, names[1] ?? '', 'releases')];
      const before = stage.server.messages('releases').length;
      for (let round = 0; round < 10; round++) {
        for (const [index, page] of pages.entries()) await write(page, `load ${round} of ${names[index]}`);
        if (round % 3 === 1) stage.server.cut();
        if (round === 5) await stage.server.restart();
      }
      await until('everything has arrived', () => stage.server.messages('releases').length === before + 20, 40_000);
      for (const page of pages) await showsAll(stage, page, 'releases');
      for (const name of names) {
        const own = stage.server.messages('releases').filter(({ from }) => from === idOf(name));
        assert.deepEqual(
          own.map(({ text }) => text),
          Array.from({ length: 10 }, (_, round) => `load ${round} of ${name}`),
        );
      }
      return '20 messages, 3 cuts, 1 restart';
    },
  },
]);
