import type { Channel, Gap, unchecked } from 'keepwire';
import { type LiveList, type LiveListOptions, type LoadRange, liveList } from 'keepwire/live-list';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { town } from '../support/people.ts';

interface Message {
  readonly id: string;
  readonly text: string;
}

const message = (id: number, text = `t${id}`): Message => ({ id: `m${id}`, text });
const messages = (from: number, to: number): Message[] =>
  Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

/** Answers that the test gives when it likes. */
function history() {
  const asked: (LoadRange<Message> & {
    answer(items: readonly Message[], hasMore?: boolean): void;
    fail(error: unknown): void;
  })[] = [];
  const load: NonNullable<LiveListOptions<Message>['load']> = (range) =>
    new Promise((resolve, reject) => {
      asked.push({
        ...range,
        answer: (items, hasMore) => resolve(hasMore === undefined ? items : { items, hasMore }),
        fail: reject,
      });
    });
  return { asked, load };
}

const mapping: LiveListOptions<Message, string> = {
  key: ({ id }) => id,
  // ours comes back as it was sent: as text alone
  insert: { message: (data, { id = '' }) => (typeof data === 'string' ? { id, text: data } : (data as Message)) },
  update: { edited: (data) => data as Partial<Message> },
  remove: { deleted: (data) => (data as Message).id },
  optimistic: { item: (text, { id }) => ({ id, text }) },
};

function listOf(channel: Channel, options: Partial<LiveListOptions<Message, string>> = {}): LiveList<Message, string> {
  const list = liveList(channel, { ...mapping, ...options });
  onTestFinished(list.close);
  return list;
}

const texts = (list: LiveList<Message, string>): string[] => list.view.get().items.map(({ item }) => item.text);
const lines = (list: LiveList<Message, string>): string[] =>
  list.view.get().items.map(({ item, status, error }) => `${item.text} ${status} ${error?.code ?? ''}`.trim());

