import type { Signals } from '../platform/signals.ts';
import type { Connection } from './connection.ts';

/** The named reasons to stay disconnected: the application's, and that there is no network. */
export interface Holds {
  /**
   * Holds the connection back. A name is held as often as it was given, and goes with the last.
   *
   * @param severs - whether an open link ends as well
   * @returns the release; calling it twice is harmless
   */
  hold(name: string, severs: boolean): () => void;
  /** Follows the network and the page, until the answer is called. */
  follow(signals: Signals): () => void;
}

/** Makes the holds of a connection. */
export function createHolds(connection: Pick<Connection, 'hold' | 'release' | 'wake'>): Holds {
  const counts = new Map<string, number>();

  function hold(name: string, severs: boolean): () => void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    connection.hold(name, severs);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (counts.get(name) ?? 1) - 1;
      if (left) counts.set(name, left);
      else counts.delete(name);
      if (!left) connection.release(name);
    };
  }

  return {
    hold,
    follow(signals) {
      let release: (() => void) | undefined;
      const endHold = (): void => {
        release?.();
        release = undefined;
      };
      const followNetwork = (): void => {
        if (signals.isOnline()) endHold();
        // an open link may outlive what the platform says of the network, so it is left alone
        else release ??= hold('offline', false);
      };
      followNetwork();
      const removers = [
        signals.onOnlineChange(() => {
          followNetwork();
          if (signals.isOnline()) connection.wake();
        }),
        signals.onWake(connection.wake),
        endHold,
      ];
      return () => {
        for (const remove of removers.splice(0)) remove();
      };
    },
  };
}
