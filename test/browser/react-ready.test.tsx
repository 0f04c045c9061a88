import { act, cleanup, configure, render } from '@testing-library/react';
import { type Channel, type ClientFrame, createRealtime, type RealtimeManager } from 'keepwire';
import { type MemoryServer, memory } from 'keepwire/memory';
import { RealtimeProvider, useChannelReady } from 'keepwire/react';
import { fakeServer, manualClock } from 'keepwire/testing';
import { Activity, Component, type ReactNode, Suspense } from 'react';
import { expect, onTestFinished, test, vi } from 'vitest';
import { withActivity } from './react-setup.tsx';

configure({ reactStrictMode: true });

function setUp() {
  const clock = manualClock();
  const server = fakeServer();
  const realtime = createRealtime({ transports: [server.transport()], leaveAfterMs: 0, platform: { clock, random: () => 0.5 } });
  onTestFinished(() => {
    cleanup();
    realtime.close();
  });
  realtime.start();
  return { clock, server, realtime, pass: (ms: number) => act(() => clock.advance(ms)) };
}

function Room({ name = 'lobby', seen }: { readonly name?: string; readonly seen?: Set<Channel> }) {
  const channel = useChannelReady(name);
  seen?.add(channel);
  return (
    <p>
      in {channel.name}: {channel.state.get().status}
    </p>
  );
}

const inside = (realtime: RealtimeManager, children: ReactNode): ReactNode => (
  <RealtimeProvider manager={realtime}>
    <Suspense fallback="joining">{children}</Suspense>
  </RealtimeProvider>
);

test('a component waits until it is let in, and not again when the connection is lost', async () => {
  const { server, realtime, pass, clock } = setUp();
  await pass(20_000);
  const timers = clock.pending;
  const seen = new Set<Channel>();
  const { container, unmount } = render(inside(realtime, [<Room key="1" seen={seen} />, <Room key="2" seen={seen} />]));
  expect(container.textContent).toBe('joining');
  await pass(0);
  expect(container.textContent).toBe('in lobby: joinedin lobby: joined');
  server.refuse('refused');
  server.drop();
  await pass(0);
  expect(container.textContent).toBe('in lobby: joiningin lobby: joining');
  server.admit();
  await pass(20_000);
  expect(container.textContent).toBe('in lobby: joinedin lobby: joined');
  // the handle is one and the same for all, and for as long as it is shown
  expect(seen.size).toBe(1);
  unmount();
  await pass(4_999);
  expect(server.channels.get('lobby')).toBe(1);
  await pass(2);
  expect(server.channels.has('lobby')).toBe(false);
  await pass(20_000);
  expect(clock.pending).toBe(timers);
});

test('who waits for long goes on waiting, and who gave up leaves nothing', async () => {
  const { server, realtime, pass } = setUp();
  server.refuse('refused');
  const { container, unmount } = render(inside(realtime, <Room />));
  await pass(11_000);
  expect(container.textContent).toBe('joining');
  server.admit();
  await pass(30_000);
  expect(container.textContent).toBe('in lobby: joined');
  unmount();
  await pass(6_000);
  expect(server.channels.size).toBe(0);

  realtime.stop();
  const second = render(inside(realtime, <Room name="given-up" />));
  expect(second.container.textContent).toBe('joining');
  second.unmount();
  await pass(6_000);
  realtime.start();
  await pass(1_000);
  expect(server.channels.size).toBe(0);
});

withActivity('what was hidden for long asks again when it is shown', async () => {
  const { server, realtime, pass } = setUp();
  const App = ({ mode }: { readonly mode: 'visible' | 'hidden' }) =>
    inside(
      realtime,
      <Activity mode={mode}>
        <Room />
      </Activity>,
    );
  const { container, rerender } = render(<App mode="visible" />);
  await pass(0);
  rerender(<App mode="hidden" />);
  await pass(6_000);
  expect(server.channels.size).toBe(0);
  rerender(<App mode="visible" />);
  await pass(0);
  expect(server.channels.get('lobby')).toBe(1);
  expect(container.textContent).toBe('in lobby: joined');
});

withActivity('what was hidden for long has a handle that can be used, also where others have kept the channel', async () => {
  const { realtime, pass, server } = setUp();
  const seen = new Set<Channel>();
  const App = ({ mode }: { readonly mode: 'visible' | 'hidden' }) =>
    inside(
      realtime,
      <Activity mode={mode}>
        <Room seen={seen} />
      </Activity>,
    );
  const kept = realtime.channel('lobby');
  const { rerender } = render(<App mode="visible" />);
  await pass(0);
  rerender(<App mode="hidden" />);
  await pass(6_000);
  rerender(<App mode="visible" />);
  await pass(0);
  const sent = [...seen].at(-1)?.publish('message', 'hello');
  await pass(0);
  await expect(sent).resolves.toMatchObject({ offset: 1 });
  expect([kept.state.get().status, server.channels.get('lobby')]).toEqual(['joined', 1]);
});

test('another name waits anew, and the other is left', async () => {
  const { server, realtime, pass } = setUp();
  const { container, rerender } = render(inside(realtime, <Room name="a" />));
  await pass(0);
  rerender(inside(realtime, <Room name="b" />));
  expect(container.textContent).toContain('joining');
  await pass(0);
  expect(container.textContent).toBe('in b: joined');
  await pass(6_000);
  expect([...server.channels.keys()]).toEqual(['b']);
});

test('a refusal goes to the error boundary, and may be asked again later', async () => {
  const clock = manualClock();
  let isOpen = false;
  const server: MemoryServer = {
    accept(client, { joins }) {
      const answer = (frames: readonly ClientFrame[]): void => {
        for (const frame of frames) {
          if (frame.kind !== 'join') continue;
          const { channel } = frame;
          client.send([isOpen ? { kind: 'joined', channel } : { kind: 'denied', channel, code: 'members-only' }]);
        }
      };
      client.onframes = (frames) => {
        answer(frames);
        return [];
      };
      client.send([{ kind: 'welcome', version: 1 }]);
      answer(joins);
    },
  };
  const realtime = createRealtime({ transports: [memory({ server })], leaveAfterMs: 0, platform: { clock } });
  onTestFinished(() => {
    cleanup();
    realtime.close();
  });
  realtime.start();
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => reported.mockRestore());
  class Boundary extends Component<{ readonly children: ReactNode }, { readonly code?: string }> {
    static getDerivedStateFromError = ({ serverCode }: { serverCode?: string }) => ({ code: serverCode });
    override state: { readonly code?: string } = {};
    override render() {
      return this.state.code ?? this.props.children;
    }
  }
  const ui = (attempt: number) =>
    inside(
      realtime,
      <Boundary key={attempt}>
        <Room />
      </Boundary>,
    );
  const { container, rerender } = render(ui(1));
  await act(() => clock.advance(0));
  expect(container.textContent).toBe('members-only');
  isOpen = true;
  await act(() => clock.advance(6_000));
  rerender(ui(2));
  await act(() => clock.advance(0));
  expect(container.textContent).toBe('in lobby: joined');
});
