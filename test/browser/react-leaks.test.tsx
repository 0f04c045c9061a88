import { act, render, waitFor } from '@testing-library/react';
import {
  TypingIndicator,
  useChannel,
  useEvent,
  useLatest,
  useMembers,
  useMessages,
  usePresence,
  useReceipts,
  useSend,
  useTyping,
} from 'keepwire/react';
import { Activity, Suspense, startTransition, useState } from 'react';
import { expect, test } from 'vitest';
import { people, watchPage, withActivity } from './react-setup.tsx';

/** Every hook that holds something. */
function Everything({ room }: { readonly room: string }) {
  const me = { key: 'ada', data: { name: 'Ada' } };
  const { keystroke } = useTyping(room, { me });
  const { items } = useMessages(room, {
    key: ({ id }: { id: string }) => id,
    load: async () => ({ items: [{ id: 'old' }], hasMore: false }),
    insert: { message: (data) => data as { id: string } },
  });
  useEvent(room, 'message', () => {});
  const held = [useChannel(room), useMembers(room), usePresence(room, { me }), useReceipts(room, { me }), useSend(room)];
  return (
    <>
      <button type="button" onClick={keystroke}>
        {items.map(({ id }) => id).join()} {String(useLatest(room, 'price'))} {held.length}
      </button>
      <TypingIndicator channel={room} me={me} />
    </>
  );
}

/** How many handles {@link Everything} holds. */
const handlesOfEverything = 9;

test('StrictMode leaves one subscription, and unmounting leaves nothing: no handle, timer, listener or picture', async () => {
  const { server, person } = people();
  const { wrapper, realtime, told, held } = person('ada');
  const neighbour = person('bob').realtime.channel('lobby');
  await realtime.ready();
  const before = held();
  const page = watchPage();
  const { container, unmount } = render(<Everything room="lobby" />, { wrapper });
  await waitFor(() => expect(container.textContent).toContain('old'));
  expect(held().handles - before.handles).toBe(handlesOfEverything);
  expect(page.listeners('visibilitychange')).toBe(1);
  act(() => container.querySelector('button')?.click());
  for (const id of ['a', 'b']) {
    server.publish('lobby', 'message', { id });
    server.publish('lobby', 'price', id);
  }
  await waitFor(() => expect(container.textContent).toContain('old,a,b b'));
  // left in the middle of it: pictures and timers are on their way
  server.publish('lobby', 'message', { id: 'c' });
  neighbour.enter('hello');
  for (let n = 0; n < 500; n++) await Promise.resolve();
  expect(page.pictures()).toBeGreaterThan(1);
  unmount();
  await Promise.resolve();
  expect(page.pictures()).toBe(0);
  await waitFor(() => expect(server.channels.get('lobby')).toBe(1));
  expect(told.filter((line) => /^(join|leave)/.test(line))).toEqual(['join lobby', 'leave lobby']);
  expect(held()).toEqual(before);
  expect([page.listeners('visibilitychange'), page.pictures()]).toEqual([0, 0]);
});

test('fast route changes end with one subscription of the last route', async () => {
  const { server, person } = people();
  const { wrapper, realtime, held } = person('ada');
  await realtime.ready();
  const before = held();
  const { rerender, container, unmount } = render(<Everything room="start" />, { wrapper });
  for (let n = 0; n < 50; n++) rerender(<Everything key={n % 3 === 0 ? 'new' : 'kept'} room={`room-${n % 5}`} />);
  rerender(<Everything room="end" />);
  await waitFor(() => expect(container.textContent).toContain('old'));
  await waitFor(() => expect([...server.channels.keys()]).toEqual(['end']));
  expect(held().handles - before.handles).toBe(handlesOfEverything);
  unmount();
  await waitFor(() => expect(server.channels.size).toBe(0));
  expect(held()).toEqual(before);
});

withActivity(
  'an Activity that is hidden and shown over and over holds one subscription when shown and none when hidden',
  async () => {
    const { server, person } = people();
    const { wrapper, realtime, held } = person('ada');
    await realtime.ready();
    const before = held();
    const App = ({ mode }: { readonly mode: 'visible' | 'hidden' }) => (
      <Activity mode={mode}>
        <Everything room="lobby" />
      </Activity>
    );
    const { rerender, container } = render(<App mode="hidden" />, { wrapper });
    expect(held()).toEqual(before);
    for (let n = 0; n < 20; n++) rerender(<App mode={n % 2 === 0 ? 'visible' : 'hidden'} />);
    await waitFor(() => expect(server.channels.size).toBe(0));
    expect(held()).toEqual(before);
    rerender(<App mode="visible" />);
    await waitFor(() => expect(container.textContent).toContain('old'));
    expect(held().handles - before.handles).toBe(handlesOfEverything);
    expect(server.members('lobby').map(({ key }) => key)).toEqual(['ada']);
  },
);

test('a concurrent render that is thrown away joins nothing', async () => {
  const { server, person } = people();
  const { wrapper, realtime, held } = person('ada');
  await realtime.ready();
  const before = held();
  const never = new Promise<never>(() => {});
  let renders = 0;
  function Waits(): never {
    renders += 1;
    useMessages('thrown-away', { key: String });
    usePresence('thrown-away', { me: { key: 'ada' } });
    throw never;
  }
  let go = (_: string): void => {};
  function App() {
    const [route, setRoute] = useState('start');
    go = setRoute;
    return <Suspense fallback="waiting">{route === 'waits' ? <Waits /> : <p>{route}</p>}</Suspense>;
  }
  const { container } = render(<App />, { wrapper });
  act(() => startTransition(() => go('waits')));
  expect(renders).toBeGreaterThan(0);
  expect(container.textContent).toBe('start');
  act(() => go('other'));
  expect(container.textContent).toBe('other');
  expect([held(), server.channels.size]).toEqual([before, 0]);
});
