import type { Clock } from '../platform/clock.ts';
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

/** How often it is looked whether time stood still, as it does while a device sleeps: every 30 seconds. */
const lookEveryMs = 30_000;
/** A browser lets the timers of a hidden page run once a minute; more than that is a sleep. */
const sleepMs = 70_000;

/** Makes the holds of a connection. */
export function createHolds(connection: Pick<Connection, 'hold' | 'release' | 'wake' | 'state'>, clock: Clock): Holds {
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
      /** A hold that is there or not, whatever is said how often. */
      const toggled = (name: string, severs: boolean): ((isHeld: boolean) => void) => {
        let release: (() => void) | undefined;
        return (isHeld) => {
          if (isHeld) release ??= hold(name, severs);
          else release?.();
          if (!isHeld) release = undefined;
        };
      };
      // an open link may outlive what the platform says of the network, so it is left alone
      const holdOffline = toggled('offline', false);
      // a page with an open link is not kept, or keeps a dead one
      const holdAway = toggled('hidden', true);
      let cancelLook = (): void => {};
      const look = (): void => {
        const startMs = clock.wallNow();
        cancelLook = clock.schedule(() => {
          // a connection that is over waits for nothing, and must not keep a process alive
          if (connection.state.phase === 'ended') return;
          if (clock.wallNow() - startMs > sleepMs) connection.wake(true);
          look();
        }, lookEveryMs);
      };
      holdOffline(!signals.isOnline());
      const removers = [
        signals.onOnlineChange(() => {
          const isOnline = signals.isOnline();
          // before the hold goes, so that the first attempt knows that this may be another network
          if (isOnline) connection.wake(true);
          holdOffline(!isOnline);
        }),
        signals.onWake(() => connection.wake()),
        signals.onAway?.(holdAway),
        () => {
          cancelLook();
          holdOffline(false);
          holdAway(false);
        },
      ];
      // last, since signals that throw would leave it running
      look();
      return () => {
        for (const remove of removers.splice(0)) remove?.();
      };
    },
  };
}
