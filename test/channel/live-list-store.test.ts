import fc from 'fast-check';
import { RealtimeError } from 'keepwire';
import { describe, expect, test } from 'vitest';
import { createListStore, type ListStore, type StoreRules } from '../../src/channel/live-list-store.ts';

interface Note {
  readonly key: string;
  readonly n: number;
  readonly text?: string;
  readonly mark?: string;
  readonly client?: string;
}

const inOrder = (a: Note, b: Note): number => a.n - b.n;

type Matches = (item: Note, sent: { readonly id: string; readonly item: Note }) => boolean;

function storeOf({ matches, ...rules }: Partial<StoreRules<Note>> & { readonly matches?: Matches } = {}): ListStore<Note> {
  return createListStore<Note>({ key: ({ key }) => key, limit: 100, optimistic: { matches }, ...rules });
}

const note = (n: number, more: Partial<Note> = {}): Note => ({ key: `k${n}`, n, text: `t${n}`, ...more });
const shown = (store: ListStore<Note>): string[] => store.entries().map(({ item }) => `${item.key}=${item.text}`);

describe('one merge', () => {
  test('an item that comes by event and by page is there once, and an event during the load wins', () => {
    const store = storeOf();
    store.begin();
    store.insert(note(2), {});
    store.patch({ key: 'k1', text: 'edited' });
    store.remove('k0');
    store.loaded([note(0), note(1), note(2)], false, true);
    expect(shown(store)).toEqual(['k1=edited', 'k2=t2']);
  });

  test('an edit from before the load does not go over its answer, which is newer', () => {
    const store = storeOf();
    store.patch({ key: 'k1', text: 'old edit' });
    store.begin();
    store.loaded([note(1, { text: 'newer edit' })], false, true);
    expect(shown(store)).toEqual(['k1=newer edit']);
  });

  test('an edit during the load changes its fields of the answer, not those that were held', () => {
    const store = storeOf();
    store.insert(note(1, { text: 'stale' }), {});
    store.begin();
    store.patch({ key: 'k1', mark: '!' });
    store.loaded([note(1, { text: 'missed edit' })], false, true);
    expect(store.entries()[0]?.item).toEqual(note(1, { text: 'missed edit', mark: '!' }));
  });

  test('with a version, an older item never takes the place of a newer one, by event or by page', () => {
    const version = ({ mark = '0' }: Note): number => Number(mark);
    const store = storeOf({ version });
    store.insert(note(1, { mark: '2', text: 'new' }), {});
    store.insert(note(1, { mark: '1', text: 'late' }), {});
    expect(shown(store)).toEqual(['k1=new']);
    store.begin();
    store.loaded([note(1, { mark: '1', text: 'late page' }), note(2, { mark: '1' })], false, true);
    expect(shown(store)).toEqual(['k1=new', 'k2=t2']);
    // the same version is told again, as after a reconnect
    store.insert(note(1, { mark: '2', text: 'same' }), {});
    store.begin();
    store.insert(note(2, { mark: '3', text: 'during' }), {});
    store.loaded([note(1, { mark: '4', text: 'newer page' }), note(2, { mark: '2', text: 'older page' })], false, true);
    expect(shown(store)).toEqual(['k1=newer page', 'k2=during']);
    store.loaded([note(2, { mark: '3' })], false, true);
    expect(shown(store)).toEqual(['k2=t2']);
  });

  test('an edit and a deletion that come before their items are kept for them', () => {
    const store = storeOf();
    store.patch({ key: 'k1', text: 'edited' });
    store.patch({ key: 'k1', mark: '!' });
    store.remove('k2');
    store.insert(note(1), {});
    store.insert(note(2), {});
    expect(store.entries().map(({ item }) => item)).toEqual([note(1, { text: 'edited', mark: '!' })]);
  });

  test('an edit that a page has overtaken is forgotten', () => {
    const store = storeOf();
    store.patch({ key: 'k1', text: 'old edit' });
    store.begin();
    store.loaded([note(1)], false, true);
    store.insert(note(1, { text: 'whole' }), {});
    expect(shown(store)).toEqual(['k1=whole']);
  });

  test('what was held and is not in a whole answer is gone', () => {
    const store = storeOf();
    for (const n of [1, 2, 3]) store.insert(note(n), {});
    store.begin();
    store.insert(note(4), {});
    store.loaded([note(1), note(3)], true, true);
    expect(shown(store)).toEqual(['k1=t1', 'k3=t3', 'k4=t4']);
    expect(store.hasMore).toBe(true);
  });

  test('an unchanged line stays the same object, and a changed one keeps its id', () => {
    const store = storeOf();
    store.insert(note(1), {});
    store.insert(note(2), {});
    const [first, second] = store.entries();
    store.patch({ key: 'k2', text: 'x' });
    expect(store.entries()[0]).toBe(first);
    expect(store.entries()[1]).not.toBe(second);
    expect(store.entries()[1]?.id).toBe(second?.id);
  });
});

