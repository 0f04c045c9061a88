import fc from 'fast-check';
import { type PresenceMember, type Visibility, writable } from 'keepwire';
import { beacons } from 'keepwire/beacons';
import { type Presence, type PresenceOptions, type PresenceSource, presence } from 'keepwire/presence';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Person, town } from '../support/people.ts';

interface Named {
  readonly name: string;
}

/** A page that the test hides and shows. */
function page(): Visibility & { set(isHidden: boolean): void; readonly listeners: Set<() => void> } {
  let isHidden = false;
  const listeners = new Set<() => void>();
  return {
    isHidden: () => isHidden,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(hidden) {
      isHidden = hidden;
      for (const listener of [...listeners]) listener();
    },
    listeners,
  };
}

function enter({ channel }: Person, key: string, options: PresenceOptions<Named> = {}): Presence<Named> {
  const own = presence<Named>(channel, { me: { key, data: { name: key.toUpperCase() } }, ...options });
  onTestFinished(own.close);
  return own;
}

const list = ({ members }: Presence<Named>): string[] => members.get().map(({ key, status }) => `${key} ${status}`);

/** Writes down what happens. */
function journal(own: Presence<Named>): string[] {
  const seen: string[] = [];
  for (const name of ['join', 'update', 'leave', 'reenter'] as const)
    own.on(name, (member) => seen.push(`${name} ${member?.key} ${member?.status}`));
  return seen;
}

