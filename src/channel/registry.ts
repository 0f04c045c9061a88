import type { Clock } from '../platform/clock.ts';
import type { Position } from '../protocol/frame.ts';
import type { Subscription } from './subscription.ts';

/** The channels that are wanted: counted references, and the live view of their positions for the links. */
export interface Registry {
  /** The subscription of a name, with one more reference; made when it is the first. */
  retain(name: string): Subscription;
  /** Gives one reference back; with the last, and after the grace time, the channel is dropped. */
  release(name: string): void;
  get(name: string): Subscription | undefined;
  all(): Iterable<Subscription>;
  /** All wanted channels and where each stands at this moment. */
  positions(): ReadonlyMap<string, Position | undefined>;
  /** Drops all of them at once. */
  clear(): void;
}

/** What the registry tells. */
export interface RegistryHooks {
  readonly create: (name: string) => Subscription;
  readonly added: (name: string) => void;
  readonly dropped: (name: string) => void;
  /** A channel that the server had ended, or not let us into, is asked for again. */
  readonly reopened: (name: string) => void;
}

/**
 * @param graceMs - how long a channel without references is kept, so that a route change that leaves it and comes back
 * costs nothing
 */
export function createRegistry(graceMs: number, clock: Clock, hooks: RegistryHooks): Registry {
  const kept = new Map<string, { subscription: Subscription; references: number; cancelDrop: () => void }>();

  /** The one asked for last: messages come in runs of one channel, and a Map hashes each new text. */
  let last: Subscription | undefined;

  function drop(name: string): void {
    const entry = kept.get(name);
    if (entry === undefined) return;
    kept.delete(name);
    last = undefined;
    entry.cancelDrop();
    entry.subscription.ended();
    entry.subscription.bus.clear();
    hooks.dropped(name);
  }

  return {
    retain(name) {
      const found = kept.get(name);
      if (found !== undefined) {
        found.references += 1;
        found.cancelDrop();
        if (found.subscription.reopened()) hooks.reopened(name);
        return found.subscription;
      }
      const subscription = hooks.create(name);
      kept.set(name, { subscription, references: 1, cancelDrop: () => {} });
      hooks.added(name);
      return subscription;
    },
    release(name) {
      const entry = kept.get(name);
      if (entry === undefined) return;
      entry.references -= 1;
      if (entry.references === 0) entry.cancelDrop = clock.schedule(() => drop(name), graceMs);
    },
    get(name) {
      if (last?.name !== name) last = kept.get(name)?.subscription;
      return last;
    },
    *all() {
      for (const { subscription } of kept.values()) yield subscription;
    },
    positions: () => new Map([...kept].map(([name, { subscription }]) => [name, subscription.position])),
    clear() {
      for (const name of [...kept.keys()]) drop(name);
    },
  };
}
