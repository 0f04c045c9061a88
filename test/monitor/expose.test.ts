import { createRealtime } from 'keepwire';
import { type DebugHandle, debugLevel, exposeForDebugging, monitor } from 'keepwire/monitor';
import { fakeServer } from 'keepwire/testing';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';

afterEach(() => vi.unstubAllGlobals());

const handles = (): Record<string, DebugHandle> | undefined =>
  (globalThis as { __keepwire?: Record<string, DebugHandle> }).__keepwire;

function setUp() {
  const watch = monitor();
  const realtime = createRealtime({ transports: [fakeServer().transport()], probe: watch });
  onTestFinished(() => realtime.close());
  return { watch, realtime };
}

function store(values: Record<string, string>): void {
  vi.stubGlobal('localStorage', { getItem: (name: string) => values[name] ?? null });
}

test('without the flag nothing is on the global object, nor without a storage', () => {
  const { realtime } = setUp();
  store({});
  exposeForDebugging(realtime)();
  expect(handles()).toBeUndefined();
  vi.unstubAllGlobals();
  exposeForDebugging(realtime);
  expect(handles()).toBeUndefined();
});

test('with the flag the manager is there until it is taken away, one beside the other', () => {
  const { realtime, watch } = setUp();
  const other = setUp();
  store({ 'keepwire:debug': 'info' });
  const remove = exposeForDebugging(realtime, { monitor: watch });
  const removeOther = exposeForDebugging(other.realtime, { name: 'other' });
  expect(handles()?.['realtime']?.manager).toBe(realtime);
  expect(handles()?.['realtime']?.snapshot()).toBe(watch.snapshot.get());
  expect(handles()?.['other']?.snapshot()).toBeUndefined();
  remove();
  remove();
  expect(Object.keys(handles() ?? {})).toEqual(['other']);
  removeOther();
  expect(handles()).toBeUndefined();
});

test('always needs no flag', () => {
  const { realtime } = setUp();
  const remove = exposeForDebugging(realtime, { when: 'always' });
  expect(handles()).toBeDefined();
  remove();
});

test.each([
  ['debug', 'debug'],
  ['error', 'error'],
  ['yes', 'info'],
])('the flag %s asks for the level %s', (flag, level) => {
  store({ 'keepwire:debug': flag });
  expect(debugLevel()).toBe(level);
});

test('no flag, no storage and a forbidden storage ask for no log', () => {
  store({});
  expect(debugLevel()).toBeUndefined();
  vi.unstubAllGlobals();
  expect(debugLevel()).toBeUndefined();
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get() {
      throw new DOMException('not allowed', 'SecurityError');
    },
  });
  onTestFinished(() => {
    Reflect.deleteProperty(globalThis, 'localStorage');
  });
  expect(debugLevel()).toBeUndefined();
});
