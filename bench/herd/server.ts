import type { Clock } from '../../src/index.ts';

/** What becomes of one connect. */
export interface Connect {
  accepted(): void;
  refused(): void;
}

/**
 * A server that takes a number of connects per second, one after the other. Those that come faster wait in its accept
 * queue; when that is full, or the server is away, they are refused at once, as a load balancer or a full backlog does.
 * Whoever has given up while it waited still costs its turn, as the server learns of it only then.
 */
export interface HerdServer {
  /** A connect has left the client. @returns gives it up */
  connect(connect: Connect): () => void;
  /** Takes no connects from now on. */
  goAway(): void;
  comeBack(): void;
  /** When each connect reached the server's address, in milliseconds. */
  readonly arrivalsMs: readonly number[];
}

/** How the server and the way to it are. */
export interface HerdServerOptions {
  readonly acceptsPerSecond: number;
  /** How many connects wait at most. */
  readonly backlog: number;
  /** One way, for each message anew, in milliseconds. */
  readonly delayMs: () => number;
}

/** Makes a server that is up. */
export function herdServer({ acceptsPerSecond, backlog, delayMs }: HerdServerOptions, clock: Clock): HerdServer {
  const turnMs = 1000 / acceptsPerSecond;
  const arrivalsMs: number[] = [];
  let isUp = true;
  let queued = 0;
  /** When the last one in the queue has its turn. */
  let lastTurnMs = 0;
  /** Counts the times that the server went away: who waited then waits for nothing. */
  let era = 0;

  return {
    arrivalsMs,
    goAway() {
      isUp = false;
      queued = 0;
      lastTurnMs = 0;
      era += 1;
    },
    comeBack() {
      isUp = true;
    },
    connect({ accepted, refused }) {
      let isWanted = true;
      const answer = (say: () => void): void => {
        clock.schedule(() => {
          if (isWanted) say();
        }, delayMs());
      };
      clock.schedule(() => {
        arrivalsMs.push(clock.now());
        if (!isUp || queued >= backlog) return answer(refused);
        const arrivedIn = era;
        queued += 1;
        lastTurnMs = Math.max(clock.now(), lastTurnMs) + turnMs;
        clock.schedule(() => {
          if (arrivedIn !== era) return answer(refused);
          queued -= 1;
          answer(accepted);
        }, lastTurnMs - clock.now());
      }, delayMs());
      return () => {
        isWanted = false;
      };
    },
  };
}
