import type { RealtimeError } from 'keepwire';

/** One line of a live list. A line that has not changed stays the same object. */
export interface ListEntry<Item> {
  /** Names the line for as long as it exists, also when the server gives our own item another key: for the keys of a view. */
  readonly id: string;
  /** The item. */
  readonly item: Item;
  /** `sending` and `failed` are our own sends; everything else is the server's, or was accepted by it. */
  readonly status: 'confirmed' | 'sending' | 'failed';
  /** Why the send failed. */
  readonly error: RealtimeError | undefined;
}

/** What is known of a message beside its item. */
export interface Origin {
  readonly id?: string;
  readonly offset?: number;
}

/** How items are told apart and ordered. */
export interface StoreRules<Item> {
  readonly keyOf: (item: Item) => string;
  /** The order of items, ascending. Without it: that of the pages, then that of their coming. */
  readonly compare: ((a: Item, b: Item) => number) | undefined;
  /** Is an item of the server the one that we sent? */
  readonly matches: (item: Item, sent: { readonly id: string; readonly item: Item }) => boolean;
  /** Grows with each change of an item; an older one never takes the place of a newer one. */
  readonly version?: ((item: Item) => number) | undefined;
  /** How many items are kept beside those that were paged to. */
  readonly limit: number;
}

/**
 * The merge of history, live events and our own sends. No clock, no promise: each call is one thing that was learned, and
 * in whichever order they come, the result is the same list.
 */
export interface ListStore<Item> {
  /** The server tells of an item, new or whole. */
  insert(item: Item, origin: Origin): void;
  /** The server tells of new fields of an item. */
  patch(fields: Partial<Item>): void;
  /** The server tells that an item is gone. Keys are not used again. */
  remove(key: string): void;
  /** A load begins: what is learned from now on is newer than its answer. */
  begin(): void;
  /** The load has failed. */
  abandon(): void;
  /** The load has brought what lies before the oldest item. */
  prepend(items: readonly Item[], hasMore: boolean): void;
  /** The load has brought the newest items: they are the truth about everything that is held. */
  reset(items: readonly Item[], hasMore: boolean): void;
  /** We send an item, for the first time or again. */
  sending(id: string, item: Item): void;
  /**
   * The server has accepted a send, and may have told what became of it.
   *
   * @returns true when a load that overlapped the send may show it too, under a key that we cannot know: load again
   */
  accepted(id: string, offset: number | undefined, item: Item | undefined): boolean;
  failed(id: string, error: RealtimeError): void;
  discard(id: string): void;
  /** The send of this line, if it is one that has not been accepted. */
  sent(id: string): ListEntry<Item> | undefined;
  /** Lets go of what was paged to. */
  trim(): void;
  entries(): readonly ListEntry<Item>[];
  readonly oldest: Item | undefined;
  /** How many confirmed items are held. */
  readonly size: number;
  readonly sends: number;
  readonly hasMore: boolean;
}

/** A confirmed line. */
interface Row<Item> {
  readonly key: string;
  readonly entry: ListEntry<Item>;
  /** The number of the message that brought it. */
  readonly offset: number | undefined;
}

/** One of our sends that the server has shown. */
interface Claimed<Item> {
  readonly id: string;
  /** Our copy, if it was accepted. */
  readonly row?: Row<Item>;
}

/** What was learned of a key while a load was under way: all of it, or fields alone. */
interface Learned<Item> {
  readonly row?: Row<Item>;
  readonly fields?: Partial<Item>;
}

/** So many removed keys, and fields of items that are not held, are remembered. */
const mostRemembered = 1_000;
/** So many keys that changed during one load are remembered. */
const mostLearned = 10_000;

