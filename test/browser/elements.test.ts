import { createRealtime } from 'keepwire';
import { defineElements } from 'keepwire/elements';
import { monitor } from 'keepwire/monitor';
import { fakeServer, manualClock } from 'keepwire/testing';
import { bindList, bindStatus } from 'keepwire/vanilla';
import { afterEach, expect, onTestFinished, test } from 'vitest';

afterEach(() => document.body.replaceChildren());

function setUp() {
  const clock = manualClock();
  const server = fakeServer();
  const watch = monitor();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock, random: () => 0.5 }, probe: watch });
  onTestFinished(() => realtime.close());
  /** How many listen to the status now. */
  let listeners = 0;
  const counted = {
    ...realtime,
    status: {
      ...realtime.status,
      subscribe(listener: Parameters<typeof realtime.status.subscribe>[0]) {
        listeners += 1;
        const remove = realtime.status.subscribe(listener);
        return Object.assign(() => {
          listeners -= 1;
          remove();
        }, remove);
      },
    },
  };
  return { clock, server, watch, realtime: counted, listeners: () => listeners };
}

const inside = (element: Element): ShadowRoot => element.shadowRoot as ShadowRoot;

// first of all, as an element can be defined only once
test('what was put on the page and given a manager before the definition is shown after it', async () => {
  const { realtime } = setUp();
  const early = document.createElement('keepwire-status');
  early.manager = realtime;
  document.body.append(early);
  expect(early.shadowRoot).toBeNull();
  defineElements();
  defineElements();
  expect(inside(early).textContent).toBe('idle');
  expect(Object.hasOwn(early, 'manager')).toBe(false);
  expect(early.manager).toBe(realtime);
});

test('the badge follows its manager while it is on the page, and another one after that', async () => {
  const { clock, server, realtime, listeners } = setUp();
  const badge = document.createElement('keepwire-status');
  document.body.append(badge);
  expect(inside(badge).textContent).toBe('');
  badge.manager = realtime;
  const shown = inside(badge).querySelector('[role=status]') as HTMLElement;
  expect([shown.textContent, shown.dataset['status'], shown.part.value]).toEqual(['idle', 'idle', 'status']);
  realtime.start();
  await clock.advance(0);
  expect(shown.textContent).toBe('connected');
  expect(getComputedStyle(shown, '::before').content).toBe('""');
  expect(listeners()).toBe(1);
  badge.remove();
  expect(listeners()).toBe(0);
  server.refuse('refused');
  server.drop();
  await clock.advance(0);
  badge.text = ({ status }) => `now ${status}`;
  document.body.append(badge);
  expect(inside(badge).textContent).toBe('now reconnecting');
  document.body.prepend(badge);
  expect(listeners()).toBe(1);
  badge.manager = setUp().realtime;
  expect(inside(badge).textContent).toBe('now idle');
  expect(listeners()).toBe(0);
  badge.manager = undefined;
  expect(inside(badge).textContent).toBe('');
});

test('the monitor is a region with one live region, the numbers and the reasons', async () => {
  const { clock, server, realtime, watch, listeners } = setUp();
  const panel = document.createElement('keepwire-monitor');
  panel.manager = realtime;
  panel.monitor = watch;
  document.body.append(panel);
  realtime.start();
  realtime.channel('lobby');
  await clock.advance(0);
  server.publish('lobby', 'message', 1);
  await clock.advance(1000);
  const root = inside(panel);
  const rows = (): Record<string, string> =>
    Object.fromEntries(
      [...root.querySelectorAll('dl div')].map(({ children: [name, value] }) => [name?.textContent, value?.textContent]),
    );
  expect(rows()).toMatchObject({ Transport: 'fake', Mode: 'auto', Delivered: '1', Gaps: '0' });
  const region = root.querySelector('[role=region]');
  expect([region?.getAttribute('aria-label'), root.querySelectorAll('[role=status], [aria-live]').length]).toEqual([
    'Connection',
    1,
  ]);
  const row = root.querySelector('dl div');
  server.publish('lobby', 'message', 2);
  await clock.advance(1000);
  expect(rows()['Delivered']).toBe('2');
  expect(root.querySelector('dl div')).toBe(row);
  server.refuse('refused');
  server.drop();
  await clock.advance(60_000);
  expect(root.querySelectorAll('ol li').length).toBe(5);
  expect(root.querySelector('ol li b')?.textContent).toBe(realtime.history.get().at(-1)?.what);
  expect(rows()['Last end']).toBe('refused');
  panel.remove();
  expect(listeners()).toBe(0);
});

test('the elements are as light or dark as their page, whatever the system prefers', () => {
  const { realtime } = setUp();
  realtime.start();
  const shown = ['normal', 'light', 'dark'].map((scheme) => {
    const page = document.body.appendChild(document.createElement('div'));
    page.style.colorScheme = scheme;
    page.style.color = scheme === 'dark' ? 'rgb(250, 250, 250)' : 'rgb(5, 5, 5)';
    const badge = document.createElement('keepwire-status');
    badge.manager = realtime;
    page.append(badge);
    const status = inside(badge).querySelector('[role=status]') as Element;
    const { color } = getComputedStyle(status);
    return { isOfPage: color === page.style.color, dot: getComputedStyle(status, '::before').backgroundColor };
  });
  const [normal, light, dark] = shown.map(({ dot }) => dot);
  expect(shown.map(({ isOfPage }) => isOfPage)).toEqual([true, true, true]);
  expect(normal).toBe(light);
  expect(dark).not.toBe(light);
});

test('bindings work on a page that enforces Trusted Types', async () => {
  const { realtime } = setUp();
  const frame = document.createElement('iframe');
  frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="require-trusted-types-for 'script'"><ul></ul><p></p>`;
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
  document.body.append(frame);
  await loaded;
  const page = frame.contentDocument as Document;
  const [list, badge] = [page.querySelector('ul') as HTMLElement, page.querySelector('p') as HTMLElement];
  expect(() => {
    badge.innerHTML = '<b>text</b>';
  }).toThrow(/TrustedHTML/);
  bindStatus(badge, realtime);
  bindList(list, realtime.history, {
    key: ({ at }) => at,
    render: ({ reason }) => Object.assign(page.createElement('li'), { textContent: reason }),
  });
  realtime.start();
  expect(badge.textContent).toBe('connecting');
  expect(list.childElementCount).toBeGreaterThan(0);
});
