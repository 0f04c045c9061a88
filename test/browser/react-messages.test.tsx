import { act, render, renderHook, waitFor } from '@testing-library/react';
import { RealtimeError } from 'keepwire';
import { useLatest, useMessages } from 'keepwire/react';
import { expect, onTestFinished, test } from 'vitest';
import { nextTask, people } from './react-setup.tsx';

interface Message {
  readonly id: string;
  readonly text: string;
}

test('the last payload is shown, and the initial value until there is one in this channel', async () => {
  const { server, person } = people();
  const { wrapper } = person('ada');
  const { result, rerender } = renderHook(({ room }) => useLatest(room, 'price', 'none'), {
    wrapper,
    initialProps: { room: 'a' },
  });
  expect(result.current).toBe('none');
  await server.joined('a');
  server.publish('a', 'other', 1);
  for (const price of [1, 2, 3]) server.publish('a', 'price', price);
  await waitFor(() => expect(result.current).toBe(3));
  server.publish('a', 'price', null);
  await waitFor(() => expect(result.current).toBe(null));
  rerender({ room: 'b' });
  expect(result.current).toBe('none');
});

test('a list has its history, live events and own sends, and options that are new in each render', async () => {
  let isRefusing = true;
  const { server, person } = people({
    answer() {
      if (isRefusing) throw new RealtimeError('rejected', 'not now');
    },
  });
  const { wrapper } = person('ada');
  const pages: string[] = [];
  const { result, rerender } = renderHook(
    ({ prefix }) =>
      useMessages('lobby', {
        key: ({ id }: Message) => id,
        load: async ({ before }) => {
          pages.push(`${prefix} ${before?.id}`);
          return before
            ? { items: [{ id: '1', text: 'oldest' }], hasMore: false }
            : { items: [{ id: '2', text: 'old' }], hasMore: true };
        },
        insert: { message: (data) => ({ ...(data as Message), text: `${prefix} ${(data as Message).text}` }) },
        remove: { deleted: (data) => (data as Message).id },
        optimistic: { item: (text: string, { id }) => ({ id, text }) },
      }),
    { wrapper, initialProps: { prefix: 'first' } },
  );
  expect(result.current).toMatchObject({ items: [], status: 'loading', hasMore: false, isLoadingMore: false });
  const texts = (): string[] => result.current.items.map(({ item }) => item.text);
  await waitFor(() => expect(texts()).toEqual(['old']));
  rerender({ prefix: 'second' });
  server.publish('lobby', 'message', { id: '3', text: 'live' });
  await waitFor(() => expect(texts()).toEqual(['old', 'second live']));
  await act(() => result.current.loadMore());
  await waitFor(() => expect(texts()).toEqual(['oldest', 'old', 'second live']));
  expect(pages.at(-1)).toBe('second 2');
  expect(result.current).toMatchObject({ status: 'ready', hasMore: false });
  server.publish('lobby', 'deleted', { id: '2' });
  await waitFor(() => expect(texts()).toEqual(['oldest', 'second live']));

  let id = '';
  act(() => {
    id = result.current.send('mine');
  });
  await waitFor(() => expect(result.current.items.at(-1)).toMatchObject({ id, status: 'failed', item: { text: 'mine' } }));
  isRefusing = false;
  act(() => result.current.retry(id));
  await waitFor(() => expect(result.current.items.at(-1)?.status).toBe('confirmed'));
  isRefusing = true;
  act(() => {
    id = result.current.send('no');
  });
  await waitFor(() => expect(result.current.items.at(-1)?.status).toBe('failed'));
  act(() => result.current.discard(id));
  await waitFor(() => expect(result.current.items).toHaveLength(3));
});

test('other events are another list, and without a channel there is nothing to send to', async () => {
  const { server, person } = people();
  const { wrapper } = person('ada');
  const { result, rerender } = renderHook(
    ({ room, event }: { room: string | undefined; event: string }) =>
      useMessages(room, { key: ({ id }: Message) => id, insert: { [event]: (data) => data as Message } }),
    { wrapper, initialProps: { room: undefined as string | undefined, event: 'one' } },
  );
  expect(() => result.current.send('x')).toThrow(expect.objectContaining({ code: 'closed' }));
  await result.current.loadMore();
  rerender({ room: 'lobby', event: 'one' });
  await waitFor(() => expect(result.current.status).toBe('ready'));
  rerender({ room: 'lobby', event: 'two' });
  await waitFor(() => expect(result.current.status).toBe('ready'));
  server.publish('lobby', 'two', { id: '1', text: '' });
  await waitFor(() => expect(result.current.items.map(({ id }) => id)).toEqual(['1']));
});

test('10,000 events, each in a task of its own, are at most one render per picture', async () => {
  const { server, person } = people();
  const { wrapper, realtime } = person('ada');
  const renders = { latest: 0, list: 0 };
  function Latest() {
    renders.latest += 1;
    return <b>{(useLatest('lobby', 'message', { id: '' }) as Message).id}</b>;
  }
  function List() {
    renders.list += 1;
    const { items } = useMessages('lobby', {
      key: ({ id }: Message) => id,
      insert: { message: (data) => data as Message },
      limit: 100,
    });
    return <i>{items.at(-1)?.item.id}</i>;
  }
  const { container } = render(
    <>
      <Latest />
      <List />
    </>,
    { wrapper, reactStrictMode: false },
  );
  await server.joined('lobby');
  let pictures = 0;
  let frame = requestAnimationFrame(function count() {
    pictures += 1;
    frame = requestAnimationFrame(count);
  });
  onTestFinished(() => cancelAnimationFrame(frame));
  const before = { ...renders, pictures };
  for (let n = 1; n <= 10_000; n++) {
    server.publish('lobby', 'message', { id: String(n), text: '' });
    await nextTask();
  }
  await waitFor(() => expect([...container.children].map(({ textContent }) => textContent)).toEqual(['10000', '10000']));
  expect(realtime.metrics().delivered).toBe(10_000);
  const painted = pictures - before.pictures;
  // one more for the picture that was under way when counting began
  expect(renders.latest - before.latest).toBeLessThanOrEqual(painted + 1);
  expect(renders.list - before.list).toBeLessThanOrEqual(painted + 1);
});
