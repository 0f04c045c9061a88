import { describe, expect, test } from 'vitest';
import { type MemoryClient, type MemoryServer, memory } from '../../src/adapters/memory.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { PublishFrame } from '../../src/protocol/frame.ts';
import { transportContract } from '../support/contract.ts';
import { dial } from '../support/contract-link.ts';
import { memoryContractServer } from '../support/contract-memory.ts';

transportContract('memory, answering by receipts', () => memoryContractServer('receipt'));
transportContract('memory, answering by frames', () => memoryContractServer('frame'));

const publish: PublishFrame = { kind: 'publish', id: 'p-1', channel: 'room', event: 'message', data: null };

/** A server that lets everybody in, and keeps the last client for the test to play with. */
function hospitable(capabilities: MemoryServer['capabilities'] = {}): MemoryServer & { client(): MemoryClient } {
  let last: MemoryClient | undefined;
  return {
    capabilities,
    accept(client) {
      last = client;
      client.send([{ kind: 'welcome', version: 1 }]);
    },
    client() {
      if (last === undefined) throw new Error('nobody has dialled');
      return last;
    },
  };
}

describe('memory', () => {
  test('the example of its documentation works', async () => {
    const server: MemoryServer = {
      accept(client, { joins }) {
        client.onframes = (frames) => frames.flatMap((f) => (f.kind === 'publish' ? [{ id: f.id, status: 'accepted' }] : []));
        client.send([{ kind: 'welcome', version: 1 }, ...joins.map(({ channel }) => ({ kind: 'joined' as const, channel }))]);
      },
    };
    const { link, sink } = dial(memory({ server }));
    await sink.isUp();
    expect(sink.allFrames()).toEqual([{ kind: 'joined', channel: 'room' }]);
    expect(await link.send([publish])).toEqual([{ id: 'p-1', status: 'accepted' }]);
  });

  test('frames cross as the values they are, in both directions', async () => {
    const server = hospitable();
    const { link, sink } = dial(memory({ server }));
    await sink.isUp();
    const down = { list: [() => 1, new Map()] };
    server.client().send([{ kind: 'event', channel: 'room', event: 'message', data: down }]);
    const [event] = await sink.untilEvents(1);
    expect(event?.data).toBe(down);
    const up: unknown[] = [];
    server.client().onframes = (frames) => {
      up.push(...frames);
      return undefined;
    };
    await link.send([publish]);
    expect(up[0]).toBe(publish);
  });

  test('nothing crosses in the same call', async () => {
    const server = hospitable();
    const { link, sink } = dial(memory({ server }));
    expect(() => server.client()).toThrow('nobody has dialled');
    await sink.isUp();
    const callCount = sink.calls.length;
    const taken: string[] = [];
    server.client().onframes = () => {
      taken.push('frames');
      return undefined;
    };
    server.client().send([{ kind: 'pong' }]);
    const sending = link.send([publish]);
    expect(sink.calls).toHaveLength(callCount);
    expect(taken).toEqual([]);
    expect(await sending).toEqual([{ id: 'p-1', status: 'sent' }]);
    expect(taken).toEqual(['frames']);
    expect(sink.calls.at(-1)).toMatchObject({ kind: 'frames', batch: [{ kind: 'pong' }] });
  });

  test('a server that throws refuses the client', async () => {
    const bug = new Error('bug');
    const server: MemoryServer = {
      accept() {
        throw bug;
      },
    };
    const { sink } = dial(memory({ server, name: 'loop' }));
    expect(await sink.isDown()).toMatchObject({ kind: 'refused', error: { code: 'refused', transport: 'loop', cause: bug } });
  });

  test('a handler that throws or rejects fails the send and not the link', async () => {
    const server = hospitable();
    const { link, sink } = dial(memory({ server }));
    await sink.isUp();
    server.client().onframes = () => {
      throw new Error('bug');
    };
    await expect(link.send([publish])).rejects.toMatchObject({ code: 'connection-lost', cause: { message: 'bug' } });
    server.client().onframes = () => Promise.reject(new RealtimeError('timeout', 'too slow'));
    await expect(link.send([publish])).rejects.toMatchObject({ code: 'timeout' });
    server.client().onframes = undefined;
    expect(await link.send([publish])).toEqual([{ id: 'p-1', status: 'sent' }]);
  });

  test.each(['abort', 'close'] as const)('a send that is never answered fails when the link ends by %s', async (end) => {
    const server = hospitable();
    const { link, sink, abort } = dial(memory({ server }));
    await sink.isUp();
    const taken = new Promise<void>((resolve) => {
      server.client().onframes = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const sending = link.send([publish]).catch((error: unknown) => error);
    await taken;
    if (end === 'abort') abort();
    else server.client().close();
    expect(await sending).toMatchObject({ code: 'connection-lost' });
  });

  test('a client learns the cause it is closed with, after all that was sent before, and nothing after', async () => {
    const server = hospitable();
    const { sink } = dial(memory({ server }));
    await sink.isUp();
    const client = server.client();
    const error = new RealtimeError('dismissed', 'the room was closed');
    client.send([{ kind: 'event', channel: 'room', event: 'last', data: 1 }]);
    client.close({ kind: 'dismissed', error });
    client.send([{ kind: 'event', channel: 'room', event: 'late', data: 2 }]);
    expect(await sink.isDown()).toEqual({ kind: 'dismissed', error });
    expect(client.signal.aborted).toBe(true);
    expect(sink.events().map(({ event }) => event)).toEqual(['last']);
  });

  test('the server says what it can do', async () => {
    const server = hospitable({ send: false, liveness: 'ping' });
    const transport = memory({ server, name: 'loop' });
    expect(transport.name).toBe('loop');
    expect(transport.capabilities).toEqual({
      send: false,
      ack: 'receipt',
      resume: 'channel',
      liveness: 'ping',
      joining: 'frame',
      reauth: false,
    });
    const { link, sink } = dial(transport);
    await sink.isUp();
    await expect(link.send([publish])).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('a server without accept is an invalid option', () => {
    expect(() => memory({ server: {} as MemoryServer })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect(() => memory({} as { server: MemoryServer })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});
