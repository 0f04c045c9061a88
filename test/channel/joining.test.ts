import { describe, expect, test } from 'vitest';
import { createJoining, type JoinLink } from '../../src/channel/joining.ts';
import type { ClientFrame, Position } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';

/** The frames of one tick travel together: each inner list is one call of `tell`. */
function setup(...names: string[]) {
  const positions = new Map<string, Position | undefined>(names.map((name) => [name, undefined]));
  let redials = 0;
  const clock = manualClock();
  const joining = createJoining(
    () => positions,
    clock,
    () => {
      redials += 1;
    },
  );
  const linkOf = (id: number, more: Partial<JoinLink> = {}) => {
    const told: ClientFrame[][] = [];
    const link: JoinLink = { id, joining: 'frame', carried: [], tell: async (frames) => told.push([...frames]), ...more };
    joining.up(link);
    return told;
  };
  const add = (name: string): void => {
    positions.set(name, undefined);
    joining.added(name);
  };
  const drop = (name: string): void => {
    positions.delete(name);
    joining.dropped(name);
  };
  return { positions, joining, clock, linkOf, add, drop, redials: () => redials };
}

/** Lets the microtask run in which joins are gathered. */
const tick = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
};

const join = (channel: string) => ({ kind: 'join', channel });
const leave = (channel: string) => ({ kind: 'leave', channel });
const announce = (channel: string, data: unknown) => ({ kind: 'announce', channel, present: true, data });
const goodbye = (channel: string) => ({ kind: 'announce', channel, present: false });

describe('joining by frames', () => {
  test('a link is told what its first flight did not carry', async () => {
    const { linkOf } = setup('a', 'b', 'c');
    const told = linkOf(1, { carried: ['b'] });
    await tick();
    expect(told).toEqual([[join('a'), join('c')]]);
  });

  test('a link that carried everything is told nothing', async () => {
    const { linkOf } = setup('a');
    const told = linkOf(1, { carried: ['a'] });
    await tick();
    expect(told).toEqual([]);
  });

  test('what was dropped while the link was dialled is left', async () => {
    const { linkOf } = setup('a');
    const told = linkOf(1, { carried: ['a', 'gone'] });
    await tick();
    expect(told).toEqual([[leave('gone')]]);
  });

  test('what one tick asks for travels together', async () => {
    const { linkOf, add, drop } = setup('old');
    const told = linkOf(1, { carried: ['old'] });
    await tick();
    add('a');
    add('b');
    drop('old');
    expect(told).toEqual([]);
    await tick();
    expect(told).toEqual([[join('a'), join('b'), leave('old')]]);
  });

  test('nothing is said twice', async () => {
    const { linkOf, add, drop } = setup();
    const told = linkOf(1);
    add('a');
    await tick();
    add('b');
    await tick();
    drop('a');
    await tick();
    drop('b');
    await tick();
    add('a');
    await tick();
    expect(told).toEqual([[join('a')], [join('b')], [leave('a')], [leave('b')], [join('a')]]);
  });

  test('what was wanted and dropped in one tick is not worth a word', async () => {
    const { linkOf, add, drop } = setup();
    const told = linkOf(1);
    add('a');
    drop('a');
    await tick();
    expect(told).toEqual([]);
  });

  test('a join carries the position of the moment in which it leaves', async () => {
    const { linkOf, positions } = setup('a', 'b', 'c');
    const told = linkOf(1);
    positions.set('a', { epoch: 'e', offset: 0 });
    positions.set('b', 'cursor');
    await tick();
    expect(told).toEqual([
      [
        { kind: 'join', channel: 'a', epoch: 'e', offset: 0 },
        { kind: 'join', channel: 'b', cursor: 'cursor' },
        { kind: 'join', channel: 'c' },
      ],
    ]);
  });

  test('every link that is up is told, a link that is gone is not', async () => {
    const { linkOf, joining, add } = setup();
    const [first, second] = [linkOf(1), linkOf(2)];
    joining.down(1);
    const third = linkOf(3);
    add('a');
    await tick();
    expect([first, second, third]).toEqual([[], [[join('a')]], [[join('a')]]]);
  });

  test('a heal joins again from the position, on every link, once', async () => {
    const { linkOf, joining, positions, redials } = setup('a', 'b');
    const told = linkOf(1, { carried: ['a', 'b'] });
    await tick();
    positions.set('a', { epoch: 'e', offset: 4 });
    joining.heal('a');
    joining.heal('a');
    await tick();
    expect(told).toEqual([[{ kind: 'join', channel: 'a', epoch: 'e', offset: 4 }]]);
    expect(redials()).toBe(0);
  });

  test('never redials', async () => {
    const { linkOf, joining, add, drop, redials } = setup('a');
    linkOf(1);
    add('b');
    await tick();
    drop('a');
    joining.heal('b');
    await tick();
    expect(redials()).toBe(0);
  });
});

