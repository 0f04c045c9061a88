import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import type { BrowserContextOptions, Page } from 'playwright';
import type { InboxServer } from '../../examples/team-inbox/server.ts';
import { complaintsOf } from '../support/compile.ts';
import { defineSystem, type Stage, type System, until } from './support.ts';

type InboxStage = Stage<InboxServer>;

const folder = new URL('../../examples/team-inbox/src/', import.meta.url);
const sourceOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

/** Users have names of their own in each check, as the server remembers them; none is the beginning of another. */
let serial = 100;
const someone = (name: string): string => `${name} ${++serial}`;
const agentId = (name: string): string => `acme-${name.toLowerCase().replace(' ', '-')}`;

const badge = (page: Page, status: string) => page.locator(`.badge[data-status=${status}]`);
const message = (page: Page, text: string) => page.locator('.message', { hasText: text });
const sees = (page: Page, text: string) => page.locator('.message[data-state=sent]', { hasText: text }).waitFor();

/** Signs an agent in, in a browser of its own. */
async function openAgent(stage: InboxStage, name: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await stage.open(options);
  await page.goto(new URL('agent', stage.url).href);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await badge(page, 'connected').waitFor();
  return page;
}

/** Opens the chat of a customer, in a browser of its own. */
async function openCustomer(stage: InboxStage, name: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await stage.open(options);
  await page.getByRole('button', { name: 'Chat with us' }).click();
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Start the chat' }).click();
  await badge(page, 'connected').waitFor();
  return page;
}

/** One more tab of the same browser. */
async function openTab({ url }: InboxStage, page: Page, path: string): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(new URL(path, url).href);
  return tab;
}

async function openWidget(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Chat with us' }).click();
  await badge(page, 'connected').waitFor();
}

/** Shows the conversation of a customer to an agent. */
async function show(page: Page, customer: string): Promise<void> {
  await page.locator('.entry', { hasText: customer }).click();
  await page.getByRole('heading', { name: customer }).waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.locator('.composer textarea').fill(text);
  await page.keyboard.press('Enter');
}

/** The id of whoever uses the browser of a page. */
const userOf = (page: Page): Promise<{ id: string; token: string }> =>
  page.evaluate(() => {
    const { user, token } = JSON.parse(localStorage.getItem('team-inbox.session') ?? '{}');
    return { id: user.id, token };
  });

/** The connections that the server has. */
const links = ({ server }: InboxStage): number => Object.values(server.stats().links).reduce((sum, count) => sum + count, 0);

/** A check counts connections only when those of the check before are gone. */
const alone = (stage: InboxStage): Promise<void> => until('the browsers of the last check are gone', () => links(stage) === 0);

/** How many connections are in a channel. */
const linksIn = ({ server }: InboxStage, channel: string): number =>
  server.stats().channels.find((one) => one.channel === channel)?.links ?? 0;

/** All that crosses the connections of a browser from now on. */
function wireOf(page: Page): { readonly received: string[]; readonly sent: string[] } {
  const wire: { received: string[]; sent: string[] } = { received: [], sent: [] };
  const listen = (tab: Page): void =>
    void tab.on('websocket', (socket) => {
      if (!socket.url().includes('/realtime')) return;
      socket.on('framereceived', ({ payload }) => wire.received.push(String(payload)));
      socket.on('framesent', ({ payload }) => wire.sent.push(String(payload)));
    });
  listen(page);
  page.context().on('page', listen);
  return wire;
}

/** What a screen shows of a conversation is what the server holds of it, in the server's order. */
async function showsAll({ server }: InboxStage, page: Page, conversation: string): Promise<number> {
  const held = server.messages(conversation).map(({ id }) => id);
  const shown = (): Promise<(string | null)[]> =>
    page.locator('.message').evaluateAll((lines) => lines.map((line) => line.getAttribute('data-number')));
  await until(`the screen shows the ${held.length} messages`, async () => (await shown()).join() === held.join());
  return held.length;
}

