import type { AuthProvider } from './connection/auth.ts';
import { defaultLiveness, type LivenessOptions } from './connection/liveness.ts';
import { fullJitter, type RetryPolicy } from './connection/retry.ts';
import { defaultOutboxLimits, type OutboxLimits } from './delivery/outbox.ts';
import { RealtimeError } from './errors.ts';
import { type Platform, systemPlatform } from './platform/platform.ts';
import type { EventSchemas } from './protocol/schema.ts';
import type { Credentials, Transport } from './transport/transport.ts';

/** What `createRealtime` takes. Only {@link RealtimeOptions.transports} is needed. */
export interface RealtimeOptions<Schemas extends EventSchemas = EventSchemas> {
  /**
   * The transports, best first: `websocket({ url })`, `sse({ url })` and so on, each from its own entry of the package. In
   * mode `auto` the first one that works is used. Their names must differ.
   */
  readonly transports: readonly Transport[];
  /**
   * The event map: for each event name the schema of its payload, from any Standard Schema library. It types every handler
   * and every send, and what arrives is checked against it. Without it every name is allowed and payloads are `unknown`.
   */
  readonly events?: Schemas;
  /** A fixed token, or a function that gives one for each link. @defaultValue no credentials */
  readonly auth?: AuthProvider | string | Credentials;
  /** Which transport to use: `auto`, or one by name. @defaultValue `'auto'` */
  readonly mode?: string;
  /** When to dial again after a link has ended. @defaultValue `fullJitter()` */
  readonly retry?: RetryPolicy;
  /** How long an attempt may take until its link is up, in milliseconds. @defaultValue 10000 */
  readonly connectTimeoutMs?: number;
  /** How long a link must stay up until earlier failures stop counting, in milliseconds. @defaultValue 10000 */
  readonly settleAfterMs?: number;
  /** How long the auth provider may take, in milliseconds. @defaultValue 10000 */
  readonly authTimeoutMs?: number;
  /** How long a link that another one has replaced is kept for the answers to its sends, in milliseconds. @defaultValue 2000 */
  readonly drainMs?: number;
  /** How long a channel is kept after its last handle was left, in milliseconds. @defaultValue 1000 */
  readonly leaveAfterMs?: number;
  /** How long a link may be quiet. */
  readonly liveness?: Partial<LivenessOptions>;
  /** The bounds of what waits to be sent. */
  readonly outbox?: Partial<OutboxLimits>;
  /** For servers that number nothing: how many message ids are remembered per channel, to show none twice. @defaultValue 1000 */
  readonly idWindow?: number;
  /** Other sources of time, chance, ids and signals, for tests and other platforms. */
  readonly platform?: Partial<Platform>;
}

/** The options with every default filled in. */
export interface ResolvedOptions extends Required<Omit<RealtimeOptions, 'events' | 'auth' | 'liveness' | 'outbox' | 'platform'>> {
  readonly events: EventSchemas | undefined;
  readonly auth: AuthProvider | string | Credentials | undefined;
  readonly liveness: LivenessOptions;
  readonly outbox: OutboxLimits;
  readonly platform: Platform;
}

const knownOptions = [
  'transports',
  'events',
  'auth',
  'mode',
  'retry',
  'connectTimeoutMs',
  'settleAfterMs',
  'authTimeoutMs',
  'drainMs',
  'leaveAfterMs',
  'liveness',
  'outbox',
  'idWindow',
  'platform',
] as const satisfies readonly (keyof RealtimeOptions)[];

/**
 * Fills in the defaults and refuses what makes no sense.
 *
 * @throws RealtimeError `invalid-option`
 */
export function resolveOptions(options: RealtimeOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) throw wrong('the options', 'an object with `transports`');
  for (const name of Object.keys(options)) {
    if (!(knownOptions as readonly string[]).includes(name)) throw wrong(`options.${name}`, `one of ${knownOptions.join(', ')}`);
  }
  const { transports, mode = 'auto' } = options;
  if (!Array.isArray(transports) || transports.length === 0 || !transports.every(isTransport)) {
    throw wrong('options.transports', 'a list of at least one transport, such as websocket({ url })');
  }
  const names = transports.map(({ name }) => name);
  if (new Set(names).size < names.length || names.includes('auto')) {
    throw wrong('options.transports', 'transports of different names, none of them "auto"; each factory takes a `name`');
  }
  const resolved: ResolvedOptions = {
    transports,
    mode,
    events: options.events,
    auth: options.auth,
    retry: options.retry ?? fullJitter(),
    connectTimeoutMs: duration('connectTimeoutMs', options.connectTimeoutMs, 10_000),
    settleAfterMs: duration('settleAfterMs', options.settleAfterMs, 10_000),
    authTimeoutMs: duration('authTimeoutMs', options.authTimeoutMs, 10_000),
    drainMs: duration('drainMs', options.drainMs, 2_000),
    leaveAfterMs: duration('leaveAfterMs', options.leaveAfterMs, 1_000),
    idWindow: duration('idWindow', options.idWindow, 1_000),
    liveness: { ...defaultLiveness, ...options.liveness },
    outbox: { ...defaultOutboxLimits, ...options.outbox },
    platform: { ...systemPlatform, ...options.platform },
  };
  assertMode(mode, transports);
  if (typeof resolved.retry !== 'function') throw wrong('options.retry', 'a function, such as fullJitter({ baseMs, maxMs })');
  for (const [name, value] of Object.entries({ ...resolved.liveness, ...resolved.outbox })) {
    if (name !== 'overflow') duration(name, value as number, 0);
  }
  return resolved;
}

/** @throws RealtimeError `invalid-option` for a mode that is not `auto` and no transport's name */
export function assertMode(mode: string, transports: readonly Transport[]): void {
  const modes = ['auto', ...transports.map(({ name }) => name)];
  if (!modes.includes(mode)) throw wrong(`the mode ${JSON.stringify(mode)}`, `one of ${modes.join(', ')}`);
}

function isTransport(value: unknown): value is Transport {
  const transport = value as Partial<Transport> | null;
  return (
    typeof transport?.connect === 'function' && typeof transport.name === 'string' && typeof transport.capabilities === 'object'
  );
}

function duration(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!(typeof value === 'number' && value >= 0)) throw wrong(`options.${name}`, 'a number that is not negative');
  return value;
}

function wrong(what: string, wanted: string): RealtimeError {
  return new RealtimeError('invalid-option', `${what} is not valid`, { hint: `It must be ${wanted}.` });
}