describe('the bound', () => {
  test('the oldest are dropped, can be paged to, and can be let go of again', () => {
    const store = storeOf({ limit: 3 });
    for (const n of [1, 2, 3, 4, 5]) store.insert(note(n), {});
    expect([shown(store), store.hasMore]).toEqual([['k3=t3', 'k4=t4', 'k5=t5'], true]);
    store.begin();
    store.loaded([note(1), note(2)], false, false);
    expect([store.size, store.hasMore, store.oldest]).toEqual([5, false, note(1)]);
    store.insert(note(6), {});
    expect([store.size, store.hasMore, store.oldest]).toEqual([5, true, note(2)]);
    store.trim();
    expect(shown(store)).toEqual(['k4=t4', 'k5=t5', 'k6=t6']);
  });

  test('a page that is on its way finds the row before which it ends', () => {
    const store = storeOf({ limit: 2 });
    for (const n of [3, 4]) store.insert(note(n), {});
    store.begin();
    store.insert(note(5), {});
    store.loaded([note(1), note(2)], false, false);
    expect(shown(store).map((text) => text.slice(0, 2))).toEqual(['k1', 'k2', 'k3', 'k4', 'k5']);
  });

  test('a page is dropped when so much came that its neighbour is gone, and can be asked for again', () => {
    const store = storeOf({ limit: 2 });
    for (const n of [3, 4]) store.insert(note(n), {});
    store.begin();
    for (const n of [5, 6, 7]) store.insert(note(n), {});
    store.loaded([note(1), note(2)], false, false);
    expect([shown(store), store.hasMore]).toEqual([['k6=t6', 'k7=t7'], true]);
  });

  test('something from before the window waits for its page', () => {
    const store = storeOf({ limit: 2, compare: inOrder });
    for (const n of [3, 4, 5]) store.insert(note(n), {});
    store.insert(note(1), {});
    expect(shown(store)).toEqual(['k4=t4', 'k5=t5']);
    store.begin();
    store.loaded([note(3), note(1)], false, false);
    expect(store.entries().map(({ item }) => item.n)).toEqual([1, 3, 4, 5]);
  });

  test('something from before a loaded window waits for its page too', () => {
    const store = storeOf({ compare: inOrder });
    store.begin();
    store.loaded([note(3), note(4)], true, true);
    store.insert(note(1), {});
    expect(shown(store)).toEqual(['k3=t3', 'k4=t4']);
  });

  test('an edit leaves an item where it is among those of the same rank', () => {
    const store = storeOf({ compare: () => 0 });
    for (const n of [1, 2, 3]) store.insert(note(n), {});
    store.patch({ key: 'k2', text: 'x' });
    expect(shown(store)).toEqual(['k1=t1', 'k2=x', 'k3=t3']);
  });

  test('an edit of the oldest leaves it in the list, and one that moves before it waits for its page', () => {
    const store = storeOf({ compare: inOrder });
    store.begin();
    store.loaded([note(3), note(4), note(5)], true, true);
    store.patch({ key: 'k3', text: 'x', n: 2 });
    expect(shown(store)).toEqual(['k3=x', 'k4=t4', 'k5=t5']);
    store.patch({ key: 'k5', n: 1 });
    expect(shown(store)).toEqual(['k3=x', 'k4=t4']);
  });

  test('an edit moves an item to where its order wants it', () => {
    const store = storeOf({ compare: inOrder });
    for (const n of [1, 2, 3]) store.insert(note(n), {});
    store.patch({ key: 'k1', n: 9 });
    expect(store.entries().map(({ item }) => item.key)).toEqual(['k2', 'k3', 'k1']);
  });
});

