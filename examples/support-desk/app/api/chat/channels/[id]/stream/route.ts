import { numberOf, route } from '../../../../../../server/answer.ts';
import type { Notice } from '../../../../../../server/notices.ts';

export const dynamic = 'force-dynamic';

/** A stream says something at least this often. */
const heartbeatMs = 10_000;

export const GET = route(async ({ desk, request, query, user, channel }) => {
  const userId = await user();
  const channelId = await channel();
  const after = numberOf(request.headers.get('last-event-id')) ?? numberOf(query.get('after'));
  const encoder = new TextEncoder();
  let end = (): void => {};

  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const write = (text: string): void => controller.enqueue(encoder.encode(text));
      const event = (type: string, data: object, id?: number): void =>
        write(`${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      const take = ({ type, ...data }: Notice): void => event(type, data, 'seq' in data ? data.seq : undefined);
      const leave = await desk.follow({ userId, channelId, take }, after, (from, missed) => {
        event('ready', { channelId, seq: from }, from);
        for (const message of missed) take({ type: 'message', ...message });
      });
      const heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs);
      end = () => {
        end = () => {};
        clearInterval(heartbeat);
        leave();
        try {
          controller.close();
        } catch {
          // the reader has closed it
        }
      };
      // one that was given up while it began
      if (request.signal.aborted) end();
    },
    cancel: () => end(),
  });
  request.signal.addEventListener('abort', () => end(), { once: true });

  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      // a proxy that compresses or buffers would keep messages back
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  });
});
