// npm run sim:herd: how many thousand clients come back to a server that was away. See README.md beside this file.
import { parseArgs } from 'node:util';
import { formulaClient, formulas } from './formulas.ts';
import { localBarMs, simulateLocal } from './local.ts';
import { type HerdCase, herdCases } from './scenarios.ts';
import { type Outcome, simulateHerd } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '500' },
  },
});
const [seed, clients, acceptsPerSecond] = [values.seed, values.clients, values.rate].map(Number) as [number, number, number];
if (![seed, clients, acceptsPerSecond].every((value) => Number.isSafeInteger(value) && value > 0) || clients > 100_000) {
  console.error('npm run sim:herd -- [--seed N] [--clients N up to 100000] [--rate N]');
  process.exit(2);
}
const floorSeconds = (clients * 0.99) / acceptsPerSecond;
const perSecond = new Intl.NumberFormat('en');

console.log(`seed ${seed}: ${perSecond.format(clients)} clients, a server that takes ${acceptsPerSecond}/s`);
console.log(`99 % cannot be back before ${floorSeconds.toFixed(1)} s after its return\n`);
console.log(columns('', 'outage', 'peak 1 s', 'peak 0.1 s', '99 % back', 'connects', 'bar peak', 'bar back', ''));

for (const herd of herdCases(clients, acceptsPerSecond)) {
  const outcome = await simulateHerd({ seed, clients, acceptsPerSecond, ...herd });
  const isHeld = holds(herd, outcome);
  if (!isHeld) process.exitCode = 1;
  const bars = [`${perSecond.format(herd.peakShare * clients)}/s`, `${(herd.floors * floorSeconds).toFixed(1)} s`];
  console.log(columns(`keepwire, ${herd.name}`, ...figures(herd.outageMs, outcome), ...bars, isHeld ? 'held' : 'NOT held'));
}
console.log();
for (const [name, formula] of Object.entries(formulas)) {
  for (const outageMs of [0, 5_000, 30_000]) {
    const outcome = await simulateHerd({ seed, clients, acceptsPerSecond, outageMs, client: formulaClient(formula) });
    console.log(columns(name, ...figures(outageMs, outcome)));
  }
}
console.log('\none client loses its link while the server is well: back after, at the median');
for (const { name, hasBar, medianMs } of await simulateLocal(seed)) {
  const isHeld = !hasBar || medianMs <= localBarMs;
  if (!isHeld) process.exitCode = 1;
  const bar = hasBar ? `bar ${localBarMs} ms  ${isHeld ? 'held' : 'NOT held'}` : 'no bar: a crash of the server looks the same';
  console.log(`${name.padEnd(48)} ${medianMs.toFixed(0).padStart(6)} ms  ${bar}`);
}

/** The stricter measure of the peak counts. */
function holds({ peakShare, floors }: HerdCase, { burstPerSecond, backInSeconds }: Outcome): boolean {
  return burstPerSecond <= peakShare * clients && backInSeconds !== undefined && backInSeconds <= floors * floorSeconds;
}

function figures(outageMs: number, { peakPerSecond, burstPerSecond, backInSeconds, connects }: Outcome): readonly string[] {
  return [
    `${outageMs / 1000} s`,
    `${perSecond.format(peakPerSecond)}/s`,
    `${perSecond.format(burstPerSecond)}/s`,
    backInSeconds === undefined ? 'never' : `${backInSeconds.toFixed(1)} s`,
    perSecond.format(connects),
  ];
}

function columns(name: string, ...cells: readonly string[]): string {
  return `${name.padEnd(48)} ${cells.map((cell) => cell.padStart(10)).join(' ')}`.trimEnd();
}
