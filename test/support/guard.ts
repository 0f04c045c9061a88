import { inspect } from 'node:util';
import { afterEach, expect } from 'vitest';
import { canary } from './canary-token.ts';

/**
 * Runs with every test file: no token of the tests may reach the console or another tab, whatever the test is about.
 * Rejections that nobody handles fail the run by themselves.
 */
const seen: string[] = [];

function look(where: string, values: readonly unknown[]): void {
  const text = values.map((value) => (typeof value === 'string' ? value : inspect(value, { depth: 8 }))).join(' ');
  if (text.includes(canary)) seen.push(`${where}: ${text}`);
}

for (const method of ['debug', 'log', 'info', 'warn', 'error', 'trace'] as const) {
  const write = console[method].bind(console);
  console[method] = (...values: unknown[]) => {
    look(`console.${method}`, values);
    write(...values);
  };
}

if (typeof BroadcastChannel === 'function') {
  const { postMessage } = BroadcastChannel.prototype;
  BroadcastChannel.prototype.postMessage = function post(message: unknown): void {
    look('BroadcastChannel', [message]);
    postMessage.call(this, message);
  };
}

afterEach(() => {
  expect(seen.splice(0)).toEqual([]);
});
