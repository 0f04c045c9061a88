import { manualClock } from 'keepwire/testing';
import { expect, test, vi } from 'vitest';
import type { ServerFrame } from '../../src/protocol/frame.ts';
import { type SharedTabsOptions, sharedTabs } from '../../src/tabs/tabs.ts';
import type { Capabilities, Credentials, Link, LinkRequest } from '../../src/transport/transport.ts';
import { type RecordingSink, recordingSink } from '../support/contract-link.ts';
import { type FakeTab, fakeBrowser } from '../support/fake-browser.ts';
import { scripted } from '../support/scripted-transport.ts';

/** One virtual link of a tab, played by hand in place of a manager. */
interface Played {
  readonly link: Link;
  readonly sink: RecordingSink;
  readonly tab: FakeTab;
  readonly role: string | undefined;
  /** What came since the last look. */
  news(): readonly ServerFrame[];
  end(): void;
}

interface PlayOptions {
  readonly channels?: LinkRequest['channels'];
  readonly credentials?: Credentials;
  readonly cursor?: string;
  readonly tab?: FakeTab;
  readonly options?: Partial<SharedTabsOptions>;
}

/** Tabs of one browser before one scripted server. */
function setUp(capabilities: Partial<Capabilities> = {}) {
  const clock = manualClock();
  const browser = fakeBrowser(clock);
  const server = scripted('wire', capabilities);
  const turn = (): Promise<void> => clock.advance(1);

  async function open({ channels = new Map(), credentials, cursor, tab = browser.tab(), options }: PlayOptions = {}) {
    const shared = sharedTabs(tab.carry(server), {
      key: 'test',
      locks: tab.locks,
      BroadcastChannel: tab.BroadcastChannel,
      ...options,
    });
    const before = browser.open;
    const sink = recordingSink();
    const controller = new AbortController();
    const { signal } = controller;
    const link = shared.connect({ signal, client: 'me', credentials, channels, cursor, clock: tab.clock }, sink);
    let seen = 0;
    const played: Played = {
      link,
      sink,
      tab,
      get role() {
        return shared.role;
      },
      news() {
        const frames = sink.allFrames().slice(seen);
        seen += frames.length;
        return frames;
      },
      end: () => controller.abort(),
    };
    // the hash of a user is made by the platform, which no manual clock moves
    if (credentials) await vi.waitFor(() => expect(browser.open).toBeGreaterThan(before));
    await turn();
    return played;
  }

  /** A leader that is up, and followers. */
  async function openShared(count: number, play: PlayOptions = {}): Promise<Played[]> {
    const leader = await open(play);
    server.last.up({ joining: [...(play.channels?.keys() ?? [])] });
    await turn();
    const tabs = [leader];
    while (tabs.length < count) tabs.push(await open());
    return tabs;
  }

  async function join(tab: Played, channel: string, offset?: number): Promise<void> {
    const position = offset === undefined ? {} : { epoch: 'e', offset };
    tab.link.send([{ kind: 'join', channel, ...position }]).catch(() => {});
    await turn();
  }
  async function say(...frames: ServerFrame[]): Promise<void> {
    server.last.frames(frames);
    await turn();
  }
  return { clock, browser, server, turn, open, openShared, join, say };
}

const joined = (channel: string, offset: number, epoch = 'e'): ServerFrame => ({ kind: 'joined', channel, epoch, offset });
const event = (channel: string, offset: number): ServerFrame => ({ kind: 'event', channel, event: 'n', data: null, offset });
const kinds = (frames: readonly ServerFrame[]): string[] =>
  frames.map((frame) => ('offset' in frame && frame.offset !== undefined ? `${frame.kind} ${frame.offset}` : frame.kind));

/** Where nobody is signed in, nothing of the name is a hash. */
const sharedName = 'keepwire.tabs.[2,"wire","test",null]';

test('a key is needed', () => {
  expect(() => sharedTabs(scripted('wire'), {} as SharedTabsOptions)).toThrow(
    expect.objectContaining({ code: 'invalid-option' }),
  );
});

