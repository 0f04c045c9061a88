import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';

/** How an iterator over events behaves. */
export interface EventStreamOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** How many events may wait for the loop. @defaultValue 1000 */
  readonly bufferSize?: number;
  /**
   * What happens when more arrive: the loop ends with `queue-full` (`fail`), or the oldest one that waits is dropped.
   * @defaultValue `'fail'`
   */
  readonly overflow?: 'fail' | 'drop-oldest';
}

/**
 * Turns a listener into an async iterator with a bounded buffer.
 *
 * @param listen - starts to listen, and answers with the remover
 * @param signals - each ends the iteration
 */
export function iterate<T>(
  listen: (listener: (value: T) => void) => () => void,
  { signal, bufferSize = 1000, overflow = 'fail' }: EventStreamOptions,
  ended: AbortSignal,
): AsyncIterableIterator<T> {
  if (!(bufferSize >= 1)) throw new RealtimeError('invalid-option', 'bufferSize is not a number of at least 1');
  const buffer: T[] = [];
  const waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: RealtimeError) => void }[] = [];
  let failure: RealtimeError | undefined;
  let isOver = false;
  const forget: (() => void)[] = [];

  function finish(error?: RealtimeError): void {
    if (isOver) return;
    isOver = true;
    failure = error;
    for (const stop of forget) stop();
    for (const waiter of waiting.splice(0)) {
      if (failure === undefined) waiter.resolve({ done: true, value: undefined });
      else waiter.reject(failure);
    }
  }

  const remove = listen((value) => {
    const waiter = waiting.shift();
    if (waiter !== undefined) return waiter.resolve({ done: false, value });
    if (buffer.length >= bufferSize) {
      if (overflow === 'fail') return finish(tooSlow(bufferSize));
      buffer.shift();
    }
    buffer.push(value);
  });
  forget.push(remove);
  for (const each of [signal, ended]) forget.push(onAbort(each, () => finish()));
  // a signal that had fired already ended it before there was anything to take back
  if (isOver) remove();

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const value = buffer.shift();
      if (value !== undefined) return { done: false, value };
      if (failure !== undefined) throw failure;
      if (isOver) return { done: true, value: undefined };
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    async return() {
      finish();
      buffer.length = 0;
      return { done: true, value: undefined };
    },
  };
}

function tooSlow(bufferSize: number): RealtimeError {
  return new RealtimeError('queue-full', `the loop fell more than ${bufferSize} events behind`, {
    hint: 'Make the loop faster, raise bufferSize, or choose overflow: "drop-oldest".',
  });
}
