import type { Readable } from '../events/readable.ts';
import type { RealtimeManager } from '../manager.ts';
import { putOnGlobal, storedFlag } from '../platform/debug.ts';
import type { LogLevel } from './logger.ts';

/** The key in `localStorage`, and the name on `window`. */
const flagName = 'keepwire:debug';
const handleName = '__keepwire';

/** What lies on `window.__keepwire` under the name of a manager. */
export interface DebugHandle {
  /** The manager itself. */
  readonly manager: object;
  /** What its monitor knows; `undefined` without one. */
  readonly snapshot: () => unknown;
}

/** The part of a monitor that is shown. */
export interface Watched {
  /** All that is known. */
  readonly snapshot: Pick<Readable<unknown>, 'get'>;
}

/** The options of {@link exposeForDebugging}. */
export interface ExposeOptions {
  /** Gives {@link DebugHandle.snapshot}. */
  readonly monitor?: Watched;
  /** The name under `window.__keepwire`, for pages with several managers. @defaultValue `'realtime'` */
  readonly name?: string;
  /**
   * `flag` puts it there only where `localStorage` has the key `keepwire:debug`; `always` is for development builds.
   *
   * @defaultValue `'flag'`
   */
  readonly when?: 'flag' | 'always';
}

/**
 * Reads the level that a developer has asked for in this browser, by `localStorage.setItem('keepwire:debug', 'debug')`; any
 * other value than a level means `info`.
 *
 * @returns `undefined` where the key is not there, which turns a {@link logger} off
 * @example
 * ```ts
 * const realtime = createRealtime({ transports, probe: logger({ level: debugLevel() }) });
 * ```
 */
export function debugLevel(): LogLevel | undefined {
  const flag = storedFlag(flagName);
  if (flag === undefined) return undefined;
  return flag === 'debug' || flag === 'warn' || flag === 'error' ? flag : 'info';
}

/**
 * Puts a manager on `window.__keepwire`, for the console of the browser. Nothing does this by itself: whoever can run
 * scripts on the page can then also read and send over the manager.
 *
 * @returns what takes it away; calling it twice is harmless
 * @example
 * ```ts
 * exposeForDebugging(realtime, { monitor: watch });
 * // in the console, after localStorage.setItem('keepwire:debug', 'info') and a reload:
 * // __keepwire.realtime.snapshot().connections
 * ```
 */
export function exposeForDebugging<Manager extends Pick<RealtimeManager, 'status'>>(
  manager: Manager,
  options: ExposeOptions = {},
): () => void {
  const { monitor, name = 'realtime', when = 'flag' } = options;
  if (when === 'flag' && storedFlag(flagName) === undefined) return () => {};
  const handle: DebugHandle = { manager, snapshot: () => monitor?.snapshot.get() };
  return putOnGlobal(handleName, name, handle);
}
