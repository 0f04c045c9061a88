import { createRealtime } from 'keepwire';
import { type DevtoolsOptions, mountDevtools } from 'keepwire/devtools';
import { monitor } from 'keepwire/monitor';
import { chaos, fakeServer, manualClock } from 'keepwire/testing';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { userEvent } from 'vitest/browser';

afterEach(() => document.body.replaceChildren());

/** A manager with all that the panel can show, and the panel. */
function setUp(options: DevtoolsOptions = {}) {
  const clock = manualClock();
  const server = fakeServer({ clock });
  const storm = chaos({ random: () => 0 });
  const watch = monitor();
  const transports = storm.wrap(server.transport({ name: 'one' }), server.transport({ name: 'two' }));
  const realtime = createRealtime({ transports, platform: { clock, random: () => 0.5 }, probe: watch, auth: 'canary-7f3a9c' });
  onTestFinished(() => realtime.close());
  const now = (): Date => new Date(clock.wallNow());
  const panel = mountDevtools(realtime, { monitor: watch, chaos: storm, open: true, now, ...options });
  onTestFinished(panel.remove);
  const root = panel.element.shadowRoot ?? expect.unreachable();
  const text = (selector: string): string => (root.querySelector(selector)?.textContent ?? '').replaceAll(/\s+/g, ' ').trim();
  const open = (title: string): void =>
    [...root.querySelectorAll<HTMLElement>('[role=tab]')].find((tab) => tab.textContent === title)?.click();
  /** What is to be seen now. */
  const page = (): string => text('[role=tabpanel]:not([hidden])');
  const press = (label: string): void =>
    [...root.querySelectorAll('button')].find(({ textContent }) => textContent === label)?.click();
  return { clock, server, storm, watch, realtime, panel, root, text, open, page, press };
}

test('the badge says how it is, counts down, and leaves out short blips', async () => {
  const { clock, server, realtime, text, press } = setUp();
  expect(text('summary')).toContain('idle');
  realtime.start();
  await clock.advance(0);
  expect(text('summary')).toContain('connectedone · mode auto');
  expect(text('[role=status]')).toBe('connected over one');
  server.refuse('refused');
  server.drop();
  await clock.advance(0);
  expect(realtime.status.get().status).toBe('reconnecting');
  expect(text('summary b')).toBe('connected');
  await clock.advance(1_000);
  await expect.poll(() => text('summary b')).toBe('reconnecting');
  await clock.advance(10_000);
  const { nextRetryAt = 0, attempt } = realtime.status.get();
  await expect
    .poll(() => text('summary'))
    .toContain(`attempt ${attempt + 1} in ${Math.ceil((nextRetryAt - clock.wallNow()) / 1000)} s`);
  server.admit();
  press('Retry now');
  await clock.advance(0);
  expect(text('summary b')).toBe('connected');
});

test('the diagram has a box for each state and lights the one of now', async () => {
  const { clock, server, realtime, root, page } = setUp();
  const lit = (): string | null | undefined => root.querySelector('.state.lit')?.textContent;
  expect([...root.querySelectorAll('.state')].map(({ textContent }) => textContent).sort()).toEqual([
    'connecting',
    'ended',
    'held',
    'idle',
    'open',
    'waiting',
  ]);
  expect(lit()).toBe('idle');
  realtime.start();
  await clock.advance(0);
  await expect.poll(lit).toBe('open');
  expect(page()).toContain('waiting by down');
  expect(root.querySelectorAll('.way.lit').length).toBeGreaterThan(2);
  const release = realtime.hold('maintenance');
  await expect.poll(lit).toBe('held');
  expect(page()).toContain('held by maintenance');
  release();
  await clock.advance(0);
  server.refuse('refused');
  server.drop();
  await clock.advance(20_000);
  await expect.poll(lit).toBe('waiting');
  server.refuse('forbidden');
  await clock.advance(120_000);
  await expect.poll(lit).toBe('ended');
});

