import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type ContractServer, transportContract } from '../../src/testing/index.ts';
import type { LinkSink, Transport } from '../../src/transport/transport.ts';
import { memoryContractServer } from '../support/contract-memory.ts';
import { ndjsonContractServer } from '../support/contract-ndjson.ts';

transportContract({ name: 'the fifth transport of the guide', open: ndjsonContractServer, test, describe });

test.each([
  ['docs/guide/transport.md', 'examples/transport/ndjson.ts'],
  ['docs/guide/testing.md', 'test/testing/msw.test.ts'],
])('%s shows %s as it is', async (guide, file) => {
  const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  expect(await read(guide)).toContain(await read(file));
});

/** The cases of the suite by name, for a server whose transports are spoiled. */
function cases(spoil: (transport: Transport) => Transport): Map<string, () => Promise<void>> {
  const found = new Map<string, () => Promise<void>>();
  const open = async (): Promise<ContractServer> => {
    const server = await memoryContractServer();
    return { ...server, transport: () => spoil(server.transport()) };
  };
  transportContract({ name: 'x', open, test: (name, run) => found.set(name.replace(/^.*?: \d [^:]*: /, ''), run) });
  return found;
}

/** A transport that tells its sink something else than the inner one does. */
function telling(change: (sink: LinkSink, signal: AbortSignal) => Partial<LinkSink>): (transport: Transport) => Transport {
  return (transport) => ({
    ...transport,
    connect: (request, sink) => transport.connect(request, { ...sink, ...change(sink, request.signal) }),
  });
}

describe('the suite notices', () => {
  test.each<[what: string, name: string, spoil: (transport: Transport) => Transport]>([
    [
      'a second up',
      'up comes first and down last, each once',
      telling(({ up }) => ({
        up(info) {
          up(info);
          up(info);
        },
      })),
    ],
    [
      'frames after down',
      'nothing comes after down, though the server goes on sending',
      telling(({ down, frames }) => ({
        down(cause) {
          down(cause);
          queueMicrotask(() => frames([]));
        },
      })),
    ],
    [
      'a call inside of connect',
      'connect returns before the first call, also for a signal that has fired',
      (transport) => ({
        ...transport,
        connect(request, sink) {
          sink.alive();
          return transport.connect(request, sink);
        },
      }),
    ],
    [
      'frames in another order',
      'a batch of 1,000 frames arrives whole and in order',
      telling(({ frames }) => ({ frames: (batch, cursor) => frames([...batch].reverse(), cursor) })),
    ],
    [
      'a retry',
      'a link that was answered with unavailable is not dialled again',
      (transport) => ({
        ...transport,
        connect(request, sink) {
          let again = true;
          return transport.connect(request, {
            ...sink,
            down(cause) {
              if (again) transport.connect(request, { ...sink, down: () => {} });
              again = false;
              sink.down(cause);
            },
          });
        },
      }),
    ],
    [
      'deduplication',
      'the same frame twice arrives twice',
      telling(({ frames }) => {
        const seen = new Set<string>();
        return {
          frames(batch, cursor) {
            const fresh = batch.filter((frame) => !seen.has(JSON.stringify(frame)));
            for (const frame of fresh) seen.add(JSON.stringify(frame));
            if (fresh.length) frames(fresh, cursor);
            else setImmediate(() => frames([{ kind: 'event', channel: 'room', event: 'filler', data: 0 }]));
          },
        };
      }),
    ],
    [
      'a memory',
      'nothing is remembered from one link to the next',
      (transport) => {
        let first: ReadonlyMap<string, undefined> | undefined;
        return {
          ...transport,
          connect(request, sink) {
            first ??= new Map([...request.channels.keys()].map((name) => [name, undefined]));
            return transport.connect({ ...request, channels: first }, sink);
          },
        };
      },
    ],
    [
      'a timer that is left',
      'while it is up',
      (transport) => ({
        ...transport,
        connect(request, sink) {
          request.clock.schedule(() => {}, 1_000);
          return transport.connect(request, sink);
        },
      }),
    ],
    [
      'a send that is taken before up',
      'is refused before up and after down',
      (transport) => ({
        ...transport,
        connect(request, sink) {
          transport.connect(request, sink);
          return { send: async () => [] };
        },
      }),
    ],
    [
      'an acceptance that nobody gave',
      'accepted and rejected are the word of the server',
      (transport) => ({
        ...transport,
        connect(request, sink) {
          const link = transport.connect(request, sink);
          return {
            async send(frames) {
              const receipts = await link.send(frames);
              return receipts.map(({ id }) => ({ id, status: 'accepted' }));
            },
          };
        },
      }),
    ],
    [
      'a token in an error',
      'unauthorized: the cause says so, and never the token',
      (transport) => ({
        ...transport,
        connect: (request, sink) =>
          transport.connect(request, {
            ...sink,
            down(cause) {
              if (cause.kind !== 'aborted')
                Object.defineProperty(cause.error, 'hidden', { value: { at: [request.credentials] } });
              sink.down(cause);
            },
          }),
      }),
    ],
    [
      'another cause',
      'forbidden: the cause says so, and never the token',
      telling(({ down }) => ({
        down: (cause) => down(cause.kind === 'forbidden' ? { ...cause, kind: 'lost' } : cause),
      })),
    ],
    [
      'positions of an earlier moment',
      'reads the positions of the moment, not those of an earlier link',
      (transport) => {
        let frozen: Map<string, Parameters<Transport['connect']>[0]['channels'] extends ReadonlyMap<string, infer P> ? P : never>;
        return {
          ...transport,
          connect(request, sink) {
            frozen ??= new Map(request.channels);
            return transport.connect({ ...request, channels: frozen }, sink);
          },
        };
      },
    ],
  ])('%s', async (_, name, spoil) => {
    const run = cases(spoil).get(name);
    await expect(run?.()).rejects.toThrow();
    // and the case passes where nothing is spoiled
    await cases((transport) => transport).get(name)?.();
  });
});

test('a case that a carrier cannot show is left out, and groups are optional', () => {
  const names = (gaps: object): string[] => {
    const found: string[] = [];
    transportContract({ name: 'x', open: memoryContractServer, gaps, test: (name) => found.push(name) });
    return found;
  };
  const all = names({});
  expect(all[0]).toBe('transport contract: x: 1 the order of the calls: up comes first and down last, each once');
  expect(new Set(all).size).toBe(all.length);
  const without = names({ end: 'none', cut: 'none', garbage: 'none', retryAfter: 'none' });
  expect(all.filter((name) => !without.includes(name))).toHaveLength(8);
});