test('the second tab dials nothing, hears what it joined and sends by way of the first', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  expect([leader.role, follower.role]).toEqual(['leader', 'follower']);
  expect(server.dials).toHaveLength(1);
  await join(follower, 'room');
  await say(joined('room', 3), event('room', 4));
  expect(kinds(follower.news())).toEqual(['joined 3', 'event 4']);
  expect(leader.news()).toEqual([]);
  const sending = follower.link.send([{ kind: 'publish', id: 'p', channel: 'room', event: 'n', data: new Date(0) }]);
  await say();
  expect(await sending).toEqual([{ id: 'p', status: 'accepted' }]);
  // as on the wire, not as a copy of the value
  expect(server.last.sent.at(-1)).toMatchObject({ id: 'p', data: '1970-01-01T00:00:00.000Z' });
});

test('what a send failed with crosses to the tab that sent', async () => {
  const { server, openShared, say } = setUp();
  const [, follower] = (await openShared(2)) as [Played, Played];
  const { RealtimeError } = await import('../../src/errors.ts');
  for (const code of ['too-large', 'refused'] as const) {
    server.last.answer = () => Promise.reject(new RealtimeError(code, 'no'));
    const sending = follower.link.send([{ kind: 'publish', id: 'p', channel: 'room', event: 'n', data: 1 }]);
    const outcome = expect(sending).rejects.toMatchObject({ code: code === 'too-large' ? code : 'connection-lost' });
    await say();
    await outcome;
  }
});

test('each join is answered to the link that asked, from the place that it asked for', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, early, late] = (await openShared(3)) as [Played, Played, Played];
  await join(leader, 'room');
  await say(joined('room', 10), event('room', 11));
  await join(early, 'room', 5);
  await join(late, 'room');
  // the first answer is not the late one's: it would take what is old for new
  await say(joined('room', 5), event('room', 6));
  expect(kinds(early.news())).toEqual(['joined 5', 'event 6']);
  expect(late.news()).toEqual([]);
  // nor may its join take from the others what is still to be replayed
  expect(server.last.sent.filter(({ kind }) => kind === 'join').slice(1)).toMatchObject([{ offset: 5 }, { offset: 6 }]);
  await say(joined('room', 6), event('room', 7));
  expect(kinds(late.news())).toEqual(['joined 11', 'event 7']);
  expect(kinds(leader.news())).toEqual(['joined 10', 'event 11', 'event 6', 'event 7']);
});

test('a join waits for the answer to the one before: a server may answer only the last of several', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, first, second, third] = (await openShared(4)) as [Played, Played, Played, Played];
  await join(leader, 'room', 9);
  await join(first, 'room', 7);
  await join(second, 'room', 5);
  await join(third, 'room', 8);
  await third.link.send([{ kind: 'leave', channel: 'room' }]);
  const joins = () => server.last.sent.filter(({ kind }) => kind === 'join');
  expect(joins()).toMatchObject([{ offset: 9 }]);
  await say(joined('room', 9));
  // those who waited are joined together, from the earliest of their places
  expect(joins()).toMatchObject([{ offset: 9 }, { offset: 5 }]);
  await say(joined('room', 5), event('room', 6));
  expect([first, second, third].map((tab) => kinds(tab.news()))).toEqual([['joined 7', 'event 6'], ['joined 5', 'event 6'], []]);
  expect(joins()).toHaveLength(2);
});

test('places in different logs are not joined together', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, follower, behind] = (await openShared(3)) as [Played, Played, Played];
  await join(leader, 'room', 9);
  await join(follower, 'room', 7);
  behind.link.send([{ kind: 'join', channel: 'room', epoch: 'old', offset: 1 }]).catch(() => {});
  await say(joined('room', 9));
  await say(joined('room', 7));
  expect(server.last.sent.slice(1)).toMatchObject([
    { epoch: 'e', offset: 7 },
    { epoch: 'old', offset: 1 },
  ]);
  expect(behind.news()).toEqual([]);
  await say(joined('room', 0));
  expect(kinds(behind.news())).toEqual(['joined 0']);
});

test('who waits for its turn to join is not joined after a refusal, and is after a leave that had no other answer', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  await join(leader, 'room');
  await leader.link.send([{ kind: 'leave', channel: 'room' }]);
  await join(follower, 'room', 4);
  expect(server.last.sent.map(({ kind }) => kind)).toEqual(['join', 'leave']);
  await say({ kind: 'left', channel: 'room' });
  await join(leader, 'room');
  expect(server.last.sent.slice(2)).toMatchObject([{ kind: 'join', offset: 4 }]);
  await say({ kind: 'denied', channel: 'room', code: 'forbidden' });
  expect(server.last.sent).toHaveLength(3);
  expect([kinds(leader.news()), kinds(follower.news())]).toEqual([['left', 'denied'], ['denied']]);
});