describe('joining by dialling', () => {
  const dialled = { joining: 'dial' } as const;

  test('redials once per tick for channels that came and went', async () => {
    const { linkOf, add, drop, redials } = setup('a');
    const told = linkOf(1, { ...dialled, carried: ['a'] });
    await tick();
    expect(redials()).toBe(0);
    add('b');
    add('c');
    drop('a');
    expect(redials()).toBe(0);
    await tick();
    expect(redials()).toBe(1);
    expect(told).toEqual([]);
  });

  test('redials when a channel is no longer wanted, once', async () => {
    const { linkOf, drop, redials, joining } = setup('a', 'b');
    linkOf(1, { ...dialled, carried: ['a', 'b'] });
    drop('a');
    await tick();
    expect(redials()).toBe(1);
    // the link that is dialled carries what is wanted, and the old one goes
    linkOf(2, { ...dialled, carried: ['b'] });
    joining.down(1);
    await tick();
    expect(redials()).toBe(1);
  });

  test('redials when a link comes up without what is wanted', async () => {
    const { linkOf, redials } = setup('a', 'late');
    linkOf(1, { ...dialled, carried: ['a'] });
    await tick();
    expect(redials()).toBe(1);
  });

  test('redials for a channel that comes back before the old stream has gone, so that it is answered for itself', async () => {
    const { linkOf, add, drop, redials } = setup('a');
    linkOf(1, { ...dialled, carried: ['a'] });
    drop('a');
    add('a');
    await tick();
    expect(redials()).toBe(1);
  });

  test('a heal that waits its turn outlasts another link that fails meanwhile', async () => {
    const { joining, clock, linkOf, redials } = setup('a', 'b');
    linkOf(1, { joining: 'dial', carried: ['a', 'b'] });
    joining.heal('a');
    await tick();
    linkOf(2, { joining: 'dial', carried: ['a', 'b'] });
    joining.down(1);
    joining.heal('b');
    joining.again();
    await clock.advance(2_000);
    expect(redials()).toBeGreaterThan(1);
  });

  test('redials to heal', async () => {
    const { linkOf, joining, redials } = setup('a');
    const told = linkOf(1, { ...dialled, carried: ['a'] });
    await tick();
    joining.heal('a');
    joining.heal('a');
    await tick();
    expect(redials()).toBe(1);
    expect(told).toEqual([]);
    linkOf(2, { ...dialled, carried: ['a'] });
    joining.down(1);
    await tick();
    expect(redials()).toBe(1);
  });

  test('does not redial while there is no link', async () => {
    const { add, joining, redials } = setup();
    add('a');
    joining.heal('a');
    await tick();
    expect(redials()).toBe(0);
  });

  test('does not redial for a link that is gone', async () => {
    const { linkOf, joining, add, redials } = setup();
    linkOf(1, dialled);
    joining.down(1);
    add('a');
    await tick();
    expect(redials()).toBe(0);
  });
});

