import type { LinkNote } from '../connection/link-note.ts';
import type { Clock } from '../platform/clock.ts';
import { createHistogram, type Distribution } from './histogram.ts';
import type { ConnectionNumbers, TransportNumbers } from './snapshot.ts';

/** Follows the attempts and links of a manager. */
export interface LinkBook {
  note(event: LinkNote, clock: Clock): void;
  /** When a link came up, by our wall clock; `undefined` for one that is not up. */
  upSince(link: number): number | undefined;
  read(reconnects: number): ConnectionNumbers;
  readConnectMs(): Distribution;
}

interface OpenLink {
  readonly transport: string;
  readonly dialledMs: number;
  upWallMs: number | undefined;
}

type Counts = { -readonly [Name in keyof TransportNumbers]: TransportNumbers[Name] };

/** Makes an empty book. It holds one entry for each link that is not over, and one for each transport. */
export function createLinkBook(): LinkBook {
  const links = new Map<number, OpenLink>();
  const transports = new Map<string, Counts>();
  const ends: { -readonly [Kind in keyof ConnectionNumbers['ends']]: number } = {};
  const connectMs = createHistogram();

  function countsOf(transport: string): Counts {
    const known = transports.get(transport);
    if (known) return known;
    const counts = { attempts: 0, opened: 0, failed: 0, active: 0 };
    transports.set(transport, counts);
    return counts;
  }

  return {
    note(event, clock) {
      const counts = countsOf(event.transport);
      const link = links.get(event.link);
      switch (event.kind) {
        case 'dialled':
          links.set(event.link, { transport: event.transport, dialledMs: clock.now(), upWallMs: undefined });
          counts.attempts += 1;
          return;
        case 'up':
          counts.opened += 1;
          counts.active += 1;
          if (!link) return;
          connectMs.add(clock.now() - link.dialledMs);
          link.upWallMs = clock.wallNow();
          return;
        case 'down': {
          const { kind } = event.cause;
          links.delete(event.link);
          ends[kind] = (ends[kind] ?? 0) + 1;
          if (link?.upWallMs !== undefined) counts.active -= 1;
          else if (kind !== 'aborted') counts.failed += 1;
          return;
        }
        case 'measured':
        case 'sent':
      }
    },
    upSince: (link) => links.get(link)?.upWallMs,
    read(reconnects) {
      const all: Counts = { attempts: 0, opened: 0, failed: 0, active: 0 };
      for (const counts of transports.values()) {
        all.attempts += counts.attempts;
        all.opened += counts.opened;
        all.failed += counts.failed;
        all.active += counts.active;
      }
      const decided = all.opened + all.failed;
      return {
        ...all,
        successRate: decided ? all.opened / decided : undefined,
        reconnects,
        ends: { ...ends },
        transports: Object.fromEntries([...transports].map(([name, counts]) => [name, { ...counts }])),
      };
    },
    readConnectMs: connectMs.read,
  };
}
