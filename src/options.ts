import type { AuthProvider } from './connection/auth.ts';
import { defaultLiveness, type LivenessOptions } from './connection/liveness.ts';
import { type RetryPolicy, spreadRetry } from './connection/retry.ts';
import { type DedupPolicy, dedupById } from './delivery/dedup.ts';
import { type Backfill, defaultReorder, type ReorderLimits } from './delivery/hole.ts';
import { type Delivery, defaultOutboxLimits, type OutboxOptions } from './delivery/outbox-options.ts';
import type { Probe } from './monitor/probe.ts';
import type { RouteMemory } from './platform/memory.ts';
import { type Platform, systemPlatform } from './platform/platform.ts';
import {
  aCount,
  aFunction,
  anObject,
  check,
  invalidOption,
  isObject,
  madeBy,
  notNegative,
  oneOf,
  type Rule,
} from './platform/rules.ts';
import type { EventName, EventSchemas } from './protocol/schema.ts';
import type { HttpPosts } from './transport/posts.ts';
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
  /** When to dial again after a link has ended. @defaultValue `spreadRetry()` */
  readonly retry?: RetryPolicy;
  /**
   * Where it is kept over reloads which transports were blocked, for a day, such as `routeMemory()`: the next page begins
   * with one that works, and tries the others in the background. @defaultValue nothing is kept
   */
  readonly remember?: RouteMemory;
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
  /**
   * Sends by REST (`httpPosts` of `keepwire/posts`, with its `dialect`) that go on after a failed attempt, while there is no
   * link: a server that takes sends by HTTP may be there although nothing can be received. @defaultValue they wait for a link
   */
  readonly posts?: HttpPosts;
  /** How long a link may be quiet. */
  readonly liveness?: Partial<LivenessOptions>;
  /** For messages without a number: how repeats are told. @defaultValue `dedupById()`, which remembers 1,000 ids per channel */
  readonly dedup?: DedupPolicy;
  /** For messages with a number: how many that came before their turn are kept, and how long, until a replay is asked for. */
  readonly reorder?: Partial<ReorderLimits>;
  /**
   * Fills holes that the server cannot replay: `backfill(load)` of `keepwire/backfill`. @defaultValue none: each hole is a
   * gap at once
   */
  readonly backfill?: Backfill;
  /** The bounds of what waits to be sent, and where it is kept over a reload. */
  readonly outbox?: Partial<OutboxOptions>;
  /**
   * What is promised of the sends of an event, by its name: `{ typing: 'volatile', order: 'once' }`.
   * @defaultValue `at-least-once` for every event
   */
  readonly delivery?: { readonly [Name in EventName<Schemas>]?: Delivery };
  /** Watches from the inside: `monitor()`, `logger()` and more from `keepwire/monitor`, or your own. @defaultValue nobody watches */
  readonly probe?: Probe;
  /** Other sources of time, chance, ids and signals, for tests and other platforms. */
  readonly platform?: Partial<Platform>;
}

/** The options with every default filled in. */
export interface ResolvedOptions
  extends Required<
      Omit<
        RealtimeOptions,
        'events' | 'auth' | 'backfill' | 'remember' | 'liveness' | 'outbox' | 'platform' | 'posts' | 'probe' | 'reorder'
      >
    >,
    Pick<RealtimeOptions, 'events' | 'auth' | 'posts' | 'probe' | 'remember'> {
  readonly backfill: Backfill | undefined;
  readonly liveness: LivenessOptions;
  readonly reorder: ReorderLimits;
  readonly outbox: OutboxOptions;
  readonly platform: Platform;
}

/** Every option and its default; an option that is not here does not exist, and one with a number here is a number. */
function defaults(): ResolvedOptions {
  return {
    transports: [],
    mode: 'auto',
    events: undefined,
    auth: undefined,
    remember: undefined,
    posts: undefined,
    probe: undefined,
    retry: spreadRetry(),
    connectTimeoutMs: 10_000,
    settleAfterMs: 10_000,
    authTimeoutMs: 10_000,
    drainMs: 2_000,
    leaveAfterMs: 1_000,
    dedup: dedupById(),
    reorder: defaultReorder,
    backfill: undefined,
    liveness: defaultLiveness,
    outbox: { ...defaultOutboxLimits, blocks: undefined, storage: undefined },
    delivery: {},
    platform: systemPlatform,
  };
}

const deliveries = oneOf('volatile', 'at-least-once', 'once');

/** What the options must be, and those of their groups, where that is not the type of the default. */
const rules: Readonly<Record<'transports', Rule> & Record<string, Rule>> = {
  transports: [
    'a list of at least one transport, such as websocket({ url })',
    (list) => Array.isArray(list) && list.length && list.every(isTransport),
  ],
  events: anObject,
  auth: [
    'a token, or a function that gives one',
    (auth) => (typeof auth === 'string' ? auth : isObject(auth) || aFunction[1](auth)),
  ],
  backfill: aFunction,
  posts: madeBy('httpPosts', 'alone'),
  remember: madeBy('routeMemory', 'recall'),
  probe: madeBy('monitor', 'note'),
  delivery: [
    `an object with ${deliveries[0]} for each event`,
    (delivery) => isObject(delivery) && Object.values(delivery).every(deliveries[1]),
  ],
  overflow: oneOf('reject-new', 'drop-oldest'),
  windowSize: aCount,
  blocks: aFunction,
  storage: madeBy('indexedDbStorage', 'open'),
};

/** The options that are groups of options. */
const groups: readonly string[] = ['liveness', 'outbox', 'platform', 'reorder'];

/**
 * Fills in the defaults and refuses what makes no sense.
 *
 * @throws RealtimeError `invalid-option`
 */
export function resolveOptions(options: RealtimeOptions): ResolvedOptions {
  const resolved = fill(defaults(), options, 'options');
  const { transports, mode } = resolved;
  check('options.transports', transports, rules.transports);
  const names = new Set(['auto', ...transports.map(({ name }) => name)]);
  if (names.size <= transports.length) {
    throw invalidOption('options.transports', 'transports of different names, none of them "auto"; each factory takes a `name`');
  }
  assertMode(mode, transports);
  return resolved;
}

/** @throws RealtimeError `invalid-option` for a mode that is not `auto` and no transport's name */
export function assertMode(mode: string, transports: readonly Transport[]): void {
  check(`the mode "${String(mode)}"`, mode, oneOf('auto', ...transports.map(({ name }) => name)));
}

/** The defaults with what was given in their place, group by group. */
function fill<Options extends object>(fallbacks: Options, given: object, path: string): Options {
  check(path, given, anObject);
  const filled = { ...fallbacks } as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    const where = `${path}.${name}`;
    check(where, name, oneOf(...Object.keys(fallbacks)));
    const fallback = filled[name];
    if (value === undefined) continue;
    const isGroup = groups.includes(name);
    if (!isGroup) check(where, value, rules[name] ?? like(fallback));
    filled[name] = isGroup ? fill(fallback as object, value, where) : value;
  }
  return filled as Options;
}

/** What has the type of the default. */
function like(fallback: unknown): Rule {
  const type = typeof fallback;
  return type === 'number' ? notNegative : [`of type ${type}`, (value) => typeof value === type && value !== null];
}

function isTransport(value: unknown): boolean {
  const transport = value as Partial<Transport> | null;
  return typeof transport?.connect === 'function' && typeof transport.name === 'string' && isObject(transport.capabilities);
}