test('the timeline marks events, repeats, gaps and the spans of sends', async () => {
  const { clock, server, realtime, root, open } = setUp();
  const room = realtime.channel('room');
  room.on('message', () => {});
  realtime.start();
  await clock.advance(0);
  open('Timeline');
  server.publish('room', 'message', 'a');
  server.duplicate('room');
  server.gap('room', 2);
  server.publish('room', 'message', 'b');
  await clock.advance(100);
  server.lag(150);
  const published = room.publish('message', 'c', { id: 'send-1' });
  await clock.advance(300);
  await published;
  server.lag(5_000);
  void room.publish('message', 'd').catch(() => {});
  await clock.advance(1_000);
  const marks = (kind: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(`.track .mark[data-kind=${kind}]`)];
  await expect.poll(() => marks('accepted').length).toBe(1);
  expect([marks('in').length > 1, marks('duplicate').length > 0, marks('gap').length, marks('out').length]).toEqual([
    true,
    true,
    1,
    1,
  ]);
  // 300 of the 15,000 milliseconds that the lanes show
  expect(marks('accepted')[0]?.style.width).toBe('2%');
  expect(marks('accepted')[0]?.title).toBe('message to room after 300 ms');
  // what has no answer goes on until now
  const [waiting] = marks('out');
  expect(Number.parseFloat(waiting?.style.left ?? '') + Number.parseFloat(waiting?.style.width ?? '')).toBe(100);
  const kinds = [...root.querySelectorAll('li[data-kind]')].map((row) => row.getAttribute('data-kind'));
  // newest first
  expect(kinds.indexOf('out')).toBeLessThan(kinds.indexOf('accepted'));
  expect(kinds.at(-1)).toBe('dialled');
  expect(new Set(kinds)).toEqual(new Set(['out', 'accepted', 'gap', 'in', 'duplicate', 'status', 'up', 'dialled']));
  await clock.advance(60_000);
  await expect.poll(() => marks('gap').length).toBe(0);
});

test('routes, channels, outbox and numbers are shown', async () => {
  const { clock, server, realtime, open, page, text } = setUp({ tabs: { role: 'leader' } });
  const room = realtime.channel('room');
  room.on('message', () => {});
  room.enter({ secret: 'canary-7f3a9c' });
  realtime.start();
  await clock.advance(0);
  server.publish('room', 'message', 1);
  await clock.advance(0);
  open('Routes');
  expect(page()).toContain('Wanted: auto · now: one');
  expect(page()).toContain('onein use110');
  open('Channels');
  expect(page()).toContain('This tab leads');
  expect(page()).toContain('roomjoined11001: user-1');
  open('Outbox');
  expect(text('[role=tabpanel]:not([hidden]) .note:not([hidden])')).toBe('Nothing waits.');
  server.lag(10_000);
  void room.publish('message', 2).catch(() => {});
  await clock.advance(2_000);
  await expect.poll(page).toContain('messageroomsending2.0 s1');
  open('Numbers');
  expect(page()).toContain('delivered1');
  expect(page()).toContain('sends kept1 of 1000');
  expect(page()).toContain('delivery1');
});

test('the switches act on the chaos and on the manager, and taking the panel away ends the trouble', async () => {
  const { clock, server, storm, realtime, root, panel, open, press } = setUp({ transports: ['one', 'two'] });
  realtime.start();
  await clock.advance(0);
  open('Chaos');
  press('Cut');
  await clock.advance(0);
  expect(realtime.status.get()).toMatchObject({ status: 'reconnecting', reason: { code: 'connection-lost' } });
  await clock.advance(5_000);
  const [lag, twice, late, lost] = root.querySelectorAll<HTMLInputElement>('input[type=range]');
  for (const [input, value] of [
    [lag, '500'],
    [twice, '20'],
    [late, '10'],
    [lost, '5'],
  ] as const) {
    if (!input) expect.unreachable();
    else {
      input.value = value;
      input.dispatchEvent(new Event('input'));
    }
  }
  expect(storm.settings).toEqual({ isOffline: false, lagMs: 500, duplicate: 0.2, reorder: 0.1, lose: 0.05 });
  expect(lag?.getAttribute('aria-valuetext')).toBe('500 ms');
  const select = root.querySelector('select') ?? expect.unreachable();
  expect([...select.options].map(({ value }) => value)).toEqual(['auto', 'one', 'two']);
  select.value = 'two';
  select.dispatchEvent(new Event('change'));
  await clock.advance(2_000);
  expect(realtime.status.get()).toMatchObject({ transport: 'two', mode: 'two' });
  press('Offline');
  await clock.advance(1_000);
  expect([storm.settings.isOffline, server.links, realtime.status.get().status]).toEqual([true, 0, 'reconnecting']);
  panel.remove();
  expect(storm.settings).toEqual({ isOffline: false, lagMs: 0, duplicate: 0, reorder: 0, lose: 0 });
});

test('without a chaos offline is a hold, which ends with the panel; without a monitor the journal is shown', async () => {
  const { clock, server, realtime, root, panel, open, page, press } = setUp({ chaos: undefined, monitor: undefined });
  realtime.start();
  await clock.advance(0);
  open('Chaos');
  expect(root.querySelectorAll('input[type=range]')).toHaveLength(0);
  press('Offline');
  expect(realtime.status.get()).toMatchObject({ status: 'disconnected', holds: ['devtools'] });
  press('Offline');
  expect(realtime.status.get().holds).toEqual([]);
  await clock.advance(0);
  open('Channels');
  expect(page()).toContain('monitor()');
  open('Timeline');
  expect(page()).toContain('statusconnected over one');
  for (let round = 0; round < 60; round++) {
    server.drop();
    await clock.advance(60_000);
  }
  await expect.poll(() => root.querySelectorAll('li[data-kind]').length).toBe(50);
  open('Chaos');
  press('Offline');
  panel.remove();
  expect(realtime.status.get().holds).toEqual([]);
});