describe.each<[string, () => PresenceOptions<Named>]>([
  ['the server', () => ({})],
  ['beacons', () => ({ source: beacons() })],
])('presence by %s', (_, options) => {
  test('shows everybody, with status and data, us among them and apart', async () => {
    const { clock, person } = town();
    const adas = enter(person('ada'), 'ada', options());
    const bobs = enter(person('bob'), 'bob', options());
    await clock.advance(1_000);
    const ada = expect.objectContaining({ key: 'ada', status: 'online', data: expect.objectContaining({ name: 'ADA' }) });
    const bob = expect.objectContaining({ key: 'bob', status: 'online', data: expect.objectContaining({ name: 'BOB' }) });
    expect(new Set(adas.members.get())).toEqual(new Set([ada, bob]));
    expect(new Set(bobs.members.get())).toEqual(new Set([ada, bob]));
    expect([adas.me.get(), adas.others.get()]).toEqual([ada, [bob]]);
  });

  test('says something new as an update, never as a leave and a join, and disturbs nobody else', async () => {
    const { clock, person } = town();
    const adas = enter(person('ada'), 'ada', options());
    const bobs = enter(person('bob'), 'bob', options());
    await clock.advance(5_000);
    const seen = journal(bobs);
    const others = vi.fn();
    adas.others.subscribe(others);
    adas.update({ name: 'Countess' });
    await clock.advance(100);
    expect(seen).toEqual(['update ada online']);
    expect(bobs.others.get()[0]).toMatchObject({ key: 'ada', data: { name: 'Countess' }, lastSeen: clock.wallNow() - 100 });
    expect(others).toHaveBeenCalledTimes(1);
    // the same again is no news
    const before = bobs.members.get();
    adas.update({ name: 'Countess' });
    await clock.advance(100);
    expect(bobs.members.get()).toBe(before);
  });

  test('several tabs of one person are one member, which leaves with the last', async () => {
    const { clock, person } = town();
    const [one, other] = [enter(person('ada'), 'ada', options()), enter(person('ada'), 'ada', options())];
    const bobs = enter(person('bob'), 'bob', options());
    await clock.advance(5_000);
    const seen = journal(bobs);
    expect(list(bobs).sort()).toEqual(['ada online', 'bob online']);
    one.close();
    await clock.advance(10_000);
    expect(list(bobs)).toContain('ada online');
    other.close();
    await clock.advance(4_999);
    expect(list(bobs)).toContain('ada online');
    await clock.advance(1);
    expect(list(bobs)).toEqual(['bob online']);
    expect(seen.filter((line) => !line.startsWith('update'))).toEqual(['leave ada online']);
  });

  test('who is back within the grace time never left, and we are entered again after a reconnect', async () => {
    const { clock, server, person } = town();
    const ada = person('ada');
    const adas = enter(ada, 'ada', options());
    const bobs = enter(person('bob'), 'bob', options());
    await clock.advance(5_000);
    const [adaSaw, bobSaw] = [journal(adas), journal(bobs)];
    expect(list(bobs)).toHaveLength(2);
    server.drop();
    await clock.advance(30_000);
    expect(bobSaw).toEqual(['reenter bob online']);
    expect(adaSaw).toEqual(['reenter ada online']);
    expect([list(adas).sort(), list(bobs).sort()]).toEqual([
      ['ada online', 'bob online'],
      ['ada online', 'bob online'],
    ]);
    expect(ada.faults).toEqual([]);
  });

  test('we are away after the page was hidden for a while, or on purpose, and back when it is seen', async () => {
    const { clock, person } = town();
    const visibility = page();
    const adas = enter(person('ada'), 'ada', { ...options(), visibility, awayAfterMs: 10_000 });
    const bobs = enter(person('bob'), 'bob', options());
    await clock.advance(5_000);
    const seen = journal(bobs);
    visibility.set(true);
    await clock.advance(9_000);
    visibility.set(false);
    await clock.advance(20_000);
    expect(seen).toEqual([]);
    visibility.set(true);
    await clock.advance(10_000);
    visibility.set(false);
    await clock.advance(100);
    expect(seen).toEqual(['update ada away', 'update ada online']);
    adas.setStatus('away');
    visibility.set(true);
    visibility.set(false);
    await clock.advance(100);
    expect(list(bobs)).toContain('ada away');
    adas.setStatus('online');
    await clock.advance(100);
    expect(list(bobs)).toContain('ada online');
  });

  test('who has left is listed as offline for as long as is asked for, with the time of the last sign', async () => {
    const { clock, server, person } = town();
    const ada = person('ada');
    enter(ada, 'ada', options());
    const bobs = enter(person('bob'), 'bob', { ...options(), rememberMs: 60_000 });
    await clock.advance(5_000);
    const seen = journal(bobs);
    const leftAt = clock.wallNow();
    ada.realtime.channel('lobby');
    ada.channel.leave();
    await clock.advance(10_000);
    expect(bobs.others.get()).toEqual([
      expect.objectContaining({ key: 'ada', status: 'offline', data: expect.objectContaining({ name: 'ADA' }) }),
    ]);
    expect(Math.abs((bobs.others.get()[0]?.lastSeen ?? 0) - leftAt)).toBeLessThan(1_000);
    // back again is a join
    const again = enter({ ...ada, channel: ada.realtime.channel('lobby') }, 'ada', options());
    await clock.advance(2_000);
    expect(list(bobs)).toContain('ada online');
    again.close();
    await clock.advance(5_000);
    expect(seen).toEqual(['leave ada online', 'join ada online', 'leave ada online']);
    await clock.advance(60_000);
    expect(bobs.others.get()).toEqual([]);
    expect(server.links).toBe(2);
  });

  test('closed while somebody is missing or remembered, it leaves no timer', async () => {
    const { clock, settle, person } = town();
    const [ada, carl, bob] = [person('ada'), person('carl'), person('bob')];
    const keep = [ada, carl, bob].map(({ realtime }) => realtime.channel('lobby'));
    await clock.advance(60_000);
    const before = clock.pending;
    const adas = enter(ada, 'ada', options());
    const carls = enter(carl, 'carl', options());
    const bobs = enter(bob, 'bob', { ...options(), rememberMs: 60_000 });
    await clock.advance(1_500);
    adas.close();
    await clock.advance(6_000);
    carls.close();
    await settle();
    expect(list(bobs).sort()).toEqual(['ada offline', 'bob online', 'carl online']);
    bobs.close();
    // one that has only just begun
    enter(bob, 'bob', options()).close();
    expect(clock.pending).toBe(before);
    for (const channel of keep) channel.leave();
  });

  test('who only watches is not seen, and sees', async () => {
    const { clock, server, person } = town();
    const adas = enter(person('ada'), 'ada', options());
    const watcher = presence<Named>(person('eve').channel, options());
    onTestFinished(watcher.close);
    await clock.advance(2_000);
    const seen = journal(watcher);
    server.drop();
    await clock.advance(2_000);
    expect(seen).toEqual([]);
    watcher.update({ name: 'nobody' });
    watcher.setStatus('away');
    await clock.advance(100);
    expect([list(watcher), watcher.me.get(), list(adas)]).toEqual([['ada online'], undefined, ['ada online']]);
  });

  test.each([
    ['itself', (own: Presence<Named>) => own.close()],
    ['its signal', (_own: unknown, controller: AbortController) => controller.abort()],
    ['its handle', (_own: unknown, _controller: unknown, { channel }: Person) => channel.leave()],
    ['using', (own: Presence<Named>) => own[Symbol.dispose]()],
  ])('closed by %s it takes us out, and leaves nothing behind', async (_by, end) => {
    const { clock, settle, person } = town();
    const ada = person('ada');
    const bob = person('bob');
    const watcher = enter(bob, 'bob', options());
    const keep = ada.realtime.channel('lobby');
    await clock.advance(60_000);
    watcher.close();
    const before = clock.pending;
    const bobs = enter(bob, 'bob', options());
    const visibility = page();
    const controller = new AbortController();
    const own = enter(ada, 'ada', { ...options(), visibility, signal: controller.signal });
    const seen = journal(own);
    visibility.set(true);
    await clock.advance(2_000);
    expect(list(bobs).sort()).toEqual(['ada online', 'bob online']);
    seen.length = 0;
    end(own, controller, ada);
    end(own, controller, ada);
    own.update({ name: 'ghost' });
    await settle();
    expect(visibility.listeners.size).toBe(0);
    await clock.advance(5_000);
    expect(list(bobs)).toEqual(['bob online']);
    bobs.close();
    await settle();
    expect(clock.pending).toBe(before);
    expect(seen).toEqual([]);
    own.on('join', () => seen.push('late'));
    keep.leave();
  });

  test('opened and closed and opened again, as StrictMode does, we stay one member and nobody sees us leave', async () => {
    const { clock, person } = town();
    const ada = person('ada');
    const bobs = enter(person('bob'), 'bob', options());
    await clock.advance(5_000);
    const seen = journal(bobs);
    enter(ada, 'ada', options()).close();
    enter(ada, 'ada', options());
    await clock.advance(20_000);
    expect(list(bobs).sort()).toEqual(['ada online', 'bob online']);
    expect(seen).toEqual(['join ada online']);
  });
});

