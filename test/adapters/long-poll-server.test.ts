import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { type LongPollOptions, longPoll } from '../../src/adapters/long-poll.ts';
import { type Dialled, dial } from '../support/contract-link.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const json = { 'content-type': 'application/json' };
/** Unlike `once` of node:events, not failed by a write that comes too late: that is what a cut is made of. */
const closed = (response: ServerResponse): Promise<void> => new Promise((resolve) => response.once('close', () => resolve()));
const welcome = '[{"kind":"welcome","version":1}]';

describe('long-poll against a real server', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  const serve = async (handler: Handler) => {
    const server = createServer(handler);
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
  };

  const start = (options: LongPollOptions): Dialled => {
    const dialled = dial(longPoll(options), { token: 'token-1' });
    closing.push(dialled.abort);
    return dialled;
  };

  test('a body that never ends is cut off at the limit', async () => {
    let cutOff: Promise<void> | undefined;
    const { url } = await serve((_, response) => {
      cutOff = closed(response);
      response.writeHead(200, json);
      const more = (): void => {
        while (!response.destroyed && response.write('"'.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    });
    const link = start({ url, maxBodyBytes: 100_000 });
    expect(await link.sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'too-large' } });
    await cutOff;
    expect(link.clock.pending()).toBe(0);
  });

  test('the limit counts bytes after decompression', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000, ' '));
    const { url } = await serve((_, response) => {
      response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(bomb);
    });
    expect(bomb.length).toBeLessThan(100_000);
    expect(await start({ url, maxBodyBytes: 100_000 }).sink.isDown()).toMatchObject({ error: { code: 'too-large' } });
  });

  test.each([
    ['503 with an endless body', 503, json],
    ['a page instead of JSON', 200, { 'content-type': 'text/html' }],
  ])('an answer that is not read is let go of: %s', async (_, status, headers) => {
    let cutOff: Promise<void> | undefined;
    const { url } = await serve((_request, response) => {
      cutOff = closed(response);
      response.writeHead(status, headers).write('an end is not in sight');
    });
    await start({ url }).sink.isDown();
    await cutOff;
  });

  test('an abort frees the poll that the server holds', async () => {
    const polls: ServerResponse[] = [];
    let held: (response: ServerResponse) => void;
    const holding = new Promise<ServerResponse>((resolve) => {
      held = resolve;
    });
    const { url } = await serve((_, response) => {
      polls.push(response);
      if (polls.length === 1) response.writeHead(200, json).end(welcome);
      else held(response);
    });
    const link = start({ url });
    const response = await holding;
    link.abort();
    await closed(response);
    expect(response.writableEnded).toBe(false);
    expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
    expect(link.clock.pending()).toBe(0);
  });

  test('polls use their connections again, and keep the order', async () => {
    let count = 0;
    const { url, connections } = await serve((_, response) => {
      count += 1;
      response.writeHead(200, json);
      response.end(count === 1 ? welcome : JSON.stringify([{ kind: 'event', channel: 'room', event: 'message', offset: count }]));
    });
    const link = start({ url });
    const events = await link.sink.untilEvents(4);
    link.abort();
    expect(events.slice(0, 4).map(({ offset }) => offset)).toEqual([2, 3, 4, 5]);
    // the pool of Node may open a second one while the first is between two requests
    expect(connections()).toBeLessThanOrEqual(2);
  });

  test('a redirect is not followed, so the token reaches nobody else', async () => {
    let visits = 0;
    const other = await serve((_, response) => {
      visits += 1;
      response.writeHead(200, json).end(welcome);
    });
    const { url } = await serve((_, response) => {
      response.writeHead(307, { location: other.url }).end();
    });
    expect(await start({ url }).sink.isDown()).toMatchObject({ kind: 'unsupported' });
    expect(visits).toBe(0);
  });

  test('sends travel while a poll is held, and those of one tick together', async () => {
    const posts: { client: string; frames: { id: string }[] }[] = [];
    let polls = 0;
    const { url } = await serve((request, response) => {
      if (request.method === 'GET') {
        polls += 1;
        if (polls === 1) response.writeHead(200, json).end(welcome);
        return;
      }
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const post = JSON.parse(body) as (typeof posts)[number];
        posts.push(post);
        response.writeHead(200, json).end(JSON.stringify(post.frames.map(({ id }) => ({ kind: 'ack', id, offset: 7 }))));
      });
    });
    const link = start({ url: `${url}/poll`, sendUrl: new URL(`${url}/send`) });
    await link.sink.isUp();
    const publish = (id: string) => link.link.send([{ kind: 'publish', id, channel: 'room', event: 'message', data: null }]);
    const receipts = await Promise.all([publish('p-1'), publish('p-2')]);
    expect(receipts).toMatchObject([[{ id: 'p-1', status: 'accepted', offset: 7 }], [{ id: 'p-2', status: 'accepted' }]]);
    expect(posts).toMatchObject([{ client: 'client-1', frames: [{ id: 'p-1' }, { id: 'p-2' }] }]);
  });

  test('304 from a server that compares the tag itself', async () => {
    const statuses: number[] = [];
    const { url } = await serve((request, response) => {
      // as Express and others do: `no-cache` asks for a whole answer
      const isFresh = request.headers['if-none-match'] === '"1"' && !/no-cache/.test(request.headers['cache-control'] ?? '');
      statuses.push(isFresh ? 304 : 200);
      response.writeHead(isFresh ? 304 : 200, { ...json, etag: '"1"' }).end(isFresh ? undefined : '["the list"]');
    });
    const dialect = {
      name: 'plain',
      traits: {
        greets: false,
        joinsInHello: false,
        answersJoins: false,
        acks: false,
        resume: 'none',
        pings: false,
        reauth: false,
      },
      decode: (data: unknown) => [{ kind: 'event', channel: 'room', event: 'list', data } as const],
      encode: () => [],
    } as const;
    const link = start({ url, dialect });
    await link.sink.until(() => link.sink.calls.filter(({ kind }) => kind === 'alive').length === 3);
    link.abort();
    expect(statuses.slice(0, 4)).toEqual([200, 304, 304, 304]);
    expect(link.sink.events()).toHaveLength(1);
  });
});
