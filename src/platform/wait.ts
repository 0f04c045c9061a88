import { RealtimeError } from '../errors.ts';
import { abortedError, onAbort } from './abort.ts';

/** What can end a wait before its time. */
export interface WaitOptions {
  /** The caller's: the wait fails with `aborted`. */
  readonly signal: AbortSignal | undefined;
  /** The owner's: the wait fails with `closed`. */
  readonly ended: AbortSignal;
}

/**
 * Waits for one thing to happen.
 *
 * @param what - begins the message of the error
 * @param listen - starts to listen, and answers with the remover; it may settle at once
 */
export function waitFor<T>(
  what: string,
  { signal, ended }: WaitOptions,
  listen: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const removers: (() => void)[] = [];
    let isOver = false;
    const finish = (conclude: () => void): void => {
      isOver = true;
      for (const remove of removers.splice(0)) remove();
      conclude();
    };
    const add = (start: () => () => void): void => {
      if (isOver) return;
      const remove = start();
      if (isOver) remove();
      else removers.push(remove);
    };
    add(() => onAbort(signal, () => signal && finish(() => reject(abortedError(what, signal)))));
    add(() => onAbort(ended, () => finish(() => reject(new RealtimeError('closed', `${what} ended: it was closed`)))));
    add(() =>
      listen(
        (value) => finish(() => resolve(value)),
        (error) => finish(() => reject(error)),
      ),
    );
  });
}
