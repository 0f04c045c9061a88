import { createRealtime } from 'keepwire';
import {
  PresenceIndicator,
  RealtimeMonitor,
  RealtimeProvider,
  RealtimeStatus,
  TypingIndicator,
  useChannel,
  useChannelReady,
  useConnection,
  useEvent,
  useLatest,
  useMembers,
  useMessages,
  useMode,
  usePresence,
  useReceipts,
  useSend,
  useTyping,
} from 'keepwire/react';
import { fakeServer } from 'keepwire/testing';
import { Suspense } from 'react';
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

test('lists and people are empty on the server', () => {
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()] });
  onTestFinished(() => realtime.close());
  const me = { key: 'ada' };
  function Room() {
    const { items, status } = useMessages('lobby', { key: String });
    const { members, others, me: us } = usePresence('lobby', { me });
    const { typers } = useTyping('lobby', { me });
    const { marks, readBy, unread } = useReceipts('lobby', { me });
    const latest = useLatest('lobby', 'price', 7);
    return JSON.stringify([items, status, members, others, us ?? null, typers, marks.size, readBy(1), unread([1]), latest]);
  }
  const html = renderToString(
    <RealtimeProvider manager={realtime}>
      <Room />
      <TypingIndicator channel="lobby" />
      <PresenceIndicator />
      <RealtimeMonitor />
    </RealtimeProvider>,
  );
  expect(html.replaceAll('&quot;', '"')).toBe(
    '[[],"loading",[],[],null,[],0,[],0,7]' +
      '<span role="status" data-keepwire="typing" data-typers="0"></span>' +
      '<span role="img" aria-label="offline" title="offline" data-keepwire="presence" data-status="offline"></span>' +
      '<section aria-label="Connection" data-keepwire="monitor" data-status="idle">' +
      '<span role="status" data-keepwire="status" data-status="idle">idle</span>' +
      '<dl><div data-name="mode"><dt>Mode</dt><dd>auto</dd></div></dl></section>',
  );
  expect(server.channels.size).toBe(0);
});

test('who waits for a channel leaves the fallback to the server, and joins nothing', async () => {
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()] });
  onTestFinished(() => realtime.close());
  realtime.start();
  await realtime.ready();
  function Room() {
    return useChannelReady('lobby').name;
  }
  const html = renderToString(
    <RealtimeProvider manager={realtime}>
      <Suspense fallback="joining">
        <Room />
      </Suspense>
    </RealtimeProvider>,
  );
  expect(html).toContain('joining');
  expect(html).not.toContain('lobby</');
  expect(server.channels.size).toBe(0);
});
