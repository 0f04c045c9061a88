import { coalesce, createRealtime, type Readable, systemFrames, systemVisibility, writable } from 'keepwire';
import { liveList } from 'keepwire/live-list';
import { presence } from 'keepwire/presence';
import { fakeServer } from 'keepwire/testing';
import { StrictMode, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, onTestFinished, test, vi } from 'vitest';

const useReadable = <T,>({ get, subscribe }: Readable<T>): T => useSyncExternalStore(subscribe, get, get);

function mount(node: React.ReactNode): HTMLElement {
  const element = document.body.appendChild(document.createElement('div'));
  const root = createRoot(element);
  onTestFinished(() => {
    root.unmount();
    element.remove();
  });
  root.render(<StrictMode>{node}</StrictMode>);
  return element;
}

const frame = (): Promise<void> => new Promise((resolve) => systemFrames(resolve));

test('10,000 changes of a readable are at most one render per picture, and React shows the last', async () => {
  const source = writable(0, (error) => {
    throw error;
  });
  const calm = coalesce(source);
  let renders = 0;
  let pictures = 0;
  function Count() {
    renders += 1;
    return <b>{useReadable(calm)}</b>;
  }
  const element = mount(<Count />);
  await expect.poll(() => element.textContent).toBe('0');
  const before = renders;
  for (let n = 1; n <= 10_000; n++) {
    source.set(n);
    if (n % 2_500 === 0) {
      await frame();
      pictures += 1;
    }
  }
  await expect.poll(() => element.textContent).toBe('10000');
  // StrictMode renders twice
  expect(renders - before).toBeLessThanOrEqual(2 * (pictures + 1));
  expect(calm.conflated).toBeGreaterThan(9_900);
});

test('a live list and presence are shown by React as they are, and end with their handle', async () => {
  const server = fakeServer({ user: (token) => token ?? '' });
  const realtime = createRealtime({ transports: [server.transport()], auth: 'ada' });
  onTestFinished(() => realtime.close());
  realtime.start();
  const channel = realtime.channel('lobby');
  const list = liveList(channel, {
    key: ({ id }: { id: string }) => id,
    insert: { message: (data) => data as { id: string } },
    per: 'frame',
  });
  const { members } = presence(channel, { me: { key: 'ada' } });
  function Room() {
    const { items } = useReadable(list.view);
    return (
      <p>
        {useReadable(members).map(({ key, status }) => `${key} ${status} `)}
        {items.map(({ id }) => id).join()}
      </p>
    );
  }
  const element = mount(<Room />);
  await server.joined('lobby');
  for (const id of ['a', 'b', 'a']) server.publish('lobby', 'message', { id });
  await expect.poll(() => element.textContent).toBe('ada online a,b');
  channel.leave();
  server.publish('lobby', 'message', { id: 'c' });
  await frame();
  expect(element.textContent).toBe('ada online a,b');
});

test('a frame can be cancelled, and comes also where nothing is painted', async () => {
  const never = vi.fn();
  systemFrames(never)();
  const paint = vi.spyOn(window, 'requestAnimationFrame').mockReturnValue(1);
  await frame();
  expect(paint).toHaveBeenCalledTimes(1);
  paint.mockRestore();
  await frame();
  expect(never).not.toHaveBeenCalled();
});

test('the visibility of the page is followed', () => {
  const listener = vi.fn();
  const stop = systemVisibility.onChange(listener);
  expect(systemVisibility.isHidden()).toBe(false);
  const hidden = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  document.dispatchEvent(new Event('visibilitychange'));
  expect([listener.mock.calls.length, systemVisibility.isHidden()]).toEqual([1, true]);
  hidden.mockRestore();
  stop();
  document.dispatchEvent(new Event('visibilitychange'));
  expect(listener).toHaveBeenCalledTimes(1);
});
