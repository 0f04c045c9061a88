import type { Socket } from 'node:net';

/** How a connection ends: with a FIN after what was sent, or with a RST. */
export type ProxyEnd = 'fin' | 'rst';

/** What one direction is like; what is absent is as it should be. */
export interface Line {
  readonly isStalled?: boolean;
  readonly isTorn?: boolean;
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
}

/** One direction of one connection. */
export interface Pipe {
  /** From now on the line is like this. What waits already keeps the delay that it came with. */
  use(line: Line): void;
  /** Ends the connection when so many more bytes have gone through; `undefined` takes it back. */
  cutAfter(bytes: number | undefined, how: ProxyEnd): void;
  /** Nothing goes through any more, for ever. */
  strand(): void;
  stop(): void;
}

type Item = { readonly dueMs: number } & ({ readonly kind: 'bytes'; bytes: Buffer } | { readonly kind: 'fin' | 'rst' });

/** So much is held here; then the sender is made to wait, as the windows of TCP would. */
const mostHeldBytes = 256 * 1024;
/** A throttled line moves in steps of 10 ms. */
const stepMs = 10;
/** A torn chunk comes in at most so many pieces. */
const mostPieces = 8;

/**
 * Carries bytes and the end from one socket to another, in order.
 *
 * @param end - ends the whole connection
 */
export function createPipe(
  from: Socket | undefined,
  to: Socket | undefined,
  first: Line,
  random: () => number,
  end: (how: ProxyEnd) => void,
): Pipe {
  let line = first;
  const waiting: Item[] = [];
  let heldBytes = 0;
  let leftBytes: number | undefined;
  let cutHow: ProxyEnd = 'rst';
  let isStranded = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  from?.on('data', (bytes) => {
    heldBytes += bytes.length;
    if (heldBytes > mostHeldBytes) from.pause();
    add({ kind: 'bytes', bytes, dueMs: dueMs() });
  });
  from?.on('end', () => add({ kind: 'fin', dueMs: dueMs() }));
  // after a FIN both ways there is a close as well, and it has nothing to add
  from?.on('close', (hadError) => {
    if (hadError || !from.readableEnded) add({ kind: 'rst', dueMs: dueMs() });
  });

  return {
    use(next) {
      line = next;
      move();
    },
    cutAfter(bytes, how) {
      leftBytes = bytes;
      cutHow = how;
    },
    strand() {
      isStranded = true;
      clearTimeout(timer);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      waiting.length = 0;
    },
  };

  function dueMs(): number {
    return performance.now() + (line.delayMs ?? 0);
  }

  function add(item: Item): void {
    if (isStopped) return;
    waiting.push(item);
    move();
  }

  function move(): void {
    clearTimeout(timer);
    while (!isStopped && !isStranded && !line.isStalled) {
      const item = waiting[0];
      if (item === undefined) return;
      const waitMs = item.dueMs - performance.now();
      if (waitMs > 0) return wait(waitMs);
      if (item.kind !== 'bytes') {
        waiting.shift();
        finish(item.kind);
      } else if (!write(item)) return wait(stepMs);
    }
  }

  /** Timers of Node may fire a little early. */
  function wait(delayMs: number): void {
    timer = setTimeout(move, Math.max(1, delayMs));
  }

  /** Writes what may go now. @returns false when the rest has to wait */
  function write(item: Item & { kind: 'bytes' }): boolean {
    const { bytesPerSecond = Number.POSITIVE_INFINITY } = line;
    const { length } = item.bytes;
    let most = Math.min(length, Math.max(1, Math.floor((bytesPerSecond * stepMs) / 1000)));
    if (line.isTorn) most = Math.min(most, Math.max(1, Math.ceil(random() * length), Math.ceil(length / mostPieces)));
    if (leftBytes !== undefined) most = Math.min(most, leftBytes);
    const part = item.bytes.subarray(0, most);
    item.bytes = item.bytes.subarray(most);
    heldBytes -= part.length;
    if (from?.isPaused() && heldBytes < mostHeldBytes) from.resume();
    if (part.length > 0) to?.write(part);
    if (item.bytes.length === 0) waiting.shift();
    if (leftBytes !== undefined) {
      leftBytes -= part.length;
      if (leftBytes <= 0) {
        end(cutHow);
        return true;
      }
    }
    // a torn piece is a packet of its own: the next one follows a little later
    return item.bytes.length === 0 || (!line.isTorn && bytesPerSecond === Number.POSITIVE_INFINITY);
  }

  function finish(kind: 'fin' | 'rst'): void {
    if (kind === 'rst') return end('rst');
    to?.end();
  }
}