test('a link that is ahead of the shared connection is not joined past what the others still get', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, ahead] = (await openShared(2)) as [Played, Played];
  await join(leader, 'room', 1);
  await say(joined('room', 1), event('room', 2));
  await join(ahead, 'room', 90);
  expect(server.last.sent.at(-1)).toMatchObject({ kind: 'join', offset: 2 });
  await say(joined('room', 2));
  expect(kinds(ahead.news())).toEqual(['joined 90']);
});

test('a log that began anew is told to everybody who is in, and one that went back to the one who asked', async () => {
  const { openShared, join, say } = setUp();
  const [leader, follower, waiting] = (await openShared(3)) as [Played, Played, Played];
  await join(leader, 'room');
  await say(joined('room', 10));
  await join(follower, 'room', 8);
  await say(joined('room', 4));
  expect(kinds(follower.news())).toEqual(['joined 4']);
  await join(follower, 'room', 4);
  await join(waiting, 'room', 2);
  await say(joined('room', 0, 'next'));
  // its own answer is still to come
  expect(waiting.news()).toEqual([]);
  expect(leader.news()).toEqual([joined('room', 10), joined('room', 0, 'next')]);
});

test('a join that could not be sent waits for no answer', async () => {
  const { server, openShared, join, say } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  const { answer } = server.last;
  server.last.answer = () => Promise.reject(new Error('no'));
  await join(leader, 'room');
  server.last.answer = answer;
  await join(follower, 'room');
  await say(joined('room', 3));
  expect([leader.news(), kinds(follower.news())]).toEqual([[], ['joined 3']]);
});

test('a follower whose channels are quiet knows that the link lives', async () => {
  const { clock, openShared, say } = setUp();
  const [, follower] = (await openShared(2)) as [Played, Played];
  const signs = (): number => follower.sink.calls.filter(({ kind }) => kind === 'alive').length;
  await clock.advance(3_000);
  expect(signs()).toBe(0);
  await say(event('elsewhere', 1));
  await clock.advance(3_000);
  expect(signs()).toBe(1);
});

test('a channel is left when nobody is in it any more, also for a tab that is gone', async () => {
  const { server, openShared, join, say, turn } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  for (const tab of [leader, follower]) await join(tab, 'room');
  await say(joined('room', 0), joined('room', 0));
  await leader.link.send([{ kind: 'leave', channel: 'room' }]);
  expect(server.last.sent.filter(({ kind }) => kind === 'leave')).toEqual([]);
  follower.end();
  await turn();
  expect(server.last.sent.at(-1)).toEqual({ kind: 'leave', channel: 'room' });
});

test('what one tab says of the user goes when it goes, and what another one says stays', async () => {
  const { server, openShared, join, turn } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  for (const [tab, data] of [
    [leader, 'here'],
    [follower, 'away'],
  ] as const) {
    await join(tab, 'room');
    tab.link.send([{ kind: 'announce', channel: 'room', present: true, data }]).catch(() => {});
    await turn();
  }
  follower.end();
  await turn();
  expect(server.last.sent.at(-1)).toEqual({ kind: 'announce', channel: 'room', present: true, data: 'here' });
  await leader.link.send([{ kind: 'announce', channel: 'room', present: false }]);
  expect(server.last.sent.at(-1)).toEqual({ kind: 'announce', channel: 'room', present: false });
});

test('a token crosses to no other tab, and is in no name', async () => {
  const { browser, openShared, open, turn } = setUp({ reauth: true });
  const canary = 'canary-7f3a9c';
  const credentials: Credentials = { token: canary };
  const spy = browser.tab();
  const said: unknown[] = [];
  const names: string[] = [];
  const original = spy.locks.request;
  const locks: FakeTab['locks'] = {
    request(name, ...rest) {
      names.push(name);
      return original(name, ...rest);
    },
  };
  await openShared(1, { credentials });
  const follower = await open({ credentials, tab: spy, options: { locks } });
  const [name = ''] = names;
  new (browser.tab().BroadcastChannel)(name).onmessage = ({ data }) => said.push(data);
  await follower.link.send([{ kind: 'authenticate', token: canary }]);
  await follower.link.send([{ kind: 'ping' }]);
  await turn();
  expect(follower.role).toBe('follower');
  expect(said.length).toBeGreaterThan(0);
  expect(JSON.stringify([name, said])).not.toContain(canary);
});