describe('history and live events', () => {
  test('the history is asked for when the channel is joined, and what happens meanwhile is merged into it', async () => {
    const { settle, server, person } = town();
    const { asked, load } = history();
    const { channel } = person('ada');
    const list = listOf(channel, { load });
    expect(asked).toEqual([]);
    expect(list.view.get()).toEqual({
      items: [],
      status: 'loading',
      isLive: false,
      hasMore: false,
      isLoadingMore: false,
      error: undefined,
      gap: undefined,
    });
    await settle();
    expect(channel.state.get().status).toBe('joined');
    expect(asked).toEqual([expect.objectContaining({ before: undefined, limit: 50 })]);
    server.publish('lobby', 'message', message(3));
    server.publish('lobby', 'edited', { id: 'm1', text: 'edited' });
    server.publish('lobby', 'deleted', { id: 'm2' });
    await settle();
    expect(texts(list)).toEqual(['t3']);
    asked[0]?.answer(messages(1, 3), true);
    await settle();
    expect(texts(list)).toEqual(['edited', 't3']);
    expect(list.view.get()).toMatchObject({ status: 'ready', isLive: true, hasMore: true });
  });

  test('it says whether it is live: not while it is cut off, nor from a hole until it was loaded again', async () => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    const { channel } = person('ada');
    const list = listOf(channel, { load });
    const bare = listOf(channel);
    expect(bare.view.get().isLive).toBe(false);
    const seen: string[] = [];
    list.view.subscribe(({ isLive, items }) => isLive && seen.push(items.map(({ item }) => item.text).join()));
    const isLive = (): boolean[] => [list, bare].map(({ view }) => view.get().isLive);
    await settle();
    expect(isLive()).toEqual([false, true]);
    asked[0]?.answer([message(1)]);
    await settle();
    expect(isLive()).toEqual([true, true]);
    server.drop();
    await settle();
    expect(isLive()).toEqual([false, false]);
    await clock.advance(5_000);
    // it was replayed
    expect(isLive()).toEqual([true, true]);
    server.drop();
    server.forget('lobby');
    await clock.advance(5_000);
    expect(channel.state.get().status).toBe('joined');
    expect(isLive()).toEqual([false, false]);
    asked[1]?.answer([message(2)]);
    await settle();
    expect(isLive()).toEqual([true, false]);
    expect(new Set(seen)).toEqual(new Set(['t1', 't2']));
  });

  test('a history that was loaded without a connection is not live before it was loaded again', async () => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    server.refuse('refused');
    const { channel } = person('ada');
    const list = listOf(channel, { load });
    await clock.advance(2_000);
    asked[0]?.answer([message(1)]);
    await settle();
    expect(list.view.get()).toMatchObject({ status: 'ready', isLive: false });
    server.admit();
    await clock.advance(10_000);
    expect(channel.state.get().status).toBe('joined');
    expect(list.view.get()).toMatchObject({ status: 'ready', isLive: false });
    asked[1]?.answer([message(1), message(2)]);
    await settle();
    expect(list.view.get().isLive).toBe(true);
  });

  test('with a version, what is older never replaces what is newer', async () => {
    const { settle, server, person } = town();
    const { channel } = person('ada');
    const list = listOf(channel, { version: ({ text }) => Number(text) });
    await settle();
    for (const text of ['2', '1']) server.publish('lobby', 'message', { id: 'm1', text });
    await settle();
    expect(texts(list)).toEqual(['2']);
  });

  test('new, edited and deleted can come under one event name', async () => {
    const { settle, server, person } = town();
    type Said = { action: string } & Message;
    const { channel } = person('ada');
    const list = liveList(channel as Channel<{ said: ReturnType<typeof unchecked<Said>> }>, {
      key: ({ id }: Message) => id,
      insert: { said: ({ action, ...item }) => (action === 'new' ? item : undefined) },
      update: { said: ({ action, ...item }) => (action === 'edited' ? item : undefined) },
      remove: { said: ({ action, id }) => (action === 'deleted' ? id : undefined) },
    });
    expect(list.view.get().status).toBe('ready');
    await settle();
    for (const [action, item] of [
      ['new', message(1)],
      ['new', message(2)],
      ['edited', message(1, 'edited')],
      ['deleted', message(2)],
    ] as const) {
      server.publish('lobby', 'said', { action, ...item });
    }
    await settle();
    expect(list.view.get().items.map(({ item }) => item)).toEqual([message(1, 'edited')]);
  });

  test('a mapping that throws is a fault, and costs only its event', async () => {
    const { settle, server, person } = town();
    const { channel, faults } = person('ada');
    const list = listOf(channel, {
      insert: {
        message: (data) => {
          if (data === 'bad') throw new Error('cannot read');
          return data as Message;
        },
      },
    });
    await settle();
    server.publish('lobby', 'message', 'bad');
    server.publish('lobby', 'message', message(1));
    await settle();
    expect(texts(list)).toEqual(['t1']);
    expect(faults).toEqual([expect.stringContaining('lobby')]);
  });

  test('without a connection the history comes after a while, and again with the join', async () => {
    const { clock, settle, server, person } = town();
    server.refuse('refused');
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load });
    await clock.advance(1_999);
    expect(asked).toHaveLength(0);
    await clock.advance(1);
    asked[0]?.answer([message(1)]);
    await settle();
    expect([texts(list), list.view.get().status]).toEqual([['t1'], 'ready']);
    server.admit();
    await clock.advance(2_000);
    expect(asked).toHaveLength(2);
    asked[1]?.answer(messages(1, 2));
    await settle();
    expect(texts(list)).toEqual(['t1', 't2']);
  });

  test('a reconnect with a replay asks for nothing', async () => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load });
    await settle();
    asked[0]?.answer([message(1)]);
    await settle();
    server.drop();
    server.publish('lobby', 'message', message(2));
    await clock.advance(1_000);
    expect(texts(list)).toEqual(['t1', 't2']);
    expect(asked).toHaveLength(1);
  });

  test('after a gap everything that is held is loaded again, page by page, and the gap is shown until then', async () => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load, pageSize: 2 });
    await settle();
    asked[0]?.answer(messages(3, 4));
    await settle();
    const more = list.loadMore();
    await settle();
    expect(asked[1]).toMatchObject({ before: message(3), limit: 2 });
    asked[1]?.answer(messages(1, 2));
    await more;
    expect(texts(list)).toEqual(['t1', 't2', 't3', 't4']);

    await clock.advance(5_000);
    server.drop();
    server.forget('lobby');
    await clock.advance(1_000);
    expect(list.view.get()).toMatchObject({ status: 'ready', gap: { reason: 'epoch-changed' } });
    // what is on screen stays until the truth is there
    expect(texts(list)).toEqual(['t1', 't2', 't3', 't4']);
    expect(asked).toHaveLength(3);
    asked[2]?.answer([message(4), message(5)]);
    await settle();
    expect(asked[3]?.before).toEqual(message(4));
    server.publish('lobby', 'message', message(6));
    asked[3]?.answer([message(1), message(3, 'edited meanwhile')]);
    await settle();
    expect(texts(list)).toEqual(['t1', 'edited meanwhile', 't4', 't5', 't6']);
    expect(list.view.get()).toMatchObject({ gap: undefined, hasMore: true });
    expect(asked).toHaveLength(4);
  });

  test.each([true, false])('gaps one after the other do not hammer the server (answers at once: %s)', async (isQuick) => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load });
    await settle();
    asked[0]?.answer([message(1)]);
    for (let round = 0; round < 20; round++) {
      server.drop();
      server.forget('lobby');
      await clock.advance(150);
      if (isQuick) asked.at(-1)?.answer([message(round)]);
      await settle();
    }
    expect(asked.length).toBeLessThanOrEqual(isQuick ? 5 : 2);
    // one that began before the last gap is shown, but does not mend it
    if (!isQuick) {
      asked.at(-1)?.answer([message(98)]);
      await settle();
      expect(texts(list)).toEqual(['t98']);
      expect(list.view.get().gap).toBeDefined();
    }
    await clock.advance(1_000);
    asked.at(-1)?.answer([message(99)]);
    await settle();
    expect(list.view.get().gap).toBeUndefined();
    const { length } = asked;
    await clock.advance(60_000);
    expect(asked).toHaveLength(length);
  });
});

