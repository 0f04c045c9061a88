import { act, cleanup, configure, render, renderHook, waitFor } from '@testing-library/react';
import { createRealtime, RealtimeError, type Transport, unchecked } from 'keepwire';
import {
  createHooks,
  RealtimeProvider,
  RealtimeStatus,
  useChannel,
  useConnection,
  useMembers,
  useMode,
  useReadable,
} from 'keepwire/react';
import { type FakeServerOptions, fakeServer } from 'keepwire/testing';
import { Activity, type ReactNode, useEffect, useState } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { withActivity } from './react-setup.tsx';

const events = { message: unchecked<string>() };
const { useEvent, useSend } = createHooks<typeof events>();

// at the root: below a component that is mounted with it, StrictMode does not run the effects twice
configure({ reactStrictMode: true });
afterEach(cleanup);

/** A manager on a fake server, and the wrapper that gives it to components, under StrictMode. */
function setUp(options: FakeServerOptions = {}) {
  const server = fakeServer(options);
  /** The joins and leaves that were sent on a live link. */
  const told: string[] = [];
  const overheard = (name: string): Transport => {
    const transport = server.transport({ name });
    return {
      ...transport,
      connect(request, sink) {
        const link = transport.connect(request, sink);
        return {
          send(frames) {
            for (const frame of frames) {
              if (frame.kind === 'join' || frame.kind === 'leave') told.push(`${frame.kind} ${frame.channel}`);
            }
            return link.send(frames);
          },
        };
      },
    };
  };
  const realtime = createRealtime({
    transports: [overheard('one'), overheard('two')],
    events,
    leaveAfterMs: 0,
  });
  onTestFinished(() => realtime.close());
  realtime.start();
  const wrapper = ({ children }: { children: ReactNode }) => <RealtimeProvider manager={realtime}>{children}</RealtimeProvider>;
  return { server, realtime, wrapper, told };
}

test('effects run twice here, so that what follows is proved under StrictMode', () => {
  const { wrapper } = setUp();
  let runs = 0;
  const count = (): void => {
    runs += 1;
  };
  renderHook(() => useEffect(count, []), { wrapper });
  expect(runs).toBe(2);
});

test('under StrictMode an event is handled once, and by the handler of the last render', async () => {
  const { server, wrapper } = setUp();
  const seen: string[] = [];
  const { rerender } = renderHook(
    ({ prefix }) => useEvent('lobby', 'message', (text, { offset }) => seen.push(`${prefix} ${text} ${offset}`)),
    { wrapper, initialProps: { prefix: 'first' } },
  );
  await server.joined('lobby');
  server.publish('lobby', 'message', 'a');
  await waitFor(() => expect(seen).toEqual(['first a 1']));
  rerender({ prefix: 'second' });
  server.publish('lobby', 'message', 'b');
  await waitFor(() => expect(seen).toEqual(['first a 1', 'second b 2']));
});

test('a double mount joins once, and only the last unmount leaves', async () => {
  const { realtime, wrapper, told } = setUp();
  await realtime.ready();
  const first = renderHook(() => useChannel('lobby'), { wrapper });
  const second = renderHook(() => useChannel('lobby'), { wrapper });
  await waitFor(() => expect(first.result.current?.state.get().status).toBe('joined'));
  expect(second.result.current?.state).toBe(first.result.current?.state);
  first.unmount();
  expect(second.result.current?.state.get().status).toBe('joined');
  second.unmount();
  await waitFor(() => expect(told).toEqual(['join lobby', 'leave lobby']));
});

test('nothing is left behind after unmount', async () => {
  const { server, wrapper } = setUp();
  const { unmount } = renderHook(
    () => {
      useEvent('lobby', 'message', () => {});
      return [useMembers('lobby'), useSend('lobby')];
    },
    { wrapper },
  );
  await server.joined('lobby');
  unmount();
  await waitFor(() => expect(server.channels.has('lobby')).toBe(false));
  expect(server.links).toBe(1);
});

test('another name joins the one and leaves the other', async () => {
  const { server, wrapper } = setUp();
  const seen: string[] = [];
  const { result, rerender } = renderHook(
    ({ room }) => {
      useEvent(room, 'message', (text) => seen.push(text));
      return useChannel(room)?.name;
    },
    { wrapper, initialProps: { room: 'a' } },
  );
  await server.joined('a');
  rerender({ room: 'b' });
  await server.joined('b');
  await waitFor(() => expect(server.channels.has('a')).toBe(false));
  server.publish('a', 'message', 'to a');
  server.publish('b', 'message', 'to b');
  await waitFor(() => expect(seen).toEqual(['to b']));
  expect(result.current).toBe('b');
});

