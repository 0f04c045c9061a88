import { act, fireEvent, render, renderHook, waitFor } from '@testing-library/react';
import { monitor } from 'keepwire/monitor';
import {
  PresenceIndicator,
  RealtimeMonitor,
  TypingIndicator,
  useMembers,
  usePresence,
  useReceipts,
  useTyping,
} from 'keepwire/react';
import { expect, onTestFinished, test } from 'vitest';
import { people } from './react-setup.tsx';

interface Said {
  readonly name: string;
}

test('people see each other, themselves and what is new, and a double mount is no leave', async () => {
  const { server, person } = people();
  const [ada, bob] = [person('ada'), person('bob')];
  // joined before, so that each word about us is told
  const joined = ada.realtime.channel('lobby');
  await server.joined('lobby');
  await waitFor(() => expect(joined.state.get().status).toBe('joined'));
  const { result, rerender, unmount } = renderHook(
    ({ name }) => usePresence<Said>('lobby', { me: { key: 'ada', data: { name } }, graceMs: 0 }),
    { wrapper: ada.wrapper, initialProps: { name: 'Ada' } },
  );
  expect(result.current).toMatchObject({ members: [], others: [], me: undefined });
  const watching = renderHook(() => usePresence<Said>('lobby', { graceMs: 0 }), { wrapper: bob.wrapper });
  await waitFor(() => expect(watching.result.current.others).toMatchObject([{ key: 'ada', status: 'online' }]));
  await waitFor(() => expect(result.current.me?.data.name).toBe('Ada'));
  expect(watching.result.current.me).toBeUndefined();
  expect(result.current.others).toEqual([]);
  // both mounts, and the first one again as it was left: never an exit
  // both mounts, and the second one again as the first was left: never an exit
  expect(ada.told).toEqual(['enter lobby', 'enter lobby', 'enter lobby']);

  const enteredBefore = ada.told.length;
  rerender({ name: 'Ada' });
  expect(ada.told.length).toBe(enteredBefore);
  rerender({ name: 'Countess' });
  await waitFor(() => expect(watching.result.current.others[0]?.data.name).toBe('Countess'));
  act(() => result.current.update({ name: 'Lovelace' }));
  await waitFor(() => expect(watching.result.current.others[0]?.data.name).toBe('Lovelace'));
  act(() => result.current.setStatus('away'));
  await waitFor(() => expect(result.current.me?.status).toBe('away'));
  expect(server.members('lobby')).toMatchObject([{ key: 'ada', data: { name: 'Lovelace', status: 'away' } }]);

  const { others } = watching.result.current;
  const bobEnters = renderHook(() => usePresence('lobby', { me: { key: 'bob' } }), { wrapper: bob.wrapper });
  await waitFor(() => expect(bobEnters.result.current.me?.key).toBe('bob'));
  // what has not changed is the same object
  expect(bobEnters.result.current.others[0]?.key).toBe('ada');
  expect(watching.result.current.members.find(({ key }) => key === 'ada')).toBe(others[0]);
  unmount();
  await waitFor(() => expect(watching.result.current.members.map(({ key }) => key)).toEqual(['bob']));
});

test('another key is another person', async () => {
  const { server, person } = people({ user: undefined });
  const { wrapper } = person('x');
  const { rerender, result } = renderHook(({ key }) => usePresence('lobby', { me: { key, data: { key } } }), {
    wrapper,
    initialProps: { key: 'user-1' },
  });
  await waitFor(() => expect(result.current.me?.key).toBe('user-1'));
  rerender({ key: 'somebody' });
  await waitFor(() => expect(server.members('lobby')).toMatchObject([{ data: { key: 'somebody' } }]));
  expect(result.current.me).toBeUndefined();
});

test('who types is shown to the others: from the first key until the field is emptied, left or gone', async () => {
  const { server, person } = people();
  const [ada, bob] = [person('ada'), person('bob')];
  function Field() {
    const { inputProps } = useTyping('lobby', { me: { key: 'ada', data: 'Ada' }, throttleMs: 0 });
    return <input {...inputProps} />;
  }
  const { container: shown } = render(<TypingIndicator channel="lobby" me={{ key: 'bob' }} className="dots" />, {
    wrapper: bob.wrapper,
  });
  const indicator = shown.firstElementChild;
  expect(indicator?.outerHTML).toBe('<span role="status" data-keepwire="typing" data-typers="0" class="dots"></span>');
  const { container, unmount } = render(<Field />, { wrapper: ada.wrapper });
  await waitFor(() => expect(server.channels.get('lobby')).toBe(2));
  const field = container.querySelector('input') as HTMLInputElement;
  const appears = () => waitFor(() => expect(indicator?.textContent).toBe('Ada is typing'));
  const vanishes = () => waitFor(() => expect(indicator?.textContent).toBe(''));

  fireEvent.input(field, { target: { value: 'h' } });
  await appears();
  expect(indicator?.getAttribute('data-typers')).toBe('1');
  fireEvent.input(field, { target: { value: '' } });
  await vanishes();
  fireEvent.input(field, { target: { value: 'h' } });
  await appears();
  fireEvent.blur(field);
  await vanishes();
  fireEvent.input(field, { target: { value: 'hi' } });
  await appears();
  unmount();
  await vanishes();
});

