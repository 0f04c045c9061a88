import type { SubscriptionHooks } from '../../src/channel/subscription.ts';
import { dedupById } from '../../src/delivery/dedup.ts';
import { defaultReorder } from '../../src/delivery/hole.ts';
import { createValidator } from '../../src/protocol/schema.ts';
import { manualClock } from '../../src/testing/clock.ts';

/** What a subscription needs, with a clock that stands still, and nobody who listens. */
export function quietHooks(more: Partial<SubscriptionHooks> = {}): SubscriptionHooks {
  const nothing = (): void => {};
  return {
    validator: createValidator(undefined),
    dedup: dedupById({ window: 10 }),
    reorder: defaultReorder,
    backfill: undefined,
    clock: manualClock(),
    random: () => 0.5,
    metrics: { delivered: 0, duplicates: 0 },
    handlerFailed: nothing,
    invalid: nothing,
    gap: nothing,
    answered: nothing,
    heal: nothing,
    ...more,
  };
}
