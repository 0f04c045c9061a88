import { createRealtime, type PresenceMember, writable } from 'keepwire';
import { liveList } from 'keepwire/live-list';
import { fakeServer, manualClock } from 'keepwire/testing';
import { typing } from 'keepwire/typing';
import { bindList, bindStatus, bindTyping, observe } from 'keepwire/vanilla';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { town } from '../support/people.ts';

afterEach(() => document.body.replaceChildren());

function setUp() {
  const clock = manualClock();
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()], platform: { clock, random: () => 0.5 } });
  onTestFinished(() => realtime.close());
  const ended = new AbortController();
  return { clock, server, realtime, end: () => ended.abort(), signal: ended.signal };
}

test('observe tells the value of now and each change, until the signal fires', async () => {
  const { clock, realtime, end, signal } = setUp();
  const seen: string[] = [];
  observe(realtime.status, ({ status }) => seen.push(status), { signal });
  const stop = observe(realtime.mode, (mode) => seen.push(mode), { signal });
  expect(seen).toEqual(['idle', 'auto']);
  stop();
  stop();
  realtime.setMode('fake');
  realtime.start();
  await clock.advance(0);
  expect([...new Set(seen)]).toEqual(['idle', 'auto', 'connecting', 'connected']);
  end();
  realtime.stop();
  expect(seen.at(-1)).toBe('connected');
  observe(realtime.status, () => expect.unreachable(), { signal });
});

test('a listener may fire the signal in its first call', () => {
  const { realtime, end, signal } = setUp();
  let calls = 0;
  observe(
    realtime.mode,
    () => {
      calls += 1;
      end();
    },
    { signal },
  );
  realtime.setMode('fake');
  expect(calls).toBe(1);
});

test('bindStatus writes the role, the text and the data attributes', async () => {
  const { clock, server, realtime, end, signal } = setUp();
  const badge = document.createElement('p');
  bindStatus(badge, realtime, { signal });
  expect(badge.outerHTML).toBe('<p role="status" data-keepwire="status" data-status="idle" data-transport="">idle</p>');
  realtime.start();
  await clock.advance(0);
  expect({ ...badge.dataset, text: badge.textContent }).toEqual({
    keepwire: 'status',
    status: 'connected',
    transport: 'fake',
    text: 'connected',
  });
  end();
  server.drop();
  await clock.advance(0);
  expect(badge.textContent).toBe('connected');
  bindStatus(badge, realtime, { text: ({ status, attempt }) => `${status}: ${attempt}` });
  expect(badge.textContent).toBe('reconnecting: 1');
});

test('bindList keeps the nodes of what stays, in the order of the list', async () => {
  const { clock, server, realtime, end, signal } = setUp();
  const list = document.createElement('ul');
  list.append(document.createElement('h2'));
  const lobby = realtime.channel('lobby');
  const describe = ({ key, data }: PresenceMember): string => `${key} ${data ?? ''}`;
  bindList(list, lobby.members, {
    key: ({ key }) => key,
    render: (member) => Object.assign(document.createElement('li'), { textContent: describe(member) }),
    update: (node, member) => {
      node.textContent = describe(member);
    },
    signal,
  });
  realtime.start();
  lobby.enter('first');
  await clock.advance(0);
  const [, own] = list.children;
  const other = createRealtime({ transports: [server.transport()], platform: { clock } });
  onTestFinished(() => other.close());
  other.start();
  other.channel('lobby').enter('second');
  await clock.advance(0);
  expect([...list.children].map(({ textContent }) => textContent)).toEqual(['', 'user-1 first', 'user-2 second']);
  lobby.enter('changed');
  await clock.advance(0);
  expect(list.children[1]).toBe(own);
  expect(own?.textContent).toBe('user-1 changed');
  lobby.exit();
  await clock.advance(0);
  lobby.enter('back');
  await clock.advance(0);
  expect([...list.children].map(({ textContent }) => textContent)).toEqual(['', 'user-2 second', 'user-1 back']);
  end();
  other.close();
  await clock.advance(0);
  expect(list.childElementCount).toBe(3);
});

test('bindList makes nodes anew without update, and moves what has moved', () => {
  const first = { id: 'a', text: '1' };
  const third = { id: 'c', text: '3' };
  const readable = writable([first, { id: 'b', text: '2' }, third], (error) => {
    throw error;
  });
  const list = document.createElement('ol');
  bindList(list, readable, {
    key: ({ id }) => id,
    render: ({ text }) => Object.assign(document.createElement('li'), { textContent: text }),
  });
  const [a, b, c] = list.children;
  readable.set([third, { id: 'b', text: 'two' }, first]);
  expect([...list.children].map(({ textContent }) => textContent)).toEqual(['3', 'two', '1']);
  expect([list.children[0], list.children[2]]).toEqual([c, a]);
  expect(list.children[1]).not.toBe(b);
});