describe('presence', () => {
  test('is told to every link that is up, at once', async () => {
    const { linkOf, joining } = setup('a');
    const told = [linkOf(1, { carried: ['a'] }), linkOf(2, { carried: ['a'] })];
    await tick();
    joining.announce('a', {}, { data: 'here' });
    expect(told).toEqual([[[announce('a', 'here')]], [[announce('a', 'here')]]]);
  });

  test('is told again to each new link: at once for what it carried, after the join for the rest', async () => {
    const { linkOf, joining } = setup('a', 'b', 'c');
    joining.announce('a', {}, { data: 'in a' });
    joining.announce('b', {}, { data: 'in b' });
    const told = linkOf(1, { carried: ['a'] });
    expect(told).toEqual([[announce('a', 'in a')]]);
    await tick();
    expect(told.slice(1)).toEqual([[join('b'), announce('b', 'in b'), join('c')]]);
  });

  test('is told again after a heal', async () => {
    const { linkOf, joining } = setup('a');
    const told = linkOf(1, { carried: ['a'] });
    joining.announce('a', {}, { data: 1 });
    joining.heal('a');
    await tick();
    expect(told).toEqual([[announce('a', 1)], [join('a'), announce('a', 1)]]);
  });

  test('the last that entered speaks for all; who goes gives the word back', () => {
    const { linkOf, joining } = setup('a');
    const told = linkOf(1, { carried: ['a'] });
    const [first, second] = [{}, {}];
    joining.announce('a', first, { data: 'first' });
    joining.announce('a', second, { data: 'second' });
    joining.announce('a', first, { data: 'first again' });
    joining.announce('a', first, undefined);
    joining.announce('a', second, undefined);
    expect(told.flat()).toEqual([
      announce('a', 'first'),
      announce('a', 'second'),
      announce('a', 'first again'),
      announce('a', 'second'),
      goodbye('a'),
    ]);
  });

  test('an entry without data is an entry', () => {
    const { linkOf, joining } = setup('a');
    const told = linkOf(1, { carried: ['a'] });
    joining.announce('a', {}, { data: undefined });
    expect(told.flat()).toEqual([announce('a', undefined)]);
  });

  test('is over with the channel', async () => {
    const { linkOf, joining, add, drop } = setup('a');
    const told = linkOf(1, { carried: ['a'] });
    joining.announce('a', {}, { data: 1 });
    drop('a');
    await tick();
    add('a');
    await tick();
    expect(told.slice(1)).toEqual([[leave('a')], [join('a')]]);
  });

  test('a goodbye is not repeated to the next link', async () => {
    const { linkOf, joining } = setup('a');
    const owner = {};
    joining.announce('a', owner, { data: 1 });
    joining.announce('a', owner, undefined);
    const told = linkOf(1, { carried: ['a'] });
    await tick();
    expect(told).toEqual([]);
  });
});

describe('what could not be brought to a link', () => {
  test('is said again after a while, ever longer, until it arrives', async () => {
    const { linkOf, clock } = setup('a');
    let isBroken = true;
    const tried: ClientFrame[][] = [];
    linkOf(1, {
      async tell(frames) {
        tried.push([...frames]);
        if (isBroken) throw new Error('503');
      },
    });
    await clock.advance(999);
    expect(tried).toHaveLength(1);
    await clock.advance(1);
    expect(tried).toHaveLength(2);
    await clock.advance(1999);
    expect(tried).toHaveLength(2);
    isBroken = false;
    await clock.advance(1);
    expect(tried).toEqual([[join('a')], [join('a')], [join('a')]]);
    await clock.advance(600_000);
    expect(tried).toHaveLength(3);
  });

  test('is dialled for again when the link that was to bring it has failed', async () => {
    const { joining, linkOf, clock, add, redials } = setup('a');
    linkOf(1, { joining: 'dial', carried: ['a'] });
    add('b');
    await tick();
    expect(redials()).toBe(1);
    joining.again();
    await clock.advance(1000);
    expect(redials()).toBe(2);
    joining.again();
    await clock.advance(1000);
    expect(redials()).toBe(2);
    await clock.advance(1000);
    expect(redials()).toBe(3);
  });

  test('is not tried on a link that is gone, and leaves no timer', async () => {
    const { joining, linkOf, clock } = setup('a');
    linkOf(1, {
      async tell() {
        throw new Error('503');
      },
    });
    await tick();
    expect(clock.pending).toBe(1);
    joining.down(1);
    expect(clock.pending).toBe(0);
  });
});
