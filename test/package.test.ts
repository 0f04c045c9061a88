import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { entries, importName } from '../scripts/entries.mjs';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json'));

describe('every entry', () => {
  test('has its source', () => {
    expect(entries.filter(({ source }) => !existsSync(new URL(`../${source}`, import.meta.url)))).toEqual([]);
  });

  test('is exported for import and require, each with its own types', () => {
    const expected = entries.map(({ subpath, output }) => [
      subpath,
      {
        import: { types: `./dist/${output}.d.ts`, default: `./dist/${output}.js` },
        require: { types: `./dist/${output}.d.cts`, default: `./dist/${output}.cjs` },
      },
    ]);
    expect(Object.entries(manifest.exports)).toEqual([
      ...expected,
      ['./style.css', './dist/style.css'],
      ['./package.json', './package.json'],
    ]);
  });

  test('is known to the type checker and to the reference', () => {
    const { compilerOptions } = JSON.parse(read('tsconfig.json'));
    expect(compilerOptions.paths).toEqual(Object.fromEntries(entries.map((entry) => [importName(entry), [`./${entry.source}`]])));
    expect(JSON.parse(read('typedoc.json')).entryPoints).toEqual(entries.map(({ source }) => source));
  });
});

describe('the package', () => {
  test('has no dependencies, and peers that are optional', () => {
    expect(manifest.dependencies).toEqual({});
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(Object.keys(manifest.peerDependencies));
    expect(Object.values(manifest.peerDependenciesMeta)).toEqual([{ optional: true }, { optional: true }]);
  });

  test('has side effects only where a stylesheet is imported, which bundlers would leave out otherwise', () => {
    expect(manifest.sideEffects).toEqual(['**/*.css']);
    expect(existsSync(new URL('../src/style.css', import.meta.url))).toBe(true);
  });

  test('pins every tool to one version', () => {
    const loose = Object.entries<string>(manifest.devDependencies).filter(
      ([, version]) => !/^(npm:[a-z-]+@)?\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  test('carries the notices of what it bundles', () => {
    const notices = read('THIRD-PARTY-NOTICES.md');
    for (const name of ['mitt', 'eventsource-parser', '@standard-schema/spec'])
      expect(notices).toContain(read(`node_modules/${name}/LICENSE`).trim());
  });

  test('has a lock file that names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"/);
  });
});