describe('a load that fails', () => {
  test('is shown, and tried again with pauses that double, six times', async () => {
    const { clock, settle, person } = town();
    const load = vi.fn(async () => Promise.reject(new Error('503')));
    const list = listOf(person('ada').channel, { load });
    await settle();
    expect(list.view.get()).toMatchObject({ status: 'failed', error: { code: 'refused', cause: expect.any(Error) } });
    const seen: number[] = [];
    for (let second = 1; second <= 100; second++) {
      const before = load.mock.calls.length;
      await clock.advance(1_000);
      if (load.mock.calls.length > before) seen.push(second);
    }
    expect(seen).toEqual([1, 3, 7, 15, 31]);
    list.reload();
    await settle();
    expect(load).toHaveBeenCalledTimes(7);
  });

  test('one that throws and one that never answers fail too, and the page comes later', async () => {
    const { clock, settle, person } = town();
    const load = vi.fn<NonNullable<LiveListOptions<Message>['load']>>(async () => [message(1)]);
    const signals: AbortSignal[] = [];
    let late: (items: readonly Message[]) => void = () => {};
    load.mockImplementationOnce(({ signal }) => {
      signals.push(signal);
      return new Promise((resolve) => {
        late = resolve;
      });
    });
    load.mockImplementationOnce(() => {
      throw new TypeError('bug');
    });
    const list = listOf(person('ada').channel, { load });
    await clock.advance(29_999);
    expect([list.view.get().status, signals[0]?.aborted]).toEqual(['loading', false]);
    await clock.advance(1);
    expect(list.view.get()).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect(signals[0]?.aborted).toBe(true);
    // what comes too late is not believed any more
    late([message(99)]);
    await settle();
    expect(texts(list)).toEqual([]);
    await clock.advance(1_000);
    expect(list.view.get().error?.cause).toBeInstanceOf(TypeError);
    await clock.advance(2_000);
    expect([list.view.get().status, list.view.get().error, texts(list)]).toEqual(['ready', undefined, ['t1']]);
    await settle();
  });

  test('a page that cannot be loaded leaves the list as it is', async () => {
    const { settle, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load, pageSize: 1 });
    await settle();
    asked[0]?.answer([message(2)]);
    await settle();
    const more = list.loadMore();
    // a second call waits for the first
    const same = list.loadMore();
    expect(list.view.get().isLoadingMore).toBe(true);
    asked[1]?.fail(new Error('no'));
    await Promise.all([more, same]);
    expect(asked).toHaveLength(2);
    expect(list.view.get()).toMatchObject({ status: 'ready', hasMore: true, isLoadingMore: false, error: { code: 'refused' } });
    const again = list.loadMore();
    asked[2]?.answer([]);
    await again;
    expect(list.view.get()).toMatchObject({ hasMore: false, error: undefined });
    await list.loadMore();
    expect(asked).toHaveLength(3);
  });

  test('a page that the application cannot read is a load that failed', async () => {
    const { clock, settle, person } = town();
    const { asked, load } = history();
    const key = ({ id, text }: Message): string => {
      if (text === 'bad') throw new TypeError('cannot read');
      return id;
    };
    const list = listOf(person('ada').channel, { load, key });
    await settle();
    asked[0]?.answer([message(1), message(2, 'bad')]);
    await settle();
    expect(list.view.get()).toMatchObject({ status: 'failed', error: { code: 'refused', cause: expect.any(TypeError) } });
    await clock.advance(1_000);
    asked[1]?.answer([message(1), message(2)]);
    await settle();
    expect([texts(list), list.view.get().status]).toEqual([['t1', 't2'], 'ready']);
  });

  test('a page that a gap has overtaken is not believed, and nobody waits for it', async () => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load, pageSize: 1 });
    await settle();
    asked[0]?.answer([message(2)]);
    await clock.advance(5_000);
    const more = list.loadMore();
    server.drop();
    server.forget('lobby');
    await clock.advance(1_000);
    await more;
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    asked[1]?.answer([message(1)]);
    await settle();
    expect(texts(list)).toEqual(['t2']);
    asked[2]?.answer([message(3)]);
    await settle();
    expect(list.view.get()).toMatchObject({ isLoadingMore: false, gap: undefined });
    expect(texts(list)).toEqual(['t3']);
  });

  test('a channel that the server will not let us into is failed, with its word, and no history is asked for', async () => {
    const { clock, person } = town();
    const { channel } = person('ada');
    const { asked, load } = history();
    const denied = Object.assign(new Error('no'), { code: 'rejected' });
    const state = {
      ...channel.state,
      subscribe(listener: (state: unknown) => void) {
        listener({ status: 'denied', continuity: 'unknown', error: denied });
        return () => {};
      },
    };
    const list = listOf({ ...channel, state } as unknown as Channel, { load });
    await clock.advance(10_000);
    expect(list.view.get()).toMatchObject({ status: 'failed', error: denied });
    expect(asked).toEqual([]);
  });
});

