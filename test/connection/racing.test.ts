import { describe, expect, test } from 'vitest';
import { routeMemory, type TextStore } from '../../src/platform/memory.ts';
import { type Bench, type BenchOptions, connectionBench } from '../support/connection-bench.ts';
import { type ScriptedTransport, scripted } from '../support/scripted-transport.ts';

const three = () => ['a', 'b', 'c'].map((name) => scripted(name));

async function dialled(options: BenchOptions = {}): Promise<Bench> {
  const bench = connectionBench({ transports: three(), ...options });
  bench.connection.start();
  await bench.settle();
  return bench;
}

function over(bench: Bench, name: string): ScriptedTransport {
  const transport = bench.transports.find((each) => each.name === name);
  if (transport === undefined) throw new Error(`there is no transport ${name}`);
  return transport;
}

/** What is on its way or up, by name. */
const held = (bench: Bench): string => bench.transports.flatMap(({ name, heldCount }) => Array(heldCount).fill(name)).join('');
const decisions = (bench: Bench): string[] => bench.history.map(({ what, transport }) => `${what} ${transport ?? '-'}`);

describe('from cold', () => {
  test('the next route starts when the first is silent for a second, and the one after that a second later', async () => {
    const bench = await dialled();
    await bench.clock.advance(999);
    expect(held(bench)).toBe('a');
    await bench.clock.advance(1);
    expect(held(bench)).toBe('ab');
    await bench.clock.advance(1_000);
    expect(held(bench)).toBe('abc');
    await bench.clock.advance(5_000);
    expect(held(bench)).toBe('abc');
    expect(decisions(bench)).toEqual(['dial a', 'hedge b', 'hedge c']);
  });

  test('the first that proves itself wins, and the others are let go', async () => {
    const bench = await dialled();
    await bench.clock.advance(2_000);
    over(bench, 'b').last.up();
    expect(bench.connection.current?.transport.name).toBe('b');
    expect(held(bench)).toBe('b');
    expect(bench.connection.facts()).toMatchObject({ network: 'up', blocked: ['a'] });
    // whoever lost later in the list was only later
    expect(decisions(bench).slice(-2)).toEqual(['proved b', 'aside a']);
    expect(bench.faults).toEqual([]);
  });

  test('a carrier that is open and silent does not end the race', async () => {
    const bench = await dialled({ transports: [scripted('a', { liveness: 'ping' }), scripted('b')] });
    await bench.clock.advance(1_000);
    over(bench, 'a').last.up({ greeted: false });
    expect([bench.connection.current?.transport.name, held(bench)]).toEqual(['a', 'ab']);
    over(bench, 'b').last.up();
    expect(bench.connection.current?.transport.name).toBe('b');
    expect(bench.connection.facts().blocked).toEqual(['a']);
  });

  test('the first choice wins if it is only slow', async () => {
    const bench = await dialled();
    await bench.clock.advance(1_500);
    over(bench, 'a').last.up();
    expect(held(bench)).toBe('a');
    expect(bench.connection.facts().blocked).toEqual([]);
    // nothing came of the other link, so what this one says is as good as if it were alone
    expect(bench.connection.isAlone(1)).toBe(true);
    await bench.clock.advance(600_000);
    expect(over(bench, 'b').dials).toHaveLength(1);
  });

  test('one that is refused is followed at once, without a race', async () => {
    const bench = await dialled();
    over(bench, 'a').last.down('refused');
    await bench.settle();
    expect(held(bench)).toBe('b');
    over(bench, 'b').last.up();
    expect(bench.connection.facts().blocked).toEqual(['a']);
  });

  test('one that breaks off in the race leaves it to the others', async () => {
    const bench = await dialled();
    await bench.clock.advance(1_000);
    over(bench, 'a').last.down('refused');
    expect(bench.phase).toBe('connecting');
    expect(held(bench)).toBe('b');
    over(bench, 'b').last.down('refused');
    await bench.settle();
    expect(held(bench)).toBe('c');
  });

  test('the wait for a token is none for the server', async () => {
    let give = (_: string): void => {};
    const auth = () =>
      new Promise<string>((resolve) => {
        give = resolve;
      });
    const bench = await dialled({ auth });
    await bench.clock.advance(5_000);
    expect(held(bench)).toBe('');
    give('token');
    await bench.clock.advance(999);
    expect(held(bench)).toBe('a');
    await bench.clock.advance(1);
    // each link asks for its own
    give('token');
    await bench.settle();
    expect(held(bench)).toBe('ab');
  });

  test('a chosen transport goes alone', async () => {
    const bench = connectionBench({ transports: three() });
    bench.routes.pin(0);
    bench.connection.start();
    await bench.clock.advance(9_000);
    expect(held(bench)).toBe('a');
  });

  test('choosing one of those in the race ends it', async () => {
    const bench = await dialled();
    await bench.clock.advance(2_000);
    bench.routes.pin(0);
    bench.connection.reroute();
    expect(held(bench)).toBe('a');
  });
});

