import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright';
import type { PortalServer } from '../../examples/portal-chat/server.ts';
import { defineSystem, type Stage, type System, until } from './support.ts';

type PortalStage = Stage<PortalServer>;

/** What the screen shows of the open chat, from top to bottom. */
const texts = (page: Page): Promise<string[]> => page.locator('.bubble').allTextContents();
const message = (page: Page, text: string) => page.locator('.message', { hasText: text });
const badge = (page: Page, status: string) => page.locator(`.side .badge[data-status=${status}]`);

/** Users have names of their own in each check, as the server remembers them. */
let serial = 0;
const someone = (name: string): string => `${name} ${++serial}`;
const idOf = (name: string): string => name.toLowerCase().replace(' ', '-');

async function signIn(page: Page, name: string): Promise<Page> {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await badge(page, 'connected').waitFor();
  return page;
}

async function show(page: Page, chat: string): Promise<void> {
  await page.locator(`[data-chat=${chat}]`).click();
  await page.locator(`[data-chat=${chat}][aria-current=page]`).waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.locator('textarea').fill(text);
  await page.keyboard.press('Enter');
}

async function sees(page: Page, text: string): Promise<void> {
  await page.locator('.message[data-state=sent]', { hasText: text }).waitFor();
}

/** The chats that the server has a user's connections in. */
const chatsOf = ({ server }: PortalStage, name: string): string[] =>
  server
    .sockets()
    .filter(({ user }) => user === idOf(name))
    .flatMap(({ chats }) => chats);

async function isIn(stage: PortalStage, name: string, chat: string): Promise<void> {
  await until(`${name} is in ${chat} and nowhere else`, () => chatsOf(stage, name).join() === chat);
}

/** What a screen shows of a chat is what the server holds of it, in the server's order. */
async function showsAll({ server }: PortalStage, page: Page, chat: string): Promise<number> {
  const held = server.messages(chat).map(({ id }) => id);
  const shown = (): Promise<(string | null)[]> =>
    page.locator('.message').evaluateAll((lines) => lines.map((line) => line.getAttribute('data-id')));
  await until(`the screen shows the ${held.length} messages of ${chat}`, async () => (await shown()).join() === held.join());
  return held.length;
}

