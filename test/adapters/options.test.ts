import { describe, expect, test } from 'vitest';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { memory } from '../../src/adapters/memory.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import { httpPosts } from '../../src/transport/posts.ts';

const url = 'http://server.test';
const factories = {
  websocket: [websocket, { url }],
  sse: [sse, { url }],
  longPoll: [longPoll, { url }],
  socketIo: [socketIo, { url }],
  memory: [memory, { server: { accept: () => {} } }],
  httpPosts: [httpPosts, { url }],
} as unknown as Record<string, [(options?: unknown) => unknown, object]>;

describe.each(Object.entries(factories))('%s', (name, [factory, right]) => {
  test('takes what is right', () => {
    expect(factory(right)).toBeDefined();
  });

  test.each([undefined, null, 'http://server.test', 5])('refuses %s in place of options, by name', (options) => {
    expect(() => factory(options)).toThrow(
      expect.objectContaining({ name: 'RealtimeError', code: 'invalid-option', message: `${name}() was called without options` }),
    );
  });

  test('refuses an option that does not exist, and names those that do', () => {
    expect(() => factory({ ...right, ulr: url })).toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        message: `${name}() has no option ulr`,
        hint: expect.stringContaining(Object.keys(right)[0] ?? ''),
      }),
    );
    // what every object has is no option either
    expect(() => factory({ ...right, toString: url })).toThrow('has no option toString');
  });
});

test('an option of one adapter is none of another', () => {
  expect(() => sse({ url, intervalMs: 5 } as never)).toThrow('sse() has no option intervalMs');
  expect(() => longPoll({ url, proof: 'headers' } as never)).toThrow('longPoll() has no option proof');
});
