import { afterAll, beforeAll, describe, test } from 'vitest';
import { findChromium, howToGetChromium } from '../../scripts/chromium.mjs';
import type { RunningSystem, System } from './support.ts';

/** Each line of a system as a test. */
export function testSystem(system: System): void {
  const hasChromium = findChromium() !== undefined;
  if (!hasChromium) console.warn(`${system.name} is NOT tested: no Chromium was found. ${howToGetChromium}`);
  describe.skipIf(!hasChromium)(system.name, () => {
    let running: RunningSystem | undefined;
    beforeAll(async () => {
      running = await system.start({ isShort: true });
      // some are built first
    }, 240_000);
    afterAll(() => running?.close());
    test.each(system.lines)('%s', { timeout: 240_000 }, async (line) => {
      await running?.check(line);
    });
  });
}
