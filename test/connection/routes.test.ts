import { describe, expect, test } from 'vitest';
import { createRoutes } from '../../src/connection/routes.ts';
import { manualClock } from '../../src/testing/clock.ts';

function setup(count: number) {
  // far from 0, so that a route that never failed is not young by accident
  const clock = manualClock(10_000_000);
  return { clock, routes: createRoutes({ clock, random: () => 0.5, names: ['a', 'b', 'c'].slice(0, count) }) };
}

describe('routes', () => {
  test('begin with the first', () => {
    expect(setup(3).routes.pick()).toBe(0);
    expect(setup(1).routes.pick()).toBe(0);
  });

  test('go to the next that failed less often, the earlier among equals, and around again', () => {
    const { routes } = setup(3);
    const picked: number[] = [];
    for (let turn = 0; turn < 7; turn++) {
      const route = routes.pick();
      picked.push(route);
      routes.failed(route);
    }
    expect(picked).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  test('tell whether another one may be tried without waiting', () => {
    const { routes } = setup(2);
    expect(routes.hasFresherThan(0)).toBe(false);
    routes.failed(0);
    expect(routes.hasFresherThan(0)).toBe(true);
    expect(routes.hasFresherThan(1)).toBe(false);
    routes.failed(1);
    expect(routes.hasFresherThan(0)).toBe(false);
    expect(routes.hasFresherThan(1)).toBe(false);
    routes.failed(0);
    expect(routes.hasFresherThan(0)).toBe(true);
  });

  test('forgive one that has carried something', () => {
    const { routes } = setup(2);
    routes.failed(0);
    routes.failed(0);
    expect(routes.pick()).toBe(1);
    routes.proved(0);
    expect(routes.pick()).toBe(0);
    routes.failed(1);
    routes.failed(0);
    expect(routes.pick()).toBe(0);
  });

  test('have the benefit of the doubt where the server may have been away, and are blocked when they fail once more', async () => {
    const { clock, routes } = setup(2);
    routes.proved(0);
    for (const _ of [1, 2, 3]) routes.failed(0);
    expect(routes.pick()).toBe(1);
    // the server is back, or the first is blocked since
    expect(routes.proved(1)).toEqual([]);
    expect([routes.blocked, routes.pick(), routes.promoteInMs(1)]).toEqual([[], 1, 3_000]);
    await clock.advance(3_000);
    // when its time has come it is tried once; whoever asks again has tried, and waits: never a loop without a pause
    expect([routes.pick(), routes.promoteInMs(1)]).toEqual([0, 3_000]);
    routes.failed(0);
    expect(routes.proved(1)).toEqual([0]);
    expect([routes.blocked, routes.pick(), routes.promoteInMs(1)]).toEqual([['a'], 1, 30_000]);
    await clock.advance(30_000);
    routes.failed(0);
    routes.proved(1);
    expect(routes.promoteInMs(1)).toBe(60_000);
    // it works, and has the benefit of the doubt again
    routes.proved(0);
    for (const _ of [1, 2, 3]) routes.failed(0);
    expect([routes.proved(1), routes.promoteInMs(1)]).toEqual([[], 3_000]);
  });

  test('have it as well where the one that works now had failed too', () => {
    const { routes } = setup(2);
    for (const route of [0, 1, 0]) routes.failed(route);
    expect([routes.proved(1), routes.promoteInMs(1)]).toEqual([[], 3_000]);
    expect([routes.failed(0), routes.proved(1)]).toEqual([undefined, [0]]);
    // what failed before it worked says nothing of now
    const other = setup(2).routes;
    other.failed(1);
    other.proved(1);
    other.failed(0);
    expect(other.proved(1)).toEqual([0]);
  });

  test('have it neither where each of their links is cut, nor in another network', () => {
    const { routes } = setup(2);
    routes.proved(0);
    for (const _ of [1, 2, 3]) routes.failed(0, true);
    expect([routes.proved(1), routes.promoteInMs(1)]).toEqual([[0], 30_000]);
    routes.proved(0);
    routes.failed(1);
    routes.forgive();
    routes.failed(0);
    expect(routes.proved(1)).toEqual([0]);
  });

  test('are free again when a timer fires that loses a fraction of its delay', async () => {
    const clock = manualClock(10_000_000.25);
    const chances = [1, 0.3];
    const routes = createRoutes({ clock, random: () => chances.shift() ?? 0, names: ['a', 'b'] });
    routes.failed(0);
    await clock.advance(0.4);
    expect(routes.proved(1)).toEqual([0]);
    await clock.advance(0.7);
    const delayMs = routes.promoteInMs(1) ?? 0;
    expect(delayMs).toBeGreaterThan(37_000);
    await clock.advance(Math.floor(delayMs) - 0.1);
    expect(routes.pick()).toBe(0);
  });

  test('forgive after 5 minutes without a new failure', async () => {
    const { clock, routes } = setup(2);
    routes.failed(0);
    await clock.advance(299_999);
    expect(routes.pick()).toBe(1);
    expect(routes.hasFresherThan(0)).toBe(true);
    await clock.advance(1);
    expect(routes.pick()).toBe(0);
    expect(routes.hasFresherThan(0)).toBe(false);
  });

  test('count again from one after they have forgiven', async () => {
    const { clock, routes } = setup(2);
    routes.failed(0);
    routes.failed(0);
    await clock.advance(300_000);
    routes.failed(1);
    routes.failed(0);
    // one strike each, so the first is first
    expect(routes.pick()).toBe(0);
  });

  test('start the 5 minutes anew with each failure', async () => {
    const { clock, routes } = setup(2);
    routes.failed(0);
    await clock.advance(200_000);
    routes.failed(0);
    await clock.advance(200_000);
    expect(routes.pick()).toBe(1);
  });

  test('stay with a pinned one, however often it failed, until it is free again', () => {
    const { routes } = setup(3);
    routes.pin(1);
    expect(routes.pick()).toBe(1);
    routes.failed(1);
    routes.failed(1);
    expect(routes.pick()).toBe(1);
    expect(routes.hasFresherThan(1)).toBe(false);
    routes.pin(undefined);
    expect(routes.pick()).toBe(0);
    expect(routes.hasFresherThan(1)).toBe(true);
    routes.pin(0);
    expect(routes.pick()).toBe(0);
  });
});
