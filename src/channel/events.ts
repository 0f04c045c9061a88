import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { aCount, check, oneOf } from '../platform/rules.ts';

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
  check('bufferSize', bufferSize, aCount);
  check('overflow', overflow, oneOf('fail', 'drop-oldest'));
  const buffer: T[] = [];
  const waiting: ((result: IteratorResult<T>) => void)[] = [];
  const over: IteratorResult<T> = { done: true, value: undefined };
  let failure: RealtimeError | undefined;
  let isOver = false;
  const forget: (() => void)[] = [];

  function finish(): void {
    isOver = true;
    for (const stop of forget.splice(0)) stop();
    for (const answer of waiting.splice(0)) answer(over);
  }

  forget.push(
    listen((value) => {
      const answer = waiting.shift();
      if (answer) return answer({ done: false, value });
      if (buffer.length >= bufferSize) {
        if (overflow === 'fail') {
          failure = tooSlow(bufferSize);
          return finish();
        }
        buffer.shift();
      }
      buffer.push(value);
    }),
  );
  for (const each of [signal, ended]) forget.push(onAbort(each, finish));
  // a signal that had fired already ended it before there was anything to take back
  if (isOver) finish();

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (buffer.length) return { done: false, value: buffer.shift() as T };
      if (failure) throw failure;
      return isOver ? over : new Promise((answer) => waiting.push(answer));
    },
    async return() {
      finish();
      buffer.length = 0;
      return over;
    },
  };
}

function tooSlow(bufferSize: number): RealtimeError {
  return new RealtimeError('queue-full', `the loop fell more than ${bufferSize} events behind`, {
    hint: 'Make the loop faster, raise bufferSize, or choose overflow: "drop-oldest".',
  });
}
