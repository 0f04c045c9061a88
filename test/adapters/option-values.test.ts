import { expect, test } from 'vitest';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { memory } from '../../src/adapters/memory.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import { createRealtime, dedupById, fullJitter, spreadRetry } from '../../src/index.ts';
import { httpPosts } from '../../src/transport/posts.ts';
import { scripted } from '../support/scripted-transport.ts';

/** What no option takes but a function, an object or a text of some sort. */
const values = {
  null: null,
  'not a number': Number.NaN,
  negative: -1,
  true: true,
  symbol: Symbol('x'),
  big: 10n,
  empty: '',
};
const others = { object: {}, list: [], text: 'x', function: () => {} };

const http = ['url', 'headers', 'token', 'fetch', 'credentials', 'dialect', 'sendTimeoutMs', 'statuses'];
const received = [...http, 'sendUrl', 'method', 'name', 'joining'];
const factories: Record<string, [make: (options: never) => unknown, right: object, options: readonly string[]]> = {
  websocket: [
    websocket,
    { url: '/x' },
    ['url', 'WebSocket', 'dialect', 'name', 'protocols', 'token', 'maxMessageBytes', 'closeCodes', 'posts'],
  ],
  sse: [sse, { url: '/x' }, [...received, 'streams', 'firstByteTimeoutMs', 'proof', 'maxEventBytes']],
  longPoll: [
    longPoll,
    { url: '/x' },
    [...received, 'waitMs', 'requestTimeoutMs', 'intervalMs', 'position', 'messages', 'nextCursor', 'maxBodyBytes'],
  ],
  socketIo: [
    socketIo,
    { url: '/x' },
    ['path', 'dialect', 'name', 'transports', 'auth', 'ackTimeoutMs', 'maxMessageBytes', 'disconnects', 'options', 'io', 'posts'],
  ],
  httpPosts: [httpPosts, { url: '/x' }, http],
  memory: [memory, { server: { accept: () => {} } }, ['server', 'name']],
  createRealtime: [
    createRealtime,
    { transports: [scripted('a')] },
    ['transports', 'events', 'auth', 'mode', 'retry', 'remember', 'connectTimeoutMs', 'drainMs', 'posts', 'liveness'].concat([
      'dedup',
      'reorder',
      'backfill',
      'outbox',
      'delivery',
      'probe',
      'platform',
    ]),
  ],
};

/** What these options do take of the values above. */
const taken: Record<string, readonly string[]> = {
  'websocket.url': ['object'],
  'createRealtime.auth': ['text', 'object', 'list'],
};

const cases = Object.entries(factories).flatMap(([name, [make, right, options]]) =>
  options.flatMap((option) => Object.entries(values).map(([what, value]) => ({ name, option, what, value, make, right }))),
);

test.each(cases)('$name refuses $option: $what, by name', ({ make, right, option, value }) => {
  const refused = expect.objectContaining({
    name: 'RealtimeError',
    code: 'invalid-option',
    message: expect.stringMatching(new RegExp(`${option}|the mode`)),
    hint: expect.stringMatching(/^It must be ./),
  });
  expect(() => make({ ...right, [option]: value } as never)).toThrow(refused);
});

test.each(cases.filter(({ what }) => what === 'null'))(
  '$name takes $option as a type that it can be, or refuses it in the same way',
  ({ name, make, right, option }) => {
    for (const [what, value] of Object.entries(others)) {
      let error: unknown;
      try {
        make({ ...right, [option]: value } as never);
      } catch (thrown) {
        error = thrown;
      }
      if (error !== undefined) expect.soft(error, what).toMatchObject({ code: 'invalid-option' });
      if (taken[`${name}.${option}`]?.includes(what)) expect.soft(error, what).toBeUndefined();
    }
  },
);

test.each([
  ['websocket', websocket, { token: 'cookie' }],
  ['websocket', websocket, { closeCodes: { 1000: 'gone' } }],
  ['websocket', websocket, { closeCodes: { 99: 'lost' } }],
  ['sse', sse, { token: 'subprotocol' }],
  ['sse', sse, { credentials: 'always' }],
  ['sse', sse, { joining: 'post' }],
  ['sse', sse, { proof: 'byte' }],
  ['sse', sse, { statuses: { 403: 'denied' } }],
  ['sse', sse, { statuses: { 1000: 'lost' } }],
  ['sse', sse, { method: 'HEAD' }],
  ['sse', sse, { body: 'x' }],
  ['longPoll', longPoll, { position: { in: 'path', name: 'after' } }],
  ['longPoll', longPoll, { position: { in: 'query' } }],
  ['longPoll', longPoll, { waitMs: 5, requestTimeoutMs: 5 }],
  ['socketIo', socketIo, { disconnects: { 'io server disconnect': 'gone' } }],
  ['socketIo', socketIo, { transports: ['carrier pigeon'] }],
])('%s refuses the word in %#: %o', (_, make, option) => {
  const [name = ''] = Object.keys(option).reverse();
  expect(() => make({ url: '/x', ...option } as never)).toThrow(
    expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(name) }),
  );
});

test.each([
  ['platform.newId', { platform: { newId: 5 } }],
  ['platform.clock', { platform: { clock: null } }],
  ['platform.random', { platform: { random: {} } }],
  ['outbox.storage', { outbox: { storage: {} } }],
  ['outbox.blocks', { outbox: { blocks: true } }],
  ['outbox.windowSize', { outbox: { windowSize: 0 } }],
])('createRealtime refuses options.%s', (name, option) => {
  expect(() => createRealtime({ transports: [scripted('a')], ...option } as never)).toThrow(`options.${name} is not valid`);
});

test('policies refuse numbers that cannot be right', () => {
  for (const make of [
    () => dedupById({ window: true as never }),
    () => spreadRetry({ maxMs: -1 }),
    () => fullJitter({ factor: 0 }),
  ]) {
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  }
});

test('the overflow of a loop is one of two words', () => {
  const realtime = createRealtime({ transports: [scripted('a')] });
  expect(() => realtime.channel('a').events('x', { overflow: 'drop' as never })).toThrow('overflow is not valid');
  realtime.close();
});
