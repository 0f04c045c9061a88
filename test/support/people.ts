import { type Channel, createRealtime, type RealtimeManager, type RealtimeOptions } from 'keepwire';
import { type FakeServer, fakeServer, type ManualClock, manualClock } from 'keepwire/testing';
import { onTestFinished } from 'vitest';

/** A server and any number of people at it, in one time that the test moves. */
export interface Town {
  readonly clock: ManualClock;
  readonly server: FakeServer;
  /** Somebody comes, on a connection of their own; the name is the token and so the user. */
  person(name: string, options?: Partial<RealtimeOptions>): Person;
  /** Lets what is under way arrive. */
  settle(): Promise<void>;
}

/** Somebody with one connection. */
export interface Person {
  readonly realtime: RealtimeManager;
  readonly channel: Channel;
  /** The messages of all faults. */
  readonly faults: string[];
}

/** Makes a server and a clock; every connection is closed when the test is over. */
export function town(answer?: NonNullable<Parameters<typeof fakeServer>[0]>['answer']): Town {
  const clock = manualClock();
  const server = fakeServer({ user: (token) => token ?? 'nobody', clock, answer });
  let ids = 0;
  return {
    clock,
    server,
    person(name, options = {}) {
      const realtime = createRealtime({
        transports: [server.transport()],
        auth: name,
        retry: () => 100,
        ...options,
        platform: { clock, random: () => 0.5, newId: () => `id-${++ids}`, ...options.platform },
      });
      onTestFinished(() => realtime.close());
      const faults: string[] = [];
      realtime.on('fault', ({ message }) => faults.push(message));
      realtime.start();
      return { realtime, channel: realtime.channel('lobby'), faults };
    },
    settle: () => clock.advance(0),
  };
}