const jwt = (claims: object): string => `x.${btoa(JSON.stringify(claims))}.x`;

test.each([
  ['two subjects', { token: 'x', subject: 'ada' }, { token: 'x', subject: 'bob' }, 2],
  ['two users in tokens', { token: jwt({ sub: 'ada' }) }, { token: jwt({ sub: 'bob' }) }, 2],
  ['two opaque tokens', { token: 'one' }, { token: 'two' }, 2],
  ['a user and nobody', { token: 'one' }, undefined, 2],
  // the core takes the subject from the token
  [
    'one sub of two issuers',
    { token: jwt({ sub: '1', iss: 'a' }), subject: '1' },
    { token: jwt({ sub: '1', iss: 'b' }), subject: '1' },
    2,
  ],
  ['one subject with two tokens', { token: 'one', subject: 'ada' }, { token: 'two', subject: 'ada' }, 1],
  ['one user in two tokens', { token: jwt({ sub: 'ada', exp: 1 }) }, { token: jwt({ sub: 'ada', exp: 2 }) }, 1],
  ['nobody twice', undefined, undefined, 1],
])('%s', async (_, first, second, dials) => {
  const { server, openShared, open } = setUp();
  await openShared(1, { credentials: first });
  await open({ credentials: second });
  await vi.waitFor(() => expect(server.dials).toHaveLength(dials));
});

test('tabs of another key, and of another transport, have connections of their own', async () => {
  const { server, openShared, open } = setUp();
  await openShared(1);
  await open({ options: { key: 'other' } });
  expect(server.dials).toHaveLength(2);
});

test('what is nothing of ours on the channel is ignored', async () => {
  const { browser, openShared, join, say } = setUp();
  const names: string[] = [];
  const tab = browser.tab();
  const [leader] = (await openShared(1, {
    tab,
    options: {
      BroadcastChannel: class extends tab.BroadcastChannel {
        constructor(name: string) {
          super(name);
          names.push(name);
        }
      },
    },
  })) as [Played];
  const stranger = new (browser.tab().BroadcastChannel)(names[0] ?? '');
  const garbage = [
    null,
    7,
    'text',
    [],
    {},
    { kind: 'lead' },
    { kind: 'send', from: 'x', to: 7 },
    { kind: '__proto__', from: 'x' },
  ];
  for (const each of garbage) stranger.postMessage(each);
  stranger.postMessage({ kind: 'seek', from: 'stranger' });
  await join(leader, 'room');
  await say(joined('room', 0));
  expect(kinds(leader.news())).toEqual(['joined 0']);
  expect(leader.sink.calls.some(({ kind }) => kind === 'down')).toBe(false);
});

test('a follower of a leader that has been replaced is told so', async () => {
  const { browser, openShared, turn } = setUp();
  const [, follower] = (await openShared(2)) as [Played, Played];
  new (browser.tab().BroadcastChannel)(sharedName).postMessage({ kind: 'lead', from: '' });
  await turn();
  expect(follower.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'lost', handover: true } });
});

test('when the leader closes, the followers are told to come back at once; when the server ends it, as the server says', async () => {
  const { server, openShared, open, turn } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  leader.end();
  await turn();
  expect(follower.sink.calls.at(-1)).toMatchObject({ kind: 'down', cause: { kind: 'lost', handover: true } });
  const next = await open();
  server.last.up();
  await turn();
  const other = await open();
  expect([next.role, other.role]).toEqual(['leader', 'follower']);
  server.last.down('refused', { retryAfterMs: 700 });
  await turn();
  expect(next.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'refused' } });
  expect(other.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'lost', retryAfterMs: 700 } });
  expect(other.sink.calls.at(-1)).not.toMatchObject({ cause: { handover: true } });
});

test('what a token is refused for concerns only the tab whose token it is', async () => {
  const { openShared, say } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  await say({ kind: 'auth', status: 'refused' }, { kind: 'garbled', message: 'x' }, { kind: 'advice', drain: true, spreadMs: 5 });
  expect(kinds(leader.news())).toEqual(['auth', 'garbled', 'advice']);
  expect(follower.news()).toEqual([{ kind: 'advice', drain: false, spreadMs: 5 }]);
});

