import { type Channel, type EventSchemas, RealtimeError, type RealtimeManager } from 'keepwire';
import { useEffect, useState } from 'react';
import { useReadable } from './connection.ts';
import { useRealtime } from './context.ts';

/** A handle that is shared by the components that wait for a channel. */
interface Wait {
  readonly channel: Channel;
  /** Fulfilled when there is something to look at again. The same one for as long as it waits: React must know it again. */
  readonly promise: Promise<void>;
  /** Has the server let us in, or refused, once? A lost connection does not change that. */
  isAnswered(): boolean;
  /** Keeps it until the answer is called. */
  claim(): () => void;
}

/** React forgets what a component that waits has made, so it is kept with the manager. */
const waits = new WeakMap<RealtimeManager, Map<string, Wait>>();

/** A render that is thrown away leaves a handle that nobody claims: it is kept for so long. */
const unclaimedMs = 5_000;

/**
 * A handle on a channel that is joined, for use below `<Suspense>`: until then the component waits. A channel that the
 * server refuses throws to the error boundary. When the connection is lost later the handle stays, and nothing waits.
 *
 * On the server it throws, so that the fallback of the boundary is rendered and the browser goes on from there.
 *
 * @throws RealtimeError the reason of the refusal; `unsupported` on a server
 * @example
 * ```tsx
 * function Room() {
 *   const lobby = useChannelReady('lobby');
 *   return <button onClick={() => lobby.publish('wave', {})}>wave</button>;
 * }
 * root.render(<Suspense fallback="joining"><Room /></Suspense>);
 * ```
 */
export function useChannelReady<Schemas extends EventSchemas = EventSchemas>(name: string): Channel<Schemas> {
  const manager = useRealtime();
  // a render on a server would leave a channel behind
  if (typeof window === 'undefined') {
    throw new RealtimeError('unsupported', `the channel ${name} is joined in the browser only`, {
      hint: 'The fallback of the nearest <Suspense> is rendered on the server.',
    });
  }
  const wait = waitFor(manager, name);
  const { status, error } = useReadable(wait.channel.state, wait.channel.state.get());
  const [, look] = useState(wait);
  useEffect(() => {
    // who was hidden for long has lost it
    const now = waitFor(manager, name);
    look(now);
    return now.claim();
  }, [manager, name]);
  if (status === 'denied') throw error;
  if (!wait.isAnswered()) throw wait.promise;
  return wait.channel as Channel<never> as Channel<Schemas>;
}

/** The one wait for a channel, made by whoever asks first. */
function waitFor(manager: RealtimeManager, name: string): Wait {
  const ofManager = waits.get(manager) ?? new Map<string, Wait>();
  waits.set(manager, ofManager);
  const known = ofManager.get(name);
  if (known) return known;

  const channel = manager.channel(name);
  const { clock } = channel.context.platform;
  let claims = 0;
  let isAnswered = false;
  let wake = (): void => {};
  let cancelLeave = clock.schedule(channel.leave, unclaimedMs);
  const stop = channel.state.subscribe(({ status }) => {
    if (status === 'joining') return;
    isAnswered = true;
    wake();
  });
  channel.context.until(() => {
    ofManager.delete(name);
    cancelLeave();
    stop();
    // who still waits asks again
    wake();
  });
  const wait: Wait = {
    channel,
    promise: new Promise((resolve) => {
      wake = resolve;
      if (isAnswered) resolve();
    }),
    isAnswered: () => isAnswered,
    claim() {
      claims += 1;
      cancelLeave();
      return () => {
        claims -= 1;
        if (claims === 0) cancelLeave = clock.schedule(channel.leave, unclaimedMs);
      };
    },
  };
  ofManager.set(name, wait);
  return wait;
}
