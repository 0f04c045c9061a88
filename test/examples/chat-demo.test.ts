import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright';
import { expect, onTestFinished, test } from 'vitest';
import { chromiumArgs, findChromium, howToGetChromium } from '../../scripts/chromium.mjs';
import { startDemo } from '../../scripts/demo.mjs';

const executablePath = findChromium();
if (executablePath === undefined) console.warn(`The demo is NOT tested: no Chromium was found. ${howToGetChromium}`);

/** A demo and a browser for one test. */
async function stage() {
  const demo = await startDemo({ port: 0 });
  onTestFinished(() => demo.close());
  const browser = await chromium.launch({ executablePath, args: chromiumArgs });
  onTestFinished(() => browser.close());
  const viewport = { width: 1280, height: 800 };
  return { demo, join: (name: string) => join(browser, demo.url, name, viewport) };
}

/** Opens a window of its own and signs in. */
async function join(browser: Browser, url: string, name: string, viewport: { width: number; height: number }): Promise<Page> {
  const context: BrowserContext = await browser.newContext({ viewport });
  const page = await context.newPage();
  // as on a fresh clone, where nothing is built yet
  await page.route(/\/dist\/\w+\.js$/, (route) => route.abort());
  const signIn = async (): Promise<void> => {
    await page.goto(url);
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Join the chat' }).click();
    await connected(page);
  };
  // a page that cannot be loaded says why at once
  await Promise.race([signIn(), new Promise((_, reject) => page.once('pageerror', reject))]);
  return page;
}

const connected = (page: Page): Promise<void> => page.locator('.side .badge[data-status=connected]').waitFor();
const cutOff = (page: Page): Promise<void> => page.locator('.side .badge:not([data-status=connected])').waitFor();

async function switchTo(page: Page, mode: string): Promise<void> {
  await page.locator(`input[value=${mode}]`).check();
  await page.locator(`label[data-in-use=true] input[value=${mode}]`).waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  const field = page.locator('.room:not([hidden]) .composer textarea');
  await field.fill(text);
  await field.press('Enter');
}

/** The message with a text, in the open room. */
const message = (page: Page, text: string, state = 'sent'): Locator =>
  page.locator(`.room:not([hidden]) .message[data-state=${state}]`, { hasText: text });

const sees = (page: Page, text: string): Promise<void> => message(page, text).waitFor();

/** What a window shows of the open room, from top to bottom. */
const texts = (page: Page): Promise<string[]> => page.locator('.room:not([hidden]) .bubble').allTextContents();

const outbox = (page: Page): Locator => page.locator('.room:not([hidden]) .outbox');

/** Edits a message by the keyboard, as somebody without a mouse would. */
async function edit(page: Page, from: string, to: string): Promise<void> {
  await page.getByRole('button', { name: `Edit: ${from}` }).press('Enter');
  const editor = page.getByLabel('Edit the message');
  await editor.fill(to);
  await editor.press('Enter');
}

/** Each starts a page server and a browser of its own, beside other tests. */
const timeout = 120_000;

const inBrowser = test.skipIf(executablePath === undefined);

inBrowser(
  'two windows chat over each transport, through switches and cuts, and a third one finds it all',
  { timeout },
  async () => {
    const { demo, join } = await stage();
    const [ada, bob] = await Promise.all([join('Ada'), join('Bob')]);
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

    // the server has few clients and says so: the connection is back before anybody could see that it was gone
    await bob.getByRole('button', { name: 'Cut the connection' }).click();
    await bob.locator('[data-absence]').waitFor();
    said.push('written while cut');
    await say(ada, 'written while cut');
    await sees(bob, 'written while cut');
    await hear(bob, ada, 'and answered after it');

    const eve = await join('Eve');
    await sees(eve, 'and answered after it');
    for (const page of [ada, bob, eve]) expect(await texts(page)).toEqual(said);
  },
);