describe('presence by the server', () => {
  test('who was there before us is no news, who comes is', async () => {
    const { clock, person } = town();
    enter(person('ada'), 'ada');
    await clock.advance(100);
    const bob = person('bob');
    const bobs = enter(bob, 'bob');
    const seen = journal(bobs);
    await clock.advance(100);
    enter(person('carl'), 'carl');
    await clock.advance(100);
    expect(seen).toEqual(['join bob online', 'join carl online']);
  });

  test('who comes into an empty channel is news too', async () => {
    const { clock, person } = town();
    const watcher = presence<Named>(person('eve').channel);
    onTestFinished(watcher.close);
    const seen = journal(watcher);
    await clock.advance(100);
    enter(person('ada'), 'ada');
    await clock.advance(100);
    expect(seen).toEqual(['join ada online']);
  });

  test('who was remembered and comes back unseen stays', async () => {
    const { clock, person } = town();
    const ada = person('ada');
    const { channel } = person('bob');
    const watcher = presence<Named>(channel, { rememberMs: 10_000 });
    onTestFinished(watcher.close);
    const seen = journal(watcher);
    const keep = ada.realtime.channel('lobby');
    await clock.advance(100);
    ada.channel.enter({ status: 'offline' });
    await clock.advance(100);
    ada.channel.exit();
    await clock.advance(6_000);
    ada.channel.enter({ status: 'offline' });
    await clock.advance(20_000);
    expect(list(watcher)).toEqual(['ada offline']);
    expect(seen).toEqual(['join ada offline', 'leave ada offline', 'join ada offline']);
    keep.leave();
  });

  test('the words of another server are read as the application says', async () => {
    const { clock, person } = town();
    const { channel } = person('ada');
    channel.enter({ state: 'offline', nick: 'A' });
    const watcher = presence<Named>(channel, {
      read: ({ data }) => {
        const { state, nick } = data as { state: 'offline'; nick: string };
        return { status: state, data: { name: nick } };
      },
    });
    await clock.advance(100);
    expect(watcher.members.get()).toMatchObject([{ key: 'ada', status: 'offline', data: { name: 'A' } }]);
    watcher.close();
    // a watcher has entered nobody, and takes nobody out
    await clock.advance(100);
    expect(channel.members.get()).toHaveLength(1);
  });

  test('a listener that throws is a fault, and the others are called', async () => {
    const { clock, person } = town();
    const ada = person('ada');
    const own = enter(ada, 'ada');
    own.on('join', () => {
      throw new Error('broken');
    });
    const seen = journal(own);
    await clock.advance(100);
    enter(person('bob'), 'bob');
    await clock.advance(100);
    expect(seen).toContain('join bob online');
    expect(ada.faults).toHaveLength(1);
  });
});