/** Sends frames without the page, as somebody could who knows the protocol. */
async function post({ server }: InboxStage, page: Page, frame: object): Promise<Record<string, unknown>> {
  const { token } = await userOf(page);
  const response = await fetch(`${server.url}/realtime/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ client: 'a test', frames: [frame] }),
  });
  const [answer] = (await response.json()) as Record<string, unknown>[];
  return answer ?? {};
}

/** The team inbox: keepwire's own protocol, a widget and a dashboard, one connection per browser. */
export const system: System = defineSystem<InboxServer>('team-inbox', [
  {
    line: 'typed channel patterns: a wrong parameter does not compile',
    check() {
      const head = `import { conversationChannel, orgChannel, userChannel } from './channels.ts';\n`;
      const good = [
        `export const one: \`org:\${string}:conversation:\${string}\` = conversationChannel({ org: 'acme', id: 7 });`,
        `export const two = conversationChannel.match('org:acme:conversation:7')?.id.length;`,
      ];
      const bad = [
        `conversationChannel({ org: 'acme' });`,
        `conversationChannel({ org: 'acme', ID: 7 });`,
        `orgChannel({ org: 'acme', id: 7 });`,
        `userChannel({ org: 'acme', id: true });`,
        `conversationChannel.match('')?.user;`,
      ];
      const path = new URL('a-wrong-parameter.ts', folder).pathname;
      assert.deepEqual(complaintsOf(path, head + good.join('\n')), [], 'what is right compiles');
      const lines = new Set(complaintsOf(path, head + bad.join('\n')).map(({ line }) => line));
      assert.deepEqual([...lines], [2, 3, 4, 5, 6], 'each wrong line is refused');
      return Promise.resolve(`${bad.length} wrong calls, ${lines.size} refused`);
    },
  },
  {
    line: 'one event registry with schemas: the page and the server check against it',
    async check(stage) {
      const customer = await openCustomer(stage, someone('Ida'));
      const { id } = await userOf(customer);
      const channel = `org:acme:conversation:${id}`;
      const send = (event: string, data: unknown, to = channel) =>
        post(stage, customer, { kind: 'publish', id: crypto.randomUUID(), channel: to, event, data });
      const author = { id: 'x', name: 'The boss', role: 'agent' };
      assert.equal((await send('message', { text: '' }))['code'], 'bad-payload');
      assert.equal((await send('message', { words: 'hello' }))['code'], 'bad-payload');
      assert.equal((await send('mesage', { text: 'hello' }))['code'], 'unexpected');
      assert.equal((await send('conversation', {}, `org:acme:user:${id}`))['code'], 'unexpected');
      assert.equal((await send('message', { text: 'hello', author }))['kind'], 'ack');
      await sees(customer, 'hello');
      assert.equal(await customer.getByText('The boss').count(), 0, 'who wrote it is the word of the server');
      // something that no schema knows comes from the server itself, as after a bad deployment
      await stage.server.smuggle(channel, 'message', { text: 7, author, number: 0 });
      await stage.server.say(id, id, 'after it');
      await sees(customer, 'after it');
      assert.equal(await customer.locator('.message').count(), 2);
      const path = new URL('a-wrong-event.ts', folder).pathname;
      const head = `import type { Realtime } from './realtime.ts';\ndeclare const realtime: Realtime;\nconst channel = realtime.channel('a');\n`;
      const bad = [`channel.on('mesage', () => {});`, `void channel.publish('message', { words: 'a' });`];
      assert.equal(complaintsOf(path, head + bad.join('\n')).length, 2);
    },
  },
  {
    line: "keepwire's own protocol over all four transports, chosen for all tabs of a browser",
    async check(stage) {
      await alone(stage);
      const [name, who] = [someone('Robin'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      const agent = await openAgent(stage, name);
      const monitor = await openTab(stage, agent, 'agent#monitor');
      const { id } = await userOf(customer);
      await write(customer, 'hello');
      await show(agent, who);
      let count = 0;
      for (const transport of ['socket-io', 'sse', 'long-poll', 'websocket']) {
        await monitor.getByLabel('Transport').selectOption(transport);
        // what is said meanwhile is not lost
        await write(customer, `while it changes to ${transport}`);
        for (const page of [agent, monitor]) await page.locator(`.badge[data-transport=${transport}]`).waitFor();
        await until(`one connection by ${transport}`, () => {
          const { links } = stage.server.stats();
          return links[transport as keyof typeof links] === (transport === 'websocket' ? 2 : 1);
        });
        await write(agent, `by ${transport}`);
        await sees(customer, `by ${transport}`);
        await sees(agent, `while it changes to ${transport}`);
        count += 2;
      }
      assert.equal(await showsAll(stage, agent, id), count + 1);
      assert.equal(await showsAll(stage, customer, id), count + 1);
      return `${count} messages, 4 changes`;
    },
  },
  {
    line: 'the hook for the connection: lost, tried again and back, on every page',
    async check(stage) {
      const customer = await openCustomer(stage, someone('Ida'));
      const agent = await openAgent(stage, someone('Robin'));
      await agent.locator('.entry').first().click();
      await agent.locator('.message').first().waitFor();
      const pages = [customer, agent];
      await stage.server.restart({
        async meanwhile() {
          for (const page of pages) {
            await badge(page, 'reconnecting').waitFor();
            await page.locator('.banner', { hasText: 'The connection is lost.' }).waitFor();
          }
          await write(customer, 'written meanwhile');
          await customer.locator('.message[data-state=pending]', { hasText: 'written meanwhile' }).waitFor();
        },
      });
      for (const page of pages) {
        await badge(page, 'connected').waitFor();
        await page.locator('.banner').waitFor({ state: 'detached' });
      }
      await sees(customer, 'written meanwhile');
      await agent.locator('.entry', { hasText: 'written meanwhile' }).waitFor();
    },
  },
  {
    line: 'the hook for typing: seen on the other side, and over with the message',
    async check(stage) {
      const [name, who] = [someone('Robin'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      await write(customer, 'hello');
      const agent = await openAgent(stage, name);
      await show(agent, who);
      await sees(agent, 'hello');
      await agent.locator('.composer textarea').pressSequentially('good');
      await customer.getByText(`${name} is typing`).waitFor();
      assert.equal(await agent.getByText(`${name} is typing`).count(), 0, 'nobody sees it of themselves');
      await agent.keyboard.press('Enter');
      await sees(customer, 'good');
      await until('it is over', async () => (await customer.getByText('is typing').count()) === 0);
      await customer.locator('.composer textarea').pressSequentially('hm');
      await agent.getByText(`${who} is typing`).waitFor();
      await customer.locator('.composer textarea').fill('');
      await until('it is over when the field is emptied', async () => (await agent.getByText('is typing').count()) === 0);
    },
  },
  {
    line: 'the hook for presence status: online, away and offline, for the team and for customers',
    async check(stage) {
      const [robin, sam, who] = [someone('Robin'), someone('Sam'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      const one = await openAgent(stage, robin);
      const two = await openAgent(stage, sam);
      const seen = (page: Page, name: string, status: string) =>
        page.locator(`.person[data-person="${name}"][data-status=${status}]`).waitFor();
      await seen(one, sam, 'online');
      await seen(two, robin, 'online');
      await customer.getByText(`${robin}, ${sam} online`).waitFor();
      await one.getByLabel('Your status').selectOption('away');
      await seen(two, robin, 'away');
      await customer.getByText(`${sam} online`, { exact: true }).waitFor();
      await two.getByLabel('Your status').selectOption('away');
      await customer.getByText('Back in a moment').waitFor();
      await two.context().close();
      // the server keeps somebody for a grace time, and then the page does
      await one.locator(`.person[data-person="${sam}"][data-status=offline]`).waitFor({ timeout: 30_000 });
      // of the customer the agent sees whether the chat is open
      await write(customer, 'hello');
      await show(one, who);
      await one.locator('h2 .presence[data-status=online]').waitFor();
      await customer.keyboard.press('Escape');
      await one.locator('h2 .presence[data-status=offline]').waitFor();
    },
  },
  {
    line: 'the hook for conversation sync: every screen shows what the server holds, after cuts, a restart and a lost log',
    async check(stage) {
      const [name, who] = [someone('Robin'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      await write(customer, 'hello');
      const agent = await openAgent(stage, name);
      await show(agent, who);
      const tab = await openTab(stage, customer, '');
      await openWidget(tab);
      const { id } = await userOf(customer);
      for (let round = 0; round < 9; round++) {
        await write(agent, `question ${round}`);
        await write(customer, `answer ${round}`);
        if (round % 3 === 1) stage.server.cut();
        if (round === 3) await stage.server.restart();
        if (round === 6) await stage.server.restart({ losesLog: true });
      }
      await until('everything is stored', () => stage.server.messages(id).length === 19);
      for (const page of [agent, customer, tab]) assert.equal(await showsAll(stage, page, id), 19);
      const texts = stage.server.messages(id).map(({ text }) => text);
      for (const word of ['question', 'answer']) {
        const own = texts.filter((text) => text.startsWith(word));
        assert.deepEqual(
          own,
          [0, 1, 2, 3, 4, 5, 6, 7, 8].map((round) => `${word} ${round}`),
          'each once, in order',
        );
      }
      await agent.locator('.entry[aria-current=page]', { hasText: texts.at(-1) ?? '' }).waitFor();
      return '19 messages, 3 screens, 3 cuts, 2 restarts';
    },
  },
  {
    line: 'long conversations: earlier messages come while scrolling up, and what is read stays where it is',
    async check(stage) {
      const who = someone('Ida');
      const customer = await openCustomer(stage, who);
      const { id } = await userOf(customer);
      await customer.keyboard.press('Escape');
      for (let count = 0; count < 80; count++) await stage.server.say(id, id, `line ${count}, which is there`);
      const agent = await openAgent(stage, someone('Robin'));
      await show(agent, who);
      await message(agent, 'line 79,').waitFor();
      assert.equal(await agent.locator('.message').count(), 30, 'the newest page');
      await until('the end is seen', () => message(agent, 'line 79,').isVisible());
      const list = agent.locator('.messages');
      await list.evaluate((place) => place.scrollTo(0, 0));
      await message(agent, 'line 20,').waitFor();
      const above = await list.evaluate((place) => place.scrollTop);
      assert.ok(above > 500, `what came is above what was read: ${above} pixels`);
      for (let page = 0; page < 2; page++) await list.evaluate((place) => place.scrollTo(0, 0));
      await agent.getByText('The beginning').waitFor();
      assert.equal(await showsAll(stage, agent, id), 80);
    },
  },
  {
    line: 'a browser is one user: who signs in or out in one tab does so in all',
    async check(stage) {
      const agent = await openAgent(stage, someone('Robin'));
      const [tab, shop] = [await openTab(stage, agent, 'agent'), await openTab(stage, agent, '')];
      await openWidget(shop);
      await badge(tab, 'connected').waitFor();
      await agent.getByRole('button', { name: 'Sign out' }).click();
      for (const page of [agent, tab]) await page.getByLabel('Your name').waitFor();
      await shop.getByRole('button', { name: 'Chat with us' }).click();
      await shop.getByLabel('Your name').fill(someone('Ida'));
      await shop.getByRole('button', { name: 'Start the chat' }).click();
      await badge(shop, 'connected').waitFor();
      await tab.getByText('This browser is Ida').waitFor();

      // the tab that has signed in itself hears of it too
      const first = await openAgent(stage, someone('Sam'));
      const second = await openTab(stage, first, 'agent');
      await badge(second, 'connected').waitFor();
      const links = (): number => Object.values(stage.server.stats().links).reduce((sum, count) => sum + count, 0);
      const before = links();
      await second.getByRole('button', { name: 'Sign out' }).click();
      for (const page of [first, second]) await page.getByLabel('Your name').waitFor();
      await until('the connection has ended', () => links() === before - 1);
    },
  },
  {
    line: 'the components RealtimeProvider, RealtimeStatus, TypingIndicator, PresenceIndicator and RealtimeMonitor',
    async check(stage) {
      for (const file of ['agent/app.tsx', 'widget/shop.tsx']) assert.match(sourceOf(file), /<RealtimeProvider manager=/);
      const who = someone('Ida');
      const customer = await openCustomer(stage, who);
      await write(customer, 'hello');
      const agent = await openAgent(stage, someone('Robin'));
      await show(agent, who);
      for (const page of [agent, customer]) {
        await page.locator('[data-keepwire=status][role=status][data-status=connected]').first().waitFor();
        await page.locator('[data-keepwire=presence][role=img][aria-label=online]').first().waitFor();
        await page.locator('[data-keepwire=typing][role=status][data-typers="0"]').waitFor({ state: 'attached' });
      }
      await customer.locator('.composer textarea').pressSequentially('hm');
      await agent.locator('[data-keepwire=typing][data-typers="1"]').waitFor();
      await agent.getByRole('link', { name: 'Connection monitor' }).click();
      await agent.locator('[data-keepwire=monitor] [data-name=transport]', { hasText: 'websocket' }).waitFor();
    },
  },
  {
    line: 'a customer widget and an agent dashboard, in several tabs, on one physical connection per browser',
    async check(stage) {
      await alone(stage);
      const [name, who] = [someone('Robin'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      await write(customer, 'hello');
      const agent = await openAgent(stage, name);
      await show(agent, who);
      // the browser of the agent: two dashboards and the widget; that of the customer: three widgets
      const dashboard = await openTab(stage, agent, 'agent');
      await badge(dashboard, 'connected').waitFor();
      await show(dashboard, 'Mika Berg');
      const shop = await openTab(stage, agent, '');
      await openWidget(shop);
      const widgets = [await openTab(stage, customer, ''), await openTab(stage, customer, '')];
      for (const page of widgets) await openWidget(page);
      assert.equal(links(stage), 2, 'six tabs, two browsers');
      const { opened } = stage.server.stats();
      await write(agent, `from ${name}`);
      for (const page of [customer, ...widgets]) await sees(page, `from ${name}`);
      await write(widgets[0] as Page, 'from another tab');
      for (const page of [agent, customer, ...widgets]) await sees(page, 'from another tab');
      await write(shop, 'may I have a bell?');
      await dashboard.locator('.entry', { hasText: 'may I have a bell?' }).waitFor();
      assert.deepEqual(stage.server.stats().opened, opened, 'nobody has dialled again');
      // the tab that has the connection is closed while something is said
      const { id } = await userOf(customer);
      for (let round = 0; round < 3; round++) await stage.server.say(id, id, `before ${round}`);
      await customer.close();
      for (let round = 0; round < 3; round++) await stage.server.say(id, id, `after ${round}`);
      for (const page of [agent, ...widgets]) await showsAll(stage, page, id);
      await until('there is one connection for each browser', () => links(stage) === 2);
      await agent.close();
      await write(shop, 'and a light?');
      await dashboard.locator('.entry', { hasText: 'and a light?' }).waitFor();
      await until('there is one connection for each browser', () => links(stage) === 2);
      return '6 tabs, 2 connections; 2 hand-overs, 2 connections';
    },
  },
  {
    line: 'idle channels are left after a grace time',
    async check(stage) {
      await alone(stage);
      const agent = await openAgent(stage, someone('Robin'));
      const wire = wireOf(agent);
      await agent.reload();
      await badge(agent, 'connected').waitFor();
      await agent.locator('[data-conversation=noor-haddad]').waitFor();
      const [one, two] = ['org:acme:conversation:mika-berg', 'org:acme:conversation:noor-haddad'];
      const joins = (channel: string): number =>
        wire.sent.filter((text) => text.includes('"join"') && text.includes(channel)).length;
      /** From one to the next faster than the grace time, however slow the test is. */
      const hop = (...conversations: string[]): Promise<void> =>
        agent.evaluate(async (ids) => {
          for (const id of ids) {
            document.querySelector<HTMLElement>(`[data-conversation=${id}]`)?.click();
            // the picture after the one that shows it
            await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          }
        }, conversations);
      await hop('mika-berg');
      await until('it is joined', () => linksIn(stage, one) === 1);
      const leftMs = Date.now();
      await hop('noor-haddad');
      assert.equal(linksIn(stage, one), 1, 'the last one is kept for a while');
      // who comes back within the grace time has never left
      await hop('mika-berg', 'noor-haddad');
      await until('the next one is joined', () => linksIn(stage, two) === 1);
      await until('it is left', () => linksIn(stage, one) === 0);
      const keptMs = Date.now() - leftMs;
      assert.equal(joins(one), 1, 'it was joined once');
      assert.equal(linksIn(stage, two), 1, 'what is shown stays');
      // and a widget that is closed keeps only what it needs for its mark
      const customer = await openCustomer(stage, someone('Ida'));
      const { id } = await userOf(customer);
      await until('the conversation is joined', () => linksIn(stage, `org:acme:conversation:${id}`) === 1);
      await customer.keyboard.press('Escape');
      await until('the conversation is left', () => linksIn(stage, `org:acme:conversation:${id}`) === 0);
      assert.equal(linksIn(stage, `org:acme:user:${id}`), 1);
      await stage.server.say(id, 'acme-robin', 'are you there?');
      await customer.locator('.launcher [aria-label=unread]').waitFor();
      return `left after ${(keptMs / 1000).toFixed(1)} s`;
    },
  },
  {
    line: 'typing events are throttled: counted on the server',
    async check(stage) {
      const customer = await openCustomer(stage, someone('Ida'));
      const { id } = await userOf(customer);
      const typed = (): number => stage.server.taken.filter(({ event, from }) => event === 'typing' && from === id).length;
      const startMs = Date.now();
      await customer
        .locator('.composer textarea')
        .pressSequentially('The quick brown fox jumps over the lazy dog, twice.', { delay: 60 });
      const tookMs = Date.now() - startMs;
      await until('it was told', () => typed() > 0);
      const most = 1 + Math.floor(tookMs / 3_000);
      assert.ok(typed() <= most, `51 keys in ${tookMs} ms gave ${typed()} events, at most ${most} are due`);
      const before = typed();
      await customer.keyboard.press('Enter');
      await until('the message has arrived', () => stage.server.messages(id).length === 1);
      assert.ok(typed() <= before + 1, 'and at most one for the end');
      return `51 keys in ${(tookMs / 1000).toFixed(1)} s: ${before} typing events`;
    },
  },
  {
    line: 'only subscribed events are delivered: to a browser, and to each of its tabs',
    async check(stage) {
      const [first, second] = [someone('Ida'), someone('Kim')];
      const [ida, kim] = [await openCustomer(stage, first), await openCustomer(stage, second)];
      await write(ida, `hello, says ${first}`);
      await write(kim, `hello, says ${second}`);
      const ids = [(await userOf(ida)).id, (await userOf(kim)).id];
      const agent = await openAgent(stage, someone('Robin'));
      const [wire, own] = [wireOf(agent), wireOf(kim)];
      for (const page of [agent, kim]) await page.reload();
      await badge(agent, 'connected').waitFor();
      await openWidget(kim);
      await show(agent, first);
      await sees(agent, `hello, says ${first}`);
      const monitor = await openTab(stage, agent, 'agent#monitor');
      await badge(monitor, 'connected').waitFor();
      const delivered = monitor.locator('[data-keepwire=monitor] [data-name=delivered] dd');
      await until('the monitor counts', async () => Number(await delivered.textContent()) === 0);
      for (let round = 0; round < 5; round++) {
        await write(ida, `for the agent ${round}`);
        await write(kim, `elsewhere ${round}`);
      }
      await sees(agent, 'for the agent 4');
      await agent.locator('.entry', { hasText: 'elsewhere 4' }).waitFor();
      const events = (list: readonly string[], channel: string): number =>
        list.filter((text) => text.includes('"kind":"event"') && text.includes(channel)).length;
      assert.ok(events(wire.received, `org:acme:conversation:${ids[0]}`) > 0, 'what is shown arrives');
      assert.equal(events(wire.received, `org:acme:conversation:${ids[1]}`), 0, 'what is not shown does not');
      assert.equal(
        own.received.filter((text) => text.includes(ids[0] as string)).length,
        0,
        'a customer gets nothing of another one',
      );
      // the tab with the monitor shares the connection, and hears only of what it asked for itself: ten changes of the list
      await until('the monitor tab got the changes', async () => Number(await delivered.textContent()) === 10);
      await monitor.locator('[data-channel="org:acme"]').first().waitFor();
      assert.equal(await monitor.locator(`[aria-label=Sharing] [data-channel*=conversation]`).count(), 0);
      return '10 messages in 2 conversations: 5 at the tab that shows one, none at the tab that shows neither';
    },
  },
  {
    line: 'what is not yours is refused: other conversations, other users, other organisations',
    async check(stage) {
      const [ida, kim] = [await openCustomer(stage, someone('Ida')), await openCustomer(stage, someone('Kim'))];
      const other = await userOf(kim);
      const publish = (channel: string) =>
        post(stage, ida, { kind: 'publish', id: crypto.randomUUID(), channel, event: 'message', data: { text: 'hi' } });
      for (const channel of [`org:acme:conversation:${other.id}`, `org:acme:user:${other.id}`, 'org:globex', 'lobby']) {
        assert.equal((await publish(channel))['code'], 'forbidden', channel);
      }
      const { token } = await userOf(ida);
      const history = await fetch(`${stage.server.url}/api/conversations/${other.id}/messages`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(history.status, 403);
      const change = { conversation: other.id, status: 'closed' };
      const id = (await userOf(ida)).id;
      const answer = await post(stage, ida, {
        kind: 'publish',
        id: crypto.randomUUID(),
        channel: `org:acme:user:${id}`,
        event: 'change',
        data: change,
        reply: true,
      });
      assert.equal(answer['code'], 'failed');
    },
  },
  {
    line: 'conversations are assigned, closed and opened again on every dashboard',
    async check(stage) {
      const [robin, sam, who] = [someone('Robin'), someone('Sam'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      await write(customer, 'hello');
      const [one, two] = [await openAgent(stage, robin), await openAgent(stage, sam)];
      await show(one, who);
      await one.getByLabel('Assigned to').selectOption(agentId(sam));
      await two.getByRole('alert').getByText(`${robin} gave you ${who}`).waitFor();
      await two.getByRole('button', { name: 'Open', exact: true }).click();
      await sees(two, 'hello');
      await one.getByText(`Also here: ${sam}`).waitFor();
      await two.getByRole('button', { name: 'Close', exact: true }).click();
      await one.locator('.pane').getByRole('button', { name: 'Reopen' }).waitFor();
      await until('it is not open any more', async () => (await one.locator('.entry', { hasText: who }).count()) === 0);
      await write(customer, 'one more thing');
      await one.locator('.entry', { hasText: 'one more thing' }).waitFor();
    },
  },
  {
    line: 'a monitor page: this tab, its part in the sharing, and what the server sees',
    async check(stage) {
      await alone(stage);
      const agent = await openAgent(stage, someone('Robin'));
      await agent.getByRole('link', { name: 'Connection monitor' }).click();
      const row = (name: string, text: string) =>
        agent.locator(`[data-keepwire=monitor] [data-name=${name}]`, { hasText: text }).waitFor();
      await row('transport', 'websocket');
      await row('gaps', '0');
      await agent.locator('[data-role=leader]').waitFor();
      const seen = agent.locator('[aria-label=Server] [data-links=websocket] td');
      await until('the server has one connection', async () => (await seen.nth(1).textContent()) === '1');
      const before = Number(await seen.nth(2).textContent());
      await agent.locator('[aria-label=Sharing] [data-channel="org:acme"][data-status=joined]').waitFor();
      const tab = await openTab(stage, agent, 'agent#monitor');
      await tab.locator('[data-role=follower]').waitFor();
      stage.server.cut();
      await row('reconnects', '1');
      await until('and had one more', async () => (await seen.allTextContents()).join() === `websocket,1,${before + 1}`);
      await stage.server.say('mika-berg', 'mika-berg', 'is it ready?');
      await row('delivered', '1');
    },
  },
  {
    line: 'a facade with the legacy names in at most 40 lines, so that old code moves file by file',
    async check(stage) {
      const facade = sourceOf('legacy.ts');
      const { length } = facade.trimEnd().split('\n');
      assert.ok(length <= 40, `the facade has ${length} lines`);
      for (const name of ['const realtimeManager', 'function subscribeToTyping', 'function sendTypingIndicator']) {
        assert.ok(facade.includes(`export ${name}`), name);
      }
      const imports = [...sourceOf('old/quick-replies.tsx').matchAll(/from '(.+)'/g)].map(([, from]) => from);
      assert.deepEqual(imports, ['react', '../legacy.ts'], 'the old file knows only the old names');

      await alone(stage);
      const [name, who] = [someone('Robin'), someone('Ida')];
      const customer = await openCustomer(stage, who);
      await write(customer, 'hello');
      const agent = await openAgent(stage, name);
      await show(agent, who);
      await sees(agent, 'hello');
      // subscribeToTyping: what the new hook of the widget says arrives at the old file
      await customer.locator('.composer textarea').pressSequentially('hm');
      await agent.locator(`.quick[data-writers="${who}"]`).waitFor();
      await customer.locator('.composer textarea').fill('');
      await agent.locator('.quick[data-writers=""]').waitFor();
      // sendTypingIndicator: what the old file says arrives at the new hook, throttled as well
      const typed = (): number =>
        stage.server.taken.filter(({ event, from }) => event === 'typing' && from === agentId(name)).length;
      for (let press = 0; press < 10; press++) await agent.getByRole('button', { name: 'It is on its way.' }).click();
      await customer.getByText(`${name} is typing`).waitFor();
      assert.ok(typed() <= 2, `10 calls gave ${typed()} events`);
      // realtimeManager.subscribe
      const heard = Number(await agent.locator('.quick').getAttribute('data-heard'));
      await agent.getByRole('button', { name: 'Send', exact: true }).click();
      await sees(customer, 'It is on its way.');
      await agent.locator(`.quick[data-heard="${heard + 1}"]`).waitFor();
      assert.equal(links(stage), 2, 'old and new share one connection');
      // and what is old lets go of its channels as well
      const { id } = await userOf(customer);
      await customer.context().close();
      await agent.getByRole('link', { name: 'Connection monitor' }).click();
      await until('the channel is left', () => linksIn(stage, `org:acme:conversation:${id}`) === 0);
      return `${length} lines`;
    },
  },
]);
