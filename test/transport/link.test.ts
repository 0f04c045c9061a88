import { describe, expect, test } from 'vitest';
import { RealtimeError } from '../../src/errors.ts';
import type { Dialect, DialectTraits } from '../../src/protocol/dialect.ts';
import type { ClientFrame, EventFrame, Position, ServerFrame } from '../../src/protocol/frame.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { openGate } from '../../src/transport/link.ts';
import type { DownCause, LinkRequest } from '../../src/transport/transport.ts';
import { causeOf } from '../support/scripted-transport.ts';

const event = (offset: number): EventFrame => ({ kind: 'event', channel: 'lobby', event: 'move', data: null, offset });
const welcome = { kind: 'welcome', version: 1, session: 's', heartbeatMs: 5, user: 'ada' } as const;
const publish = (id: string): ClientFrame => ({ kind: 'publish', id, channel: 'lobby', event: 'move', data: 1 });

function setup({
  traits = {},
  aborted = false,
  channels = new Map<string, Position | undefined>([['lobby', undefined]]),
  onUp = (): void => {},
}: {
  traits?: Partial<DialectTraits>;
  aborted?: boolean;
  channels?: Map<string, Position | undefined>;
  onUp?: (abort: () => void) => void;
} = {}) {
  const controller = new AbortController();
  if (aborted) controller.abort();
  const dialect: Dialect = { ...keepwireDialect, traits: { ...keepwireDialect.traits, ...traits } };
  const request: LinkRequest = {
    signal: controller.signal,
    client: 'client-1',
    credentials: { token: 'secret' },
    channels,
    cursor: undefined,
    clock: manualClock(),
  };
  const calls: string[] = [];
  const frames: ServerFrame[] = [];
  const causes: DownCause[] = [];
  const ups: unknown[] = [];
  const gate = openGate('wire', dialect, request, {
    up(info) {
      calls.push('up');
      ups.push(info);
      onUp(() => controller.abort());
    },
    frames(batch, cursor) {
      calls.push(
        `frames ${batch.map((frame) => ('offset' in frame ? frame.offset : frame.kind)).join(',')}${cursor ? ` @${cursor}` : ''}`,
      );
      frames.push(...batch);
    },
    alive: () => calls.push('alive'),
    down(cause) {
      calls.push(`down ${cause.kind}`);
      causes.push(cause);
    },
  });
  return { gate, calls, frames, causes, ups, abort: () => controller.abort(), channels };
}

/** Lets `connect` return: before that the sink must not be called. */
const returned = (): Promise<void> => Promise.resolve();

describe('a link whose server greets', () => {
  test('is up with the welcome, not with the carrier, and tells what it said', async () => {
    const { gate, calls, ups } = setup();
    await returned();
    gate.opened({ claimsRecovered: true });
    expect(calls).toEqual([]);
    gate.deliver([welcome]);
    expect(calls[0]).toBe('up');
    expect(ups).toEqual([
      { joining: ['lobby'], greeted: true, session: 's', heartbeatMs: 5, user: 'ada', claimsRecovered: true },
    ]);
  });

  test('gives what follows the welcome in the same batch on, after it', async () => {
    const { gate, calls } = setup();
    await returned();
    gate.opened();
    gate.deliver([welcome, event(1), event(2)], '2');
    gate.deliver([event(3)], '3');
    expect(calls).toEqual(['up', 'frames 1,2 @2', 'frames 3 @3']);
  });

  test('that is sent on before the greeting refuses', async () => {
    const { gate } = setup();
    const link = gate.link(async () => []);
    await returned();
    await expect(link.send([publish('a')])).rejects.toMatchObject({ code: 'closed', transport: 'wire' });
    gate.opened();
    await expect(link.send([publish('a')])).rejects.toMatchObject({ code: 'closed' });
  });

  test.each([
    ['something else', [event(1)], 'protocol', 'protocol'],
    ['something else before the welcome', [event(1), welcome], 'protocol', 'protocol'],
    ['something that cannot be read', [{ kind: 'garbled', message: 'x', cause: 'why' } as const], 'protocol', 'protocol'],
    ['a refusal', [{ kind: 'auth', status: 'refused', message: 'too old' } as const], 'unauthorized', 'unauthorized'],
    ['an expiry among other things', [event(1), { kind: 'auth', status: 'expired' } as const], 'unauthorized', 'unauthorized'],
  ] as const)('ends when it begins with %s', async (_, first, kind, code) => {
    const { gate, calls, causes } = setup();
    await returned();
    gate.opened();
    gate.deliver(first);
    expect(calls).toEqual([`down ${kind}`]);
    expect(causes[0]).toMatchObject({ error: { code, transport: 'wire' } });
    expect(gate.signal.aborted).toBe(true);
  });

  test('is not refused by a word of acceptance', async () => {
    const { gate, calls } = setup();
    await returned();
    gate.opened();
    gate.deliver([{ kind: 'auth', status: 'accepted' }]);
    expect(calls).toEqual(['down protocol']);
  });

  test('waits on when a message has nothing in it', async () => {
    const { gate, calls } = setup();
    await returned();
    gate.opened();
    gate.deliver([]);
    gate.receive('[]');
    gate.alive();
    expect(calls).toEqual([]);
  });
});