test('a leader that hangs is given up within 5 seconds, and follows when it goes on', async () => {
  const { clock, server, openShared, open } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  leader.tab.freeze();
  await clock.advance(4_000);
  expect(follower.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'lost', handover: true } });
  const next = await open();
  server.last.up();
  await clock.advance(1);
  expect(next.role).toBe('leader');
  leader.tab.thaw();
  await clock.advance(1);
  expect(leader.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'lost' } });
  expect(server.heldCount).toBe(1);
});

test('a tab that comes while the leader hangs takes its place, and does not while the leader only dials', async () => {
  const { clock, server, open } = setUp();
  const leader = await open();
  const second = await open();
  await clock.advance(9_000);
  expect(server.dials).toHaveLength(1);
  leader.tab.freeze();
  await clock.advance(4_000);
  expect([server.dials.length, second.role]).toEqual([2, 'leader']);
});

test('a follower that slept does not take the leader for dead', async () => {
  const { clock, openShared } = setUp();
  const [, follower] = (await openShared(2)) as [Played, Played];
  follower.tab.freeze();
  await clock.advance(120_000);
  follower.tab.thaw();
  await clock.advance(5_000);
  expect(follower.sink.calls.some(({ kind }) => kind === 'down')).toBe(false);
});

test('a second connection of the leading tab replaces the first: the followers look for it, and none is left without', async () => {
  const { server, turn, browser, open } = setUp({ reauth: false });
  const tab = browser.tab();
  const shared = sharedTabs(tab.carry(server), { key: 'test', locks: tab.locks, BroadcastChannel: tab.BroadcastChannel });
  const connect = (): { sink: RecordingSink; abort: AbortController } => {
    const [sink, abort] = [recordingSink(), new AbortController()];
    const { signal } = abort;
    shared.connect(
      { signal, client: 'me', credentials: undefined, channels: new Map(), cursor: undefined, clock: tab.clock },
      sink,
    );
    return { sink, abort };
  };
  const first = connect();
  await turn();
  server.last.up();
  await turn();
  const follower = await open();
  const second = connect();
  await turn();
  expect(follower.news()).toEqual([{ kind: 'advice', drain: true }]);
  const candidate = await open();
  expect(candidate.role).toBeUndefined();
  server.last.up();
  await turn();
  expect(candidate.role).toBe('follower');
  first.abort.abort();
  await turn();
  expect(follower.sink.calls.at(-1)).toMatchObject({ cause: { handover: true } });
  expect(candidate.sink.calls.map(({ kind }) => kind)).toEqual(['up']);
  second.abort.abort();
  await turn();
  expect(server.heldCount).toBe(0);
});

test('over a transport that joins by dialling, what is joined together comes with one more link', async () => {
  const { clock, server, openShared, join, say } = setUp({ joining: 'dial' });
  const channels = new Map([['own', { epoch: 'e', offset: 3 }]]);
  const [leader, follower] = (await openShared(2, { channels })) as [Played, Played];
  await say(joined('own', 3));
  expect(kinds(leader.news())).toEqual(['joined 3']);
  await join(follower, 'room', 7);
  await join(follower, 'hall');
  const early = follower.link.send([{ kind: 'publish', id: 'p', channel: 'room', event: 'n', data: 1 }]);
  await clock.advance(100);
  expect(server.dials).toHaveLength(2);
  expect([...server.last.request.channels]).toEqual([
    ['own', { epoch: 'e', offset: 3 }],
    ['room', { epoch: 'e', offset: 7 }],
    ['hall', undefined],
  ]);
  // it would be faster than its own join
  expect(server.dials.flatMap(({ sent }) => sent)).toEqual([]);
  server.last.up({ joining: ['own', 'room', 'hall'] });
  await say(joined('own', 3), joined('room', 7), joined('hall', 0), event('room', 8));
  expect(await early).toEqual([{ id: 'p', status: 'accepted' }]);
  expect(kinds(follower.news())).toEqual(['joined 7', 'joined 0', 'event 8']);
  expect(leader.news()).toEqual([]);
  expect(server.heldCount).toBe(1);
});

