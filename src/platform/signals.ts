/**
 * What the world around the client says: network, visibility, sleep. Bring your own for React Native or Node; every
 * function takes a listener and answers with its remover.
 */
export interface Signals {
  /** False when the platform is sure that there is no network. */
  isOnline(): boolean;
  /** Calls back when {@link Signals.isOnline} may have changed. */
  onOnlineChange(listener: () => void): () => void;
  /** Calls back when the page or the app is back: visible again, shown from the back-forward cache, resumed. */
  onWake(listener: () => void): () => void;
  /**
   * Calls back with `true` when the page or the app is put away, so that nothing may stay open (back-forward cache, an app
   * that is suspended), and with `false` when it is back. Where it is absent, nothing is ever closed for that reason.
   */
  onAway?(listener: (isAway: boolean) => void): () => void;
}

/** The part of `window` and `document` that {@link systemSignals} uses. */
interface EventTargetLike {
  addEventListener(name: string, listener: () => void): void;
  removeEventListener(name: string, listener: () => void): void;
}

/** Signals of a page or a worker; where the platform has none of them (Node), nothing is ever signalled. */
export const systemSignals: Signals = {
  isOnline: () => (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine !== false,
  onOnlineChange: (listener) => {
    const scope = globalThis as Partial<EventTargetLike>;
    return joined([listen(scope, 'online', listener), listen(scope, 'offline', listener)]);
  },
  onWake: (listener) => {
    const page = (globalThis as { document?: Partial<EventTargetLike> & { visibilityState?: string } }).document;
    const whenVisible = (): void => {
      if (page?.visibilityState === 'visible') listener();
    };
    return joined([
      listen(page, 'visibilitychange', whenVisible),
      listen(page, 'resume', listener),
      listen(globalThis as Partial<EventTargetLike>, 'pageshow', listener),
    ]);
  },
  // whether the page is kept is known to some engines only later: where it is not, it is over anyway
  onAway: (listener) => {
    const scope = globalThis as Partial<EventTargetLike>;
    return joined([listen(scope, 'pagehide', () => listener(true)), listen(scope, 'pageshow', () => listener(false))]);
  },
};

/** Listens where the target can be listened to. @returns the remover */
export function listen(target: Partial<EventTargetLike> | undefined, name: string, listener: () => void): () => void {
  target?.addEventListener?.(name, listener);
  return () => target?.removeEventListener?.(name, listener);
}

function joined(removers: readonly (() => void)[]): () => void {
  return () => {
    for (const remove of removers) remove();
  };
}