/** Makes an empty list. */
export function createListStore<Item>({ keyOf, compare, matches, version, limit }: StoreRules<Item>): ListStore<Item> {
  /** Confirmed, the oldest first. */
  let rows: Row<Item>[] = [];
  let byKey = new Map<string, Row<Item>>();
  /** Our sends that are not accepted, in the order of sending. */
  const sends = new Map<string, ListEntry<Item>>();
  /** Our sends that are accepted and that the server has not shown yet: the key under which our copy stands for them. */
  const copies = new Map<string, string>();
  /** Sends that were under way when everything was loaded. */
  let doubtful: ReadonlySet<string> = new Set();
  const removed = new Map<string, true>();
  /** Fields of items that are still to come. */
  const early = new Map<string, Partial<Item>>();
  /** What was learned since the load began. */
  let learned: Map<string, Learned<Item>> | undefined;
  /** Since the load began the oldest rows had to be dropped all the same. */
  let isTorn = false;
  let room = limit;
  let hasMore = false;

  function learn(key: string, news: Learned<Item>): void {
    if (learned) remember(learned, key, news, mostLearned);
  }

  function indexOf(row: Row<Item>): number {
    // what changes is mostly at the end
    return rows.lastIndexOf(row);
  }

  /** Is an item older than the one that is held? */
  function isOlder(item: Item, held: Row<Item> | undefined): boolean {
    return version !== undefined && held !== undefined && version(item) < version(held.entry.item);
  }

  function forget({ key, entry }: Row<Item>): void {
    byKey.delete(key);
    copies.delete(entry.id);
  }

  function take(row: Row<Item>): void {
    rows.splice(indexOf(row), 1);
    forget(row);
  }

  function shrink(): void {
    const excess = rows.length - room;
    // a page that is on its way ends at the row that is the oldest now
    if (excess <= 0 || (learned && excess <= room)) return;
    isTorn = true;
    for (const row of rows.splice(0, excess)) forget(row);
    hasMore = true;
  }

  /** Puts a row where it belongs; one from before the window comes with its page. */
  function place(row: Row<Item>): void {
    let index = rows.length;
    while (compare && index > 0 && compare((rows[index - 1] as Row<Item>).entry.item, row.entry.item) > 0) index -= 1;
    if (index === 0 && rows.length && hasMore) return forget(row);
    rows.splice(index, 0, row);
    byKey.set(row.key, row);
    shrink();
  }

  /** Puts a row in the place of another one, or where its order wants it. */
  function replace(before: Row<Item>, row: Row<Item>): void {
    const index = indexOf(before);
    byKey.delete(before.key);
    const [left, right] = [rows[index - 1]?.entry.item, rows[index + 1]?.entry.item];
    const { item } = row.entry;
    const isInOrder =
      !compare || ((left === undefined || compare(left, item) <= 0) && (right === undefined || compare(item, right) <= 0));
    if (!isInOrder) {
      rows.splice(index, 1);
      return place(row);
    }
    rows[index] = row;
    byKey.set(row.key, row);
  }

  /**
   * The send that an item of the server is, if it is one of ours: from now on the server's takes its place.
   *
   * @returns its id, and the row of our copy if it was accepted
   */
  function claim(key: string, item: Item, { id, offset }: Origin): Claimed<Item> | undefined {
    if (!sends.size && !copies.size) return undefined;
    const accepted = [...copies.values()].flatMap((copyKey) => byKey.get(copyKey) ?? []);
    const isOurs = (row: Row<Item>): boolean =>
      row.entry.id === id || row.key === key || (row.offset !== undefined && row.offset === offset);
    const open = [...sends.values()];
    const row = accepted.find(isOurs);
    const send = row ? undefined : open.find((entry) => entry.id === id || keyOf(entry.item) === key);
    const likeRow = row || send ? row : accepted.find(({ entry }) => matches(item, entry));
    // one that failed is ours by its id alone: the same words may have been sent again
    const like = send ?? (likeRow ? undefined : open.find((entry) => entry.status === 'sending' && matches(item, entry)));
    const found = likeRow ? { id: likeRow.entry.id, row: likeRow } : like && { id: like.id };
    if (!found) return undefined;
    sends.delete(found.id);
    copies.delete(found.id);
    return found;
  }

  /**
   * The server's word about a whole item.
   *
   * @param copyOf - the send whose copy stands for it, until the server's word comes
   */
  function put(item: Item, origin: Origin, copyOf?: string): void {
    const key = keyOf(item);
    if (isOlder(item, byKey.get(key))) return;
    const send: Claimed<Item> | undefined = copyOf === undefined ? claim(key, item, origin) : { id: copyOf };
    const found = byKey.get(key);
    // the answer to our send may have overtaken what came before it: without an order, the events tell the place
    if (send?.row && (!compare || removed.has(key) || (found && found !== send.row))) take(send.row);
    if (removed.has(key)) return;
    const id = found?.entry.id ?? send?.id ?? key;
    const before = byKey.get(key) ?? (compare ? send?.row : undefined);
    const row: Row<Item> = { key, entry: confirmed(id, withFields(item, early.get(key))), offset: origin.offset };
    early.delete(key);
    learn(key, { row });
    if (copyOf !== undefined) copies.set(copyOf, key);
    if (before) replace(before, row);
    else place(row);
  }

  /** The rows of a load, each key once, with what was learned meanwhile on top. */
  function rowsOf(items: readonly Item[]): Map<string, Row<Item>> {
    const fresh = new Map<string, Row<Item>>();
    for (const item of items) {
      const key = keyOf(item);
      early.delete(key);
      if (removed.has(key)) continue;
      const { row, fields } = learned?.get(key) ?? {};
      const isCopy = row !== undefined && copies.has(row.entry.id);
      const send = claim(key, item, {});
      if (send?.row && send.row.key !== key) take(send.row);
      const before = byKey.get(key);
      if (before && isOlder(item, before)) {
        fresh.set(key, before);
        continue;
      }
      const id = before?.entry.id ?? send?.id ?? key;
      fresh.set(key, row && !isCopy ? row : { key, entry: confirmed(id, withFields(item, fields)), offset: before?.offset });
    }
    return fresh;
  }

  /** After a load: the rows in order, and each under its key. */
  function settle(): void {
    if (compare) rows.sort((a, b) => compare(a.entry.item, b.entry.item));
    byKey = new Map(rows.map((row) => [row.key, row]));
    learned = undefined;
  }

  return {
    insert: put,
    patch(fields) {
      const key = keyOf(fields as Item);
      if (removed.has(key)) return;
      const row = byKey.get(key);
      const news = learned?.get(key);
      const changed = row && { ...row, entry: confirmed(row.entry.id, withFields(row.entry.item, fields)) };
      // a row that was there before the load may be older than its answer: only the fields are news
      learn(key, news?.row && changed ? { row: changed } : { fields: { ...news?.fields, ...fields } });
      if (row && changed) replace(row, changed);
      else remember(early, key, { ...early.get(key), ...fields }, mostRemembered);
    },
    remove(key) {
      remember(removed, key, true, mostRemembered);
      early.delete(key);
      const row = byKey.get(key);
      if (row) take(row);
      for (const entry of sends.values()) if (keyOf(entry.item) === key) sends.delete(entry.id);
    },
    begin() {
      learned = new Map();
      isTorn = false;
    },
    abandon() {
      learned = undefined;
      shrink();
    },
    prepend(items, isMore) {
      if (isTorn) return settle();
      const fresh = rowsOf(items);
      const older = [...fresh.values()].filter(({ key }) => !byKey.has(key));
      rows = [...older, ...rows.map((row) => fresh.get(row.key) ?? row)];
      room = Math.max(limit, rows.length);
      hasMore = isMore;
      settle();
    },
    reset(items, isMore) {
      const fresh = rowsOf(items);
      // what came meanwhile and is not in the answer is newer than it;
      // without an order of its own, a row before one of the answer is older than the answer
      const since = compare ? 0 : rows.findLastIndex(({ key }) => fresh.has(key)) + 1;
      const newer = rows.slice(since).filter(({ key }) => !fresh.has(key) && learned?.get(key)?.row);
      const kept = new Set(newer);
      for (const row of rows) if (!fresh.has(row.key) && !kept.has(row)) forget(row);
      rows = [...fresh.values()];
      hasMore = isMore;
      settle();
      for (const row of newer) place(row);
      shrink();
      doubtful = new Set(sends.keys());
    },
    sending: (id, item) => void sends.set(id, { id, item, status: 'sending', error: undefined }),
    accepted(id, offset, item) {
      const entry = sends.get(id);
      if (!entry) return false;
      sends.delete(id);
      const key = keyOf(item ?? entry.item);
      // the message may have come before the answer, and even its edits: its key or its number tells
      if (byKey.has(key) || (offset !== undefined && rows.some((row) => row.offset === offset))) return false;
      const isDoubtful = item === undefined && (learned !== undefined || doubtful.has(id));
      put(item ?? entry.item, { offset }, id);
      return isDoubtful;
    },
    failed(id, error) {
      const entry = sends.get(id);
      if (entry) sends.set(id, { ...entry, status: 'failed', error });
    },
    discard: (id) => void sends.delete(id),
    sent: (id) => sends.get(id),
    trim() {
      room = limit;
      shrink();
    },
    entries: () => [...rows.map(({ entry }) => entry), ...sends.values()],
    get oldest() {
      return rows[0]?.entry.item;
    },
    get size() {
      return rows.length;
    },
    get sends() {
      return sends.size;
    },
    get hasMore() {
      return hasMore;
    },
  };
}

function confirmed<Item>(id: string, item: Item): ListEntry<Item> {
  return { id, item, status: 'confirmed', error: undefined };
}

function withFields<Item>(item: Item, fields: Partial<Item> | undefined): Item {
  return fields ? { ...item, ...fields } : item;
}

/** Sets a key of a map that forgets its oldest ones. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value as string);
}