describe('after something was carried', () => {
  async function lost(options: BenchOptions = {}): Promise<Bench> {
    const bench = await dialled(options);
    over(bench, 'a').last.up();
    await bench.clock.advance(20_000);
    over(bench, 'a').last.down('lost');
    await bench.clock.advance(1_000);
    return bench;
  }

  test('a reconnect is no race, and a refusal is that of the server', async () => {
    const bench = await lost();
    await bench.clock.advance(9_000);
    expect(held(bench)).toBe('a');
    over(bench, 'a').last.down('refused');
    expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: 1_000 });
    expect(bench.connection.facts()).toMatchObject({ network: 'down', blocked: [] });
    await bench.clock.advance(1_000);
    expect(held(bench)).toBe('a');
  });

  test('the others have their turn after the third failure, at once, and then all wait', async () => {
    const bench = await lost();
    const order: string[] = [];
    for (let turn = 0; turn < 7; turn++) {
      order.push(held(bench));
      over(bench, held(bench)).last.down('refused');
      const { state } = bench.connection;
      const delayMs = state.phase === 'waiting' ? state.delayMs : Number.NaN;
      order.push(delayMs === 0 ? '' : '.');
      await bench.clock.advance(delayMs);
    }
    expect(order.join('')).toBe('a.a.abc.ab');
  });

  test('another network is a cold one, where an attempt is raced after three times what one has taken', async () => {
    const bench = connectionBench({ transports: three() });
    bench.connection.start();
    await bench.clock.advance(200);
    over(bench, 'a').last.up();
    await bench.clock.advance(20_000);
    over(bench, 'a').last.down('lost');
    bench.connection.wake(true);
    await bench.clock.advance(599);
    expect(held(bench)).toBe('a');
    await bench.clock.advance(1);
    expect(held(bench)).toBe('ab');
  });
});

// a link of requests is refused where others are cut: between two polls there is nothing to cut
test.each(['lost', 'refused'] as const)(
  'a route whose links are cut again and again (%s) leaves its place to the next one',
  async (end) => {
    const bench = await dialled();
    for (let turn = 0; turn < 3; turn++) {
      over(bench, 'a').last.up();
      await bench.clock.advance(3_000);
      over(bench, 'a').last.down(end);
      expect(bench.connection.state).toMatchObject({ phase: 'waiting', delayMs: turn < 2 ? 1_000 : 0 });
      await bench.clock.advance(1_000);
    }
    expect(held(bench)).toBe('b');
    over(bench, 'b').last.up();
    expect(bench.connection.facts().blocked).toEqual(['a']);
  },
);

