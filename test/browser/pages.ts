import type { BrowserCommand } from 'vitest/node';

/** The part of a Playwright page that is used here. */
interface OwnPage {
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  close(): Promise<void>;
  evaluate(body: string): Promise<unknown>;
}

interface Session {
  send(method: string): Promise<unknown>;
}

interface OwnContext {
  newPage(): Promise<OwnPage>;
  newCDPSession(page: OwnPage): Promise<Session>;
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** Opens a page of the same profile and origin with one script of test/browser in it. @returns its number */
    openPage(script: string, settings: unknown): Promise<number>;
    /** Calls a function that the script has put into `globalThis.page`. */
    callPage(page: number, name: string, ...values: unknown[]): Promise<unknown>;
    reloadPage(page: number): Promise<void>;
    closePage(page: number): Promise<void>;
    /** Ends the page's process, as a crash would: nothing in it runs any more. */
    crashPage(page: number): Promise<void>;
  }
}

interface Held {
  readonly page: OwnPage;
  /** Runs the script in the document of now. */
  start(): Promise<unknown>;
}

const pages = new Map<number, Held>();

function heldPage(id: number): Held {
  const held = pages.get(id);
  if (held === undefined) throw new Error(`there is no page ${id}`);
  return held;
}

const openPage: BrowserCommand<[script: string, settings: unknown]> = async (command, script, settings) => {
  const { context, page: testPage } = command as unknown as { context: OwnContext; page: { url(): string } };
  const page = await context.newPage();
  const id = pages.size + 1;
  const path = `/test/browser/${script}`;
  const start = (): Promise<unknown> =>
    page.evaluate(`globalThis.settings = ${JSON.stringify(settings)}; import(${JSON.stringify(path)}).then(() => {})`);
  pages.set(id, { page, start });
  // a document that the real server gives: one that is made up here may not talk to the servers of the tests
  await page.goto(new URL(path, testPage.url()).href);
  await start();
  return id;
};

const callPage: BrowserCommand<[page: number, name: string, ...values: unknown[]]> = (_, id, name, ...values) =>
  heldPage(id).page.evaluate(`globalThis.page[${JSON.stringify(name)}](...${JSON.stringify(values)})`);

const reloadPage: BrowserCommand<[page: number]> = async (_, id) => {
  const { page, start } = heldPage(id);
  await page.reload();
  await start();
};

const closePage: BrowserCommand<[page: number]> = (_, id) => heldPage(id).page.close();

const crashPage: BrowserCommand<[page: number]> = async (command, id) => {
  const { context } = command as unknown as { context: OwnContext };
  const session = await context.newCDPSession(heldPage(id).page);
  // the answer never comes: who would give it is gone
  session.send('Page.crash').catch(() => {});
};

/** Pages beside the one in which a test runs, for what several tabs of one browser share. */
export const pageCommands = { openPage, callPage, reloadPage, closePage, crashPage };
