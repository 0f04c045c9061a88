import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright';
import type { Processes, Wire } from '../../examples/admin-dashboard/processes.ts';
import { startPostgres } from './postgres.ts';
import { defineSystem, median, type Stage, type System, until } from './support.ts';

type DeskStage = Stage<Processes>;

const row = (page: Page, id: number) => page.locator(`tr[data-session="${id}"]`);
const hasStatus = (page: Page, id: number, status: string) => page.locator(`tr[data-session="${id}"][data-status=${status}]`);
const badge = (page: Page, text: string) => page.locator('#status', { hasText: text });
const banner = (page: Page, kind: string) => page.locator(`#banner[data-kind=${kind}]`);

/** A dashboard that shows every session and is connected. */
async function enter(stage: DeskStage, wire: Wire = 'ws'): Promise<Page> {
  const page = await stage.open();
  if (wire !== 'ws') await page.goto(`${stage.url}?server=${wire}`);
  await page.getByText('All', { exact: true }).click();
  await badge(page, 'Live').waitFor();
  await page.locator('tbody tr').first().waitFor();
  return page;
}

/** A session that this check alone uses. */
async function newSession({ server }: DeskStage, status = 'active'): Promise<number> {
  const [added] = await server.sql<{ id: number }>(
    `insert into chat_sessions (customer, topic, agent, status) values ('Somebody', 'a check', 'Kim', $1) returning id`,
    [status],
  );
  return added?.id ?? 0;
}

async function statusOf({ server }: DeskStage, id: number): Promise<string | undefined> {
  const [session] = await server.sql<{ status: string }>('select status from chat_sessions where id = $1', [id]);
  return session?.status;
}

/** What a screen shows is what the database holds. */
async function showsAll({ server }: DeskStage, ...pages: readonly Page[]): Promise<number> {
  const sessions = await server.sql<{ line: string }>(
    `select concat_ws(' ', id, status, revision, messages) as line from chat_sessions order by id`,
  );
  const held = sessions.map(({ line }) => line);
  for (const page of pages) {
    await until('the screen shows what the database holds', async () => {
      const shown = await page.locator('tbody tr').evaluateAll((lines) =>
        lines.map((line) => {
          const { session, status, revision } = (line as HTMLElement).dataset;
          return `${session} ${status} ${revision} ${line.querySelector('.messages')?.textContent}`;
        }),
      );
      shown.sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
      return shown.join('\n') === held.join('\n');
    });
  }
  return held.length;
}

/** From before an UPDATE from outside until it was on each screen: a little more than from its commit to the handler. */
async function measure({ server }: DeskStage, id: number, pages: readonly Page[], count: number): Promise<number[]> {
  for (const page of pages) {
    await page.evaluate((session) => {
      const seen: Record<string, number> = {};
      Object.assign(window, { seen });
      const line = document.querySelector(`tr[data-session="${session}"]`) as HTMLElement;
      new MutationObserver(() => {
        seen[line.dataset['revision'] ?? ''] ??= Date.now();
      }).observe(line, { attributeFilter: ['data-revision'] });
    }, id);
  }
  const delays: number[] = [];
  for (let round = 1; round <= count; round++) {
    const before = Date.now();
    const [changed] = await server.sql<{ revision: number }>(
      'update chat_sessions set messages = messages + 1 where id = $1 returning revision',
      [id],
    );
    for (const page of pages) {
      const seen = await page.waitForFunction(
        (revision) => (window as unknown as { seen: Record<string, number> }).seen[revision],
        changed?.revision ?? 0,
      );
      delays.push(Number(await seen.jsonValue()) - before);
    }
  }
  return delays;
}

function inWords(delays: readonly number[]): string {
  const worst = [...delays].sort((one, other) => one - other)[Math.floor(delays.length * 0.95)];
  return `median ${median(delays)} ms, 95 % within ${worst} ms, of ${delays.length}`;
}

/** The words of the row when the page first says that it is up to date again. */
function onceFresh(page: Page, id: number): Promise<string | undefined> {
  return page.evaluate(
    (session) =>
      new Promise<string | undefined>((resolve) => {
        const look = (): void => {
          if (document.body.hasAttribute('data-stale')) return;
          observer.disconnect();
          const line = document.querySelector(`tr[data-session="${session}"]`) as HTMLElement | null;
          resolve(line?.dataset['status']);
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { attributeFilter: ['data-stale'] });
      }),
    id,
  );
}

