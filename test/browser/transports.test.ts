import { createRealtime } from 'keepwire';
import { longPoll } from 'keepwire/long-poll';
import { socketIo } from 'keepwire/socket-io';
import { sse } from 'keepwire/sse';
import { websocket } from 'keepwire/websocket';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';

const { url, token } = inject('server');
const sendUrl = `${url}/realtime/send`;

test.each([
  websocket({ url: `${url}/realtime` }),
  sse({ url: `${url}/realtime/sse`, sendUrl }),
  longPoll({ url: `${url}/realtime/poll`, sendUrl }),
  socketIo({ url }),
])('a page hears over $name what it says over $name', async (transport) => {
  const realtime = createRealtime({ transports: [transport], auth: token, events: { message: z.object({ text: z.string() }) } });
  const room = realtime.channel(`browser:${transport.name}`);
  realtime.start();
  await realtime.ready();
  const heard = room.once('message');
  const { offset } = await room.publish('message', { text: 'hello' });
  expect(await heard).toEqual({ text: 'hello' });
  expect(offset).toBe(1);
  expect(realtime.status.get()).toMatchObject({ status: 'connected', transport: transport.name });
  realtime.close();
});