test('the badge shows the status, and follows it', async () => {
  const { server, realtime, wrapper } = setUp();
  const { container } = render(
    <>
      <RealtimeStatus className="plain" />
      <RealtimeStatus>{({ status, attempt }) => `${status}/${attempt}`}</RealtimeStatus>
    </>,
    { wrapper },
  );
  const [plain, custom] = container.querySelectorAll<HTMLElement>('[role=status]');
  await waitFor(() =>
    expect(plain?.outerHTML).toBe(
      '<span role="status" data-keepwire="status" data-status="connected" data-transport="one" class="plain">connected</span>',
    ),
  );
  server.refuse('refused');
  act(() => void server.drop());
  await waitFor(() => expect(plain?.dataset['status']).toBe('reconnecting'));
  expect(custom?.textContent).toMatch(/^reconnecting\/[1-9]/);
  act(() => realtime.stop());
  await waitFor(() => expect(plain?.textContent).toBe('disconnected'));
});

test('the mode can be read and set', async () => {
  const { realtime, wrapper } = setUp();
  const { result } = renderHook(() => ({ mode: useMode(), transport: useConnection().transport }), { wrapper });
  await waitFor(() => expect(result.current.transport).toBe('one'));
  act(() => result.current.mode[1]('two'));
  expect(result.current.mode[0]).toBe('two');
  await waitFor(() => expect(result.current.transport).toBe('two'));
  expect(realtime.mode.get()).toBe('two');
});

test('members are state', async () => {
  const { wrapper } = setUp();
  const { result, unmount } = renderHook(
    () => {
      const lobby = useChannel('lobby');
      useEffect(() => lobby?.enter({ desk: 4 }), [lobby]);
      return useMembers(lobby);
    },
    { wrapper },
  );
  await waitFor(() => expect(result.current).toEqual([{ key: 'user-1', data: { desk: 4 } }]));
  unmount();
});

test('a sender tells what is pending and what failed, and never rejects', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { server, wrapper } = setUp({
    async answer({ data }) {
      await held;
      if (data === 'bad') throw new RealtimeError('rejected', 'no', { serverCode: 'bad-word' });
    },
  });
  const { result } = renderHook(() => useSend('lobby'), { wrapper });
  let outcome: unknown;
  act(
    () =>
      void result.current.send('message', 'bad').then((accepted) => {
        outcome = accepted ?? 'nothing';
      }),
  );
  expect(result.current).toMatchObject({ pending: true, error: undefined });
  await act(async () => release());
  await waitFor(() => expect(result.current.error).toMatchObject({ code: 'rejected', serverCode: 'bad-word' }));
  expect([result.current.pending, outcome]).toEqual([false, 'nothing']);
  await act(async () => expect(await result.current.send('message', 'good')).toMatchObject({ offset: 1 }));
  expect(result.current).toMatchObject({ pending: false, error: undefined });
  expect(server.received.map(({ data }) => data)).toEqual(['good']);
});

withActivity('what an Activity hides leaves the channel, and is back when it is shown', async () => {
  const { server, wrapper } = setUp();
  const seen: string[] = [];
  function Room() {
    const room = useChannel('room');
    useEffect(() => room?.enter(), [room]);
    useEvent(room, 'message', (text) => seen.push(text as string));
    return <p>{useReadable(room?.state, undefined)?.status}</p>;
  }
  function App() {
    const [mode, setMode] = useState<'visible' | 'hidden'>('visible');
    return (
      <>
        <button type="button" onClick={() => setMode(mode === 'visible' ? 'hidden' : 'visible')}>
          toggle
        </button>
        <Activity mode={mode}>
          <Room />
        </Activity>
      </>
    );
  }
  const { getByRole, container } = render(<App />, { wrapper });
  await server.joined('room');
  act(() => getByRole('button').click());
  await waitFor(() => expect(server.channels.has('room')).toBe(false));
  act(() => getByRole('button').click());
  await server.joined('room');
  server.publish('room', 'message', 'welcome back');
  await waitFor(() => expect(seen).toEqual(['welcome back']));
  expect(container.querySelector('p')?.textContent).toBe('joined');
});

test('a page that was rendered on the server hydrates without a complaint', async () => {
  const { realtime } = setUp();
  await realtime.ready();
  const container = document.createElement('div');
  container.innerHTML = '<span role="status" data-keepwire="status" data-status="idle">idle</span>';
  const complaints: unknown[] = [];
  const root = await act(async () =>
    hydrateRoot(
      container,
      <RealtimeProvider manager={realtime}>
        <RealtimeStatus />
      </RealtimeProvider>,
      { onRecoverableError: (error) => complaints.push(error) },
    ),
  );
  await waitFor(() => expect(container.textContent).toBe('connected'));
  expect(complaints).toEqual([]);
  act(() => root.unmount());
});