/** Kills a server, changes the database behind its back, and starts it again. */
async function killAndRevive(stage: DeskStage, wire: Wire, pages: readonly Page[]): Promise<string> {
  const { server } = stage;
  const [changed, deleted] = [await newSession(stage), await newSession(stage, 'waiting')];
  for (const page of pages) for (const id of [changed, deleted]) await row(page, id).waitFor();
  await server.kill(wire);
  for (const page of pages) {
    await badge(page, 'Reconnecting').waitFor();
    await page.locator('body[data-stale]').waitFor();
  }
  await server.sql(`update chat_sessions set status = 'ended' where id = $1`, [changed]);
  await server.sql('delete from chat_sessions where id = $1', [deleted]);
  const added = await newSession(stage, 'waiting');
  for (const page of pages) {
    await banner(page, 'reconnecting').getByText('What you see is from').waitFor();
    await hasStatus(page, changed, 'active').waitFor();
  }
  const fresh = pages.map((page) => onceFresh(page, changed));
  const startMs = Date.now();
  await server.revive(wire);
  for (const page of pages) await badge(page, 'Live').waitFor({ timeout: 30_000 });
  const backMs = Date.now() - startMs;
  assert.deepEqual(
    await Promise.all(fresh),
    pages.map(() => 'ended'),
    'what is called up to date is',
  );
  for (const page of pages) {
    await row(page, added).waitFor();
    await row(page, deleted).waitFor({ state: 'detached' });
  }
  const count = await showsAll(stage, ...pages);
  return `back ${(backMs / 1000).toFixed(1)} s after the restart began, ${count} rows`;
}

