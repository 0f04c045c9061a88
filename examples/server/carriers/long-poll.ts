import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Doors } from '../doors.ts';
import { answer, refuseLink, tokenOf } from '../http.ts';
import { pairKey } from '../keys.ts';
import type { Outlet } from '../outlet.ts';
import type { Session } from '../session.ts';
import { cutConnection } from './stream.ts';

/** How long frames that are in no log are collected for the next poll, in milliseconds. */
const restMs = 10_000;

/** Long-poll, and the polls that rest. */
export interface LongPollCarrier {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
}

/**
 * Long-poll. Each poll is a session of its own that begins at the client's positions, so nothing of the log depends on
 * this server's memory. Only what is in no log (typing, presence) is collected for the next poll, by the last session.
 */
export function createLongPollCarrier({ hub, gate, identify }: Doors): LongPollCarrier {
  const { limits, time } = hub;
  /** The answered polls that collect, by user and client. */
  const resting = new Map<string, { session: Session; cancel: () => void }>();

  return {
    serve,
    close() {
      for (const key of [...resting.keys()]) stop(key);
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hello = await gate.readHello(request, response);
    if (hello === undefined) return;
    const verdict = await identify(tokenOf(request, hello.token), hello.client);
    if (verdict.kind === 'out') return refuseLink(response, verdict.end);
    if (response.destroyed) return;
    const key = pairKey(verdict.identity.user, hello.client);
    const before = resting.get(key)?.session;
    // the first poll of a link starts from nothing
    const leftover = hello.waitMs > 0 ? before?.leftover() : undefined;
    let phase: 'opening' | 'held' | 'answered' = 'opening';
    let cancelHold = (): void => {};

    const outlet: Outlet = {
      send: finish,
      waiting: () => 0,
      drained: () => Promise.resolve(),
      end: () => finish([]),
      cut: () => cutConnection(response),
    };
    const session = hub.open({ carrier: 'long-poll', hello, identity: verdict.identity, outlet, poll: { leftover, wake } });
    // not before, so that a channel that stays is never without a listener
    if (before !== undefined) stop(key);
    response.on('close', () => {
      cancelHold();
      if (!response.writableFinished) session.close();
    });
    await session.opened;
    // the session may have ended while it read the log
    if (phase !== 'opening') return;
    phase = 'held';
    if (session.ready() || hello.waitMs === 0) close();
    else cancelHold = time.schedule(close, Math.min(hello.waitMs, limits.maxHoldMs));

    /** Waits for the end of the tick, so that what is ready on all channels goes out in one answer. */
    function wake(): void {
      if (phase === 'held') setImmediate(close);
    }

    function close(): void {
      if (phase !== 'held') return;
      if (session.ready()) session.flush();
      else finish([]);
    }

    function finish(frames: readonly string[]): void {
      if (phase === 'answered') return;
      phase = 'answered';
      cancelHold();
      answer(response, 200, `[${frames.join(',')}]`);
      rest(key, session);
    }
  }

  function rest(key: string, session: Session): void {
    stop(key);
    session.rest();
    resting.set(key, { session, cancel: time.schedule(() => stop(key), restMs) });
  }

  function stop(key: string): void {
    const before = resting.get(key);
    if (before === undefined) return;
    resting.delete(key);
    before.cancel();
    before.session.close();
  }
}