/** A chat on the S5 server: rooms by Socket.IO, sends by REST. */
export const system: System = defineSystem<PortalServer>('portal-chat', [
  {
    line: 'connects at sign-in, disconnects and clears at sign-out',
    async check(stage) {
      const page = await stage.open();
      const name = someone('Ada');
      assert.deepEqual(chatsOf(stage, name), []);
      await signIn(page, name);
      await show(page, 'front-desk');
      await sees(page, 'Good morning!');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Your name').waitFor();
      await until(
        'the server has no connection of the user',
        () => !stage.server.sockets().some(({ user }) => user === idOf(name)),
      );
      assert.equal(await page.locator('.bubble').count(), 0);
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    },
  },
  {
    line: 'no message of the old user under the new one',
    async check(stage) {
      const page = await stage.open();
      const [old, next] = [someone('Ada'), someone('Eve')];
      await signIn(page, old);
      await show(page, 'billing');
      await isIn(stage, old, 'billing');
      await page.locator('select option', { hasText: 'only Robin' }).waitFor({ state: 'attached' });
      await page.locator('select').selectOption('robin');
      await write(page, 'for Robin alone');
      await sees(page, 'for Robin alone');
      // one more is under way while the user changes
      stage.server.delayAnswers(1_500);
      const answered = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/messages'));
      await write(page, 'still on its way');
      await answered;
      await page.getByRole('button', { name: 'Sign out' }).click();
      await signIn(page, next);
      await show(page, 'billing');
      await sees(page, 'Invoice 2041');
      await until('the late send is stored', () =>
        stage.server.messages('billing').some(({ text }) => text === 'still on its way'),
      );
      stage.server.delayAnswers(0);
      stage.server.say('billing', 'robin', 'a word to everybody');
      await sees(page, 'a word to everybody');
      assert.deepEqual(
        (await texts(page)).filter((text) => text === 'for Robin alone' || text === 'still on its way'),
        [],
        'nothing of the old user',
      );
      assert.ok(
        !stage.server.facts.sent.some(({ user, id }) => user === idOf(next) && id === privateId(stage, 'for Robin alone')),
      );
    },
  },
  {
    line: 'rooms are joined only while shown, and left on change',
    async check(stage) {
      const page = await stage.open();
      const name = someone('Ada');
      await signIn(page, name);
      for (const chat of ['billing', 'lunch', 'shipping']) {
        await show(page, chat);
        await isIn(stage, name, chat);
      }
      const { rooms } = stage.server.facts;
      const own = rooms.filter(({ user }) => user === idOf(name));
      const joins = own.filter(({ kind }) => kind === 'join').length;
      assert.equal(joins - own.filter(({ kind }) => kind === 'leave').length, 1, 'one join is without its leave');
      // rendering twice, as React does in development, joins once
      assert.ok(joins <= 4, `${joins} joins for at most 4 chats`);
      return `${joins} joins, ${joins - 1} leaves`;
    },
  },
  {
    line: 'rooms are rejoined after a reconnect, with and without connection state recovery',
    async check(stage) {
      for (const recovery of [false, true]) {
        await stage.server.restart({ recovery });
        const page = await stage.open();
        const name = someone('Ada');
        await signIn(page, name);
        await show(page, 'shipping');
        await isIn(stage, name, 'shipping');
        for (const round of [1, 2, 3]) {
          stage.server.cut();
          stage.server.say('shipping', 'sam', `missed ${round} by ${name}`);
          await sees(page, `missed ${round} by ${name}`);
          await isIn(stage, name, 'shipping');
          stage.server.say('shipping', 'sam', `live ${round} for ${name}`);
          await sees(page, `live ${round} for ${name}`);
        }
        await showsAll(stage, page, 'shipping');
      }
      await stage.server.restart({ recovery: false });
      return '3 cuts with it, 3 without';
    },
  },
  {
    line: 'a message that arrives by REST answer and by socket is shown once',
    async check(stage) {
      const page = await stage.open();
      const name = someone('Ada');
      await signIn(page, name);
      await show(page, 'lunch');
      await isIn(stage, name, 'lunch');
      for (const delayMs of [0, 400]) {
        stage.server.delayAnswers(delayMs);
        // read on its way: Chromium does not always keep the body of an answer that the page has read
        const answer = Promise.withResolvers<{ id: string }>();
        await page.route(
          (url) => url.pathname.endsWith('/messages'),
          async (route) => {
            const response = await route.fetch();
            if (route.request().method() === 'POST') answer.resolve(await response.json());
            await route.fulfill({ response });
          },
        );
        await write(page, `once, ${delayMs} ms late, says ${name}`);
        const { id } = await answer.promise;
        await sees(page, `once, ${delayMs} ms late`);
        assert.ok(
          stage.server.facts.sent.some((one) => one.user === idOf(name) && one.id === id),
          'it came by socket too',
        );
        assert.equal(await message(page, `once, ${delayMs} ms late, says ${name}`).count(), 1);
        await page.unrouteAll();
      }
      stage.server.delayAnswers(0);
      await showsAll(stage, page, 'lunch');
    },
  },
  {
    line: 'the chat list moves the newest chat up',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = await Promise.all([stage.open(), stage.open()]);
      await Promise.all([signIn(one, ada), signIn(two, bob)]);
      const order = (page: Page): Promise<(string | null)[]> =>
        page.locator('.chat').evaluateAll((chats) => chats.map((chat) => chat.getAttribute('data-chat')));
      for (const chat of ['shipping', 'billing', 'lunch']) {
        await Promise.all([show(one, chat), show(two, chat)]);
        await isIn(stage, bob, chat);
        await write(one, `up with ${chat}, says ${ada}`);
        for (const page of [one, two]) await until(`${chat} is first`, async () => (await order(page))[0] === chat);
      }
      assert.deepEqual((await order(two)).slice(0, 3), ['lunch', 'billing', 'shipping']);
      // a chat that is not shown is not joined: the list hears of it when it is asked for
      stage.server.say('front-desk', 'robin', 'is anybody here?');
      await two.evaluate(() => dispatchEvent(new Event('focus')));
      await until('the list has heard of it', async () => (await order(two))[0] === 'front-desk');
      await two.locator('[data-chat=front-desk] [aria-label=unread]').waitFor();
    },
  },
  {
    line: 'optimistic sends: shown at once, failed ones are kept and can be sent again',
    async check(stage) {
      const page = await stage.open();
      const name = someone('Ada');
      await signIn(page, name);
      await show(page, 'lunch');
      await isIn(stage, name, 'lunch');
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      await page.route('**/messages', async (route) => {
        if (route.request().method() === 'POST') await held;
        await route.continue();
      });
      await write(page, `soup, says ${name}`);
      await page.locator('.message[data-state=pending]', { hasText: `soup, says ${name}` }).waitFor();
      assert.ok(!stage.server.messages('lunch').some(({ text }) => text === `soup, says ${name}`), 'the server has not seen it');
      release();
      await sees(page, `soup, says ${name}`);

      stage.server.failSends(1, 422);
      await write(page, `salad, says ${name}`);
      const failed = page.locator('.message[data-state=failed]', { hasText: 'salad' });
      await failed.getByText('the server refused it (422)').waitFor();
      await failed.getByRole('button', { name: 'Try again' }).click();
      await sees(page, `salad, says ${name}`);
      assert.equal(stage.server.messages('lunch').filter(({ text }) => text === `salad, says ${name}`).length, 1);

      // what passes is tried again by itself, once
      stage.server.failSends(2, 503);
      await write(page, `cake, says ${name}`);
      await sees(page, `cake, says ${name}`);
      assert.equal(stage.server.messages('lunch').filter(({ text }) => text === `cake, says ${name}`).length, 1);
      await showsAll(stage, page, 'lunch');
    },
  },
  {
    line: 'a Zustand store fed by one adapter function of at most 30 lines',
    async check() {
      const source = readFileSync(new URL('../../examples/portal-chat/src/feed.ts', import.meta.url), 'utf8');
      const body = /^export function feed[\s\S]*?^}/m.exec(source)?.[0] ?? '';
      const lines = body.split('\n').length;
      assert.ok(lines > 5 && lines <= 30, `feed has ${lines} lines`);
      const folder = new URL('../../examples/portal-chat/src/', import.meta.url);
      for (const file of ['conversation.tsx', 'chat-list.tsx', 'composer.tsx', 'app.tsx', 'status.tsx', 'store.ts']) {
        const text = readFileSync(new URL(file, folder), 'utf8');
        assert.doesNotMatch(text, /import (?!type)[^;]*from 'keepwire/, `${file} knows the store and not the connection`);
      }
      return `${lines} lines`;
    },
  },
  {
    line: 'WebSocket blocked: HTTP polling carries on',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = await Promise.all([stage.open(), stage.open()]);
      await Promise.all([signIn(one, ada), signIn(two, bob)]);
      await Promise.all([show(one, 'front-desk'), show(two, 'front-desk')]);
      await isIn(stage, ada, 'front-desk');
      const transports = (): string[] => stage.server.sockets().map(({ transport }) => transport);
      assert.deepEqual(transports(), ['websocket', 'websocket']);
      await stage.server.restart({ blocksWebSocket: true });
      for (const page of [one, two]) await page.locator('.side').getByText('Live, by polling').waitFor();
      for (const name of [ada, bob]) await isIn(stage, name, 'front-desk');
      assert.deepEqual(transports(), ['polling', 'polling']);
      await write(one, `by polling, says ${ada}`);
      await sees(two, `by polling, says ${ada}`);
      await two.locator('textarea').pressSequentially('hm');
      await one.getByText(`${bob} is typing…`).waitFor();
      for (const page of [one, two]) await showsAll(stage, page, 'front-desk');
      await stage.server.restart({ blocksWebSocket: false });
    },
  },
  {
    line: 'a private message reaches only its readers',
    async check(stage) {
      const names = [someone('Ada'), someone('Bob'), someone('Eve')] as const;
      const [ada, bob, eve] = await Promise.all([stage.open(), stage.open(), stage.open()]);
      const wire: string[] = [];
      eve.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => wire.push(String(payload))));
      for (const [index, page] of [ada, bob, eve].entries()) {
        await signIn(page, names[index] ?? '');
        await show(page, 'billing');
        await isIn(stage, names[index] ?? '', 'billing');
      }
      await ada.evaluate(() => dispatchEvent(new Event('focus')));
      await ada.locator('select option', { hasText: names[1] }).waitFor({ state: 'attached' });
      await ada.locator('select').selectOption(idOf(names[1]));
      const secret = `a surprise from ${names[0]}`;
      await write(ada, secret);
      await sees(bob, secret);
      await message(bob, secret).getByText('Only for you').waitFor();
      await sees(ada, secret);
      await ada.keyboard.press('Escape');
      await write(ada, `for everybody, says ${names[0]}`);
      await sees(eve, `for everybody, says ${names[0]}`);
      assert.equal(await message(eve, secret).count(), 0);
      assert.ok(
        wire.some((text) => text.includes('for everybody')),
        'what Eve gets was looked at',
      );
      assert.ok(!wire.some((text) => text.includes('surprise')), 'it never came to Eve');
      await eve.reload();
      await show(eve, 'billing');
      await sees(eve, `for everybody, says ${names[0]}`);
      assert.equal(await message(eve, secret).count(), 0, 'nor with the history');
    },
  },
  {
    line: 'a kick ends in a state that the screen shows, not in a silent retry loop',
    async check(stage) {
      const [ada, bob] = [someone('Ada'), someone('Bob')];
      const [one, two] = await Promise.all([stage.open(), stage.open()]);
      await Promise.all([signIn(one, ada), signIn(two, bob)]);
      await Promise.all([show(one, 'lunch'), show(two, 'lunch')]);
      await isIn(stage, bob, 'lunch');
      await write(one, `/kick ${idOf(bob)}`);
      await badge(two, 'failed').waitFor();
      const banner = two.locator('.banner.bad[data-code=dismissed]');
      await banner.getByText('You were removed from the chat. The server ended the Socket.IO connection.').waitFor();
      const { connections } = stage.server.facts;
      await two.waitForTimeout(2_500);
      assert.equal(stage.server.facts.connections, connections, 'nobody has dialled again');
      // and there is a way back
      await banner.getByRole('button', { name: 'Connect again' }).click();
      await badge(two, 'connected').waitFor();
      await isIn(stage, bob, 'lunch');
    },
  },
  {
    line: 'a refused token ends in a state that the screen shows, not in a silent retry loop',
    async check(stage) {
      const page = await stage.open();
      const name = someone('Ada');
      await signIn(page, name);
      await show(page, 'lunch');
      await isIn(stage, name, 'lunch');
      stage.server.revoke(idOf(name));
      const { refusals } = stage.server.facts;
      stage.server.cut();
      await badge(page, 'failed').waitFor();
      const banner = page.locator('.banner.bad[data-code=unauthorized]');
      await banner.getByText('You were signed out.').waitFor();
      await page.waitForTimeout(2_500);
      const tried = stage.server.facts.refusals - refusals;
      assert.ok(tried <= 2, `the token was offered ${tried} times`);
      await banner.getByRole('button', { name: 'Sign in again' }).click();
      await signIn(page, name);
      return `offered ${tried} times`;
    },
  },
  {
    line: 'after cuts and restarts under load, every screen shows what the server holds',
    async check(stage) {
      const names = [someone('Ada'), someone('Bob')];
      const pages = await Promise.all([stage.open(), stage.open()]);
      for (const [index, page] of pages.entries()) {
        await signIn(page, names[index] ?? '');
        await show(page, 'shipping');
      }
      const before = stage.server.messages('shipping').length;
      for (let round = 0; round < 10; round++) {
        for (const [index, page] of pages.entries()) await write(page, `load ${round} of ${names[index]}`);
        if (round % 3 === 1) stage.server.cut();
        if (round === 5) await stage.server.restart();
      }
      await until('everything has arrived', () => stage.server.messages('shipping').length === before + 20);
      for (const page of pages) await showsAll(stage, page, 'shipping');
      const own = (page: Page, index: number): Promise<string[]> =>
        page.locator('.bubble', { hasText: `of ${names[index]}` }).allTextContents();
      const expected = Array.from({ length: 10 }, (_, round) => `load ${round} of ${names[0]}`);
      assert.deepEqual(await own(pages[1] as Page, 0), expected, 'in the order in which they were written');
      return '20 messages, 3 cuts, 1 restart';
    },
  },
]);

function privateId({ server }: PortalStage, text: string): string | undefined {
  return server.messages('billing').find((one) => one.text === text)?.id;
}