inBrowser('messages are edited and deleted by their author alone, and seen', { timeout }, async () => {
  const { join } = await stage();
  const [ada, bob] = await Promise.all([join('Ada'), join('Bob')]);
  for (const text of ['first', 'second', 'third']) {
    await say(ada, text);
    await sees(bob, text);
  }
  await ada.getByText('seen by Bob').waitFor();

  await edit(ada, 'second', 'second, better');
  await message(bob, 'second, better').getByText('edited').waitFor();
  await ada.getByRole('button', { name: 'Delete: first' }).press('Enter');
  await message(bob, 'first').waitFor({ state: 'detached' });
  expect(await texts(bob)).toEqual(['second, better', 'third']);
  expect(await bob.getByRole('button', { name: /^(Edit|Delete):/ }).count()).toBe(0);

  // the history of the server has them too
  const eve = await join('Eve');
  await sees(eve, 'third');
  await message(eve, 'second, better').getByText('edited').waitFor();
  expect(await texts(eve)).toEqual(['second, better', 'third']);
});

inBrowser('the history comes page by page', { timeout }, async () => {
  const { demo, join } = await stage();
  const ada = await join('Ada');
  await say(ada, 'said 0');
  await sees(ada, 'said 0');
  const all = ['said 0'];
  for (let index = 1; index < 70; index++) {
    const text = `said ${index}`;
    all.push(text);
    const at = Date.now();
    await demo.server.log.append('room:general', { id: text, event: 'message', data: JSON.stringify({ text }), at, from: 'Bob' });
  }
  const eve = await join('Eve');
  await sees(eve, 'said 69');
  expect(await texts(eve)).toEqual(all.slice(-50));
  await eve.getByRole('button', { name: 'Show older messages' }).click();
  await sees(eve, 'said 0');
  expect(await texts(eve)).toEqual(all);
  expect(await eve.getByRole('button', { name: 'Show older messages' }).count()).toBe(0);
});

inBrowser('people are online, away and gone, and seen while they type', { timeout }, async () => {
  const { join } = await stage();
  const [ada, bob] = await Promise.all([join('Ada'), join('Bob')]);
  const bobAtAda = ada.locator('.people li', { hasText: 'Bob' });
  await ada.locator('.people li[data-status=online]', { hasText: 'Bob' }).waitFor();
  expect(await bobAtAda.getByRole('img').getAttribute('aria-label')).toBe('online');

  await bob.locator('.room:not([hidden]) .composer textarea').pressSequentially('hm');
  await ada.getByText('Bob is typing').waitFor();
  await say(bob, 'hm!');
  await ada.getByText('Bob is typing').waitFor({ state: 'detached' });

  await bob.getByRole('button', { name: 'Set away' }).click();
  await bobAtAda.getByText('away since').waitFor();
  await bob.getByRole('button', { name: 'I am back' }).click();
  await bobAtAda.getByText('#general').waitFor();
  await bob.getByRole('button', { name: 'Sign out' }).click();
  await ada
    .locator('.people li[data-status=offline]', { hasText: 'Bob' })
    .getByText(/seen .*\d/)
    .waitFor();
});

inBrowser(
  'what is written without a connection waits where it is seen, over a reload, and arrives once',
  { timeout },
  async () => {
    const { demo, join } = await stage();
    const [ada, bob] = await Promise.all([join('Ada'), join('Bob')]);
    await say(ada, 'before');
    await sees(bob, 'before');
    demo.server.outage('Ada', 60);
    await cutOff(ada);

    for (const text of ['kept', 'thought better of']) await say(ada, text);
    await edit(ada, 'before', 'before, edited offline');
    // it is shown at once, as what it is
    await message(ada, 'kept', 'queued').waitFor();
    await sees(ada, 'before, edited offline');
    await outbox(ada).getByText('3 waiting').waitFor();
    await outbox(ada).locator('li', { hasText: 'thought better of' }).getByRole('button', { name: 'Cancel' }).click();
    await outbox(ada).getByText('2 waiting').waitFor();
    expect(await texts(ada)).toEqual(['before, edited offline', 'kept']);

    await ada.reload();
    await outbox(ada).getByText('2 waiting').waitFor();
    await message(ada, 'kept', 'queued').waitFor();
    expect(await texts(bob)).toEqual(['before']);

    demo.server.outage('Ada', 0);
    await Promise.all([sees(bob, 'kept'), sees(ada, 'kept')]);
    await outbox(ada).waitFor({ state: 'detached' });
    for (const page of [ada, bob]) {
      await message(page, 'before, edited offline').getByText('edited', { exact: false }).last().waitFor();
      expect(await texts(page)).toEqual(['before, edited offline', 'kept']);
    }
  },
);

