import type { Clock } from '../../src/index.ts';

/** Virtual time for many thousand clients: a heap, where the clock for tests looks through all that is scheduled. */
export interface VirtualClock extends Clock {
  /** Moves time on, and calls what falls due on the way. */
  runUntil(untilMs: number, isDone?: () => boolean): Promise<void>;
}

interface Entry {
  readonly dueMs: number;
  readonly serial: number;
  callback: (() => void) | undefined;
}

/** How many turns of the microtask queue a callback needs at most: an attempt asks for its token in a promise. */
const settleTurns = 4;

/** Makes a clock that stands at 0. */
export function virtualClock(): VirtualClock {
  const heap: Entry[] = [];
  let nowMs = 0;
  let serial = 0;

  return {
    now: () => nowMs,
    wallNow: () => 1_700_000_000_000 + nowMs,
    schedule(callback, delayMs) {
      const entry: Entry = { dueMs: nowMs + Math.max(0, delayMs), serial: serial++, callback };
      push(heap, entry);
      return () => {
        // taken out when its time comes
        entry.callback = undefined;
      };
    },
    async runUntil(untilMs, isDone = () => false) {
      await settle();
      for (let next = heap[0]; next !== undefined && next.dueMs <= untilMs && !isDone(); next = heap[0]) {
        pop(heap);
        if (next.callback === undefined) continue;
        nowMs = next.dueMs;
        next.callback();
        await settle();
      }
      nowMs = isDone() ? nowMs : untilMs;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < settleTurns; turn++) await Promise.resolve();
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.serial < b.serial);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above] as Entry;
    if (!isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry, heap[below] as Entry)) below += 1;
    if (!isBefore(heap[below] as Entry, last)) break;
    heap[at] = heap[below] as Entry;
    at = below;
  }
  heap[at] = last;
}
