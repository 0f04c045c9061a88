import { cleanup, configure } from '@testing-library/react';
import { createRealtime, type RealtimeManager, type RealtimeOptions, systemPlatform, type Transport } from 'keepwire';
import { RealtimeProvider } from 'keepwire/react';
import { type FakeServer, type FakeServerOptions, fakeServer } from 'keepwire/testing';
import { Activity, type ReactNode, version } from 'react';
import { version as domVersion } from 'react-dom';
import { inject, onTestFinished, test, vi } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The major version of React that this project is about. */
    react: string;
  }
}

const isAsked = [version, domVersion].every((one) => one.startsWith(`${inject('react')}.`));
if (!isAsked) throw new Error(`this is to run on React ${inject('react')}, and not on ${version} with react-dom ${domVersion}`);

/** For what React 18 does not have. */
export const withActivity: typeof test = Activity === undefined ? (test.skip as typeof test) : test;

// at the root: below a component that is mounted with it, StrictMode does not run the effects twice
configure({ reactStrictMode: true });

/** A component tree's surroundings. */
export type Wrapper = (props: { readonly children: ReactNode }) => ReactNode;

/** Somebody with a connection, and what gives it to components. */
export interface Person {
  readonly realtime: RealtimeManager;
  readonly wrapper: Wrapper;
  /** The joins, leaves and announcements that were sent on a live link. */
  readonly told: readonly string[];
  /** What the manager holds now: handles that are not left, timers that wait. */
  held(): { readonly handles: number; readonly timers: number };
}

/** A server, and somebody for each token. */
export interface People {
  readonly server: FakeServer;
  person(token: string, options?: Partial<RealtimeOptions>): Person;
}

/** Makes a server; every tree is unmounted and every connection closed when the test is over. */
export function people(options: FakeServerOptions = {}): People {
  const server = fakeServer({ user: (token) => token ?? '', ...options });
  return {
    server,
    person(token, own = {}) {
      const told: string[] = [];
      const clock = countingClock();
      const realtime = createRealtime({
        transports: [overheard(server.transport(), told)],
        auth: token,
        leaveAfterMs: 0,
        platform: { clock },
        ...own,
      });
      const open = new Set<object>();
      const manager: RealtimeManager = {
        ...realtime,
        channel(name, channelOptions) {
          const channel = realtime.channel(name, channelOptions);
          open.add(channel);
          channel.context.until(() => open.delete(channel));
          return channel;
        },
      };
      onTestFinished(() => {
        cleanup();
        realtime.close();
      });
      realtime.start();
      const wrapper: Wrapper = ({ children }) => <RealtimeProvider manager={manager}>{children}</RealtimeProvider>;
      return {
        realtime: manager,
        wrapper,
        told,
        held: () => ({ handles: open.size, timers: clock.waiting() }),
      };
    },
  };
}

/** The clock of the platform, which knows how many of its timers wait. */
function countingClock(): typeof systemPlatform.clock & { waiting(): number } {
  const waiting = new Set<object>();
  const { clock } = systemPlatform;
  return {
    ...clock,
    waiting: () => waiting.size,
    schedule(callback, delayMs) {
      const timer = {};
      waiting.add(timer);
      const cancel = clock.schedule(() => {
        waiting.delete(timer);
        callback();
      }, delayMs);
      return () => {
        waiting.delete(timer);
        cancel();
      };
    },
  };
}

function overheard(transport: Transport, told: string[]): Transport {
  return {
    ...transport,
    connect(request, sink) {
      const link = transport.connect(request, sink);
      return {
        send(frames) {
          for (const frame of frames) {
            if (frame.kind === 'join' || frame.kind === 'leave') told.push(`${frame.kind} ${frame.channel}`);
            if (frame.kind === 'announce') told.push(`${frame.present ? 'enter' : 'exit'} ${frame.channel}`);
          }
          return link.send(frames);
        },
      };
    },
  };
}

/** Counts what the page itself is asked for from now on, and not let go of: pictures, and listeners of a type. */
export function watchPage(): { pictures(): number; listeners(type: string): number } {
  const pictures = new Set<number>();
  const counts = new Map<string, number>();
  const count = (type: string, by: number): void => void counts.set(type, (counts.get(type) ?? 0) + by);
  const request = window.requestAnimationFrame.bind(window);
  const cancel = window.cancelAnimationFrame.bind(window);
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const spies = [
    vi.spyOn(window, 'requestAnimationFrame').mockImplementation((callback) => {
      const id = request((timeMs) => {
        pictures.delete(id);
        callback(timeMs);
      });
      pictures.add(id);
      return id;
    }),
    vi.spyOn(window, 'cancelAnimationFrame').mockImplementation((id) => {
      pictures.delete(id);
      cancel(id);
    }),
    vi.spyOn(EventTarget.prototype, 'addEventListener').mockImplementation(function (this: EventTarget, ...given) {
      count(given[0], 1);
      addEventListener.apply(this, given);
    }),
    vi.spyOn(EventTarget.prototype, 'removeEventListener').mockImplementation(function (this: EventTarget, ...given) {
      count(given[0], -1);
      removeEventListener.apply(this, given);
    }),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return { pictures: () => pictures.size, listeners: (type) => counts.get(type) ?? 0 };
}

/** Lets the browser do one more task. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
