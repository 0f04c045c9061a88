import { createAuth } from '../../src/connection/auth.ts';
import { type Connection, createConnection } from '../../src/connection/connection.ts';
import { defaultLiveness } from '../../src/connection/liveness.ts';
import { type RetryPolicy, spreadRetry } from '../../src/connection/retry.ts';
import { createRoutes } from '../../src/connection/routes.ts';
import { RealtimeError, type Transport } from '../../src/index.ts';
import type { DownWithAdvice, LinkSink } from '../../src/transport/transport.ts';
import type { HerdServer } from './server.ts';
import type { HerdClientParts, MakeHerdClient } from './simulate.ts';

/** What the server said with the end of the links. */
export type Advice = Pick<DownWithAdvice<'lost'>, 'retryAfterMs' | 'spreadMs'>;

const nothing = (): (() => void) => () => {};
const noChannels = new Map<string, undefined>();

/**
 * A client with the whole of our connection: state table, sessions, default retry policy. Only its transport is made up.
 *
 * @param advice - what the server says when it goes away
 * @param options - `isDrained`: it says so in a frame, and keeps the old links until new ones are there; `windowMs`: it has
 * said before how wide its window is
 */
export function keepwireClient(
  advice?: () => Advice,
  { isDrained = false, windowMs }: { readonly isDrained?: boolean; readonly windowMs?: number } = {},
): MakeHerdClient {
  return (parts) => {
    const { connection, links } = openConnection(parts, spreadRetry());
    const error = new RealtimeError('connection-lost', 'the server went away');
    return {
      start: () => connection.start(),
      cut() {
        const said = advice?.();
        if (windowMs !== undefined) links.last?.frames([{ kind: 'advice', spreadMs: windowMs }]);
        if (isDrained) links.last?.frames([{ kind: 'advice', drain: true, ...said }]);
        else links.last?.down({ kind: 'lost', error, ...said });
      },
    };
  };
}

/** What can be seen of a link from outside. */
export interface OpenLinks {
  last: LinkSink | undefined;
}

/** A connection over a transport that asks the server of the simulation. */
export function openConnection(
  { clock, random, server, back }: HerdClientParts,
  retry: RetryPolicy,
): { readonly connection: Connection; readonly links: OpenLinks } {
  const links: OpenLinks = { last: undefined };
  const connection = createConnection({
    transports: [simulated(server, links)],
    routes: createRoutes({ clock, random, names: ['simulated'] }),
    note() {},
    auth: createAuth(undefined, clock, 10_000),
    retry,
    platform: { clock, random, newId: () => 'id', signals: { isOnline: () => true, onOnlineChange: nothing, onWake: nothing } },
    liveness: defaultLiveness,
    connectTimeoutMs: 10_000,
    settleAfterMs: 10_000,
    drainMs: 2_000,
    client: 'client',
    channels: () => noChannels,
    cursor: () => undefined,
    listener: { changed() {}, up: back, frames() {}, down() {}, candidateFailed() {}, fault() {} },
  });
  return { connection, links };
}

function simulated(server: HerdServer, links: OpenLinks): Transport {
  return {
    name: 'simulated',
    capabilities: { send: true, ack: 'none', resume: 'none', liveness: 'self', joining: 'frame', reauth: false },
    connect({ signal }, sink) {
      const giveUp = server.connect({
        accepted() {
          links.last = sink;
          sink.up({ joining: [], greeted: true });
        },
        refused: () => sink.down({ kind: 'refused', error: new RealtimeError('refused', 'the server takes no more') }),
      });
      signal.addEventListener('abort', giveUp);
      return { send: async () => [] };
    },
  };
}
