import { strict as assert } from 'node:assert';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { chromiumArgs, findChromium, howToGetChromium } from '../../scripts/chromium.mjs';
import { startExample } from '../../scripts/example.mjs';

/** A running example: its page, and its server as the example itself gives it. */
export interface Example<Server> {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** What a check works with. */
export interface Stage<Server> extends Example<Server> {
  /** Opens a browser of its own at the page: nothing is shared with the others. Closed after the check. */
  open(options?: BrowserContextOptions): Promise<Page>;
  /** What is to be done many times is done a few times only: for the tests, beside `npm run systems`. */
  readonly isShort: boolean;
}

/** One line of what a system shows. */
export interface Show<Server> {
  /** In the words of the system's description. */
  readonly line: string;
  /**
   * Sees that it holds.
   *
   * @returns what was measured, in words
   * @throws what does not hold
   */
  readonly check: (stage: Stage<Server>) => Promise<string | undefined> | Promise<void>;
}

/** A system: an example, and every line of what it shows. */
export interface System {
  /** The name of the example. */
  readonly name: string;
  readonly lines: readonly string[];
  /** Starts the example and a browser. */
  start(options?: { readonly isShort?: boolean }): Promise<RunningSystem>;
}

/** A system that can be checked line by line. */
export interface RunningSystem {
  /** @returns what was measured */
  check(line: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Describes a system. The example is started once, and each check begins with browsers of its own. */
export function defineSystem<Server>(name: string, shows: readonly Show<Server>[]): System {
  return {
    name,
    lines: shows.map(({ line }) => line),
    async start({ isShort = false } = {}) {
      const executablePath = findChromium();
      if (executablePath === undefined) throw new Error(`no Chromium was found. ${howToGetChromium}`);
      const example: Example<Server> = await startExample(name, { port: 0 });
      const browser = await chromium.launch({ executablePath, args: chromiumArgs }).catch(async (error: unknown) => {
        await example.close();
        throw error;
      });
      return {
        async check(line) {
          const show = shows.find((one) => one.line === line);
          if (!show) throw new Error(`there is no line ${line}`);
          return await checkOne(show, { ...example, isShort }, browser);
        },
        async close() {
          await browser.close();
          await example.close();
        },
      };
    },
  };
}

async function checkOne<Server>(
  show: Show<Server>,
  example: Omit<Stage<Server>, 'open'>,
  browser: Browser,
): Promise<string | undefined> {
  const contexts: BrowserContext[] = [];
  const crashes: Error[] = [];
  const open = async (options?: BrowserContextOptions): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    contexts.push(context);
    context.setDefaultTimeout(15_000);
    // more tabs may follow
    context.on('page', (page) => page.on('pageerror', (error) => crashes.push(error)));
    const page = await context.newPage();
    await page.goto(example.url);
    return page;
  };
  try {
    const measured = await show.check({ ...example, open });
    assert.deepEqual(crashes, [], 'no page has thrown');
    return typeof measured === 'string' ? measured : undefined;
  } catch (error) {
    const shots = process.env['SYSTEMS_SCREENSHOTS'];
    const pages = contexts.flatMap((context) => context.pages());
    if (shots) for (const [at, page] of pages.entries()) await page.screenshot({ path: `${shots}/failed-${at}.png` });
    throw error;
  } finally {
    for (const context of contexts) await context.close();
  }
}

/** Waits until something holds, looking at it again and again; what it last threw or said is the error. */
export async function until(what: string, holds: () => unknown, timeoutMs = 15_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < endMs) {
    try {
      last = await holds();
      if (last) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`never came: ${what} (last seen: ${seen})`);
}

/** The middle of some durations, in milliseconds. */
export function median(durations: readonly number[]): number {
  return [...durations].sort((one, other) => one - other)[Math.floor(durations.length / 2)] ?? 0;
}
