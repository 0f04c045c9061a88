import { describe, expect, test } from 'vitest';
import { formulaClient, formulas } from '../bench/herd/formulas.ts';
import { localBarMs, simulateLocal } from '../bench/herd/local.ts';
import { herdCases } from '../bench/herd/scenarios.ts';
import { simulateHerd } from '../bench/herd/simulate.ts';

/** A fifth of `npm run sim:herd`, with a server that is as much slower: the same 20 s. */
const [clients, acceptsPerSecond, seed] = [2_000, 100, 7] as const;
const floorSeconds = (clients * 0.99) / acceptsPerSecond;

describe('clients that lost their server at one moment', () => {
  test.each(herdCases(clients, acceptsPerSecond).map((herd) => [herd.name, herd.outageMs, herd] as const))(
    'come back in time and press it no harder than they may: %s, away for %i ms',
    async (_, outageMs, herd) => {
      const outcome = await simulateHerd({ seed, clients, acceptsPerSecond, ...herd, outageMs });
      const scenario = `seed ${seed}, ${JSON.stringify(outcome)}`;
      expect(outcome.peakPerSecond, scenario).toBeLessThanOrEqual(herd.peakShare * clients);
      expect(outcome.backInSeconds, scenario).toBeLessThanOrEqual(herd.floors * floorSeconds);
      // nobody is faster than the server
      expect(outcome.backInSeconds, scenario).toBeGreaterThan(floorSeconds - 0.5);
    },
    60_000,
  );

  test('are watched by a simulation that sees a herd where there is one', async () => {
    for (const [name, formula] of Object.entries(formulas).slice(0, 3)) {
      const outcome = await simulateHerd({ seed, clients, acceptsPerSecond, outageMs: 5_000, client: formulaClient(formula) });
      expect(outcome.burstPerSecond, name).toBeGreaterThan(clients * 0.9);
    }
  });
});

test('a client that lost its link for a cause of its own is back at once', async () => {
  const local = (await simulateLocal(seed)).filter(({ hasBar }) => hasBar);
  expect(local).toHaveLength(5);
  for (const { name, medianMs } of local) expect(medianMs, name).toBeLessThanOrEqual(localBarMs);
}, 60_000);