describe('presence by beacons', () => {
  test('who falls silent leaves after two and a half intervals and the grace time; a hidden one has four times as long', async () => {
    const { clock, server, person } = town();
    const bobs = enter(person('bob'), 'bob', { source: beacons({ everyMs: 10_000 }) });
    await clock.advance(5_000);
    const tell = (from: string, status: string, everyMs: number): unknown =>
      server.publish('lobby', 'presence', { client: from, data: { status }, everyMs }, { volatile: true, from });
    tell('here', 'online', 10_000);
    tell('away', 'away', 40_000);
    tell('liar', 'online', 9e9);
    await clock.advance(29_999);
    expect(list(bobs)).toEqual(['bob online', 'here online', 'away away', 'liar online']);
    await clock.advance(1);
    expect(list(bobs)).toEqual(['bob online', 'away away', 'liar online']);
    await clock.advance(75_000);
    expect(list(bobs)).toEqual(['bob online', 'liar online']);
    await clock.advance(200_000);
    expect(list(bobs)).toEqual(['bob online']);
  });

  test('nobody is taken for silent while we hear nothing', async () => {
    const { clock, server, person } = town();
    const [ada, bob] = [person('ada'), person('bob')];
    enter(ada, 'ada', { source: beacons() });
    const bobs = enter(bob, 'bob', { source: beacons() });
    await clock.advance(5_000);
    const seen = journal(bobs);
    server.refuse('refused');
    server.drop();
    await clock.advance(120_000);
    expect(list(bobs)).toHaveLength(2);
    server.admit();
    await clock.advance(60_000);
    expect(list(bobs)).toHaveLength(2);
    expect(seen).toEqual(['reenter bob online']);
  });

  test('who went while we heard nothing leaves after the reconnect', async () => {
    const { clock, server, person } = town();
    const bobs = enter(person('bob'), 'bob', { source: beacons() });
    await clock.advance(5_000);
    server.publish('lobby', 'presence', { client: 'c', data: {}, everyMs: 15_000 }, { volatile: true, from: 'ada' });
    await clock.advance(100);
    server.drop();
    await clock.advance(30_000);
    expect(list(bobs)).toEqual(['bob online', 'ada online']);
    await clock.advance(15_000);
    expect(list(bobs)).toEqual(['bob online']);
  });

  test('after a sleep of ours the others are asked before they are taken for gone', async () => {
    const { clock, server, person } = town();
    let sleptMs = 0;
    // timers stand still during a sleep, and the clock goes on
    const sleepy = { ...clock, now: () => clock.now() + sleptMs };
    const bob = person('bob', { platform: { clock: sleepy } });
    const bobs = enter(bob, 'bob', { source: beacons() });
    await clock.advance(5_000);
    const tell = (): unknown =>
      server.publish('lobby', 'presence', { client: 'c', data: {}, everyMs: 15_000 }, { volatile: true, from: 'ada' });
    tell();
    await clock.advance(30_000);
    const before = server.received.length;
    sleptMs = 600_000;
    await clock.advance(15_000);
    expect(list(bobs)).toEqual(['bob online', 'ada online']);
    expect(server.received.slice(before).some(({ data }) => (data as { ask?: boolean }).ask)).toBe(true);
    // who does not answer is gone after all
    await clock.advance(45_000);
    expect(list(bobs)).toEqual(['bob online']);
  });

  test('a joiner is answered within a second, each at a moment of their own, and once for many', async () => {
    const { clock, server, person } = town();
    const rolls = [0.1, 0.9];
    for (const [index, name] of ['ada', 'bob'].entries()) {
      enter(person(name, { platform: { random: () => rolls[index] ?? 0 } }), name, { source: beacons() });
    }
    await clock.advance(5_000);
    const before = server.received.length;
    for (const name of ['carl', 'dora']) enter(person(name), name, { source: beacons() });
    const quick = (): string[] => server.received.slice(before).map(({ from }) => from);
    await clock.advance(200);
    expect([quick().includes('ada'), quick().includes('bob')]).toEqual([true, false]);
    await clock.advance(800);
    const answers = server.received.slice(before).filter(({ data }) => !(data as { ask?: boolean }).ask);
    expect(answers.filter(({ from }) => from === 'ada')).toHaveLength(1);
    expect(answers.filter(({ from }) => from === 'bob')).toHaveLength(1);
    expect(answers.every(({ volatile }) => volatile)).toBe(true);
  });

  test('one device that is online is enough, and the devices are counted', async () => {
    const { clock, person } = town();
    const [one, other] = [person('ada'), person('ada')];
    const first = enter(one, 'ada', { source: beacons() });
    const second = enter(other, 'ada', { source: beacons() });
    const bobs = enter(person('bob'), 'bob', { source: beacons() });
    await clock.advance(2_000);
    first.setStatus('away');
    await clock.advance(100);
    expect(bobs.others.get()).toMatchObject([{ key: 'ada', status: 'online', devices: 2 }]);
    second.setStatus('away');
    await clock.advance(100);
    expect(bobs.others.get()).toMatchObject([{ key: 'ada', status: 'away', devices: 2 }]);
    second.close();
    await clock.advance(100);
    expect(bobs.others.get()).toMatchObject([{ key: 'ada', status: 'away', devices: 1 }]);
  });

  test('of several devices the one that said something new last is shown, and not the one that beacons', async () => {
    const { clock, person } = town();
    const first = enter(person('ada'), 'ada', { source: beacons({ everyMs: 10_000 }) });
    const second = enter(person('ada'), 'ada', { source: beacons({ everyMs: 10_000 }) });
    const bobs = enter(person('bob'), 'bob', { source: beacons({ everyMs: 10_000 }) });
    await clock.advance(3_000);
    first.update({ name: 'Countess' });
    await clock.advance(100);
    const told: unknown[] = [];
    bobs.on('update', ({ data }) => told.push(data));
    await clock.advance(60_000);
    expect(told).toEqual([]);
    for (const shown of [first.me, second.me]) expect(shown.get()?.data).toMatchObject({ name: 'Countess' });
    expect(bobs.others.get()).toMatchObject([{ key: 'ada', data: { name: 'Countess' }, devices: 2 }]);
  });

  test('nonsense is left alone, and no more than 1,000 devices are believed', async () => {
    const { clock, server, person } = town();
    const bob = person('bob');
    const bobs = enter(bob, 'bob', { source: beacons() });
    await clock.advance(5_000);
    for (const data of [undefined, null, 'x', {}, { client: 1 }, { client: 'c' }, { client: 'c', everyMs: 'often' }])
      server.publish('lobby', 'presence', data, { volatile: true, from: 'eve' });
    server.publish('lobby', 'presence', { client: 'c', everyMs: 1_000 }, { volatile: true });
    await clock.advance(100);
    expect(list(bobs)).toEqual(['bob online']);
    for (let n = 0; n < 1_100; n++)
      server.publish('lobby', 'presence', { client: `c${n}`, everyMs: 15_000 }, { volatile: true, from: `p${n}` });
    await clock.advance(100);
    expect(list(bobs)).toHaveLength(1_000);
    expect(bob.faults).toEqual([]);
  });

  test('nobody speaks for the device of another', async () => {
    const { clock, server, person } = town();
    const bobs = enter(person('bob'), 'bob', { source: beacons() });
    await clock.advance(5_000);
    const say = (from: string, data: object): unknown =>
      server.publish('lobby', 'presence', { client: 'c', everyMs: 15_000, ...data }, { volatile: true, from });
    say('ada', { data: { name: 'Ada' } });
    say('eve', { gone: true });
    say('eve', { data: { name: 'Eve' } });
    await clock.advance(100);
    expect(bobs.others.get()).toMatchObject([{ key: 'ada', data: { name: 'Ada' } }]);
    say('ada', { gone: true });
    await clock.advance(5_000);
    expect(bobs.others.get()).toEqual([]);
  });

  test('an interval that cannot be kept is refused', () => {
    for (const everyMs of [0, 999, 30_001, Number.NaN])
      expect(() => beacons({ everyMs })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

test('any row of lists ends as its last one, and its events tell the same story', async () => {
  const members = fc.uniqueArray(fc.record({ key: fc.constantFrom('a', 'b', 'c', '__proto__'), data: fc.constantFrom(1, 2) }), {
    selector: ({ key }) => key,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ members, waitMs: fc.constantFrom(0, 2_000, 6_000) }), { maxLength: 12 }),
      async (rounds) => {
        const { clock, person } = town();
        const source = writable<readonly PresenceMember[]>([], () => {});
        const feed: PresenceSource = (_channel, _me, changed) => {
          const stop = source.subscribe((now) => changed(now, true));
          return { announce() {}, close: stop };
        };
        const { channel, realtime } = person('ada');
        const own = presence(channel, { source: feed });
        const told = new Map<string, unknown>();
        const wrong: string[] = [];
        own.on('join', ({ key, data }) => (told.has(key) ? wrong.push(`join ${key}`) : told.set(key, data)));
        own.on('update', ({ key, data }) => (told.has(key) ? told.set(key, data) : wrong.push(`update ${key}`)));
        own.on('leave', ({ key }) => told.delete(key) || wrong.push(`leave ${key}`));
        for (const { members: now, waitMs } of rounds) {
          source.set(now.map((member) => ({ ...member })));
          const keys = own.members.get().map(({ key }) => key);
          expect(new Set(keys).size).toBe(keys.length);
          for (const { key, data } of now) expect(own.members.get()).toContainEqual(expect.objectContaining({ key, data }));
          await clock.advance(waitMs);
        }
        await clock.advance(5_000);
        const last = Object.fromEntries((rounds.at(-1)?.members ?? []).map(({ key, data }) => [`_${key}`, data]));
        expect(Object.fromEntries(own.members.get().map(({ key, data }) => [`_${key}`, data]))).toEqual(last);
        expect(Object.fromEntries([...told].map(([key, data]) => [`_${key}`, data]))).toEqual(last);
        expect(wrong).toEqual([]);
        realtime.close();
      },
    ),
    { numRuns: 200 },
  );
});
