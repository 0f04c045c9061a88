import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { entries, importName } from '../scripts/entries.mjs';
import { importCycles, parse, wrongGlobals, wrongImports, wrongStyle } from './support/source-rules.ts';

const src = new URL('../src/', import.meta.url);
const files = globSync('**/*.{ts,tsx}', { cwd: src }).map((path) =>
  parse(path.replaceAll('\\', '/'), readFileSync(new URL(path, src), 'utf8')),
);

describe('the source', () => {
  test('is where it is looked for', () => {
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['index.ts', 'manager.ts', 'errors.ts']));
  });

  test('imports along the table of folders only', () => {
    expect(files.flatMap(wrongImports)).toEqual([]);
  });

  test('has no import cycles', () => {
    expect(importCycles(files)).toEqual([]);
  });

  test('reads globals behind their one door only', () => {
    expect(files.flatMap(wrongGlobals)).toEqual([]);
  });

  test('keeps to the style', () => {
    expect(files.flatMap(wrongStyle)).toEqual([]);
  });
});

describe('the examples', () => {
  const examples = globSync('**/*.{ts,tsx,mjs}', {
    cwd: new URL('../examples/', import.meta.url),
    exclude: (path) => /^(node_modules|dist)$/.test(path.split('/').at(-1) ?? ''),
  });

  test('import the package as its users do', () => {
    expect(examples.length).toBeGreaterThan(0);
    const names = new Set(entries.map(importName));
    const wrong = examples.flatMap((path) => {
      const { imports } = parse(`examples/${path}`, readFileSync(new URL(`../examples/${path}`, import.meta.url), 'utf8'));
      return imports
        .filter(({ name, file }) =>
          file === undefined ? /^keepwire(\/|$)/.test(name) && !names.has(name) : !file.startsWith('examples/'),
        )
        .map(({ name }) => `examples/${path}: ${name}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('the rules notice', () => {
  test.each([
    ['connection/a.ts', "import { websocket } from '../adapters/websocket.ts';"],
    ['adapters/sse.ts', "import type { Options } from './websocket.ts';"],
    ['adapters/sse-lines.ts', "import { poll } from './long-poll-answer.ts';"],
    ['adapters/shared.ts', 'export const a = 1;'],
    ['adapters/sse.ts', "import mitt from 'mitt';"],
    ['adapters/long-poll.ts', "import { createParser } from 'eventsource-parser';"],
    ['channel/a.ts', "export type { LiveLink } from '../connection/connection.ts';"],
    ['channel/a.ts', "type Live = import('../connection/connection.ts').LiveLink;"],
    ['monitor/a.ts', "import { createConnection } from '../connection/connection.ts';"],
    ['manager.ts', "import { memory } from './adapters/memory.ts';"],
    ['react/a.tsx', "import { createRealtime } from '../index.ts';"],
    ['vanilla/a.ts', "import { useState } from 'react';"],
    ['vanilla/a.ts', "const adapter = import('socket.io-client');"],
    ['helpers/a.ts', 'export const a = 1;'],
  ])('a wrong import in %s: %s', (path, text) => {
    expect(wrongImports(parse(path, text))).toHaveLength(1);
  });

  test.each([
    ['connection/a.ts', "import type { Transport } from '../transport/transport.ts';"],
    ['adapters/sse.ts', "import { read } from './sse-lines.ts';"],
    ['adapters/long-poll-chain.ts', "import { pace } from './long-poll-pace.ts';"],
    ['monitor/a.ts', "import type { LiveLink } from '../connection/connection.ts';"],
    ['react/a.tsx', "import { createRealtime } from 'keepwire'; import { useState } from 'react';"],
  ])('nothing wrong in %s: %s', (path, text) => {
    expect(wrongImports(parse(path, text))).toEqual([]);
  });

  test('a cycle', () => {
    const cycle = [
      parse('channel/a.ts', "import './b.ts';"),
      parse('channel/b.ts', "import type { C } from './c.ts';"),
      parse('channel/c.ts', "export { a } from './a.ts';"),
    ];
    expect(importCycles(cycle)).toEqual(['channel/a.ts > channel/b.ts > channel/c.ts > channel/a.ts']);
  });

  test.each([
    ['adapters/sse.ts', 'const timer = setTimeout(stop, 10);'],
    ['connection/a.ts', 'const at = Date.now();'],
    ['connection/a.ts', 'const random = Math.random;'],
    ['monitor/a.ts', 'const at = performance.now();'],
    ['transport/a.ts', 'const door = { fetch: fetch };'],
    ['transport/a.ts', 'const door = { fetch };'],
    ['delivery/a.ts', 'const socket = new WebSocket(url);'],
    ['connection/a.ts', 'signal.addEventListener("abort", stop);'],
    ['transport/a.ts', 'page.addEventListener("online", start);'],
    ['channel/a.ts', 'const page = globalThis.document;'],
    ['transport/a.ts', 'function call({ fetch }: Options) {} fetch(url);'],
  ])('a global that is read in %s: %s', (path, text) => {
    expect(wrongGlobals(parse(path, text))).toHaveLength(1);
  });

  test.each([
    ['platform/clock.ts', 'const timer = setTimeout(stop, 10);'],
    ['adapters/websocket.ts', 'const make = options.WebSocket ?? WebSocket;'],
    ['transport/a.ts', 'request.signal.addEventListener("abort", stop);'],
    ['transport/a.ts', 'export type FetchLike = typeof fetch; const answer = options.fetch(url);'],
    ['transport/a.ts', 'function call({ fetch }: Options) { return () => fetch(url); }'],
    ['connection/a.ts', 'const floor = Math.floor(value); const at = Date.parse(text); const now = clock.now();'],
  ])('no wrong global in %s: %s', (path, text) => {
    expect(wrongGlobals(parse(path, text))).toEqual([]);
  });

  test.each([
    'let count = 0;',
    'export const read = (value: any) => value;',
    'export class Bus {}',
    "export * from './b.ts';",
    'try { a(); } catch {}',
    `// @ts-${'expect-error'}\nconst a = 1;`,
  ])('bad style: %s', (text) => {
    expect(wrongStyle(parse('channel/a.ts', text))).toHaveLength(1);
  });

  test('a file that is too long', () => {
    expect(wrongStyle(parse('channel/a.ts', 'a();\n'.repeat(400)))).toEqual([]);
    expect(wrongStyle(parse('channel/a.ts', 'a();\n'.repeat(401)))).toHaveLength(1);
  });
});