/** The dashboards on the S2 servers: PostgreSQL's NOTIFY, over plain WebSockets or Socket.IO. */
export const system: System = defineSystem<Processes>('admin-dashboard', [
  {
    line: 'vanilla bindings, no framework: what is updated keeps its focus',
    async check(stage) {
      const folder = new URL('../../examples/admin-dashboard/', import.meta.url);
      const sources = readdirSync(new URL('src/', folder)).filter((file) => file.endsWith('.ts'));
      const text = sources.map((file) => readFileSync(new URL(`src/${file}`, folder), 'utf8')).join('\n');
      const used = ['bindList', 'bindStatus', 'observe'].filter((name) => text.includes(`${name}(`));
      assert.deepEqual(used, ['bindList', 'bindStatus', 'observe']);
      const page = await stage.open();
      const loaded: string[] = [];
      page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
      const id = await newSession(stage);
      await page.reload();
      await row(page, id).waitFor();
      const frameworks = /\/(react|preact|vue|svelte|solid-js|lit|angular)[-.@/]/;
      assert.deepEqual(
        loaded.filter((path) => frameworks.test(path)),
        [],
      );
      assert.ok(loaded.some((path) => path.includes('/src/vanilla/')));
      const button = row(page, id).getByRole('button', { name: 'End' });
      await button.focus();
      await stage.server.sql(`update chat_sessions set agent = 'Zoe' where id = $1`, [id]);
      await row(page, id).getByText('Zoe').waitFor();
      assert.ok(await button.evaluate((element) => element === document.activeElement));
      return `${used.join(', ')}; ${loaded.length} requests`;
    },
  },
  {
    line: 'an SQL UPDATE from outside appears in two dashboards, commit to handler under 100 ms at the median',
    async check(stage) {
      const pages = [await enter(stage), await enter(stage)];
      const id = await newSession(stage);
      for (const page of pages) await row(page, id).waitFor();
      const delays = await measure(stage, id, pages, 30);
      assert.ok(median(delays) < 100, inWords(delays));
      await stage.server.sql(`update chat_sessions set status = 'ended', agent = 'Zoe' where id = $1`, [id]);
      for (const page of pages) await hasStatus(page, id, 'ended').getByText('Zoe').waitFor();
      // the tiles too
      const [{ waiting } = { waiting: -1 }] = await stage.server.sql<{ waiting: number }>(
        `select count(*)::integer as waiting from chat_sessions where status = 'waiting'`,
      );
      for (const page of pages) await page.locator('#waiting', { hasText: new RegExp(`^${waiting}$`) }).waitFor();
      await showsAll(stage, ...pages);
      return `PGlite, ${inWords(delays)}`;
    },
  },
  {
    line: 'commands with acknowledgement and a visible pending state',
    async check(stage) {
      const { server } = stage;
      const [page, other] = [await enter(stage), await enter(stage)];
      const id = await newSession(stage);
      await row(page, id).waitFor();
      await server.ask('ws', { commandDelayMs: 1_500 });
      await row(page, id).getByRole('button', { name: 'End' }).click();
      await row(page, id).getByRole('button', { name: 'Ending…' }).waitFor();
      assert.equal(await row(page, id).getByRole('button').first().getAttribute('aria-disabled'), 'true');
      assert.equal(await statusOf(stage, id), 'active', 'the server has not done it');
      assert.equal(await hasStatus(other, id, 'active').count(), 1, 'and nobody was told of it');
      for (const one of [page, other]) await hasStatus(one, id, 'ended').waitFor();
      await row(page, id).locator('css=.order[aria-disabled=false]').waitFor();
      assert.equal(await statusOf(stage, id), 'ended');

      // refused: somebody reopens the session while it is to be archived
      await row(page, id).getByRole('button', { name: 'Archive' }).click();
      await server.sql(`update chat_sessions set status = 'active', ended_at = null where id = $1`, [id]);
      await row(page, id).getByText('Not archived: end the session before you archive it.').waitFor();
      await row(page, id).getByRole('button', { name: 'Dismiss' }).click();
      await row(page, id).getByText('Not archived').waitFor({ state: 'hidden' });
      assert.equal(await statusOf(stage, id), 'active');
      await server.ask('ws', { commandDelayMs: 0 });

      // by keyboard
      await row(page, id).focus();
      await page.keyboard.press('Enter');
      await hasStatus(page, id, 'ended').waitFor();
      await page.keyboard.press('Enter');
      await hasStatus(page, id, 'archived').waitFor();

      // given while the server is away: it waits, and is done once it is back
      const late = await newSession(stage);
      await row(page, late).waitFor();
      await server.kill('ws');
      await badge(page, 'Reconnecting').waitFor();
      await row(page, late).getByRole('button', { name: 'End' }).click();
      await row(page, late).getByRole('button', { name: 'Ending…' }).waitFor();
      await server.revive('ws');
      for (const one of [page, other]) await hasStatus(one, late, 'ended').waitFor();
      await showsAll(stage, page, other);
    },
  },
  {
    line: 'status indicator: connecting, live, reconnecting, offline, by polling, in words and for screen readers',
    async check(stage) {
      const page = await enter(stage);
      const status = page.locator('#status');
      assert.equal(await status.getAttribute('role'), 'status');
      assert.equal(await status.getAttribute('data-transport'), 'websocket');
      await page.context().setOffline(true);
      await page.evaluate(() => dispatchEvent(new Event('offline')));
      await stage.server.kill('ws');
      await badge(page, 'Paused').waitFor();
      await banner(page, 'offline').getByText('You are offline.').waitFor();
      await page.context().setOffline(false);
      await badge(page, 'Reconnecting').waitFor();
      await banner(page, 'reconnecting').getByText('The server cannot be reached.').waitFor();
      await stage.server.revive('ws');
      await banner(page, 'reconnecting').getByRole('button', { name: 'Try now' }).click();
      await badge(page, 'Live').waitFor();
      await page.locator('#banner').waitFor({ state: 'hidden' });
      // a page that finds nobody says so, and fills itself when the server is there
      await stage.server.kill('ws');
      await page.reload();
      await badge(page, 'Connecting').waitFor();
      await page.getByText('The sessions could not be loaded.').waitFor();
      await stage.server.revive('ws');
      await badge(page, 'Live').waitFor({ timeout: 30_000 });
      await page.locator('tbody tr').first().waitFor();
    },
  },
  {
    line: 'the server killed and restarted: the dashboards come back with the state of the database, not an old one',
    async check(stage) {
      const pages = [await enter(stage), await enter(stage)];
      return await killAndRevive(stage, 'ws', pages);
    },
  },
  {
    line: 'WebSocket blocked: falls back to polling the REST endpoint, and returns',
    async check(stage) {
      const { server } = stage;
      const page = await enter(stage);
      const [id, deleted] = [await newSession(stage), await newSession(stage)];
      await row(page, deleted).waitFor();
      const before = await server.ask('ws', { blocks: true });
      const startMs = Date.now();
      await badge(page, 'Every 3 s').waitFor({ timeout: 30_000 });
      const fallbackMs = Date.now() - startMs;
      await banner(page, 'polling').waitFor();
      assert.equal((await server.ask('ws')).connections, 0);
      await server.sql(`update chat_sessions set agent = 'Zoe' where id = $1`, [id]);
      await row(page, id).getByText('Zoe').waitFor();
      await server.sql('delete from chat_sessions where id = $1', [deleted]);
      await row(page, deleted).waitFor({ state: 'detached' });
      await row(page, id).getByRole('button', { name: 'End' }).click();
      await hasStatus(page, id, 'ended').waitFor();
      await showsAll(stage, page);
      const during = await server.ask('ws', { blocks: false });
      assert.equal(during.posts, before.posts + 1, 'the command went by REST');
      const freeMs = Date.now();
      await badge(page, 'Live').waitFor({ timeout: 50_000 });
      const returnMs = Date.now() - freeMs;
      await banner(page, 'polling').waitFor({ state: 'hidden' });
      const after = await server.ask('ws');
      assert.equal(after.connections, 1);
      const polls: string[] = [];
      page.on('request', (request) => request.url().endsWith('/api/overview') && polls.push(request.url()));
      await server.sql(`update chat_sessions set status = 'archived' where id = $1`, [id]);
      await hasStatus(page, id, 'archived').waitFor();
      await page.waitForTimeout(4_000);
      assert.ok(polls.length <= 1, `polled ${polls.length} times after the return`);
      await showsAll(stage, page);
      return `polls after ${(fallbackMs / 1000).toFixed(1)} s, returns ${(returnMs / 1000).toFixed(1)} s after the way is free`;
    },
  },
  {
    line: 'both server variants behind the same client code',
    async check(stage) {
      const { server } = stage;
      const pages = [await enter(stage, 'ws'), await enter(stage, 'socket-io')];
      const [, socketIo] = pages as [Page, Page];
      assert.equal(await socketIo.locator('#status').getAttribute('data-transport'), 'socket-io');
      const id = await newSession(stage);
      for (const page of pages) await row(page, id).waitFor();
      const delays = await measure(stage, id, [socketIo], 20);
      assert.ok(median(delays) < 100, inWords(delays));
      // a command on one variant is an event on the other
      await server.ask('socket-io', { commandDelayMs: 500 });
      await row(socketIo, id).getByRole('button', { name: 'End' }).click();
      await row(socketIo, id).getByRole('button', { name: 'Ending…' }).waitFor();
      for (const page of pages) await hasStatus(page, id, 'ended').waitFor();
      await row(socketIo, id).getByRole('button', { name: 'Archive' }).click();
      await server.sql(`update chat_sessions set status = 'active', ended_at = null where id = $1`, [id]);
      await row(socketIo, id).getByText('Not archived: end the session before you archive it.').waitFor();
      await server.ask('socket-io', { commandDelayMs: 0 });
      const back = await killAndRevive(stage, 'socket-io', [socketIo]);
      await showsAll(stage, ...pages);
      return `Socket.IO: ${inWords(delays)}; ${back}`;
    },
  },
  {
    line: 'the same on a real PostgreSQL through DATABASE_URL',
    async check(stage) {
      const { server } = stage;
      const postgres = await startPostgres();
      if (typeof postgres === 'string') return `SKIPPED: ${postgres}`;
      try {
        await server.moveTo(postgres.url);
        const pages = [await enter(stage, 'ws'), await enter(stage, 'socket-io')];
        const [first] = pages as [Page];
        const id = await newSession(stage);
        for (const page of pages) await row(page, id).waitFor();
        const delays = await measure(stage, id, pages, 30);
        assert.ok(median(delays) < 100, inWords(delays));
        await row(first, id).getByRole('button', { name: 'End' }).click();
        for (const page of pages) await hasStatus(page, id, 'ended').waitFor();
        // the servers lose the connections that they listen on: what is changed meanwhile is not missed
        await server.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query ilike 'listen%'`,
        );
        await server.sql(`update chat_sessions set agent = 'Zoe' where id = $1`, [id]);
        for (const page of pages) await row(page, id).getByText('Zoe').waitFor({ timeout: 30_000 });
        const back = await killAndRevive(stage, 'ws', [first]);
        await showsAll(stage, ...pages);
        return `${postgres.version}, ${inWords(delays)}; ${back}`;
      } finally {
        await server.moveTo(undefined);
        await postgres.close();
      }
    },
  },
]);
