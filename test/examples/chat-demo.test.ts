import { type Browser, chromium, type Page } from 'playwright';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium, howToGetChromium } from '../../scripts/chromium.mjs';
import { startDemo } from '../../scripts/demo.mjs';

const executablePath = findChromium();
if (executablePath === undefined) console.warn(`The demo is NOT tested: no Chromium was found. ${howToGetChromium}`);
/** Chromium must not look up hosts of its own during the tests. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens a window of its own and signs in. */
async function join(browser: Browser, url: string, name: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const signIn = async (): Promise<void> => {
    await page.goto(url);
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Join the chat' }).click();
    await page.locator('.side .badge[data-status=connected]').waitFor();
  };
  // a page that cannot be loaded says why at once
  await Promise.race([signIn(), new Promise((_, reject) => page.once('pageerror', reject))]);
  return page;
}

async function switchTo(page: Page, mode: string): Promise<void> {
  await page.locator(`input[value=${mode}]`).check();
  await page.locator(`label[data-in-use=true] input[value=${mode}]`).waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  const field = page.locator('.room:not([hidden]) textarea');
  await field.fill(text);
  await field.press('Enter');
}

async function sees(page: Page, text: string): Promise<void> {
  await page.locator('.room:not([hidden]) .message[data-state=sent]', { hasText: text }).waitFor();
}

/** What a window shows of the open room, from top to bottom. */
const texts = (page: Page): Promise<string[]> => page.locator('.room:not([hidden]) .bubble').allTextContents();

test.skipIf(executablePath === undefined)(
  'two windows chat over each transport, through switches and cuts, and a third one finds it all',
  { timeout: 60_000 },
  async () => {
    const demo = await startDemo({ port: 0 });
    onTestFinished(() => demo.close());
    const browser = await chromium.launch({ executablePath, args });
    onTestFinished(() => browser.close());
    const [ada, bob] = await Promise.all([join(browser, demo.url, 'Ada'), join(browser, demo.url, 'Bob')]);
    const said: string[] = [];
    const hear = async (from: Page, to: Page, text: string): Promise<void> => {
      said.push(text);
      await say(from, text);
      await Promise.all([sees(from, text), sees(to, text)]);
    };

    for (const mode of ['websocket', 'sse', 'long-poll', 'socket-io']) {
      await Promise.all([switchTo(ada, mode), switchTo(bob, mode)]);
      await hear(ada, bob, `Ada over ${mode}`);
      await hear(bob, ada, `Bob over ${mode}`);
    }
    expect(demo.server.stats().links).toMatchObject({ websocket: 0, sse: 0, 'socket-io': 2 });

    // a switch in the middle of a conversation: the message travels while both links are up
    await ada.locator('input[value=sse]').check();
    await hear(ada, bob, 'sent while switching');
    await hear(bob, ada, 'answered while switching');
    await ada.locator('label[data-in-use=true] input[value=sse]').waitFor();

    await bob.locator('.room:not([hidden]) textarea').pressSequentially('hm');
    await ada.getByText('Bob is typing…').waitFor();

    await bob.getByRole('button', { name: 'Cut the connection' }).click();
    await bob.locator('.side .badge:not([data-status=connected])').waitFor();
    said.push('written while cut');
    await say(ada, 'written while cut');
    await sees(bob, 'written while cut');
    await hear(bob, ada, 'and answered after it');

    const eve = await join(browser, demo.url, 'Eve');
    await sees(eve, 'and answered after it');
    await ada.locator('.people li', { hasText: 'Eve' }).waitFor();
    for (const page of [ada, bob, eve]) expect(await texts(page)).toEqual(said);
  },
);
