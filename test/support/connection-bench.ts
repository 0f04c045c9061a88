import { type AuthProvider, createAuth } from '../../src/connection/auth.ts';
import { type Connection, createConnection } from '../../src/connection/connection.ts';
import type { Decision } from '../../src/connection/history.ts';
import { defaultLiveness } from '../../src/connection/liveness.ts';
import type { RetryContext, RetryPolicy } from '../../src/connection/retry.ts';
import { createRoutes, type Routes } from '../../src/connection/routes.ts';
import type { LiveLink } from '../../src/connection/session.ts';
import type { RealtimeError } from '../../src/errors.ts';
import type { RouteMemory } from '../../src/platform/memory.ts';
import type { Position, ServerFrame } from '../../src/protocol/frame.ts';
import { type ManualClock, manualClock } from '../../src/testing/clock.ts';
import type { Credentials } from '../../src/transport/transport.ts';
import { type ScriptedTransport, scripted } from './scripted-transport.ts';

export interface BenchOptions {
  readonly transports?: readonly ScriptedTransport[];
  readonly auth?: AuthProvider | string | Credentials;
  readonly retry?: RetryPolicy;
  readonly random?: () => number;
  readonly remember?: RouteMemory;
  /** Called with the number of the call, from 1, whenever the connection says that it has changed. */
  readonly changed?: (connection: Connection, call: number) => void;
}

/** What the listener of the connection was told, in order. */
export type Heard =
  | { readonly kind: 'up' | 'down'; readonly link: LiveLink }
  | {
      readonly kind: 'frames';
      readonly link: LiveLink;
      readonly frames: readonly ServerFrame[];
      readonly cursor: string | undefined;
    };

export interface Bench {
  readonly clock: ManualClock;
  readonly connection: Connection;
  readonly transports: readonly ScriptedTransport[];
  readonly routes: Routes;
  readonly heard: readonly Heard[];
  readonly faults: readonly RealtimeError[];
  /** The decisions of the connection. */
  readonly history: readonly Pick<Decision, 'what' | 'transport' | 'reason'>[];
  /** Every question to the retry policy. */
  readonly asked: readonly RetryContext[];
  /** The channels that links are dialled with. */
  readonly channels: Map<string, Position | undefined>;
  /** How often something has changed. */
  readonly changes: number;
  cursor: string | undefined;
  settle(): Promise<void>;
  /** Starts and brings the first link up. */
  open(): Promise<void>;
  /** How many links are held by the core, over all transports. */
  readonly held: number;
  readonly phase: Connection['state']['phase'];
}

/** A connection over scripted transports, on a manual clock, with a retry policy that waits one second. */
export function connectionBench(options: BenchOptions = {}): Bench {
  const clock = manualClock(1_000_000);
  const transports = options.transports ?? [scripted('a')];
  const routes = createRoutes({
    clock,
    random: options.random ?? (() => 0.5),
    names: transports.map(({ name }) => name),
    memory: options.remember,
  });
  const heard: Heard[] = [];
  const history: Pick<Decision, 'what' | 'transport' | 'reason'>[] = [];
  const faults: RealtimeError[] = [];
  const asked: RetryContext[] = [];
  const channels = new Map<string, Position | undefined>();
  const { retry = () => 1_000, random = () => 0.5 } = options;
  const nothing = (): (() => void) => () => {};
  let changes = 0;
  const connection = createConnection({
    transports,
    routes,
    note: (what, transport, reason) => history.push({ what, transport, reason }),
    auth: createAuth(options.auth, clock, 10_000),
    retry(context) {
      asked.push(context);
      return retry(context);
    },
    platform: { clock, random, newId: () => 'id', signals: { isOnline: () => true, onOnlineChange: nothing, onWake: nothing } },
    liveness: defaultLiveness,
    connectTimeoutMs: 10_000,
    settleAfterMs: 10_000,
    drainMs: 2_000,
    client: 'client-1',
    channels: () => channels,
    cursor: () => bench.cursor,
    listener: {
      changed() {
        changes += 1;
        options.changed?.(connection, changes);
      },
      up: (link) => heard.push({ kind: 'up', link }),
      down: (link) => heard.push({ kind: 'down', link }),
      frames: (frames, link, cursor) => heard.push({ kind: 'frames', link, frames, cursor }),
      candidateFailed() {},
      fault: (error) => faults.push(error),
    },
  });
  const bench: Bench = {
    clock,
    connection,
    transports,
    routes,
    heard,
    faults,
    history,
    asked,
    channels,
    get changes() {
      return changes;
    },
    cursor: undefined,
    settle: () => clock.advance(0),
    async open() {
      connection.start();
      await clock.advance(0);
      const dialled = transports.find(({ heldCount }) => heldCount > 0);
      dialled?.last.up();
      await clock.advance(0);
    },
    get held() {
      return transports.reduce((sum, { heldCount }) => sum + heldCount, 0);
    },
    get phase() {
      return connection.state.phase;
    },
  };
  return bench;
}
