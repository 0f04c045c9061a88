import { readdirSync, readFileSync } from 'node:fs';
import { defineElements } from 'keepwire/elements';
import { expect, test } from 'vitest';

test('elements can be imported and defined where there are none', () => {
  expect('HTMLElement' in globalThis).toBe(false);
  expect(() => defineElements()).not.toThrow();
});

test('nothing that shows something writes markup as text, which Trusted Types would refuse', () => {
  const source = new URL('../../src/', import.meta.url);
  const files = ['vanilla', 'elements', 'react'].flatMap((folder) =>
    readdirSync(new URL(folder, source)).map((name) => `${folder}/${name}`),
  );
  const writers =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|createContextualFragment|setHTMLUnsafe/i;
  expect(files.length).toBeGreaterThan(15);
  expect(files.filter((file) => writers.test(readFileSync(new URL(file, source), 'utf8')))).toEqual([]);
});