describe('a link whose server does not greet', () => {
  test('is up with the carrier', async () => {
    const { gate, calls, ups } = setup({ traits: { greets: false } });
    await returned();
    gate.opened({ session: 'own' });
    gate.opened();
    expect(calls).toEqual(['up']);
    expect(ups).toEqual([{ joining: ['lobby'], greeted: false, session: 'own' }]);
  });

  test('whose joins do not travel with the first flight has joined nothing', async () => {
    const { gate, ups } = setup({ traits: { greets: false, joinsInHello: false } });
    await returned();
    gate.opened();
    expect(ups).toMatchObject([{ joining: [] }]);
  });
});

describe('what arrives', () => {
  async function up(traits: Partial<DialectTraits> = {}) {
    const parts = setup({ traits });
    await returned();
    parts.gate.opened();
    if (traits.greets !== false) parts.gate.deliver([welcome]);
    parts.calls.length = 0;
    parts.frames.length = 0;
    return parts;
  }

  test('is decoded, and a message that cannot be read does not end the link', async () => {
    const { gate, calls, frames } = await up();
    gate.receive(JSON.stringify([event(1)]), undefined, '7');
    gate.receive('{not json');
    gate.receive(JSON.stringify(event(2)));
    expect(calls).toEqual(['frames 1 @7', 'frames garbled', 'frames 2']);
    expect(frames[1]).toMatchObject({ kind: 'garbled', message: expect.stringContaining('keepwire') });
  });

  test('and means nothing is a sign of life', async () => {
    const { gate, calls } = await up();
    gate.receive('[]');
    gate.receive(JSON.stringify({ kind: 'of a newer version' }));
    gate.alive();
    expect(calls).toEqual(['alive', 'alive', 'alive']);
  });

  test('and has only an id still moves the cursor', async () => {
    const { gate, calls } = await up();
    gate.receive('[]', undefined, '9');
    expect(calls).toEqual(['frames  @9']);
  });

  test('after the end is not heard', async () => {
    const { gate, calls } = await up();
    gate.down(causeOf('lost'));
    gate.deliver([event(1)]);
    gate.receive(JSON.stringify([welcome]));
    gate.alive();
    gate.opened();
    gate.down(causeOf('forbidden'));
    expect(calls).toEqual(['down lost']);
  });
});