describe('on a worse route', () => {
  /** On b, because a was silent. */
  async function onSecond(options: BenchOptions = {}): Promise<Bench> {
    const bench = await dialled(options);
    await bench.clock.advance(1_000);
    over(bench, 'b').last.up();
    return bench;
  }

  test('the better one is tried again in the background, and takes over when it has proved itself', async () => {
    const bench = await onSecond();
    await bench.clock.advance(29_999);
    expect(held(bench)).toBe('b');
    await bench.clock.advance(1);
    expect([held(bench), bench.connection.current?.transport.name]).toEqual(['ab', 'b']);
    over(bench, 'a').last.up();
    expect(bench.connection.current?.transport.name).toBe('a');
    expect(bench.connection.facts().blocked).toEqual([]);
    await bench.clock.advance(2_000);
    expect(held(bench)).toBe('a');
    expect(decisions(bench).slice(-2)).toEqual(['promote a', 'proved a']);
  });

  test('at growing distances while it fails, and the link in use stays', async () => {
    const bench = await onSecond();
    const atMs: number[] = [];
    const startMs = bench.clock.now();
    let seen = over(bench, 'a').dials.length;
    for (let second = 0; second < 3_600; second++) {
      await bench.clock.advance(1_000);
      if (over(bench, 'a').dials.length === seen) continue;
      seen = over(bench, 'a').dials.length;
      atMs.push(bench.clock.now() - startMs);
      over(bench, 'a').last.down('unsupported');
    }
    const gaps = atMs.map((ms, index) => Math.round((ms - (atMs[index - 1] ?? 0)) / 10_000) * 10);
    expect(gaps.slice(0, 7)).toEqual([30, 60, 120, 240, 480, 600, 600]);
    expect(bench.connection.current?.id).toBe(2);
    expect(bench.connection.facts().blocked).toEqual(['a']);
  });

  test('it is not tried while the transport is chosen, and again when it no longer is', async () => {
    const bench = await onSecond();
    bench.routes.pin(1);
    bench.connection.reroute();
    await bench.clock.advance(600_000);
    expect(over(bench, 'a').dials).toHaveLength(1);
    bench.routes.pin(undefined);
    bench.connection.reroute();
    await bench.settle();
    expect(held(bench)).toBe('ab');
  });

  test('nothing of it is left after stop', async () => {
    const bench = await onSecond();
    bench.connection.stop();
    expect([held(bench), bench.clock.pending]).toEqual(['', 0]);
  });
});

describe('what was found out', () => {
  function keeping(text?: string): TextStore & { text: string | undefined } {
    const memory = {
      text,
      get: () => memory.text,
      set(value: string) {
        memory.text = value;
      },
    };
    return memory;
  }

  async function blockedOnce(): Promise<ReturnType<typeof keeping>> {
    const memory = keeping();
    const bench = await dialled({ remember: routeMemory(memory) });
    over(bench, 'a').last.down('refused');
    await bench.settle();
    over(bench, 'b').last.up();
    bench.connection.close();
    return memory;
  }

  test('is remembered by the next page: it begins with what works, and tries the other one in the background', async () => {
    const bench = await dialled({ remember: routeMemory(await blockedOnce()) });
    expect(held(bench)).toBe('b');
    expect(bench.connection.facts().blocked).toEqual(['a']);
    over(bench, 'b').last.up();
    await bench.clock.advance(35_000);
    expect(held(bench)).toBe('ab');
    over(bench, 'a').last.up();
    expect(bench.connection.facts().blocked).toEqual([]);
  });

  test('is forgotten after a day, with another network, and when it is not true any more', async () => {
    const memory = await blockedOnce();
    const old = memory.text?.replace(/"at":\d+/, (at) => `"at":${Number(at.slice(5)) - 86_400_001}`);
    expect(held(await dialled({ remember: routeMemory(keeping(old)) }))).toBe('a');

    const bench = await dialled({ remember: routeMemory(memory) });
    bench.connection.wake(true);
    expect(held(await dialled({ remember: routeMemory(memory) }))).toBe('a');
  });

  test.each(['', 'x', 'null', '5', '[]', '{"at":1}', '{"at":"now","strikes":{"a":1}}', '{"at":1700001000000,"strikes":null}'])(
    'is nothing when the memory has %j',
    async (text) => {
      expect(held(await dialled({ remember: routeMemory(keeping(text)) }))).toBe('a');
    },
  );

  test.each([-1, 1e9, 'a', null, {}])('does no harm when it counts %j', async (count) => {
    const text = JSON.stringify({ at: 1_700_001_000_000, strikes: { a: count, b: count, c: count, d: 1, ['__proto__']: 1 } });
    const bench = await dialled({ remember: routeMemory(keeping(text)) });
    expect(held(bench)).toHaveLength(1);
    over(bench, held(bench)).last.up();
    await bench.clock.advance(1_000_000);
    expect(over(bench, 'a').dials.length).toBeGreaterThan(0);
  });

  test('is found out anew where nothing can be kept', async () => {
    const broken: TextStore = {
      get() {
        throw new Error('denied');
      },
      set() {
        throw new Error('denied');
      },
    };
    const bench = await dialled({ remember: routeMemory(broken) });
    over(bench, 'a').last.down('refused');
    await bench.settle();
    over(bench, 'b').last.up();
    expect(bench.connection.facts().blocked).toEqual(['a']);
  });
});
