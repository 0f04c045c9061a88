import { describe, expect, onTestFinished, test } from 'vitest';
import { createRealtime, emit, jsonDialect, post, type RealtimeOptions } from '../../src/index.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { httpPosts } from '../../src/transport/posts.ts';
import { scripted } from '../support/scripted-transport.ts';

const dialect = jsonDialect({
  publish: ({ channel, event, data, id }) =>
    event === 'typing' ? emit('typing', { channel }) : post(`/rooms/${channel}`, { data, id }),
});

/** A manager whose links the test plays, and a REST server beside it. */
function rig(answer: (token: string | undefined) => number = () => 200, options: Partial<RealtimeOptions> = {}) {
  const clock = manualClock();
  const transport = scripted('socket');
  const posted: unknown[] = [];
  let release: (() => void) | undefined;
  let isHeld = false;
  const realtime = createRealtime({
    transports: [transport],
    retry: () => 1_000,
    platform: { clock, random: () => 0 },
    posts: httpPosts({
      url: 'http://server.test/',
      dialect,
      async fetch(url, { body, headers }) {
        posted.push([url, JSON.parse(body ?? ''), headers['authorization']]);
        if (isHeld) await new Promise<void>((resolve) => (release = resolve));
        return Response.json({ stored: true }, { status: answer(headers['authorization']) });
      },
    }),
    ...options,
  });
  onTestFinished(() => realtime.close());
  realtime.start();
  return {
    clock,
    transport,
    posted,
    realtime,
    hold: () => {
      isHeld = true;
    },
    release: () => {
      isHeld = false;
      release?.();
    },
    /** As many turns of the microtask queue as a send may need. */
    settle: async () => {
      for (let turn = 0; turn < 50; turn++) await clock.advance(0);
    },
  };
}

describe('sends by REST while there is no link', () => {
  test('go after an attempt has failed, and not before', async () => {
    const { realtime, transport, posted, settle } = rig();
    const answer = realtime.channel('a').request('say', 'hi', { id: 'one' });
    await settle();
    expect(posted).toEqual([]);
    transport.last.down('refused');
    await settle();
    expect(posted).toEqual([['http://server.test/rooms/a', { data: 'hi', id: 'one' }, undefined]]);
    expect(await answer).toEqual({ stored: true });
    expect(realtime.status.get().status).toBe('connecting');
  });

  test('go also while the next attempt is under way', async () => {
    const { realtime, transport, posted, clock, settle } = rig();
    await settle();
    transport.last.down('refused');
    await clock.advance(1_000);
    expect(transport.dials).toHaveLength(2);
    await realtime.channel('a').publish('say', 'hi');
    await settle();
    expect(posted).toHaveLength(1);
  });

  test('go over the link again when there is one', async () => {
    const { realtime, transport, posted, clock, settle } = rig();
    await settle();
    transport.last.down('refused');
    await clock.advance(1_000);
    transport.last.up();
    await realtime.channel('a').publish('say', 'hi');
    expect(posted).toEqual([]);
    expect(transport.last.sent.filter(({ kind }) => kind === 'publish')).toHaveLength(1);
  });

  test('are answered before those that follow take the new link, so that the order stays', async () => {
    const { realtime, transport, posted, clock, settle, hold, release } = rig();
    await settle();
    transport.last.down('refused');
    hold();
    const channel = realtime.channel('a');
    const first = channel.publish('say', 'one');
    await settle();
    expect(posted).toHaveLength(1);
    await clock.advance(1_000);
    transport.last.up();
    const second = channel.publish('say', 'two');
    await settle();
    expect(transport.last.sent.filter(({ kind }) => kind === 'publish')).toEqual([]);
    release();
    await settle();
    await Promise.all([first, second]);
    expect(transport.last.sent.filter(({ kind }) => kind === 'publish')).toMatchObject([{ data: 'two' }]);
    expect(posted).toHaveLength(1);
  });

  test('that need a link wait for it', async () => {
    const { realtime, transport, posted, clock, settle } = rig();
    await settle();
    transport.last.down('refused');
    const typed = realtime.channel('a').publish('typing', {});
    const said = realtime.channel('b').publish('say', 'hi');
    await settle();
    await said;
    expect(posted).toHaveLength(1);
    await clock.advance(1_000);
    transport.last.up();
    await settle();
    await typed;
    expect(transport.last.sent.filter(({ kind }) => kind === 'publish')).toMatchObject([{ event: 'typing' }]);
  });

  test('have a fresh token after a 401, under the same id', async () => {
    let asked = 0;
    const { realtime, transport, posted, clock, settle } = rig((token) => (token === 'Bearer old' ? 401 : 200), {
      auth: () => (asked++ < 2 ? 'old' : 'new'),
      retry: () => 60_000,
    });
    await settle();
    transport.last.down('refused');
    const said = realtime.channel('a').publish('say', 'hi', { id: 'one' });
    await settle();
    await clock.advance(1_000);
    await settle();
    await said;
    expect(posted).toMatchObject([
      ['http://server.test/rooms/a', { id: 'one' }, 'Bearer old'],
      ['http://server.test/rooms/a', { id: 'one' }, 'Bearer new'],
    ]);
  });

  test('stop when the manager is stopped', async () => {
    const { realtime, transport, posted, settle } = rig();
    await settle();
    transport.last.down('refused');
    realtime.stop();
    const said = realtime.channel('a').publish('say', 'hi');
    said.catch(() => {});
    await settle();
    expect(posted).toEqual([]);
  });
});
