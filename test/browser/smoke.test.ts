import * as core from 'keepwire';
import * as devtools from 'keepwire/devtools';
import * as longPoll from 'keepwire/long-poll';
import * as memory from 'keepwire/memory';
import * as react from 'keepwire/react';
import * as socketIo from 'keepwire/socket-io';
import * as sse from 'keepwire/sse';
import * as testing from 'keepwire/testing';
import * as vanilla from 'keepwire/vanilla';
import * as websocket from 'keepwire/websocket';
import { expect, test } from 'vitest';

test.each(Object.entries({ core, devtools, longPoll, memory, react, socketIo, sse, testing, vanilla, websocket }))(
  'a page can import %s',
  (_, entry) => {
    expect(Object.values(entry)).toContainEqual(expect.any(Function));
  },
);

test('a worker can import the core and an adapter', async () => {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  });
  worker.terminate();
  expect(answer).toEqual(['function', 'function']);
});