test('the views are tabs for the keyboard and for screen readers', async () => {
  const { root } = setUp();
  const tabs = [...root.querySelectorAll<HTMLElement>('[role=tab]')];
  const chosen = (): (string | null)[] =>
    tabs.filter((tab) => tab.getAttribute('aria-selected') === 'true').map((tab) => tab.textContent);
  expect(tabs.filter((tab) => tab.tabIndex === 0)).toHaveLength(1);
  tabs[0]?.focus();
  await userEvent.keyboard('{ArrowRight}');
  expect([chosen(), root.activeElement?.textContent]).toEqual([['Timeline'], 'Timeline']);
  await userEvent.keyboard('{End}');
  expect(chosen()).toEqual(['Chaos']);
  await userEvent.keyboard('{ArrowRight}');
  expect(chosen()).toEqual(['State']);
  await userEvent.keyboard('{ArrowLeft}{Home}');
  expect(chosen()).toEqual(['State']);
  for (const tab of tabs) {
    const panel = root.getElementById(tab.getAttribute('aria-controls') ?? '');
    expect(panel?.getAttribute('aria-labelledby')).toBe(tab.id);
    expect(panel?.hidden).toBe(tab.getAttribute('aria-selected') !== 'true');
  }
  // every control has a name
  for (const control of root.querySelectorAll<HTMLInputElement>('button, input, select')) {
    expect(control.textContent || control.labels?.[0]?.textContent).toBeTruthy();
  }
});

test('an export holds what happened, and no token, no payload, no member and no query', async () => {
  const written: string[] = [];
  const { clock, server, realtime, panel, press } = setUp({ redact: ['room'] });
  const original = navigator.clipboard.writeText;
  Object.defineProperty(navigator.clipboard, 'writeText', {
    configurable: true,
    value: async (text: string) => {
      written.push(text);
    },
  });
  onTestFinished(() => {
    Object.defineProperty(navigator.clipboard, 'writeText', { configurable: true, value: original });
  });
  const room = realtime.channel('room');
  room.on('message', () => {
    throw new Error('bug at https://app.test/page?token=canary-7f3a9c with Bearer canary-7f3a9c');
  });
  realtime.on('fault', () => {});
  room.enter({ secret: 'canary-7f3a9c' });
  realtime.start();
  await clock.advance(0);
  server.publish('room', 'message', 'canary-7f3a9c');
  await clock.advance(0);
  press('Copy');
  const [text = ''] = written;
  expect(text).not.toContain('canary-7f3a9c');
  expect(text).not.toContain('room');
  expect(text).not.toContain('user-1');
  expect(JSON.parse(text)).toMatchObject({
    status: { status: 'connected', transport: 'one' },
    metrics: { delivered: 1 },
    snapshot: { channels: [{ name: '[redacted]', members: 1 }], errors: { 'handler-failed': 1 } },
  });
  panel.remove();
});

test('it ends when it is taken out of the page or its signal fires, and can be mounted again', () => {
  const ended = new AbortController();
  const { realtime, panel, root } = setUp({ signal: ended.signal });
  panel.element.remove();
  realtime.start();
  expect(root.querySelector('summary b')?.textContent).toBe('idle');
  const target = document.createElement('section');
  document.body.append(target);
  const again = mountDevtools(realtime, { target, signal: ended.signal });
  expect(again.element.shadowRoot?.querySelector('summary b')?.textContent).toBe('connecting');
  ended.abort();
  again.remove();
  expect(document.querySelector('keepwire-devtools')).toBeNull();
});

test.each(['light', 'dark'])('every text can be read in the %s scheme', async (scheme) => {
  const { clock, realtime, panel, root, open } = setUp();
  panel.element.style.colorScheme = scheme;
  realtime.start();
  await clock.advance(0);
  for (const title of ['State', 'Timeline', 'Routes', 'Channels', 'Outbox', 'Numbers', 'Chaos']) {
    open(title);
    const paper = colorOf(getComputedStyle(root.querySelector('details') ?? expect.unreachable()).backgroundColor);
    for (const node of root.querySelectorAll('summary b, summary span, [role=tab], p, th, td, dt, dd, li b, li span, button')) {
      if (!node.textContent || node.getClientRects().length === 0) continue;
      expect(contrast(colorOf(getComputedStyle(node).color), paper), `${title}: ${node.textContent}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});

/** The relative luminance of a computed color, by WCAG 2. */
function colorOf(text: string): number {
  const [red = 0, green = 0, blue = 0] = (text.match(/[\d.]+/g) ?? []).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