describe('our own sends', () => {
  const draft: Note = { key: 'draft', n: 0, text: 'hello', client: 's1' };

  test.each([
    ['the id of the message', { id: 's1' }, {}, note(1)],
    ['the key', {}, {}, { ...note(1), key: 'draft' }],
    ['the number', { offset: 7 }, { acceptedFirst: true }, note(1)],
    ['what the application says', {}, { matches: true }, note(1, { client: 's1' })],
  ])(
    'are known again by %s',
    (_, origin, { acceptedFirst = false, matches = false }: { acceptedFirst?: boolean; matches?: boolean }, item) => {
      const store = storeOf(matches ? { matches: ({ client }, { id }) => client === id } : {});
      store.sending('s1', draft);
      expect(store.entries().map(({ status }) => status)).toEqual(['sending']);
      if (acceptedFirst) store.accepted('s1', 7, undefined);
      store.insert(item, origin);
      expect(store.entries()).toEqual([{ id: 's1', item, status: 'confirmed', error: undefined }]);
      if (!acceptedFirst) store.accepted('s1', 7, undefined);
      expect(store.entries()).toHaveLength(1);
      expect(store.sends).toBe(0);
    },
  );

  test('the number of the answer finds the message that came before it', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.insert(note(1), { offset: 7 });
    store.accepted('s1', 7, undefined);
    expect(shown(store)).toEqual(['k1=t1']);
  });

  test('the item of the answer finds the message that came before it, and does not undo its edits', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.insert(note(1), {});
    store.patch({ key: 'k1', text: 'edited' });
    store.accepted('s1', undefined, note(1));
    expect(shown(store)).toEqual(['k1=edited']);
  });

  test('an accepted one is confirmed at once, and stands where the server shows it', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.accepted('s1', 3, undefined);
    store.sending('s2', { ...draft, key: 'next' });
    expect(store.entries().map(({ id, status }) => [id, status])).toEqual([
      ['s1', 'confirmed'],
      ['s2', 'sending'],
    ]);
    // the answer was faster than what came before it
    store.insert(note(2), { offset: 2 });
    store.insert(note(3), { id: 's1', offset: 3 });
    expect(shown(store)).toEqual(['k2=t2', 'k3=t3', 'next=hello']);
    expect(store.entries()[1]?.id).toBe('s1');
  });

  test('one that a page shows before its answer comes is one line', () => {
    const store = storeOf({ matches: ({ client }, { id }) => client === id });
    store.sending('s1', draft);
    store.begin();
    store.loaded([note(1, { client: 's1' })], false, true);
    store.accepted('s1', 7, undefined);
    expect(store.entries().map(({ id, status }) => [id, status])).toEqual([['s1', 'confirmed']]);
  });

  test('an accepted one goes when the server shows it under a key that is there already', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.insert(note(1), {});
    store.accepted('s1', undefined, undefined);
    store.insert(note(1), { id: 's1' });
    expect(shown(store)).toEqual(['k1=t1']);
  });

  test('an accepted one that the server never shows goes with the next whole answer', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.accepted('s1', undefined, undefined);
    store.begin();
    store.loaded([note(1)], false, true);
    expect(shown(store)).toEqual(['k1=t1']);
  });

  test('one whose answer comes after a load that may show it asks for another load', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.begin();
    store.loaded([note(1)], false, true);
    expect(store.accepted('s1', 7, undefined)).toBe(true);
    store.begin();
    store.loaded([note(1)], false, true);
    expect(shown(store)).toEqual(['k1=t1']);
    store.sending('s2', { ...draft, key: 's2' });
    expect(store.accepted('s2', 8, undefined)).toBe(false);
  });

  test('one that was accepted during a load stays until it is shown', () => {
    const store = storeOf();
    store.begin();
    store.sending('s1', draft);
    store.accepted('s1', undefined, undefined);
    store.loaded([note(1)], false, true);
    expect(shown(store)).toEqual(['k1=t1', 'draft=hello']);
    store.insert(note(2), { id: 's1' });
    expect(shown(store)).toEqual(['k1=t1', 'k2=t2']);
  });

  test('two of the same words are two, and one that failed is not taken for another', () => {
    const store = storeOf({ matches: (item, sent) => item.text === sent.item.text });
    const error = new RealtimeError('rejected', 'no');
    store.sending('s1', draft);
    store.failed('s1', error);
    store.sending('s2', { ...draft, key: 'draft2' });
    store.insert(note(1, { text: 'hello' }), {});
    expect(store.entries().map(({ id, status }) => [id, status])).toEqual([
      ['s2', 'confirmed'],
      ['s1', 'failed'],
    ]);
    expect(store.entries().at(-1)?.error).toBe(error);
    // an expired send may have been applied all the same
    store.insert(note(2, { text: 'hello' }), { id: 's1' });
    expect(store.entries().map(({ id, status }) => [id, status])).toEqual([
      ['s2', 'confirmed'],
      ['s1', 'confirmed'],
    ]);
  });

  test('the number of the answer finds the message that was edited before the answer came', () => {
    const store = storeOf();
    store.sending('s1', draft);
    store.insert(note(1), { offset: 7 });
    store.insert(note(1, { text: 'edited' }), { offset: 9 });
    store.accepted('s1', 7, undefined);
    expect(shown(store)).toEqual(['k1=edited']);
  });

  test('an old event of one that is there in a newer version already takes its copy away', () => {
    const store = storeOf({ version: ({ mark = '0' }) => Number(mark) });
    store.sending('s1', draft);
    store.insert(note(1, { mark: '2', text: 'edited' }), {});
    store.insert(note(1, { mark: '1' }), { id: 's1' });
    store.accepted('s1', undefined, undefined);
    expect(shown(store)).toEqual(['k1=edited']);
  });

  test.each(['event', 'page'])('the word of the server by %s counts more than a copy with a later version', (way) => {
    const store = storeOf({ version: ({ mark = '0' }) => Number(mark) });
    // its clock goes before that of the server
    store.sending('s1', { ...draft, mark: '9' });
    store.accepted('s1', undefined, undefined);
    const item: Note = { ...draft, text: 'cleaned', mark: '3' };
    store.begin();
    if (way === 'event') store.insert(item, { id: 's1' });
    store.loaded([item], false, true);
    store.patch({ key: 'draft', text: 'edited' });
    expect(store.entries()).toEqual([{ id: 's1', item: { ...item, text: 'edited' }, status: 'confirmed', error: undefined }]);
  });

  test.each([false, true])('one that is removed while it is sent is gone for good (accepted before: %s)', (isAccepted) => {
    const store = storeOf();
    store.sending('s1', draft);
    if (isAccepted) store.accepted('s1', 7, undefined);
    store.remove('draft');
    expect(store.entries()).toEqual([]);
    store.accepted('s1', 7, undefined);
    store.failed('s1', new RealtimeError('expired', 'too late'));
    store.insert(draft, { id: 's1' });
    expect([store.entries(), store.sends]).toEqual([[], 0]);
  });

  test('one with the key of an item that is there takes its place when the server shows it', () => {
    const store = storeOf();
    store.insert(note(1), {});
    store.insert(note(2), {});
    store.sending('s1', note(1, { text: 'mine' }));
    store.insert(note(1, { text: 'mine' }), { id: 's1' });
    expect(shown(store)).toEqual(['k1=mine', 'k2=t2']);
    store.patch({ key: 'k1', text: 'edited' });
    store.remove('k1');
    expect(shown(store)).toEqual(['k2=t2']);
  });

  test('two accepted ones of the same words are two lines', () => {
    const store = storeOf({ matches: (item, sent) => item.text === sent.item.text });
    for (const id of ['s1', 's2']) {
      store.sending(id, { ...draft, key: id });
      store.accepted(id, undefined, undefined);
    }
    expect(store.entries().map(({ id }) => id)).toEqual(['s1', 's2']);
  });
});

