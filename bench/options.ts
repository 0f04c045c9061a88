import { parseArgs } from 'node:util';

/** The transports that are measured. */
export const transports = ['websocket', 'sse', 'long-poll', 'socket-io'] as const;
export type TransportName = (typeof transports)[number];

/** What the command line asks for. */
export interface BenchOptions {
  readonly rounds: number;
  readonly messages: number;
  readonly transports: readonly TransportName[];
  /** How often each transport connects through the slow line. */
  readonly connects: number;
  /** How long one run may take, in milliseconds. */
  readonly deadlineMs: number;
}

export const usage = `npm run bench -- [options]
  --rounds N       pairs per row (default 9)
  --messages N     messages per run (default 200000)
  --transport X    one of ${transports.join(', ')}; may be given more than once (default all)
  --quick          2 rounds of 2,000 messages: shows that everything works, measures nothing`;

/** @throws Error for an argument that cannot be right */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      messages: { type: 'string' },
      transport: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
    },
  });
  const { quick, transport: asked } = values;
  const unknown = asked.find((name) => !isTransport(name));
  if (unknown !== undefined) throw new Error(`there is no transport ${unknown}`);
  return {
    rounds: count('rounds', values.rounds, quick ? 2 : 9, 1_000),
    // beyond that the numbers in the payloads would grow a digit
    messages: count('messages', values.messages, quick ? 2_000 : 200_000, 5_000_000),
    transports: asked.length === 0 ? transports : transports.filter((name) => asked.includes(name)),
    connects: quick ? 1 : 5,
    deadlineMs: quick ? 30_000 : 180_000,
  };
}

function isTransport(name: string): name is TransportName {
  return (transports as readonly string[]).includes(name);
}

function count(name: string, text: string | undefined, fallback: number, most: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > most) throw new Error(`--${name} must be 1 to ${most}`);
  return value;
}
