import { describe, expect, test, vi } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';

type Listen = Parameters<typeof waitFor<string>>[2];

function setup(listen?: Listen) {
  const caller = new AbortController();
  const owner = new AbortController();
  const removed = vi.fn();
  let settle: { resolve: (value: string) => void; reject: (error: unknown) => void } | undefined;
  const listened = vi.fn<Listen>((resolve, reject) => {
    settle = { resolve, reject };
    return removed;
  });
  const start = () => waitFor('waiting for x', { signal: caller.signal, ended: owner.signal }, listen ?? listened);
  return { caller, owner, removed, listened, start, settle: () => settle };
}

/** How many abort listeners were added to a signal and not taken away. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  vi.spyOn(signal, 'addEventListener').mockImplementation((...args: Parameters<typeof addEventListener>) => {
    count += 1;
    addEventListener.apply(signal, args);
  });
  vi.spyOn(signal, 'removeEventListener').mockImplementation((...args: Parameters<typeof removeEventListener>) => {
    count -= 1;
    removeEventListener.apply(signal, args);
  });
  return () => count;
}

describe('waitFor', () => {
  test('gives what it waited for, and listens no longer', async () => {
    const { start, settle, removed, caller, owner } = setup();
    const counts = [countListeners(caller.signal), countListeners(owner.signal)];
    const waiting = start();
    expect(removed).not.toHaveBeenCalled();
    expect(counts.map((count) => count())).toEqual([1, 1]);
    settle()?.resolve('it');
    settle()?.resolve('again');
    settle()?.reject(new Error('late'));
    await expect(waiting).resolves.toBe('it');
    expect(removed).toHaveBeenCalledTimes(1);
    expect(counts.map((count) => count())).toEqual([0, 0]);
  });

  test('gives a failure on, and listens no longer', async () => {
    const { start, settle, removed } = setup();
    const waiting = start();
    const error = new Error('failed');
    settle()?.reject(error);
    await expect(waiting).rejects.toBe(error);
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('removes a listener that settled before it was there', async () => {
    const removed = vi.fn();
    const { start } = setup((resolve) => {
      resolve('at once');
      return removed;
    });
    await expect(start()).resolves.toBe('at once');
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('removes a listener that failed before it was there', async () => {
    const removed = vi.fn();
    const { start } = setup((_, reject) => {
      reject('at once');
      return removed;
    });
    await expect(start()).rejects.toBe('at once');
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('fails with aborted when the caller gives up', async () => {
    const { start, caller, removed } = setup();
    const waiting = start();
    caller.abort('no longer');
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', message: 'waiting for x was aborted', cause: 'no longer' });
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('fails with closed when the owner ends', async () => {
    const { start, owner, removed } = setup();
    const waiting = start();
    owner.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'closed', message: expect.stringMatching(/^waiting for x/) });
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['aborted', true, false],
    ['closed', false, true],
    ['aborted', true, true],
  ])('fails with %s without listening at all when that was so before', async (code, isAborted, isEnded) => {
    const { start, caller, owner, listened } = setup();
    if (isAborted) caller.abort();
    if (isEnded) owner.abort();
    const counts = [countListeners(caller.signal), countListeners(owner.signal)];
    await expect(start()).rejects.toMatchObject({ code });
    expect(listened).not.toHaveBeenCalled();
    expect(counts.map((count) => count()).every((count) => count <= 0)).toBe(true);
  });

  test('needs no signal of the caller', async () => {
    const ended = new AbortController();
    await expect(
      waitFor('x', { signal: undefined, ended: ended.signal }, (resolve) => {
        resolve(1);
        return () => {};
      }),
    ).resolves.toBe(1);
  });
});