describe('the end of a link', () => {
  test('is told once, and fires the signal of the carrier', async () => {
    const { gate, calls, abort } = setup();
    await returned();
    expect(gate.signal.aborted).toBe(false);
    const cause = causeOf('refused', { retryAfterMs: 5 });
    gate.down(cause);
    gate.down(causeOf('lost'));
    abort();
    expect(calls).toEqual(['down refused']);
    expect(gate.signal.aborted).toBe(true);
  });

  test('by our abort is told at once, as that', async () => {
    const { gate, calls, abort } = setup();
    await returned();
    abort();
    expect(calls).toEqual(['down aborted']);
    expect(gate.signal.aborted).toBe(true);
  });

  test.each(['before', 'during'])('by an abort %s connect is told after connect has returned', async (when) => {
    const { gate, calls, abort } = setup({ aborted: when === 'before' });
    if (when === 'during') abort();
    expect([calls, gate.signal.aborted]).toEqual([[], true]);
    gate.opened();
    gate.deliver([welcome]);
    for (let turn = 0; turn < 3; turn++) await returned();
    expect(calls).toEqual(['down aborted']);
  });

  test('that the listener of up asks for is the end: nothing that follows is heard', async () => {
    const { gate, calls } = setup({ traits: { answersJoins: false }, onUp: (abort) => abort() });
    await returned();
    gate.opened();
    gate.deliver([welcome, event(1)]);
    expect(calls).toEqual(['up', 'down aborted']);
  });

  test('makes sends refuse', async () => {
    const { gate } = setup({ traits: { greets: false } });
    const link = gate.link(async () => []);
    await returned();
    gate.opened();
    gate.down(causeOf('lost'));
    await expect(link.send([publish('a')])).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('sending', () => {
  async function up(transmit: Parameters<ReturnType<typeof setup>['gate']['link']>[0], traits: Partial<DialectTraits> = {}) {
    const parts = setup({ traits: { greets: false, ...traits }, channels: new Map() });
    const link = parts.gate.link(transmit);
    await returned();
    parts.gate.opened();
    return { ...parts, link };
  }

  test('gives the frames and the receipts on as they are', async () => {
    const receipts = [{ id: 'a', status: 'accepted' as const, offset: 4 }];
    const sent: unknown[] = [];
    const { link } = await up(async (frames) => {
      sent.push(frames);
      return receipts;
    });
    expect(await link.send([publish('a')])).toEqual(receipts);
    expect(sent).toEqual([[publish('a')]]);
  });

  test('refuses what the dialect has no message for, in the order of the sends', async () => {
    const { link } = await up(async () => [{ id: 'b', status: 'accepted' }]);
    expect(await link.send([publish('a'), { kind: 'ping' }, publish('b'), publish('c')])).toMatchObject([
      { id: 'a', status: 'rejected', code: 'unsupported' },
      { id: 'b', status: 'accepted' },
      { id: 'c', status: 'rejected', code: 'unsupported' },
    ]);
  });

  test('gives a failure on as it is', async () => {
    const error = new RealtimeError('connection-lost', 'cut');
    const { link } = await up(async () => {
      throw error;
    });
    await expect(link.send([publish('a')])).rejects.toBe(error);
  });

  test('counts a join as done when it was sent, where the server does not answer joins', async () => {
    const { link, frames, gate } = await up(async () => [], { answersJoins: false });
    const join = (channel: string): ClientFrame => ({ kind: 'join', channel });
    await link.send([join('a'), { kind: 'leave', channel: 'b' }, join('c')]);
    expect(frames).toEqual([
      { kind: 'joined', channel: 'a' },
      { kind: 'joined', channel: 'c' },
    ]);
    await link.send([{ kind: 'ping' }]);
    expect(frames).toHaveLength(2);
    const sending = link.send([join('d')]);
    gate.down(causeOf('lost'));
    await sending;
    expect(frames).toHaveLength(2);
  });

  test('waits for the answer where the server answers joins', async () => {
    const { link, frames } = await up(async () => []);
    await link.send([{ kind: 'join', channel: 'a' }]);
    expect(frames).toEqual([]);
  });

  test('a join that could not be sent is not done', async () => {
    const { link, frames } = await up(
      async () => {
        throw new RealtimeError('connection-lost', 'cut');
      },
      { answersJoins: false },
    );
    await expect(link.send([{ kind: 'join', channel: 'a' }])).rejects.toThrow('cut');
    expect(frames).toEqual([]);
  });
});

describe('joins with the first flight', () => {
  test('count as done with the link, where the server does not answer joins', async () => {
    const { gate, calls, frames } = setup({ traits: { answersJoins: false } });
    await returned();
    gate.opened();
    gate.deliver([welcome, event(1)]);
    expect(calls).toEqual(['up', 'frames joined', 'frames 1']);
    expect(frames[0]).toEqual({ kind: 'joined', channel: 'lobby' });
  });

  test('are not made up where the server answers, nor where there are none', async () => {
    for (const parts of [setup(), setup({ traits: { answersJoins: false }, channels: new Map() })]) {
      await returned();
      parts.gate.opened();
      parts.gate.deliver([welcome]);
      expect(parts.frames).toEqual([]);
    }
  });
});

test('the greeting has the token, and the positions of the moment', () => {
  const { gate, channels } = setup();
  channels.set('numbered', { epoch: 'e', offset: 0 });
  channels.set('opaque', 'c1');
  expect(gate.greeting()).toEqual({
    token: 'secret',
    client: 'client-1',
    waitMs: undefined,
    joins: [
      { kind: 'join', channel: 'lobby' },
      { kind: 'join', channel: 'numbered', epoch: 'e', offset: 0 },
      { kind: 'join', channel: 'opaque', cursor: 'c1' },
    ],
  });
  channels.clear();
  expect(gate.greeting().joins).toEqual([]);
});
