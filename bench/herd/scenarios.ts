import { type Advice, keepwireClient } from './keepwire.ts';
import type { MakeHerdClient } from './simulate.ts';

/** A herd and what it must hold. */
export interface HerdCase {
  readonly name: string;
  readonly outageMs: number;
  readonly client: MakeHerdClient;
  /** At most so many connects per second, as a share of the clients. */
  readonly peakShare: number;
  /** 99 % are back within so many times the shortest time in which the server can take them. */
  readonly floors: number;
}

/** Without a hint: 4,000/s of 10,000 clients, and 24 s where the server can do it in 19.8 s. */
const blind = { peakShare: 0.4, floors: 24 / 19.8 };
/** With a window from the server: 800/s. */
const told = { peakShare: 0.08, floors: 1.05 };

/**
 * What is held: every outage without a hint, and with each way in which a server can name its window, which is as long as it
 * needs to take all of its clients.
 */
export function herdCases(clients: number, acceptsPerSecond: number): readonly HerdCase[] {
  const windowMs = (clients / acceptsPerSecond) * 1000;
  const cases: HerdCase[] = [];
  for (const outageMs of [0, 5_000, 30_000]) {
    const window = (): Advice => ({ retryAfterMs: outageMs, spreadMs: windowMs });
    const after = (): Advice => ({ retryAfterMs: outageMs });
    cases.push(
      { name: 'no hint', outageMs, client: keepwireClient(), ...blind },
      { name: 'window in the close reason', outageMs, client: keepwireClient(window), ...told },
      { name: 'window before, retry: or Retry-After', outageMs, client: keepwireClient(after, { windowMs }), ...told },
    );
  }
  const drain = keepwireClient(() => ({ spreadMs: windowMs }), { isDrained: true });
  return [...cases, { name: 'window in a drain frame', outageMs: 0, client: drain, ...told }];
}