test('a join that came while the link for another one was dialled is answered by the next link', async () => {
  const { clock, server, openShared, join, say } = setUp({ joining: 'dial' });
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  leader.link.send([{ kind: 'announce', channel: 'room', present: true, data: 'here' }]).catch(() => {});
  await join(leader, 'room', 9);
  await clock.advance(100);
  await join(follower, 'room', 3);
  server.last.up({ joining: ['room'] });
  await say(joined('room', 9));
  expect([kinds(leader.news()), follower.news()]).toEqual([['joined 9'], []]);
  expect(server.last.sent).toContainEqual(expect.objectContaining({ kind: 'announce', data: 'here' }));
  await clock.advance(100);
  expect([...server.last.request.channels]).toEqual([['room', { epoch: 'e', offset: 3 }]]);
  server.last.up({ joining: ['room'] });
  await say(joined('room', 3));
  expect([leader.news(), kinds(follower.news())]).toEqual([[], ['joined 3']]);
});

test.for(['takes over', 'fails'] as const)(
  'a join is answered though the link for the next one %s before the answer',
  async (end) => {
    const { clock, server, openShared, join, say } = setUp({ joining: 'dial' });
    const [leader, follower] = (await openShared(2)) as [Played, Played];
    await join(leader, 'room', 9);
    await clock.advance(100);
    const second = server.last;
    second.up({ joining: ['room'] });
    await join(follower, 'hall');
    await clock.advance(100);
    expect(server.dials).toHaveLength(3);
    expect([...server.last.request.channels.keys()]).toEqual(['room', 'hall']);
    if (end === 'fails') {
      server.last.down('refused');
      await clock.advance(1);
      second.frames([joined('room', 9)]);
      await clock.advance(1);
    } else {
      server.last.up({ joining: ['room', 'hall'] });
      await say(joined('room', 9), joined('hall', 0));
    }
    expect([kinds(leader.news()), kinds(follower.news())]).toEqual([['joined 9'], end === 'fails' ? [] : ['joined 0']]);
  },
);

test('a link that was to bring a channel and failed leaves the others as they are', async () => {
  const { clock, server, openShared } = setUp({ joining: 'dial' });
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  const joining = expect(follower.link.send([{ kind: 'join', channel: 'room' }])).rejects.toMatchObject({
    code: 'connection-lost',
  });
  await clock.advance(100);
  server.last.down('refused');
  await clock.advance(1);
  await joining;
  expect([leader.role, follower.role, server.heldCount]).toEqual(['leader', 'follower', 1]);
});

test('a server that resumes the stream as a whole: a follower gets what came since its cursor, or goes alone', async () => {
  const { server, openShared, open, join, turn } = setUp({ resume: 'connection' });
  const [leader] = (await openShared(1, { cursor: '1' })) as [Played];
  await join(leader, 'room');
  server.last.frames([{ kind: 'joined', channel: 'room' }]);
  for (const number of [2, 3, 4]) {
    server.last.frames([{ kind: 'event', channel: 'room', event: 'n', data: number }], String(number));
    await turn();
  }
  const follower = await open({ cursor: '2' });
  await join(follower, 'room');
  expect(follower.sink.events().map(({ data }) => data)).toEqual([3, 4]);
  const stranger = await open({ cursor: 'long ago' });
  expect(stranger.role).toBe('alone');
  expect(server.last.request.cursor).toBe('long ago');
});

test('where locks or channels are missing or forbidden, a tab has a connection of its own', async () => {
  const { server, open, turn } = setUp();
  const forbidden = { request: () => Promise.reject(new DOMException('denied', 'SecurityError')) };
  const Broken = function refuse(): never {
    throw new DOMException('denied', 'SecurityError');
  } as unknown as FakeTab['BroadcastChannel'];
  for (const options of [{ locks: forbidden }, { BroadcastChannel: Broken }]) {
    const [one, two] = [await open({ options }), await open({ options })];
    server.last.up();
    await turn();
    expect([one.role, two.role]).toEqual(['alone', 'alone']);
  }
  expect(server.dials).toHaveLength(4);
});

test('a send whose answer comes after the leader has ended disturbs nobody', async () => {
  const { server, openShared, turn } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  let answer = (): void => {};
  server.last.answer = () => new Promise((resolve) => (answer = () => resolve([{ id: 'p', status: 'accepted' }])));
  const sending = follower.link.send([{ kind: 'publish', id: 'p', channel: 'room', event: 'n', data: 1 }]);
  const outcome = expect(sending).rejects.toMatchObject({ code: 'connection-lost' });
  await turn();
  leader.end();
  answer();
  await turn();
  await outcome;
});

