import { expect, onTestFinished, test } from 'vitest';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import { createRealtime, jsonDialect, post } from '../../src/index.ts';
import { startForeignServer } from '../support/foreign-server.ts';

const dialect = jsonDialect({ channel: 'room', publish: ({ channel }) => post(`/rooms/${channel}/messages`, { text: 'hi' }) });

test.each(['websocket', 'socket-io'] as const)(
  'a send that is a POST of its dialect is refused by %s, not put into the wrong place',
  async (name) => {
    const server = await startForeignServer();
    onTestFinished(() => server.close());
    const transport =
      name === 'websocket' ? websocket({ url: `${server.url}/ws`, dialect }) : socketIo({ url: server.url, dialect });
    const realtime = createRealtime({ transports: [transport] });
    onTestFinished(() => realtime.close());
    realtime.start();
    await realtime.ready();
    await expect(realtime.channel('kitchen').publish('said', {})).rejects.toMatchObject({ code: 'unsupported' });
  },
);