/** A list of letters on the page, and how many nodes were put somewhere since. */
function letters(text: string) {
  const throwing = (error: unknown): never => {
    throw error;
  };
  const readable = writable([...text], throwing);
  const list = document.body.appendChild(document.createElement('ul'));
  const ended = new AbortController();
  bindList(list, readable, {
    key: (letter) => letter,
    render: (letter) => Object.assign(document.createElement('button'), { textContent: letter }),
    signal: ended.signal,
  });
  const insert = vi.spyOn(list, 'insertBefore');
  return {
    list,
    end: () => ended.abort(),
    text: () => list.textContent,
    /** Shows other letters. @returns how many nodes were moved or put in */
    show(next: string): number {
      insert.mockClear();
      readable.set([...next]);
      return insert.mock.calls.length;
    },
  };
}

test('bindList moves as few nodes as possible', () => {
  const { show, text } = letters('abcde');
  const steps = [
    ['bcdea', 1],
    ['abcde', 1],
    ['abxcde', 1],
    ['edxcba', 4],
    ['ebxca', 1],
    ['', 0],
    ['ab', 2],
    ['ba', 1],
    ['ba', 0],
  ] as const;
  for (const [next, moves] of steps) {
    expect([show(next), text()], next).toEqual([moves, next]);
  }
});

test('bindList ends with the wanted order from any order to any other, and never moves what has the focus', () => {
  const seed = Date.now() % 100_000;
  let state = seed;
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const shuffled = (): string =>
    [...'abcdefghij']
      .filter(() => random() < 0.7)
      .map((letter) => ({ letter, order: random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ letter }) => letter)
      .join('');
  const { show, text, list } = letters(shuffled());
  let kept = 0;
  for (let n = 0; n < 300; n++) {
    const next = shuffled();
    const children = [...list.children] as HTMLElement[];
    const focused = children[Math.floor(random() * children.length)];
    focused?.focus();
    show(next);
    expect(text(), `seed ${seed}, step ${n}`).toBe(next);
    if (focused === undefined || !next.includes(focused.textContent)) continue;
    expect(document.activeElement, `seed ${seed}, step ${n}`).toBe(focused);
    kept += 1;
  }
  expect(kept).toBeGreaterThan(50);
});

test('bindList comes after what else is in the element, and ends with its signal', () => {
  const { show, list, end, text } = letters('ab');
  list.append(Object.assign(document.createElement('hr'), { textContent: '-' }));
  show('abc');
  expect(text()).toBe('-abc');
  end();
  show('');
  expect(text()).toBe('-abc');
});

test('bindList shows a live list', async () => {
  const { clock, server, realtime, signal } = setUp();
  realtime.start();
  const list = document.createElement('ul');
  const { view } = liveList(realtime.channel('lobby'), { key: String, insert: { message: String } });
  bindList(list, view, {
    key: ({ id }) => id,
    render: ({ item, status }) => Object.assign(document.createElement('li'), { textContent: `${item} ${status}` }),
    signal,
  });
  await clock.advance(0);
  for (const text of ['a', 'b']) server.publish('lobby', 'message', text);
  await clock.advance(0);
  expect([...list.children].map(({ textContent }) => textContent)).toEqual(['a confirmed', 'b confirmed']);
});

test('bindTyping tells of keys, and that we stopped: emptied, left, ended', async () => {
  const { person, settle, clock } = town();
  const [ada, bob] = [person('ada'), person('bob')];
  const { typers } = typing(bob.channel, { me: { key: 'bob' } });
  const input = document.body.appendChild(document.createElement('input'));
  const ended = new AbortController();
  const { signal } = ended;
  await settle();
  bindTyping(input, typing(ada.channel, { me: { key: 'ada' }, throttleMs: 0 }), { signal });
  const type = async (text: string): Promise<string[]> => {
    input.value = text;
    input.dispatchEvent(new Event('input'));
    await clock.advance(1);
    return typers.get().map(({ key }) => key);
  };
  expect(await type('h')).toEqual(['ada']);
  expect(await type('')).toEqual([]);
  for (const leave of [() => input.dispatchEvent(new Event('blur')), () => ended.abort()]) {
    expect(await type('hi')).toEqual(['ada']);
    leave();
    await clock.advance(1);
    expect(typers.get()).toEqual([]);
  }
  expect(await type('after the end')).toEqual([]);
  bindTyping(input, { keystroke: () => expect.unreachable(), stop: () => expect.unreachable() }, { signal });
  await type('with a signal that has fired');
});

test('bindTyping reads the text of what is editable, and ends by its answer', () => {
  const said: string[] = [];
  const field = document.createElement('div');
  field.contentEditable = 'true';
  const end = bindTyping(field, { keystroke: () => said.push('key'), stop: () => said.push('stop') });
  const type = (text: string): void => {
    field.textContent = text;
    field.dispatchEvent(new Event('input'));
  };
  type('a');
  type('');
  end();
  type('b');
  field.dispatchEvent(new Event('blur'));
  expect(said).toEqual(['key', 'stop', 'stop']);
});
