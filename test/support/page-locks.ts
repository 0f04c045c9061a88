/** The locks of several pages of one origin; {@link PageLocks.page} gives one page its own view of them. */
export interface PageLocks {
  page(): { readonly locks: Pick<LockManager, 'request'>; crash(): void };
  /** The names that are held now. */
  readonly held: readonly string[];
}

interface Held {
  readonly owner: object;
  readonly waiting: (() => void)[];
}

/** Makes {@link PageLocks}: exclusive ones, that a page loses when it crashes. */
export function pageLocks(): PageLocks {
  const held = new Map<string, Held>();

  function free(name: string): void {
    const next = held.get(name)?.waiting.shift();
    if (next) next();
    else held.delete(name);
  }

  return {
    get held() {
      return [...held.keys()];
    },
    page() {
      const owner = {};
      let isCrashed = false;
      const request = async (
        name: string,
        options: LockOptions | ((lock: unknown) => unknown),
        callback?: (lock: unknown) => unknown,
      ): Promise<unknown> => {
        const work = typeof options === 'function' ? options : callback;
        const { ifAvailable = false, signal } = typeof options === 'function' ? {} : options;
        const current = held.get(name);
        if (current && ifAvailable) return work?.(null);
        if (current) {
          await new Promise<void>((resolve, reject) => {
            current.waiting.push(resolve);
            signal?.addEventListener('abort', () => {
              current.waiting.splice(current.waiting.indexOf(resolve) >>> 0, 1);
              reject(signal.reason);
            });
          });
          held.set(name, { owner, waiting: current.waiting });
        } else held.set(name, { owner, waiting: [] });
        try {
          return await work?.({ name });
        } finally {
          if (!isCrashed) free(name);
        }
      };
      return {
        locks: { request } as unknown as Pick<LockManager, 'request'>,
        crash() {
          isCrashed = true;
          for (const [name, each] of [...held]) if (each.owner === owner) free(name);
        },
      };
    },
  };
}