describe('loads one beside the other', () => {
  test('a gap while nothing is joined is loaded with the join, and the list is not live before', async () => {
    const { clock, settle, server, person } = town();
    const { asked, load } = history();
    const { channel } = person('ada');
    let tell: (gap: Gap) => void = () => {};
    const onGap: Channel['context']['onGap'] = (listener) => {
      tell = listener;
      return channel.context.onGap(listener);
    };
    const list = listOf({ ...channel, context: { ...channel.context, onGap } } as unknown as Channel, { load });
    await settle();
    asked[0]?.answer([message(1)]);
    await clock.advance(5_000);
    server.refuse('refused');
    server.drop();
    await settle();
    tell({ channel: 'lobby', reason: 'lost' } as unknown as Gap);
    expect(list.view.get()).toMatchObject({ isLive: false, gap: { channel: 'lobby' } });
    await clock.advance(5_000);
    expect(asked).toHaveLength(1);
    server.admit();
    await clock.advance(5_000);
    expect(list.view.get()).toMatchObject({ isLive: false, gap: { channel: 'lobby' } });
    asked[1]?.answer([message(1), message(2)]);
    await settle();
    expect(list.view.get()).toMatchObject({ isLive: true, gap: undefined });
    expect([asked.length, texts(list)]).toEqual([2, ['t1', 't2']]);
  });

  test('a load that is only wished for leaves the list live', async () => {
    const { clock, settle, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load });
    await settle();
    asked[0]?.answer([message(1)]);
    await clock.advance(5_000);
    list.reload();
    list.reload();
    await settle();
    expect([asked.length, list.view.get().isLive]).toEqual([2, true]);
    asked[1]?.answer([message(2)]);
    await clock.advance(5_000);
    // the second wish came while the first was under way
    expect([asked.length, list.view.get().isLive]).toEqual([3, false]);
    asked[2]?.answer([message(3)]);
    await settle();
    expect([texts(list), list.view.get().isLive]).toEqual([['t3'], true]);
  });

  test('an answer that comes together with the wish for another load does not end the later one', async () => {
    const { clock, settle, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load, pageSize: 1 });
    await settle();
    asked[0]?.answer([message(5)]);
    await clock.advance(5_000);
    const more = list.loadMore();
    asked[1]?.answer([message(4)]);
    list.reload();
    await more;
    await settle();
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    expect([texts(list), list.view.get().isLoadingMore]).toEqual([['t5'], false]);
    asked[2]?.answer([message(6)]);
    await settle();
    expect([texts(list), list.view.get().isLive]).toEqual([['t6'], true]);
  });

  test('an empty page has nothing before it, whatever the answer says', async () => {
    const { settle, person } = town();
    const { asked, load } = history();
    const list = listOf(person('ada').channel, { load });
    await settle();
    asked[0]?.answer([], true);
    await settle();
    expect(list.view.get()).toMatchObject({ status: 'ready', hasMore: false });
    await list.loadMore();
    expect(asked).toHaveLength(1);
  });
});

