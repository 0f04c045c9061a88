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

/** A line and what is known of it; it stays the same one while its key, its item and its status change. */
interface Row<Item> {
  key: string;
  entry: ListEntry<Item>;
  /** The number of the message that brought it. */
  offset?: number | undefined;
  /** The load during which the server told of it whole: its answer may be older. */
  toldDuring?: object | undefined;
  /** Sends it again. */
  readonly retry?: (() => void) | undefined;
  /** It stands for a send that the server has accepted, and not shown yet. */
  isCopy?: boolean;
  /** A load of everything has overlapped the send, and may show it under another key. */
  isDoubtful?: boolean;
}

/** How items are told apart and ordered: the part of the options of a live list that its store reads. */
export interface StoreRules<Item> {
  readonly key: (item: Item) => string | number;
  readonly compare?: ((a: Item, b: Item) => number) | undefined;
  readonly version?: ((item: Item) => number) | undefined;
  readonly limit?: number | undefined;
  readonly optimistic?:
    | { readonly matches?: ((item: Item, sent: { readonly id: string; readonly item: Item }) => boolean) | undefined }
    | undefined;
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
  remove(key: string | number): void;
  /** A load begins: what is learned from now on is newer than its answer. */
  begin(): void;
  /** The load has failed. */
  abandon(): void;
  /**
   * The load has brought what lies before the oldest item, or else the newest items: they are the truth about everything that
   * is held.
   */
  loaded(items: readonly Item[], hasMore: boolean, isAll: boolean): void;
  /** We send an item, for the first time or again, which `retry` does. */
  sending(id: string, item: Item, retry?: () => void): void;
  /**
   * The server has accepted a send, and may have told what became of it.
   *
   * @returns true when a load that overlapped the send may show it too, under a key that we cannot know: load again
   */
  accepted(id: string, offset: number | undefined, item: Item | undefined): boolean;
  failed(id: string, error: RealtimeError): void;
  /** Sends one that has failed again. */
  retry(id: string): void;
  /** Takes one that has failed away. */
  discard(id: string): void;
  /** Lets go of what was paged to. */
  trim(): void;
  entries(): readonly ListEntry<Item>[];
  readonly oldest: Item | undefined;
  /** How many confirmed items are held. */
  readonly size: number;
  readonly sends: number;
  readonly hasMore: boolean;
}

/** So many keys that were removed, changed before their item came, or changed during one load, are remembered. */
const mostRemembered = 10_000;

