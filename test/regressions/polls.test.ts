import { describe, expect, onTestFinished, test } from 'vitest';
import { longPoll } from '../../src/adapters/long-poll.ts';
import { backfill } from '../../src/delivery/backfill.ts';
import { createRealtime, type Gap, jsonDialect, type RealtimeOptions } from '../../src/index.ts';
import { rawAnswer, startRawServer } from '../support/raw-server.ts';

// a server without a hello and without a word for joins: whoever asks gets what is new in all channels
const dialect = jsonDialect({ id: 'id', publish: (frame) => frame });
const say = (number: number) => ({ type: 'said', channel: 'lobby', data: number, id: `m${number}` });
const json = (body: unknown) => rawAnswer('200 OK', { 'content-type': 'application/json' }, JSON.stringify(body));

function follow(options: RealtimeOptions) {
  const realtime = createRealtime({ retry: () => 0, ...options });
  onTestFinished(() => realtime.close());
  const got: (number | string)[] = [];
  const gaps: Gap[] = [];
  realtime.channel('lobby').on('said', (data) => got.push(data as number));
  realtime.on('gap', (gap) => {
    gaps.push(gap);
    got.push(`gap after ${gap.lastEvent?.id}`);
  });
  realtime.start();
  return { realtime, got, gaps };
}

describe.each([
  ['that only receives', {}],
  ['that sends, too', { sendUrl: '/send' }],
])('a poll %s', (_, sending) => {
  test('whose position was refused begins anew: what is missing is a gap, told before what comes after it', async () => {
    const server = await startRawServer(({ path }, index) => {
      if (index === 0) return json({ items: [say(1)], next: 'first' });
      if (path.includes('after=first')) return rawAnswer('410 Gone', {});
      return path.includes('after=') ? undefined : json({ items: [say(9)], next: 'later' });
    });
    const { got } = follow({
      transports: [
        longPoll({
          url: server.url,
          ...sending,
          dialect: jsonDialect({ id: 'id', publish: (frame) => frame, resume: 'connection' }),
          position: { in: 'query', name: 'after' },
          messages: (body) => (body as { items: unknown[] }).items,
          nextCursor: (body) => (body as { next: string }).next,
        }),
      ],
    });
    await expect.poll(() => got).toEqual([1, 'gap after m1', 9]);
  });

  test('of the latest messages: what a cut has left out is asked for from the last one that was shown', async () => {
    const answers = [json([say(1), say(2)]), rawAnswer('500 Failed', {}), json([say(8), say(9)])];
    const server = await startRawServer((_request, index) => answers[index]);
    const asked: (string | undefined)[] = [];
    const { got, gaps } = follow({
      transports: [longPoll({ url: server.url, ...sending, dialect })],
      backfill: backfill(async (_channel, { lastEvent }) => {
        asked.push(lastEvent?.id);
        return [3, 4, 5, 6, 7, 8, 9].map((number) => ({ event: 'said', ...say(number) }));
      }),
    });
    await expect.poll(() => got).toEqual([1, 2, 3, 4, 5, 6, 7, 'gap after m2', 8, 9]);
    expect(asked).toEqual(['m2']);
    expect(gaps).toMatchObject([{ isFilled: true }]);
  });
});