describe('sends', () => {
  test('are shown at once, and once when the server shows them', async () => {
    const { settle, server, person } = town();
    const list = listOf(person('ada').channel);
    await settle();
    const id = list.send('hello');
    expect(lines(list)).toEqual(['hello sending']);
    server.publish('lobby', 'message', message(1));
    await settle();
    expect(lines(list).sort()).toEqual(['hello confirmed', 't1 confirmed']);
    expect(
      list.view
        .get()
        .items.map((line) => line.id)
        .sort(),
    ).toEqual([id, 'm1'].sort());
    expect(server.received.map((send) => [send.id, send.data])).toEqual([[id, 'hello']]);
  });

  test('that overlap a load are looked for in another one, and shown once', async () => {
    const { clock, settle, person } = town();
    const { asked, load } = history();
    const send = async (): Promise<undefined> => undefined;
    const list = listOf(person('ada').channel, { load, optimistic: { item: (text, { id }) => ({ id, text }), send } });
    await settle();
    list.send('hello');
    await settle();
    asked[0]?.answer([message(1, 'hello')]);
    await settle();
    expect(texts(list)).toEqual(['hello', 'hello']);
    await clock.advance(1_000);
    asked[1]?.answer([message(1, 'hello')]);
    await settle();
    expect(texts(list)).toEqual(['hello']);
    expect(asked).toHaveLength(2);
  });

  test('wait while there is no connection, after everything that is confirmed', async () => {
    const { clock, settle, server, person } = town();
    const list = listOf(person('ada').channel);
    await settle();
    server.refuse('refused');
    server.drop();
    list.send('one');
    list.send('two');
    await settle();
    expect(lines(list)).toEqual(['one sending', 'two sending']);
    server.admit();
    await clock.advance(1_000);
    expect(lines(list)).toEqual(['one confirmed', 'two confirmed']);
  });

  test('that fail stay, can be tried again under the same id, or be taken away', async () => {
    let isRefusing = true;
    const { settle, server, person } = town(() => {
      if (isRefusing) throw new Error('slow down');
    });
    const list = listOf(person('ada').channel);
    await settle();
    const first = list.send('one');
    const second = list.send('two');
    await settle();
    expect(lines(list)).toEqual(['one failed rejected', 'two failed rejected']);
    list.discard(second);
    list.discard('unknown');
    expect(lines(list)).toEqual(['one failed rejected']);
    isRefusing = false;
    list.retry(first);
    list.retry(first);
    list.discard(first);
    expect(lines(list)).toEqual(['one sending']);
    await settle();
    expect(lines(list)).toEqual(['one confirmed']);
    expect(server.received.map(({ id }) => id)).toEqual([first]);
    list.retry(first);
    await settle();
    expect(server.received).toHaveLength(1);
  });

  test('by REST take the item of the answer, and the event that comes too is the same line', async () => {
    const { settle, server, person } = town();
    const send = vi.fn(async (text: string): Promise<Message> => message(7, text));
    const list = listOf(person('ada').channel, { optimistic: { item: (text, { id }) => ({ id, text }), send } });
    await settle();
    const id = list.send('hello');
    await settle();
    server.publish('lobby', 'message', message(7, 'hello'));
    await settle();
    expect(send).toHaveBeenCalledWith('hello', { id });
    expect(list.view.get().items).toEqual([{ id, item: message(7, 'hello'), status: 'confirmed', error: undefined }]);
    expect(server.received).toEqual([]);
  });

  test('are bounded, and need the option', async () => {
    const { server, person } = town();
    server.refuse('refused');
    const { channel } = person('ada', { outbox: { maxCount: 2_000 } });
    const list = listOf(channel);
    for (let count = 0; count < 1_000; count++) list.send('x');
    expect(() => list.send('x')).toThrow(expect.objectContaining({ code: 'queue-full' }));
    const watched = liveList(channel, { key: ({ id }: Message) => id });
    expect(() => watched.send('x')).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('a list', () => {
  test('leaves nothing behind when it is closed, by itself, its signal, its handle or the manager', async () => {
    const { clock, settle, person } = town();
    const { asked, load } = history();
    const { realtime, channel } = person('ada');
    await settle();
    const before = clock.pending;
    const ends: ((list: LiveList<Message, string>, controller: AbortController, own: Channel) => void)[] = [
      (list) => list.close(),
      (_list, controller) => controller.abort(),
      (_list, _controller, own) => own.leave(),
      (list) => list[Symbol.dispose](),
    ];
    for (const end of ends) {
      const controller = new AbortController();
      const own = realtime.channel('lobby');
      const list = listOf(own, { load, signal: controller.signal, per: 100 });
      list.reload();
      await settle();
      end(list, controller, own);
      end(list, controller, own);
      expect(asked.at(-1)?.signal.aborted).toBe(true);
      const view = list.view.get();
      asked.at(-1)?.answer([message(1)]);
      await settle();
      expect(list.view.get()).toBe(view);
      list.reload();
      await list.loadMore();
      own.leave();
      await settle();
      expect(clock.pending).toBe(before);
    }
    expect(() => listOf(realtime.channel('lobby'), { limit: 0 })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    channel.leave();
  });

  test('opened and closed and opened again, as StrictMode does, is one list', async () => {
    const { settle, person } = town();
    const { asked, load } = history();
    const { channel } = person('ada');
    listOf(channel, { load }).close();
    const list = listOf(channel, { load });
    await settle();
    expect(asked).toHaveLength(1);
    asked[0]?.answer([message(1)]);
    await settle();
    expect(texts(list)).toEqual(['t1']);
  });

  test('tells of many events once per picture where that is asked for', async () => {
    const { settle, server, person } = town();
    const painted: (() => void)[] = [];
    const frames = (callback: () => void) => {
      painted.push(callback);
      return () => painted.splice(painted.indexOf(callback), 1);
    };
    const list = listOf(person('ada').channel, { per: 'frame', frames, limit: 100 });
    await settle();
    for (const paint of painted.splice(0)) paint();
    const listener = vi.fn();
    list.view.subscribe(listener);
    for (let n = 1; n <= 10_000; n++) server.publish('lobby', 'message', message(n));
    await settle();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(painted).toHaveLength(1);
    painted.shift()?.();
    expect(listener).toHaveBeenCalledTimes(2);
    expect(texts(list)).toEqual(messages(9_901, 10_000).map(({ text }) => text));
  });
});