/** Makes an empty list. */
export function createListStore<Item>(rules: StoreRules<Item>): ListStore<Item> {
  const { key: keyIn, compare, version, limit = 500, optimistic } = rules;
  /** Confirmed, the oldest first. */
  let rows: Row<Item>[] = [];
  let byKey = new Map<string, Row<Item>>();
  /** Our sends that are not accepted, by their ids, in the order of sending. */
  const sends = new Map<string, Row<Item>>();
  const removed = new Map<string, true>();
  /** Fields of items that are still to come. */
  const early = new Map<string, Partial<Item>>();
  /** The load under way: the fields that were told since it began. */
  let load: Map<string, Partial<Item>> | undefined;
  /** Since the load began the oldest rows had to be dropped all the same. */
  let isTorn = false;
  let room = limit;
  let hasMore = false;

  function keyOf(item: Item): string {
    return String(keyIn(item));
  }

  function inOrder(a: Row<Item>, b: Row<Item>): number {
    return compare ? compare(a.entry.item, b.entry.item) : 0;
  }

  function drop(row: Row<Item>): void {
    // one that is only being sent may have the key of another
    if (!sends.delete(row.entry.id)) byKey.delete(row.key);
    rows = rows.filter((other) => other !== row);
  }

  function shrink(): void {
    const excess = rows.length - room;
    // a page that is on its way ends at the row that is the oldest now
    if (excess <= (load ? room : 0)) return;
    isTorn = true;
    hasMore = true;
    for (const { key } of rows.splice(0, excess)) byKey.delete(key);
  }

  /** Are a row and the one behind it the wrong way round? */
  function isTurned(index: number): boolean {
    const [one, other] = [rows[index], rows[index + 1]];
    return one !== undefined && other !== undefined && inOrder(one, other) > 0;
  }

  /** Puts a row where its order wants it; without one it stays where it is, or comes last. */
  function place(row: Row<Item>, isHeld = false): void {
    const before = isHeld ? rows.lastIndexOf(row) : rows.push(row) - 1;
    // what comes is mostly the newest, and an edit mostly leaves it where it is
    if (isTurned(before - 1) || isTurned(before)) rows.sort(inOrder);
    // one from before the window comes with its page
    if (hasMore && before > 0 && rows[0] === row) drop(row);
    shrink();
  }

  /** The server's word about an item, in its row. */
  function fill(row: Row<Item> | undefined, key: string, item: Item, fields: Partial<Item> | undefined): Row<Item> {
    const { id } = row?.entry ?? { id: key };
    const filled = row ?? ({} as Row<Item>);
    filled.key = key;
    filled.entry = { id, item: fields ? { ...item, ...fields } : item, status: 'confirmed', error: undefined };
    byKey.set(key, filled);
    return filled;
  }

  /** The send that an item of the server is, if it is one of ours, taken out of the list: the server tells its place. */
  function claim(key: string, item: Item, { id, offset }: Origin = {}): Row<Item> | undefined {
    // a list that never sends is spared the search
    if (!optimistic) return undefined;
    const ours = [...rows.filter(({ isCopy }) => isCopy), ...sends.values()];
    const isIt = (row: Row<Item>): boolean =>
      row.entry.id === id || row.key === key || (offset !== undefined && row.offset === offset);
    // one that failed is ours by its id alone: the same words may have been sent again
    const own = ours.find(isIt) ?? ours.find(({ entry }) => entry.status !== 'failed' && optimistic.matches?.(item, entry));
    if (own) {
      drop(own);
      own.isCopy = false;
    }
    return own;
  }

  /** Is an item older than the one that is held? */
  function isOlder(item: Item, held: Row<Item>): boolean {
    return version !== undefined && version(item) < version(held.entry.item);
  }

  /** Is a row newer than the answer of the load? */
  function isNews({ toldDuring }: Row<Item>): boolean {
    return load !== undefined && toldDuring === load;
  }

  /** The rows of a page, each key once, with what was told since the load began on top. */
  function read(items: readonly Item[]): Set<Row<Item>> {
    const page = new Set<Row<Item>>();
    for (const item of items) {
      const key = keyOf(item);
      const own = claim(key, item);
      early.delete(key);
      if (removed.has(key)) continue;
      const held = byKey.get(key);
      page.add(held && (isNews(held) || isOlder(item, held)) ? held : fill(held ?? own, key, item, load?.get(key)));
    }
    return page;
  }

  /** A load has brought what lies before the oldest row, or everything, and then what it leaves out is gone. */
  function loaded(items: readonly Item[], isMore: boolean, isAll: boolean): void {
    if (isTorn && !isAll) return end();
    const page = read(items);
    const [first] = page;
    // without an order of its own, a row before one of the answer is older than the answer
    const since = rows.findLastIndex((row) => page.has(row));
    const isNewer = (row: Row<Item>, index: number): boolean =>
      isNews(row) && (compare ? !isMore || !first || inOrder(first, row) <= 0 : index > since);
    const kept = rows.filter((row, index) => !page.has(row) && (!isAll || isNewer(row, index)));
    rows = [...page, ...kept].sort(inOrder);
    byKey = new Map(rows.map((row) => [row.key, row]));
    hasMore = isMore;
    if (isAll) for (const row of sends.values()) row.isDoubtful = true;
    else room = Math.max(limit, rows.length);
    end();
  }

  function end(): void {
    load = undefined;
    shrink();
  }

  function isFailed(id: string): boolean {
    return sends.get(id)?.entry.status === 'failed';
  }

  return {
    insert(item, origin) {
      const key = keyOf(item);
      const own = claim(key, item, origin);
      const held = byKey.get(key);
      if (removed.has(key) || (held && isOlder(item, held))) return;
      const row = fill(held ?? own, key, item, early.get(key));
      early.delete(key);
      // the message that brought it, and not one that edits it
      row.offset ??= origin.offset;
      row.toldDuring = load;
      place(row, held !== undefined);
    },
    patch(fields) {
      const key = keyOf(fields as Item);
      if (removed.has(key)) return;
      const row = byKey.get(key);
      for (const told of [load, row ? undefined : early]) if (told) remember(told, key, { ...told.get(key), ...fields });
      if (row) place(fill(row, key, row.entry.item, fields), true);
    },
    remove(gone) {
      const key = String(gone);
      remember(removed, key, true);
      early.delete(key);
      for (const row of [...rows, ...sends.values()]) if (row.key === key) drop(row);
    },
    begin() {
      load = new Map();
      isTorn = false;
    },
    abandon: end,
    loaded,
    sending(id, item, retry) {
      const entry = { id, item, status: 'sending', error: undefined } as const;
      sends.set(id, { ...sends.get(id), key: keyOf(item), entry, retry });
    },
    accepted(id, offset, answer) {
      const row = sends.get(id);
      if (!row) return false;
      drop(row);
      const item = answer ?? row.entry.item;
      const key = keyOf(item);
      // the message may have come before the answer, and even its edits: its key or its number tells
      const isKnown = byKey.has(key) || (offset !== undefined && rows.some((other) => other.offset === offset));
      if (isKnown || removed.has(key)) return false;
      fill(row, key, item, early.get(key)).isCopy = true;
      row.offset = offset;
      row.toldDuring = load;
      place(row);
      return answer === undefined && (load !== undefined || row.isDoubtful === true);
    },
    failed(id, error) {
      const row = sends.get(id);
      if (row) row.entry = { ...row.entry, status: 'failed', error };
    },
    retry(id) {
      if (isFailed(id)) sends.get(id)?.retry?.();
    },
    discard(id) {
      if (isFailed(id)) sends.delete(id);
    },
    trim() {
      room = limit;
      shrink();
    },
    entries: () => [...rows, ...sends.values()].map(({ entry }) => entry),
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

/** Sets a key of a map that forgets its oldest ones. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > mostRemembered) map.delete(map.keys().next().value as string);
}