test('the typing indicator names two, counts more, and can be given names and words', () => {
  const typer = (key: string, data?: unknown) => ({ key, since: 0, data });
  const typers = [typer('a', { name: 'Ada' }), typer('b', 'Bob'), typer('c', { age: 3 })];
  const { wrapper } = people().person('ada');
  const { container } = render(
    <>
      <TypingIndicator typers={typers.slice(0, 2)} />
      <TypingIndicator typers={typers} />
      <TypingIndicator typers={typers.slice(2)} />
      <TypingIndicator typers={typers.slice(0, 1)} name={({ key }) => key.toUpperCase()} />
      <TypingIndicator typers={typers}>{(all) => <b>{all.length}</b>}</TypingIndicator>
    </>,
    { wrapper },
  );
  expect([...container.children].map(({ textContent }) => textContent)).toEqual([
    'Ada and Bob are typing',
    '3 people are typing',
    'c is typing',
    'A is typing',
    '3',
  ]);
});

test('read marks are state, and their questions are new functions when the answers may be new', async () => {
  const { server, person } = people();
  const [ada, bob] = [person('ada'), person('bob')];
  const one = renderHook(() => useReceipts('lobby', { me: { key: 'ada' } }), { wrapper: ada.wrapper });
  const other = renderHook(() => useReceipts('lobby', { me: { key: 'bob' } }), { wrapper: bob.wrapper });
  await waitFor(() => expect(server.channels.get('lobby')).toBe(2));
  const { readBy } = one.result.current;
  expect([readBy(4), one.result.current.unread([4, 5])]).toEqual([[], 2]);
  act(() => other.result.current.mark(4));
  await waitFor(() => expect(one.result.current.marks.get('bob')?.position).toBe(4));
  expect(one.result.current.readBy).not.toBe(readBy);
  expect(one.result.current.readBy(4)).toEqual(['bob']);
  expect(other.result.current.unread([3, 4, 5])).toBe(1);
});

test('the raw members of a channel are shown too', async () => {
  const { person } = people();
  const { wrapper } = person('ada');
  const { result } = renderHook(() => [usePresence('lobby', { me: { key: 'ada' } }), useMembers('lobby')] as const, { wrapper });
  await waitFor(() => expect(result.current[1]).toMatchObject([{ key: 'ada' }]));
});

test('the presence mark is an image with a name, and no live region', () => {
  const member = { key: 'ada', status: 'away', lastSeen: 0, data: {}, devices: 1 } as const;
  const { container } = render(
    <>
      <PresenceIndicator member={member} className="dot" />
      <PresenceIndicator status="online" label={(status) => `Ada: ${status}`} />
      <PresenceIndicator />
    </>,
  );
  expect([...container.children].map((mark) => mark.outerHTML)).toEqual([
    '<span role="img" aria-label="away" title="away" data-keepwire="presence" data-status="away" class="dot"></span>',
    '<span role="img" aria-label="Ada: online" title="Ada: online" data-keepwire="presence" data-status="online"></span>',
    '<span role="img" aria-label="offline" title="offline" data-keepwire="presence" data-status="offline"></span>',
  ]);
});

test('the monitor shows the status as a live region and the numbers beside it', async () => {
  const watch = monitor({ everyMs: 1 });
  const { server, person } = people();
  const { wrapper, realtime } = person('ada', { probe: watch });
  const { container } = render(
    <>
      <RealtimeMonitor monitor={watch} />
      <RealtimeMonitor label="Verbindung">{(rows) => rows.map(({ name }) => name).join()}</RealtimeMonitor>
    </>,
    { wrapper },
  );
  const [whole, own] = container.querySelectorAll('section');
  await waitFor(() => expect(whole?.querySelector('[data-name=transport] dd')?.textContent).toBe('fake'));
  expect([whole?.getAttribute('aria-label'), own?.getAttribute('aria-label')]).toEqual(['Connection', 'Verbindung']);
  expect(whole?.querySelectorAll('[role=status]')).toHaveLength(1);
  const lobby = realtime.channel('lobby');
  const came = lobby.once('message');
  await server.joined('lobby');
  server.publish('lobby', 'message', 1);
  await came;
  await waitFor(() => expect(whole?.querySelector('[data-name=delivered]')?.textContent).toBe('Delivered1'));
  expect(own?.textContent).toBe('connectedtransport,mode');
});

test('the stylesheet colours what the components show, and gives way to any rule of the page', async () => {
  const sheet = document.head.appendChild(document.createElement('link'));
  onTestFinished(() => sheet.remove());
  const loaded = new Promise((resolve) => sheet.addEventListener('load', resolve));
  Object.assign(sheet, { rel: 'stylesheet', href: '/src/style.css' });
  await loaded;
  const { container } = render(
    <>
      {(['online', 'away', 'offline'] as const).map((status) => (
        <PresenceIndicator key={status} status={status} />
      ))}
      <TypingIndicator typers={[]} />
      <TypingIndicator typers={[{ key: 'ada', since: 0, data: undefined }]} />
    </>,
    { wrapper: people().person('ada').wrapper },
  );
  const marks = [...container.children];
  const dots = marks.slice(0, 3).map((mark) => getComputedStyle(mark, '::before').backgroundColor);
  expect(new Set(dots).size).toBe(3);
  expect(marks.slice(3).map((mark) => getComputedStyle(mark, '::after').content.includes('…'))).toEqual([false, true]);
  const own = document.head.appendChild(document.createElement('style'));
  onTestFinished(() => own.remove());
  own.textContent = 'span::before { background: rgb(1, 2, 3) }';
  expect(getComputedStyle(marks[0] as Element, '::before').backgroundColor).toBe('rgb(1, 2, 3)');
});
