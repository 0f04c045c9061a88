import {
  type EventFrame,
  type Link,
  type LinkSink,
  RealtimeError,
  type ServerFrame,
  systemPlatform,
  type Transport,
} from 'keepwire';

/** What is wrong with the network now. Parts are between 0 (never) and 1 (always). */
export interface ChaosSettings {
  /** Nothing gets through: links are cut, and new ones are refused. */
  readonly isOffline: boolean;
  /** Everything takes so much longer, in both directions, in milliseconds. */
  readonly lagMs: number;
  /** This part of the events comes twice. */
  readonly duplicate: number;
  /** This part of the events comes after the one behind it. */
  readonly reorder: number;
  /** This part of the events never comes. */
  readonly lose: number;
}

/** Trouble on demand, for the transports that it wraps. */
export interface Chaos {
  /** Transports of the same names and capabilities that go through the trouble. */
  wrap(...transports: readonly Transport[]): Transport[];
  /** What is wrong now. */
  readonly settings: ChaosSettings;
  /** Changes what is wrong. */
  set(change: Partial<ChaosSettings>): void;
  /** Cuts every link that is up or on its way, as a broken network would. @returns how many there were */
  cut(): number;
}

/** The options of {@link chaos}. */
export interface ChaosOptions {
  /** Decides which event meets what. @defaultValue `Math.random` of the platform */
  readonly random?: () => number;
}

const calm: ChaosSettings = { isOffline: false, lagMs: 0, duplicate: 0, reorder: 0, lose: 0 };

/** An event that waits for the one behind it waits no longer than this: 200 milliseconds. */
const longestHoldMs = 200;

/**
 * Makes a {@link Chaos}: for tests of an application, and for the controls of the devtools. Only events that can be told
 * from their repeats, by a number or an id, come twice or late; the others could not be put right by anybody.
 *
 * @example
 * ```ts
 * const storm = chaos();
 * const realtime = createRealtime({ transports: storm.wrap(websocket({ url: '/realtime' })) });
 * storm.set({ lagMs: 400, duplicate: 0.2 });
 * storm.cut();
 * ```
 */
export function chaos(options: ChaosOptions = {}): Chaos {
  const { random = systemPlatform.random } = options;
  let settings = calm;
  const cuts = new Set<() => void>();

  function cut(): number {
    const all = [...cuts];
    for (const end of all) end();
    return all.length;
  }

  return {
    wrap: (...transports) => transports.map(wrapped),
    get settings() {
      return settings;
    },
    set(change) {
      settings = { ...settings, ...change };
      if (settings.isOffline) cut();
    },
    cut,
  };

  function wrapped(transport: Transport): Transport {
    const { name } = transport;
    return {
      name,
      capabilities: transport.capabilities,
      connect(request, sink) {
        const { clock } = request;
        const inner = new AbortController();
        const timers = new Set<() => void>();
        let isOver = false;
        let held: EventFrame | undefined;
        let release = (): void => {};
        const [down, up] = [lane(), lane()];

        const end = (): void => {
          isOver = true;
          cuts.delete(severed);
          for (const cancel of timers) cancel();
          timers.clear();
          inner.abort();
        };
        const severed = (): void => {
          if (isOver) return;
          end();
          const error = new RealtimeError('connection-lost', 'the chaos cut the link', { transport: name });
          // never inside of `connect`, which may cut by being offline
          queueMicrotask(() => sink.down({ kind: 'lost', error }));
        };
        const aborted = (): void => {
          if (isOver) return;
          end();
          queueMicrotask(() => sink.down({ kind: 'aborted' }));
        };
        cuts.add(severed);
        if (request.signal.aborted) aborted();
        else request.signal.onabort = aborted;
        if (!isOver && settings.isOffline) refuse();

        const troubled: LinkSink = {
          up: (info) => down(() => sink.up(info)),
          frames: (batch, cursor) => down(() => deliver(batch, cursor)),
          alive: () => down(() => sink.alive()),
          down: (cause) =>
            down(() => {
              flush();
              // what was held back may have been the last that was wanted
              if (isOver) return;
              end();
              sink.down(cause);
            }),
        };
        // the live views of the request must stay live
        const live = Object.create(request, { signal: { value: inner.signal } }) as typeof request;
        const link: Link = transport.connect(live, troubled);
        return {
          async send(frames) {
            if (settings.lagMs > 0) await new Promise<void>(up);
            if (isOver) throw new RealtimeError('closed', `${name} is not up`, { transport: name });
            return link.send(frames);
          },
        };

        function refuse(): void {
          end();
          const error = new RealtimeError('refused', 'the chaos lets nothing through', { transport: name });
          queueMicrotask(() => sink.down({ kind: 'refused', error }));
        }

        function later(delayMs: number, callback: () => void): () => void {
          const cancel = clock.schedule(() => {
            timers.delete(cancel);
            callback();
          }, delayMs);
          timers.add(cancel);
          return () => {
            timers.delete(cancel);
            cancel();
          };
        }

        /** One direction, in order, also when the lag changes. */
        function lane(): (pass: () => void) => void {
          let lastMs = Number.NEGATIVE_INFINITY;
          return (pass) => {
            const dueMs = Math.max(clock.now() + settings.lagMs, lastMs);
            if (isOver) return;
            if (dueMs <= clock.now()) return pass();
            lastMs = dueMs;
            later(dueMs - clock.now(), pass);
          };
        }

        function deliver(batch: readonly ServerFrame[], cursor: string | undefined): void {
          const frames = batch.flatMap(trouble);
          if (frames.length > 0 || cursor !== undefined) sink.frames(frames, cursor);
          else sink.alive();
        }

        function trouble(frame: ServerFrame): ServerFrame[] {
          if (frame.kind !== 'event' || (frame.offset === undefined && frame.id === undefined)) return [frame];
          if (random() < settings.lose) return [];
          const copies = random() < settings.duplicate ? [frame, frame] : [frame];
          if (held) {
            const late = held;
            held = undefined;
            release();
            return [...copies, late];
          }
          if (random() >= settings.reorder) return copies;
          held = frame;
          release = later(longestHoldMs, flush);
          return copies.slice(1);
        }

        function flush(): void {
          if (held === undefined || isOver) return;
          const late = held;
          held = undefined;
          release();
          sink.frames([late]);
        }
      },
    };
  }
}