inBrowser('what the server refuses is shown with its reason, to be tried again or discarded', { timeout }, async () => {
  const { join } = await stage();
  const ada = await join('Ada');
  await say(ada, 'spam for everybody');
  const failed = message(ada, 'spam for everybody', 'failed');
  await failed.getByText('this room takes no spam').waitFor();
  await outbox(ada).getByText('1 failed').waitFor();

  await ada.reload();
  // as failed, and not sent again by itself
  await outbox(ada).getByText('1 failed').waitFor();
  await failed.getByRole('button', { name: 'Try again' }).click();
  await failed.getByText('this room takes no spam').waitFor();
  await failed.getByRole('button', { name: 'Discard' }).click();
  await failed.waitFor({ state: 'detached' });
  expect(await outbox(ada).count()).toBe(0);
});

inBrowser('tabs share one connection, hand it over, and part when they are told to', { timeout }, async () => {
  const { demo, join } = await stage();
  const [ada, bob] = await Promise.all([join('Ada'), join('Bob')]);
  const linksOfAda = (): number => demo.server.sessions().filter(({ user }) => user === 'Ada').length;
  const opened = ada.context().waitForEvent('page');
  await ada.getByRole('link', { name: 'Open another tab as Ada' }).click();
  const second = await opened;
  await connected(second);
  await ada.locator('[data-role=leader]').waitFor();
  await second.locator('[data-role=follower]').waitFor();
  await second.locator('.links', { hasText: /^1$/ }).waitFor();
  expect(linksOfAda()).toBe(1);

  await say(second, 'from the second tab');
  for (const page of [ada, bob, second]) await sees(page, 'from the second tab');
  // two tabs are one person
  expect(await bob.locator('.people li', { hasText: 'Ada' }).count()).toBe(1);

  await ada.close();
  await second.locator('[data-role=leader]').waitFor();
  await say(bob, 'to whoever leads');
  await say(second, 'that is me now');
  for (const page of [bob, second]) await sees(page, 'that is me now');
  expect(await texts(second)).toEqual(['from the second tab', 'to whoever leads', 'that is me now']);

  const third = await second.context().newPage();
  await third.goto(`${demo.url}?as=Ada`);
  await third.locator('[data-role=follower]').waitFor();
  // for all tabs at once
  await third.getByLabel('Share one connection among tabs').uncheck();
  await second.locator('[data-role=own]').waitFor();
  await Promise.all([connected(second), connected(third)]);
  await third.locator('.links', { hasText: /^2$/ }).waitFor();
  expect(linksOfAda()).toBe(2);
  await sees(third, 'that is me now');
});

inBrowser('the devtools are loaded when they are opened, and know this page', { timeout }, async () => {
  const { join } = await stage();
  const ada = await join('Ada');
  const loaded: string[] = [];
  ada.on('request', (request) => loaded.push(request.url()));
  const panel = ada.locator('keepwire-devtools');
  expect(await ada.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => name.includes('/devtools/')))).toBe(
    false,
  );
  await ada.getByRole('button', { name: 'Devtools' }).click();
  await panel.getByText('connected', { exact: true }).first().waitFor();
  expect(loaded.some((url) => url.includes('/devtools/'))).toBe(true);
  await panel.getByRole('tab', { name: 'Channels' }).click();
  await panel.getByText('room:general').first().waitFor();
  await ada.getByRole('button', { name: 'Devtools' }).click();
  await panel.waitFor({ state: 'detached' });
});
