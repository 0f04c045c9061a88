import { createRealtime, type PresenceMember, writable } from 'keepwire';
import { fakeServer, manualClock } from 'keepwire/testing';
import { bindList, bindStatus, observe } from 'keepwire/vanilla';
import { afterEach, expect, onTestFinished, test } from 'vitest';

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
  expect(badge.outerHTML).toBe('<p role="status" data-status="idle" data-transport="">idle</p>');
  realtime.start();
  await clock.advance(0);
  expect({ ...badge.dataset, text: badge.textContent }).toEqual({ status: 'connected', transport: 'fake', text: 'connected' });
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
    create: (member) => Object.assign(document.createElement('li'), { textContent: describe(member) }),
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
    create: ({ text }) => Object.assign(document.createElement('li'), { textContent: text }),
  });
  const [a, b, c] = list.children;
  readable.set([third, { id: 'b', text: 'two' }, first]);
  expect([...list.children].map(({ textContent }) => textContent)).toEqual(['3', 'two', '1']);
  expect([list.children[0], list.children[2]]).toEqual([c, a]);
  expect(list.children[1]).not.toBe(b);
});
