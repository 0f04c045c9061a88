import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createListStore } from '../../src/channel/live-list-store.ts';
import { mergeMembers } from '../../src/channel/members.ts';
import { createRealtime, type Dialect, jsonDialect, type ServerFrame } from '../../src/index.ts';
import { monitor } from '../../src/monitor/monitor.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { readFrames, readMessage, readSend } from '../../src/tabs/wire.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { decodeMessage } from '../../src/transport/link.ts';
import { scripted } from '../support/scripted-transport.ts';

/** Names that mean something to the language. */
const nasty = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'then'];

const dialects: readonly Dialect[] = [
  keepwireDialect,
  jsonDialect({ join: (channel) => ({ join: channel }) }),
  jsonDialect({
    name: 'paths',
    event: 'a.event',
    channel: 'a.channel',
    data: 'a.data',
    id: 'a.id',
    offset: 'a.offset',
    epoch: 'a.epoch',
    cursor: 'a.cursor',
    at: 'a.at',
    from: 'a.from',
    joined: 'joined',
    left: 'left',
    ack: { id: 'ack.id', error: 'ack.error' },
    error: { when: 'error' },
    ping: () => ({ ping: true }),
    pong: 'pong',
  }),
];

/** What `Object.prototype` and its like are made of. */
function prototypes(): unknown {
  return [Object.prototype, Array.prototype, Function.prototype, Map.prototype, Error.prototype].map((prototype) =>
    Reflect.ownKeys(prototype).map((key) => [key, Reflect.getOwnPropertyDescriptor(prototype, key)]),
  );
}

const name = fc.oneof(fc.constantFrom(...nasty), fc.string());
/** Anything that JSON can say, with nasty keys at any depth: made as text, since a literal would set the prototype. */
const json = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    name.map((text) => JSON.stringify(text)),
    fc.constantFrom('null', 'true', '1', '-1', '1e308', '"x"'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items}]`),
    fc
      .array(fc.tuple(fc.oneof(name, fc.constantFrom('kind', 'channel', 'event', 'id', 'data', 'a', 'type')), tie('value')), {
        maxLength: 5,
      })
      .map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`)}}`),
  ),
})).value;

describe.each(dialects)('the $name dialect', (dialect) => {
  test('reads whatever JSON can say, and changes no prototype', () => {
    const before = prototypes();
    fc.assert(
      fc.property(json, fc.option(name, { nil: undefined }), (text, event) => {
        const frames = decodeMessage(dialect, text, event, event);
        for (const frame of frames) expect(typeof frame.kind).toBe('string');
      }),
      { numRuns: 500 },
    );
    expect(prototypes()).toEqual(before);
    expect(Object.keys(Object.create({}))).toEqual([]);
  });
});

test('what another tab says is read with the same care', () => {
  const before = prototypes();
  fc.assert(
    fc.property(json, (text) => {
      const value = JSON.parse(text) as unknown;
      readMessage(value);
      readFrames(value);
      readSend(text);
    }),
    { numRuns: 500 },
  );
  expect(prototypes()).toEqual(before);
});

/** A manager with a channel and an event of each nasty name. */
async function open(names: readonly string[]) {
  const clock = manualClock();
  const server = scripted('wire');
  const watch = monitor();
  const realtime = createRealtime({ transports: [server], platform: { clock }, probe: watch });
  onTestFinished(() => realtime.close());
  const got: (readonly [channel: string, event: string, data: unknown])[] = [];
  const faults: unknown[] = [];
  realtime.on('fault', (fault) => faults.push(fault));
  for (const channel of names)
    for (const event of names) realtime.channel(channel).on(event, (data) => got.push([channel, event, data]));
  realtime.start();
  await clock.advance(0);
  server.last.up({ joining: [...names] });
  return { clock, server, watch, realtime, got, faults };
}

test('channels, events and members may have any name: each reaches its own handler, and no other', async () => {
  const before = prototypes();
  const { clock, server, watch, realtime, got, faults } = await open(nasty);
  const frames = nasty.flatMap((channel): ServerFrame[] => [
    { kind: 'joined', channel, epoch: '__proto__', offset: 0 },
    ...nasty.map((event, index): ServerFrame => ({ kind: 'event', channel, event, data: index, id: event, offset: index + 1 })),
    { kind: 'presence', channel, sync: true, members: nasty.map((key) => ({ key, data: { [key]: key } })) },
  ]);
  server.last.frames(frames, '__proto__');
  server.last.frames([
    { kind: 'event', channel: 'nobody', event: 'toString', data: 1 },
    { kind: 'ack', id: 'constructor' },
    { kind: 'reject', id: '__proto__', code: 'toString' },
    { kind: 'left', channel: 'hasOwnProperty' },
  ]);
  await clock.advance(1_000);
  expect(got).toEqual(nasty.flatMap((channel) => nasty.map((event, index) => [channel, event, index])));
  expect(faults).toEqual([]);
  expect(realtime.channel('constructor').members.get()).toHaveLength(nasty.length);
  expect(realtime.metrics().unwanted).toBe(1);
  expect(
    watch.snapshot
      .get()
      .channels.map(({ name: channel }) => channel)
      .sort(),
  ).toEqual([...nasty, 'nobody'].sort());
  expect(prototypes()).toEqual(before);
});

test('an event of the server can fake no event of the manager', async () => {
  const names = ['error', 'fault', 'status', 'gap', 'open', 'message', 'connect', 'disconnect', 'identity', '*'];
  const { clock, server, realtime, got, faults } = await open(names);
  const own: unknown[] = [];
  for (const event of ['status', 'gap', 'identity', 'late', 'invalid'] as const) realtime.on(event, (value) => own.push(value));
  server.last.frames(names.map((event) => ({ kind: 'event', channel: 'error', event, data: event })));
  await clock.advance(0);
  expect(got.filter(([, event]) => event !== '*')).toHaveLength(names.length - 1);
  expect([own, faults]).toEqual([[], []]);
});

test('lists are kept by any key', () => {
  const before = prototypes();
  const members = mergeMembers([], { kind: 'presence', channel: 'c', sync: true, members: nasty.map((key) => ({ key })) });
  expect(members.map(({ key }) => key)).toEqual(nasty);
  const store = createListStore<{ id: string }>({ key: ({ id }) => id });
  store.loaded(
    nasty.map((id) => ({ id })),
    false,
    true,
  );
  expect(store.entries()).toHaveLength(nasty.length);
  expect(prototypes()).toEqual(before);
});

test('the schemas of the application are looked up by own names only', async () => {
  const clock = manualClock();
  const server = scripted('wire');
  const realtime = createRealtime({ transports: [server], platform: { clock }, events: {} });
  onTestFinished(() => realtime.close());
  const invalid: string[] = [];
  realtime.on('invalid', ({ event }) => invalid.push(event));
  realtime.channel('c');
  realtime.start();
  await clock.advance(0);
  server.last.up({ joining: ['c'] });
  server.last.frames(nasty.map((event) => ({ kind: 'event', channel: 'c', event, data: 1 })));
  await clock.advance(0);
  expect(invalid).toEqual(nasty);
});
