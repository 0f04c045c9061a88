import { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Capabilities } from '../transport/transport.ts';

/** How long a link may be quiet. */
export interface LivenessOptions {
  /** A quiet link is pinged after this long, in milliseconds, if its server answers pings. @defaultValue 25000 */
  readonly pingAfterMs: number;
  /** How long the answer to a ping may take, in milliseconds. @defaultValue 10000 */
  readonly pongTimeoutMs: number;
  /**
   * A link whose server cannot be pinged is given up after this long without a byte, in milliseconds. A server that
   * announces its heartbeat sets this itself: two heartbeats and 5 seconds. @defaultValue 60000
   */
  readonly silenceMs: number;
}

/** The numbers that fit most servers. */
export const defaultLiveness: LivenessOptions = { pingAfterMs: 25_000, pongTimeoutMs: 10_000, silenceMs: 60_000 };

/** Room for a late heartbeat: 5 seconds. */
const slackMs = 5_000;

/** A link that is made sure of after a sleep or a change of the network has no longer than this to answer: 5 seconds. */
const wakeTimeoutMs = 5_000;
/** A timer that comes later than this was held back, and so was what it waited for: 5 seconds. */
const lateMs = 5_000;

/** Watches one link for signs of life. */
export interface Liveness {
  /** Something arrived. */
  alive(): void;
  /** The answer to a ping arrived. @returns the round trip in milliseconds, if a ping was out */
  pong(): number | undefined;
  /** Pings now, to measure or to make sure. */
  probe(): void;
  /**
   * The world may have stood still: makes sure that the link lives, with a short deadline where the server can be pinged.
   *
   * @param isElsewhere - the network may be another one
   * @returns true where nobody can be asked and the link may well be dead: another one is to take its place
   */
  wake(isElsewhere: boolean): boolean;
  /** When something last arrived, by the monotonic clock. */
  readonly lastReceivedMs: number;
  stop(): void;
}

/**
 * Starts the watch over a link that has come up.
 *
 * @param heartbeatMs - what the server announced, if anything
 * @param ping - sends a ping
 * @param dead - called once, when the link has shown no life for too long
 */
export function watchLiveness(
  mode: Capabilities['liveness'],
  options: LivenessOptions,
  heartbeatMs: number | undefined,
  clock: Clock,
  ping: () => void,
  dead: (error: RealtimeError) => void,
): Liveness {
  const quietMs = mode === 'ping' ? options.pingAfterMs : heartbeatMs ? heartbeatMs * 2 + slackMs : options.silenceMs;
  /** When the ping went out whose answer is still to come. */
  let pingedMs: number | undefined;
  /** Nothing has arrived since that ping. */
  let isAwaited = false;
  let cancel = (): void => {};
  /** When the next look is due, and how long the answer to the ping may take. */
  let dueMs = 0;
  let pongWithinMs = options.pongTimeoutMs;
  /** One chunk brings hundreds of messages in one turn, and asking the clock costs more than any other step of a message. */
  let isNoted = false;
  const forgetTurn = (): void => {
    isNoted = false;
  };

  /** One timer per quiet period, not one per message: it looks when it was last alive, and goes on waiting for the rest. */
  function check(): void {
    const quietForMs = clock.now() - watch.lastReceivedMs;
    // in a tab that was frozen nothing could arrive either: nobody is declared dead before there was time to answer
    const isLate = clock.now() - dueMs > lateMs;
    if (isAwaited && pingedMs !== undefined) {
      const leftMs = pingedMs + pongWithinMs - clock.now();
      if (leftMs > 0) checkIn(leftMs);
      else if (isLate) sendPing(wakeTimeoutMs);
      else dead(silent(quietForMs));
    } else if (quietForMs < quietMs) {
      checkIn(quietMs - quietForMs);
    } else if (mode === 'ping') {
      sendPing();
    } else if (isLate) {
      checkIn(wakeTimeoutMs);
    } else {
      dead(silent(quietForMs));
    }
  }

  function checkIn(delayMs: number): void {
    cancel();
    dueMs = clock.now() + delayMs;
    cancel = clock.schedule(check, delayMs);
  }

  function sendPing(withinMs = options.pongTimeoutMs): void {
    pingedMs = clock.now();
    pongWithinMs = Math.min(withinMs, options.pongTimeoutMs);
    isAwaited = true;
    ping();
    checkIn(pongWithinMs);
  }

  const watch: Liveness & { lastReceivedMs: number } = {
    lastReceivedMs: clock.now(),
    alive() {
      isAwaited = false;
      if (isNoted) return;
      isNoted = true;
      watch.lastReceivedMs = clock.now();
      queueMicrotask(forgetTurn);
    },
    pong() {
      const roundTripMs = pingedMs === undefined ? undefined : clock.now() - pingedMs;
      pingedMs = undefined;
      return roundTripMs;
    },
    probe() {
      if (mode === 'ping' && !isAwaited) sendPing();
    },
    wake(isElsewhere) {
      if (mode === 'ping') {
        if (!isAwaited) sendPing(wakeTimeoutMs);
        return false;
      }
      const isQuiet = mode === 'silence' && clock.now() - watch.lastReceivedMs > (heartbeatMs ?? quietMs / 2) + slackMs;
      return isElsewhere || isQuiet;
    },
    stop: () => cancel(),
  };
  if (mode !== 'self') checkIn(quietMs);
  return watch;
}

function silent(quietMs: number): RealtimeError {
  return new RealtimeError('timeout', `the link showed no sign of life for ${Math.round(quietMs)} ms`, {
    hint: 'The network may have died without a word, or a proxy holds the stream back.',
  });
}
