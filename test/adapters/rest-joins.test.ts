import { afterEach, describe, expect, test } from 'vitest';
import { sse } from '../../src/adapters/sse.ts';
import { jsonDialect, post } from '../../src/protocol/json-dialect.ts';
import type { JsonDialectOptions } from '../../src/protocol/json-options.ts';
import type { FetchLike } from '../../src/transport/http.ts';
import { dial } from '../support/contract-link.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** An SSE server with one stream for the user, where channels are joined by REST. */
async function open(options: JsonDialectOptions, answer: (path: string) => Response) {
  const posts: string[] = [];
  const fetch: FetchLike = async (url, { method, signal }) => {
    if (method === 'POST') {
      posts.push(url);
      return answer(url);
    }
    const body = new ReadableStream({
      start: (controller) => signal.addEventListener('abort', () => controller.error(new Error('aborted'))),
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  const dialect = jsonDialect({ join: (channel) => post(`/channels/${channel}/members`), ...options });
  const transport = sse({ url: 'http://server.test/stream', sendUrl: 'http://server.test/', dialect, fetch });
  const { link, sink, abort } = dial(transport, { channels: new Map() });
  cleanups.push(abort);
  await sink.isUp();
  return { link, sink, posts };
}

const join = { kind: 'join', channel: 'a' } as const;

describe('a join by REST', () => {
  test('counts when it was answered', async () => {
    const { link, sink, posts } = await open({}, () => Response.json({}, { status: 201 }));
    await link.send([join]);
    expect(posts).toEqual(['http://server.test/channels/a/members']);
    expect(sink.allFrames()).toEqual([{ kind: 'joined', channel: 'a' }]);
  });

  test('that is refused is a denial with the status, and is not tried again', async () => {
    const { link, sink, posts } = await open({}, () => Response.json({}, { status: 403 }));
    await link.send([join]);
    expect(sink.allFrames()).toMatchObject([{ kind: 'denied', channel: 'a', code: '403' }]);
    expect(posts).toHaveLength(1);
  });

  test('that is refused for a while fails, so that it is tried again', async () => {
    const { link, sink } = await open({}, () => Response.json({}, { status: 503 }));
    await expect(link.send([join])).rejects.toMatchObject({ code: 'refused' });
    expect(sink.allFrames()).toEqual([]);
  });

  test('has the answer that the dialect reads', async () => {
    const answers: JsonDialectOptions = { joinAnswer: (answer) => answer as { offset?: number; error?: string } };
    const first = await open(answers, () => Response.json({ offset: 5 }));
    await first.link.send([join]);
    expect(first.sink.allFrames()).toEqual([{ kind: 'joined', channel: 'a', offset: 5, epoch: '0' }]);
    const second = await open(answers, () => Response.json({ error: 'full' }));
    await second.link.send([join]);
    expect(second.sink.allFrames()).toMatchObject([{ kind: 'denied', channel: 'a', code: 'full' }]);
  });

  test('for which the server has no word is done at once', async () => {
    const { link, sink, posts } = await open({ join: (channel) => (channel === 'a' ? undefined : post('/x')) }, () =>
      Response.json({}),
    );
    await link.send([join]);
    expect(posts).toEqual([]);
    expect(sink.allFrames()).toEqual([{ kind: 'joined', channel: 'a' }]);
  });

  test('that the server answers by a message waits for that', async () => {
    const { link, sink } = await open({ joined: 'welcome_in' }, () => Response.json({}));
    await link.send([join]);
    expect(sink.allFrames()).toEqual([]);
  });
});

test('a send that is answered with a web page names the address as wrong', async () => {
  const { link } = await open(
    { publish: ({ data }) => post('/send', data) },
    () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
  );
  await expect(link.send([{ kind: 'publish', id: '1', channel: 'a', event: 'e', data: 1 }])).rejects.toMatchObject({
    code: 'connection-lost',
    message: expect.stringContaining('a web page (text/html) answered a request of sse (sendUrl)'),
    hint: expect.stringContaining('captive portal'),
  });
});
