import { type Connect, delayMs, type Fallback } from './connect.ts';
import type { Result } from './measure.ts';

/** The head of the table of rows. */
export const head: string = columns([
  'row',
  'raw msg/s',
  'ours msg/s',
  'medians',
  'paired',
  'cpu',
  'raw busy',
  'bar',
  'by time',
  'by cpu',
]);

/** One row, as soon as it is measured. */
export function rowLine({ row, rawRate, ourRate, ratioOfMedians, medianOfRatios, cpuRatio, rawBusy }: Result): string {
  const { name, bar } = row;
  return columns([
    name,
    Math.round(rawRate).toLocaleString('en'),
    Math.round(ourRate).toLocaleString('en'),
    ratioOfMedians.toFixed(3),
    medianOfRatios.toFixed(3),
    cpuRatio.toFixed(3),
    rawBusy.toFixed(2),
    bar?.toFixed(2) ?? '-',
    verdict(bar === undefined ? undefined : medianOfRatios >= bar),
    verdict(bar === undefined ? undefined : cpuRatio >= bar),
  ]);
}

/** One line of the connect table. */
export function connectLine({ transport, ms, roundTrips, bar }: Connect): string {
  const figures = `${ms.toFixed(0).padStart(4)} ms = ${roundTrips.toFixed(2)} round trips of ${2 * delayMs} ms`;
  // whole round trips are paid for; what is over is the work of both sides, which a busy machine stretches
  const isHeld = bar === undefined ? undefined : Math.floor(roundTrips) <= bar;
  return `connect, ${transport.padEnd(10)} ${figures}  bar ${bar ?? '-'}  ${verdict(isHeld)}`;
}

/** One line of the table of ways around a blocked WebSocket. */
export function fallbackLine({ what, ms, barMs }: Fallback): string {
  const figures = `${ms.toFixed(0).padStart(4)} ms until the first message by the next route`;
  return `websocket ${what.padEnd(10)} ${figures}  bar ${barMs} ms  ${verdict(ms <= barMs)}`;
}

function columns(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(32) : cell.padStart(10))).join(' ');
}

function verdict(isHeld: boolean | undefined): string {
  return isHeld === undefined ? '-' : isHeld ? 'held' : 'NOT held';
}
