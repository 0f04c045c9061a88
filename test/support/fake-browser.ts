import type { Clock } from '../../src/platform/clock.ts';
import type { BroadcastChannelConstructor, BroadcastChannelLike, LocksLike } from '../../src/platform/sharing.ts';
import type { Transport } from '../../src/transport/transport.ts';

/** One tab of a {@link FakeBrowser}: its own view of the locks, the channels and the time. */
export interface FakeTab {
  readonly locks: LocksLike;
  readonly BroadcastChannel: BroadcastChannelConstructor;
  readonly clock: Clock;
  /** The same transport in this tab: what arrives is a task of the tab. */
  carry(transport: Transport): Transport;
  /** Its tasks stop: messages, timers and the callbacks of locks wait. What it holds it goes on holding. */
  freeze(): void;
  /** Its tasks go on, with all that waited, in order. */
  thaw(): void;
  /** It is gone without a word: its locks are free, and nothing of it ever runs again. */
  crash(): void;
}

/** A browser without pages: locks and channels that tabs share. */
export interface FakeBrowser {
  tab(): FakeTab;
  /** How many requests for locks are held or waiting, and how many channels are open. */
  readonly open: number;
}

interface LockRequest {
  readonly tab: number;
  readonly callback: () => Promise<void> | undefined;
  readonly run: (task: () => void) => void;
  resolve(): void;
  reject(error: unknown): void;
}

/** Makes a browser whose timers are those of a clock. */
export function fakeBrowser(clock: Clock): FakeBrowser {
  const held = new Map<string, LockRequest>();
  const queues = new Map<string, LockRequest[]>();
  const channels = new Set<{ readonly name: string; readonly receive: (data: unknown) => void; readonly tab: number }>();
  let tabs = 0;

  function grantNext(name: string): void {
    if (held.has(name)) return;
    const next = queues.get(name)?.shift();
    if (next) grant(name, next);
  }

  function grant(name: string, request: LockRequest): void {
    held.set(name, request);
    request.run(() => {
      const release = (): void => {
        if (held.get(name) === request) {
          held.delete(name);
          grantNext(name);
        }
        request.resolve();
      };
      // taken away before its callback could run
      if (held.get(name) !== request) return;
      void Promise.resolve(request.callback()).then(release);
    });
  }

  return {
    get open() {
      return held.size + [...queues.values()].flat().length + channels.size;
    },
    tab() {
      const id = ++tabs;
      let state: 'running' | 'frozen' | 'crashed' = 'running';
      let waiting: (() => void)[] = [];
      /** A task of this tab, in a later microtask. */
      const run = (task: () => void): void =>
        queueMicrotask(() => {
          if (state === 'running') task();
          else if (state === 'frozen') waiting.push(task);
        });

      return {
        clock: {
          now: clock.now,
          wallNow: clock.wallNow,
          schedule(callback, delayMs) {
            let isCancelled = false;
            const cancel = clock.schedule(() => {
              if (state === 'running') callback();
              else if (state === 'frozen') waiting.push(() => isCancelled || callback());
            }, delayMs);
            return () => {
              isCancelled = true;
              cancel();
            };
          },
        },
        carry: (transport) => ({
          name: transport.name,
          capabilities: transport.capabilities,
          connect: (request, sink) =>
            transport.connect(request, {
              up: (info) => run(() => sink.up(info)),
              frames: (batch, cursor) => run(() => sink.frames(batch, cursor)),
              alive: () => run(() => sink.alive()),
              down: (cause) => run(() => sink.down(cause)),
            }),
        }),
        locks: {
          request: (name, { signal, steal }, callback) =>
            new Promise<void>((resolve, reject) => {
              const request: LockRequest = { tab: id, callback, run, resolve, reject: (error) => run(() => reject(error)) };
              const queue = queues.get(name) ?? [];
              queues.set(name, queue);
              if (steal) {
                held.get(name)?.reject(new DOMException('the lock was stolen', 'AbortError'));
                return grant(name, request);
              }
              signal?.addEventListener('abort', () => {
                const index = queue.indexOf(request);
                if (index < 0) return;
                queue.splice(index, 1);
                reject(signal.reason);
              });
              if (signal?.aborted) return reject(signal.reason);
              queue.push(request);
              grantNext(name);
            }),
        },
        BroadcastChannel: function open(name: string): BroadcastChannelLike {
          const channel: BroadcastChannelLike = {
            onmessage: null,
            postMessage(message) {
              if (state === 'crashed') return;
              if (!channels.has(entry)) throw new DOMException('the channel is closed', 'InvalidStateError');
              for (const other of channels) {
                if (other === entry || other.name !== name) continue;
                const copy: unknown = structuredClone(message);
                other.receive(copy);
              }
            },
            close: () => channels.delete(entry),
          };
          const entry = {
            name,
            tab: id,
            receive: (data: unknown) => run(() => channels.has(entry) && channel.onmessage?.({ data })),
          };
          channels.add(entry);
          return channel;
        } as unknown as BroadcastChannelConstructor,
        freeze() {
          state = 'frozen';
        },
        thaw() {
          state = 'running';
          const tasks = waiting;
          waiting = [];
          for (const task of tasks) run(task);
        },
        crash() {
          state = 'crashed';
          waiting = [];
          for (const channel of channels) if (channel.tab === id) channels.delete(channel);
          for (const queue of queues.values()) queue.splice(0, queue.length, ...queue.filter(({ tab }) => tab !== id));
          for (const [name, request] of held) {
            if (request.tab !== id) continue;
            held.delete(name);
            grantNext(name);
          }
        },
      };
    },
  };
}
