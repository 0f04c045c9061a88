import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { chromiumArgs, findChromium, howToGetChromium } from '../../scripts/chromium.mjs';
import { type ChromiumTab, startChromium } from '../support/chromium-tabs.ts';
import { startReferenceServer, type TestServer } from '../support/reference-server.ts';
import type { PageApp } from './page.ts';

const executablePath = findChromium();
if (executablePath === undefined) console.warn(`Shared tabs are NOT tested in a browser: none was found. ${howToGetChromium}`);
/** Each tab needs a process of its own to crash. */
const args = [...chromiumArgs, '--process-per-tab'];

/** How long a tab does nothing but count: longer than it takes until it is given up. */
const hangMs = 7_000;

type Carrier = 'websocket' | 'sse' | 'long-poll';

/** One tab, and what is known of it even when it is gone. */
interface Tab extends ChromiumTab {
  readonly name: string;
}

test.skipIf(executablePath === undefined).for(['websocket', 'sse', 'long-poll'] as const)(
  'three tabs share one connection over %s; the leader is closed, crashes and freezes, and nothing is lost or doubled',
  { timeout: 120_000 },
  async (carrier) => {
    const { server, open } = await setUp(executablePath ?? '', carrier);
    let tabs = [await open('a'), await open('b'), await open('c')];
    const all = [...tabs];
    await untilShared(server, carrier, tabs);
    for (const tab of tabs) await tab.evaluate('app.sendEvery(40)');
    const times: string[] = [];

    for (const end of ['close', 'crash', 'freeze', 'hang', 'close', 'crash', 'freeze', 'hang'] as const) {
      const leader = await leaderOf(tabs);
      const others = tabs.filter((tab) => tab !== leader);
      const startMs = performance.now();
      if (end === 'close') await leader.close();
      else if (end === 'crash') await leader.crash();
      else if (end === 'freeze') await leader.setLifecycle('frozen');
      else await leader.evaluate(`setTimeout(() => { for (const end = Date.now() + ${hangMs}; Date.now() < end; ); })`);
      // back: what each tab that is left sends now is accepted, and another one leads
      await Promise.all(others.map((tab) => tab.evaluate('app.send()')));
      times.push(`${end} ${Math.round(performance.now() - startMs)} ms`);
      await untilOneLeads(others);
      if (end === 'freeze' || end === 'hang') {
        if (end === 'freeze') await leader.setLifecycle('active');
        await leader.until('app.role() === "follower"');
      } else {
        const next = await open(`${leader.name}+`);
        await next.evaluate('app.sendEvery(40)');
        all.push(next);
        tabs = [...others, next];
      }
      await untilShared(server, carrier, tabs);
    }

    console.log(`takeover of hidden tabs over ${carrier}: ${times.join(', ')}`);
    for (const tab of tabs) await tab.evaluate('app.stopSending()');
    for (const tab of tabs) await tab.until('app.accepted.length === app.sent.length');
    const log = await readLog(server);
    for (const tab of tabs) {
      const { name } = tab;
      await tab.until(`app.got.at(-1) === ${log.length}`);
      const { gaps, sent, accepted, failed } = await tab.evaluate<PageApp>('app');
      expect({ gaps, failed }, name).toEqual({ gaps: [], failed: [] });
      expect(accepted, name).toEqual(sent);
      expect(numbersOf(log, name), name).toEqual(sent);
    }
    for (const { name, words } of all) {
      const offsets = words.filter((word) => word !== '').map(Number);
      // the log is numbered without holes, and so is what a tab got of it, from its first event on
      expect(offsets, name).toEqual(Array.from(offsets, (_, index) => (offsets[0] ?? 1) + index));
      const numbers = numbersOf(log, name);
      expect(numbers, name).toEqual(Array.from(numbers, (_, index) => index));
    }
  },
);

/** A server with a page, and a browser that opens it. */
async function setUp(chromiumPath: string, carrier: Carrier) {
  const bundle = await build({
    entryPoints: [new URL('page.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  const server = await startReferenceServer({
    fallback(request, response) {
      const isScript = request.url === '/page.js';
      response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
      response.end(isScript ? script : '<!doctype html><title>tab</title><script src="/page.js"></script>');
    },
  });
  const browser = await startChromium(chromiumPath, args);

  async function open(name: string, user = 'ada'): Promise<Tab> {
    const token = await server.signToken(user);
    const tab = await browser.open(`${server.url}/?${new URLSearchParams({ carrier, name, token })}`);
    await tab.until('window.app?.status() === "connected"');
    return { ...tab, name };
  }
  return { server, open };
}

/** One tab leads, the others follow it, and the server has one link. */
async function untilShared(server: TestServer, carrier: Carrier, tabs: readonly Tab[]): Promise<void> {
  for (const tab of tabs) await tab.until('app.status() === "connected"');
  // a link that was just replaced may live a moment longer, and a poll is held only most of the time
  await server.until(() => server.stats().links[carrier] === 1);
  const roles = await Promise.all(tabs.map((tab) => tab.evaluate<string>('app.role()')));
  expect(roles.sort()).toEqual(['follower', 'follower', 'leader']);
}

async function leaderOf(tabs: readonly Tab[]): Promise<Tab> {
  for (const tab of tabs) if ((await tab.evaluate('app.role()')) === 'leader') return tab;
  throw new Error('no tab leads');
}

async function untilOneLeads(tabs: readonly Tab[]): Promise<void> {
  await Promise.race(tabs.map((tab) => tab.until('app.role() === "leader"')));
}

interface Entry {
  readonly from: string;
  readonly number: number;
}

/** What the server has accepted, oldest first. */
async function readLog(server: TestServer): Promise<readonly Entry[]> {
  const { entries } = await server.log.read('room', 0, 100_000);
  return entries.map(({ data }) => JSON.parse(data ?? '') as Entry);
}

function numbersOf(log: readonly Entry[], name: string): number[] {
  return log.filter(({ from }) => from === name).map(({ number }) => number);
}
