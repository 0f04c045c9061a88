import {
  type Clock,
  type DownCause,
  type EventFrame,
  type Link,
  type LinkInfo,
  type LinkSink,
  type Position,
  type ServerFrame,
  systemPlatform,
  type Transport,
} from 'keepwire';

/** One call that a link made on its sink. */
export type SinkCall =
  | { readonly kind: 'up'; readonly info: LinkInfo }
  | { readonly kind: 'frames'; readonly batch: readonly ServerFrame[]; readonly cursor: string | undefined }
  | { readonly kind: 'alive' }
  | { readonly kind: 'down'; readonly cause: DownCause };

/** A sink that keeps what it is told, and lets a test wait for it without waiting for time. */
export interface RecordingSink extends LinkSink {
  readonly calls: readonly SinkCall[];
  /** Resolves when the condition holds; it is looked at after each call. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves when the link is up; rejects when it goes down instead. */
  isUp(): Promise<LinkInfo>;
  /** Resolves with the cause when the link is down. */
  isDown(): Promise<DownCause>;
  /** All frames so far, flat. */
  allFrames(): readonly ServerFrame[];
  /** All event frames so far. */
  events(): readonly EventFrame[];
  /** Resolves when at least so many events have arrived. */
  untilEvents(count: number): Promise<readonly EventFrame[]>;
}

/** Makes a {@link RecordingSink}. */
export function recordingSink(): RecordingSink {
  const calls: SinkCall[] = [];
  let waiting: { condition: () => boolean; resolve: () => void }[] = [];
  let eventCount = 0;

  const sink: RecordingSink = {
    calls,
    up: (info) => note({ kind: 'up', info }),
    frames(batch, cursor) {
      for (const frame of batch) if (frame.kind === 'event') eventCount += 1;
      note({ kind: 'frames', batch, cursor });
    },
    alive: () => note({ kind: 'alive' }),
    down: (cause) => note({ kind: 'down', cause }),
    until: (condition) =>
      new Promise((resolve) => {
        waiting.push({ condition, resolve });
        look();
      }),
    async isUp() {
      await sink.until(() => calls.length > 0);
      const [first] = calls;
      if (first?.kind !== 'up') throw new Error(`the link did not come up: ${JSON.stringify(first)}`);
      return first.info;
    },
    async isDown() {
      await sink.until(() => calls.some((call) => call.kind === 'down'));
      for (const call of calls) if (call.kind === 'down') return call.cause;
      throw new Error('unreachable');
    },
    allFrames: () => calls.flatMap((call) => (call.kind === 'frames' ? call.batch : [])),
    events: () => sink.allFrames().filter((frame) => frame.kind === 'event'),
    async untilEvents(count) {
      await sink.until(() => eventCount >= count);
      return sink.events();
    },
  };
  return sink;

  function note(call: SinkCall): void {
    calls.push(call);
    look();
  }

  function look(): void {
    const met = waiting.filter(({ condition }) => condition());
    waiting = waiting.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  }
}

/** A clock that knows how many of its timers are pending: scheduled, and neither fired nor cancelled. */
export interface CountingClock extends Clock {
  pending(): number;
}

/** The platform's clock, counted. */
export function countingClock(): CountingClock {
  const timers = new Set<object>();
  return {
    now: systemPlatform.clock.now,
    wallNow: systemPlatform.clock.wallNow,
    schedule(callback, delayMs) {
      const timer = {};
      timers.add(timer);
      const cancel = systemPlatform.clock.schedule(() => {
        timers.delete(timer);
        callback();
      }, delayMs);
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
    pending: () => timers.size,
  };
}

/** What a test asks of one link. */
export interface DialOptions {
  /** @defaultValue one channel, `room`, without a position */
  readonly channels?: ReadonlyMap<string, Position | undefined>;
  readonly token?: string;
  readonly cursor?: string;
  /** @defaultValue `'client-1'` */
  readonly client?: string;
  /** True to dial with a signal that has fired already. */
  readonly aborted?: boolean;
  /** Called when the link comes up, inside the call. */
  readonly onUp?: (dialled: { abort(): void }) => void;
}

/** One link under test. */
export interface Dialled {
  readonly link: Link;
  readonly sink: RecordingSink;
  readonly clock: CountingClock;
  /** How many sink calls there were before `connect` had returned; the contract wants none. */
  readonly earlyCalls: number;
  abort(): void;
}

/** Dials once, with a recording sink and a counting clock. */
export function dial(transport: Transport, options: DialOptions = {}): Dialled {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (options.aborted === true) abort();
  const sink = recordingSink();
  const clock = countingClock();
  const recorded = sink.up;
  const up: LinkSink['up'] = (info) => {
    recorded(info);
    options.onUp?.({ abort });
  };
  const link = transport.connect(
    {
      signal: controller.signal,
      client: options.client ?? 'client-1',
      credentials: options.token === undefined ? undefined : { token: options.token },
      channels: options.channels ?? new Map([['room', undefined]]),
      cursor: options.cursor,
      clock,
    },
    { up, frames: sink.frames, alive: sink.alive, down: sink.down },
  );
  return { link, sink, clock, earlyCalls: sink.calls.length, abort };
}
