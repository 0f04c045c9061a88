import { createRealtime } from 'keepwire';
import {
  RealtimeProvider,
  RealtimeStatus,
  useChannel,
  useConnection,
  useEvent,
  useMembers,
  useMode,
  useSend,
} from 'keepwire/react';
import { fakeServer } from 'keepwire/testing';
import { renderToString } from 'react-dom/server';
import { expect, onTestFinished, test } from 'vitest';

function App() {
  const { since, everConnected } = useConnection();
  const [mode] = useMode();
  const lobby = useChannel('lobby');
  const members = useMembers('lobby');
  const { pending } = useSend('lobby');
  useEvent('lobby', 'message', () => {});
  return (
    <p>
      <RealtimeStatus />
      {JSON.stringify({ since, everConnected, mode, lobby: lobby === undefined, members, pending })}
    </p>
  );
}

test('on the server everything is idle, whatever the manager does, and nothing is joined', async () => {
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()], mode: 'fake' });
  onTestFinished(() => realtime.close());
  realtime.start();
  await realtime.ready();
  const html = renderToString(
    <RealtimeProvider manager={realtime}>
      <App />
    </RealtimeProvider>,
  );
  expect(html.replaceAll('&quot;', '"')).toBe(
    '<p><span role="status" data-keepwire="status" data-status="idle">idle</span>' +
      '{"since":0,"everConnected":false,"mode":"fake","lobby":true,"members":[],"pending":false}</p>',
  );
  expect(server.channels.size).toBe(0);
});

test('a hook without a provider says what is missing', () => {
  expect(() => renderToString(<RealtimeStatus />)).toThrow(
    expect.objectContaining({ code: 'invalid-option', hint: expect.stringContaining('<RealtimeProvider') }),
  );
});