test('what still comes of a channel that was left does not count as being in it', async () => {
  const { server, openShared, join, say, turn } = setUp({ resume: 'none' });
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  await join(leader, 'room');
  await say({ kind: 'joined', channel: 'room' });
  await leader.link.send([{ kind: 'leave', channel: 'room' }]);
  await turn();
  await say({ kind: 'event', channel: 'room', event: 'n', data: 'late', cursor: 'late' });
  await join(follower, 'room');
  expect(server.last.sent.map(({ kind }) => kind)).toEqual(['join', 'leave', 'join']);
  await say({ kind: 'joined', channel: 'room' });
  expect(kinds(follower.news())).toEqual(['joined']);
});

test('a join that is taken back before its answer leaves nobody in the channel', async () => {
  const { server, openShared, join, say, turn } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  await join(leader, 'room');
  await leader.link.send([{ kind: 'leave', channel: 'room' }]);
  await say(joined('room', 0));
  await join(follower, 'room');
  await say(joined('room', 0));
  await follower.link.send([{ kind: 'leave', channel: 'room' }]);
  await turn();
  expect(server.last.sent.map(({ kind }) => kind)).toEqual(['join', 'leave', 'join', 'leave']);
});

test('a join that follows a leave at once is not ended by the answer to the leave', async () => {
  const { openShared, join, say, turn } = setUp();
  const [leader] = (await openShared(2)) as [Played, Played];
  await join(leader, 'room');
  await leader.link.send([
    { kind: 'leave', channel: 'room' },
    { kind: 'join', channel: 'room' },
  ]);
  await turn();
  await say(joined('room', 3), { kind: 'left', channel: 'room' });
  await say(joined('room', 4), event('room', 5));
  expect(kinds(leader.news())).toEqual(['joined 4', 'event 5']);
});

test('a follower that loses its lock says goodbye before it goes', async () => {
  const { server, openShared, open, join, turn } = setUp();
  await openShared(1);
  let forbid = (): void => {};
  const locks: FakeTab['locks'] = {
    request: () => new Promise((_, reject) => (forbid = () => reject(new DOMException('denied', 'SecurityError')))),
  };
  const follower = await open({ options: { locks } });
  await join(follower, 'room');
  forbid();
  await turn();
  expect(follower.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'lost', handover: true } });
  expect(server.last.sent.at(-1)).toEqual({ kind: 'leave', channel: 'room' });
});

test('what another leader says, that was frozen, is answered by nobody', async () => {
  const { browser, openShared, turn } = setUp();
  const [leader, follower] = (await openShared(2)) as [Played, Played];
  const frozen = new (browser.tab().BroadcastChannel)(sharedName);
  const said: { readonly kind: string; readonly from: string; readonly to?: string }[] = [];
  frozen.onmessage = ({ data }) => said.push(data as (typeof said)[number]);
  follower.link.send([{ kind: 'ping' }]).catch(() => {});
  await turn();
  const to = said.find(({ kind }) => kind === 'sent')?.from;
  expect(to).toBeDefined();
  const others = ['lead', 'frames', 'bye', 'sent'].flatMap((kind) => [
    { kind, from: 'frozen', info: {}, batch: [], serial: 1 },
    { kind, from: 'frozen', to, info: {}, batch: [], serial: 1 },
  ]);
  for (const message of others) frozen.postMessage(message);
  await turn();
  expect(said.filter((message) => message.to === 'frozen')).toEqual([]);
  expect([leader, follower].flatMap(({ sink }) => sink.calls).some(({ kind }) => kind === 'down')).toBe(false);
  // and a follower that the leader does not know is told so
  frozen.postMessage({ kind: 'seek', from: 'frozen', to });
  frozen.postMessage({ kind: 'send', from: 'frozen', to, serial: 1, text: '[]' });
  await turn();
  expect(said.filter((message) => message.to === 'frozen')).toMatchObject([{ kind: 'bye' }, { kind: 'bye' }]);
});

test('a tab that was given the lock while it was frozen, and lost it again, follows', async () => {
  const { clock, server, open } = setUp();
  const leader = await open();
  const second = await open();
  second.tab.freeze();
  leader.tab.crash();
  const third = await open();
  await clock.advance(4_000);
  expect(third.role).toBe('leader');
  server.last.up();
  second.tab.thaw();
  await clock.advance(1_000);
  expect(second.role).toBe('follower');
  // and it is in the queue again: the lock tells it at once
  third.tab.crash();
  await clock.advance(1);
  expect(second.sink.calls.at(-1)).toMatchObject({ cause: { kind: 'lost', handover: true } });
});
