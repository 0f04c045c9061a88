import { type Clock, systemClock } from './clock.ts';
import { type IdSource, type Random, systemIds, systemRandom } from './random.ts';
import { type Signals, systemSignals } from './signals.ts';

/** The doors to the world: time, chance, ids and signals. Each can be replaced, for tests and for other platforms. */
export interface Platform {
  /** @defaultValue the platform's timers */
  readonly clock: Clock;
  /** Jitter. @defaultValue `Math.random` */
  readonly random: Random;
  /** Ids of sends. @defaultValue 128 bits of `crypto.getRandomValues` */
  readonly newId: IdSource;
  /** Network and visibility. @defaultValue those of `window` and `document`, where they exist */
  readonly signals: Signals;
}

/** The platform that the code runs on. */
export const systemPlatform: Platform = { clock: systemClock, random: systemRandom, newId: systemIds, signals: systemSignals };
