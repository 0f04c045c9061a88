import type { Clock } from '../../src/index.ts';
import type { MakeHerdClient } from './simulate.ts';

/** When another client dials again: milliseconds, or `undefined` when it gives up. The attempt counts from 1. */
type Formula = (attempt: number, random: () => number, own: number) => number | undefined;

/** How other clients wait by default, as their public source has it; `own` is a chance that is drawn once per client. */
export const formulas: Readonly<Record<string, Formula>> = {
  'Socket.IO': (attempt, random) => {
    const ms = 1000 * 2 ** (attempt - 1);
    return Math.min(5000, ms * (0.5 + random()));
  },
  SignalR: (attempt) => [0, 2000, 10_000, 30_000][attempt - 1],
  Phoenix: (attempt) => [10, 50, 100, 150, 200, 250, 500, 1000, 2000][attempt - 1] ?? 5000,
  Centrifuge: (attempt, random) => Math.min(20_000, 500 + random() * Math.min(20_000, 500 * 2 ** (attempt - 1))),
  tRPC: (attempt) => (attempt === 1 ? 0 : Math.min(1000 * 2 ** (attempt - 1), 30_000)),
  'partysocket, one page each': (attempt, _, own) => Math.min(10_000, (1000 + own * 4000) * 1.3 ** (attempt - 1)),
  'partysocket, one process': (attempt) => Math.min(10_000, 3000 * 1.3 ** (attempt - 1)),
};

/** A client that does nothing but wait by a formula. */
export function formulaClient(formula: Formula): MakeHerdClient {
  return ({ clock, random, server, back }) => {
    const own = random();
    const dial = (attempt: number): void => {
      server.connect({
        accepted: back,
        refused: () => wait(clock, formula(attempt + 1, random, own), () => dial(attempt + 1)),
      });
    };
    return { cut: () => wait(clock, formula(1, random, own), () => dial(1)) };
  };
}

function wait(clock: Clock, delayMs: number | undefined, then: () => void): void {
  if (delayMs !== undefined) clock.schedule(then, delayMs);
}