/** A server with its truth, and a client that hears of it late. */
type Step =
  | {
      readonly kind:
        | 'insert'
        | 'deliver'
        | 'lose'
        | 'begin'
        | 'read'
        | 'end'
        | 'more'
        | 'send'
        | 'take'
        | 'ack'
        | 'refuse'
        | 'trim';
    }
  | { readonly kind: 'edit' | 'mark' | 'delete'; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Step>({ kind: 'insert' }, { kind: 'deliver' }, { kind: 'deliver' }) },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ kind: 'begin' }, { kind: 'read' }, { kind: 'end' }, { kind: 'more' }) },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ kind: 'send' }, { kind: 'take' }, { kind: 'ack' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'lose' }, { kind: 'refuse' }, { kind: 'trim' }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('edit' as const, 'mark' as const, 'delete' as const), pick: fc.nat(100) }),
  },
);

interface Model {
  readonly limit: number;
  readonly isOrdered: boolean;
  /** How our own sends are known again. */
  readonly known: 'id' | 'key' | 'matches' | 'answer';
  readonly steps: readonly Step[];
}

function converges({ limit, isOrdered, known, steps }: Model): void {
  const pageSize = 3;
  const next = (): number => {
    serial += 1;
    return serial;
  };
  const store = storeOf({
    limit,
    compare: isOrdered ? inOrder : undefined,
    matches: ({ client }, { id }) => known === 'matches' && client === id,
  });
  let truth: Note[] = [];
  let serial = 0;
  /** Events on their way, in order. */
  let wire: (() => void)[] = [];
  const uplink: { readonly id: string; readonly draft: Note }[] = [];
  const acks: (() => void)[] = [];
  let load:
    | {
        readonly kind: 'all' | 'more';
        answer?: { items: Note[]; hasMore: boolean };
        readonly before?: Note;
        readonly count: number;
      }
    | undefined;
  /** Events were lost since the load of everything began. */
  let isStale = false;

  const add = (item: Note, id?: string): void => {
    truth.push(item);
    const offset = item.n;
    wire.push(() => store.insert(item, { offset, id: known === 'id' ? id : undefined }));
  };
  const change = (pick: number, fields: Partial<Note>): void => {
    const item = truth[pick % truth.length];
    if (!item) return;
    truth = truth.map((each) => (each === item ? { ...each, ...fields } : each));
    wire.push(() => store.patch({ key: item.key, ...fields }));
  };
  const begin = (kind: 'all' | 'more'): void => {
    if (load) return;
    if (kind === 'all') isStale = false;
    store.begin();
    load = { kind, before: kind === 'more' ? store.oldest : undefined, count: Math.max(pageSize, store.size) };
  };
  const read = (): void => {
    if (!load || load.answer) return;
    const { before, kind, count } = load;
    const until = before ? truth.filter(({ n }) => n < before.n) : truth;
    // without an order, what is on its way must be on the page, or nothing tells that it is old
    const size = kind === 'more' ? pageSize : isOrdered ? count : count + wire.length;
    const items = until.slice(-size);
    load.answer = { items, hasMore: items.length < until.length };
  };
  const end = (): void => {
    if (!load?.answer) return;
    const { kind, answer } = load;
    load = undefined;
    store.loaded(answer.items, answer.hasMore, kind === 'all');
  };
  const take = (): void => {
    const send = uplink.shift();
    if (!send) return;
    serial += 1;
    const key = known === 'key' ? send.draft.key : `k${serial}`;
    const item: Note = { key, n: serial, text: send.draft.text, client: send.id };
    add(item, send.id);
    const offset = known === 'id' ? item.n : undefined;
    acks.push(() => {
      if (store.accepted(send.id, offset, known === 'answer' ? item : undefined)) isStale = true;
    });
  };
  const run = (step: Step): void => {
    switch (step.kind) {
      case 'insert':
        serial += 1;
        return add(note(serial));
      case 'edit':
        return change(step.pick, { text: `edit ${next()}` });
      case 'mark':
        return change(step.pick, { mark: `mark ${next()}` });
      case 'delete': {
        const item = truth[step.pick % truth.length];
        if (!item) return;
        truth = truth.filter((each) => each !== item);
        wire.push(() => store.remove(item.key));
        return;
      }
      case 'deliver':
        return wire.shift()?.();
      case 'lose':
        wire = [];
        isStale = true;
        return;
      case 'begin':
        return begin('all');
      case 'more':
        return store.hasMore ? begin('more') : undefined;
      case 'read':
        return read();
      case 'end':
        return end();
      case 'send': {
        const id = `s${next()}`;
        const draft: Note = { key: known === 'key' ? `c${serial}` : id, n: Number.MAX_SAFE_INTEGER, text: id, client: id };
        store.sending(id, draft);
        uplink.push({ id, draft });
        return;
      }
      case 'take':
        return take();
      case 'ack':
        return acks.shift()?.();
      case 'refuse': {
        const send = uplink.shift();
        if (!send) return;
        store.failed(send.id, new RealtimeError('rejected', 'no'));
        store.discard(send.id);
        return;
      }
      case 'trim':
        return store.trim();
    }
  };
  const noDoubles = (): void => {
    const keys = store.entries().map(({ item }) => item.key);
    const ids = store.entries().map(({ id }) => id);
    expect(new Set(keys).size, `keys ${keys}`).toBe(keys.length);
    expect(new Set(ids).size, `ids ${ids}`).toBe(ids.length);
  };

  begin('all');
  for (const each of steps) {
    run(each);
    noDoubles();
  }
  while (uplink.length) take();
  for (const deliver of wire.splice(0)) deliver();
  for (const ack of acks.splice(0)) ack();
  read();
  end();
  // a gap is followed by a load of everything
  if (isStale) {
    begin('all');
    read();
    end();
  }
  const items = store.entries().map(({ item }) => item);
  expect(items).toEqual(items.length ? truth.slice(-items.length) : []);
  expect(store.entries().every(({ status }) => status === 'confirmed')).toBe(true);
  expect(items.length).toBeGreaterThanOrEqual(Math.min(truth.length, limit, store.hasMore ? 1 : truth.length));
  if (!store.hasMore) expect(items).toHaveLength(truth.length);
}

test('whatever the order of loads, events, edits, deletions, sends and gaps, the list becomes what the server has', () => {
  fc.assert(
    fc.property(
      fc.record({
        // without an order a dropped item that is told of again would come last
        limit: fc.constantFrom(3, 5, 100),
        isOrdered: fc.boolean(),
        known: fc.constantFrom('id' as const, 'key' as const, 'matches' as const, 'answer' as const),
        steps: fc.array(step, { maxLength: 80 }),
      }),
      (model) => converges(model.isOrdered ? model : { ...model, limit: 1_000 }),
    ),
    { numRuns: 3000 },
  );
});
